// What belongs to threads, for all of a process that runs already: capabilities and Landlock domains.
//
// No call of Linux's changes them for threads other than its caller, and a Node has some that it did not start in JavaScript. So
// each is interrupted by a signal, whose handler makes the calls: the C library's own signal for setuid(2), which no thread of
// Node's blocks. Threads that are made meanwhile take after the one that made them; looking until no new one is found gets all.
//
// To wake the others takes longer than all else, so it has two halves with other work in between: begin tells them, finish waits
// for them and confines its own thread.

#include "args.h"

#include <dirent.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WORD_BITS = 32, CAPABILITIES_MAX = 64 };

/** SIGSETXID of glibc, SIGCANCEL of musl. */
enum { BROADCAST_SIGNAL = 33, MAX_THREADS = 256, WAIT_STEP_NS = 20000, WAIT_STEPS = 100000 };

/** What each thread does to itself. */
static struct {
  uint64_t capabilities;
  int ruleset;
} change;

static struct {
  pid_t tid;
  atomic_int done;
} told[MAX_THREADS];
static atomic_int told_count;
static atomic_int failure;
/** Between begin and finish: `change` and `before` are in use. */
static atomic_flag begun = ATOMIC_FLAG_INIT;

/** As rt_sigaction(2) takes it: sigaction(3) refuses the signal. */
struct kernel_action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};

/** The handler that ours replaces. */
static struct kernel_action before;

static int reduce_capabilities(uint64_t keep) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) < 0) return -errno;
  keep &= (uint64_t)sets[1].permitted << WORD_BITS | sets[0].permitted;
  for (int capability = 0; capability < CAPABILITIES_MAX; capability++) {
    if ((keep >> capability) & 1) continue;
    // EPERM: not ours to change, and of no effect with no-new-privileges; EINVAL: the last one was before.
    if (syscall(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) break;
  }
  (void)syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int word = 0; word < 2; word++) {
    uint32_t part = (uint32_t)(keep >> (word * WORD_BITS));
    sets[word] = (struct __user_cap_data_struct){.effective = part, .permitted = part, .inheritable = 0};
  }
  return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}

/** Async-signal-safe: raw system calls, which the C library would make for all threads or not at all. */
static int confine_thread(void) {
  if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
  int error = reduce_capabilities(change.capabilities);
  if (error < 0 || change.ruleset < 0) return error;
  return syscall(SYS_landlock_restrict_self, change.ruleset, 0) < 0 ? -errno : 0;
}

static void on_broadcast(int number) {
  (void)number;
  int saved = errno;
  pid_t self = (pid_t)syscall(SYS_gettid);
  int error = confine_thread();
  if (error < 0) atomic_store(&failure, error);
  for (int index = 0; index < atomic_load(&told_count); index++) {
    if (told[index].tid == self) atomic_store(&told[index].done, 1);
  }
  errno = saved;
}

static void ignore_signal(int number) { (void)number; }

/** How a handler returns is the C library's secret: it is in what it installs for any other signal. */
static int install_handler(void) {
  struct sigaction probe = {.sa_handler = ignore_signal};
  struct sigaction probe_before;
  struct kernel_action action;
  if (sigaction(SIGRTMAX, &probe, &probe_before) < 0) return -errno;
  long result = syscall(SYS_rt_sigaction, SIGRTMAX, NULL, &action, sizeof action.mask);
  sigaction(SIGRTMAX, &probe_before, NULL);
  if (result < 0) return -errno;
  action.handler = on_broadcast;
  action.flags |= SA_RESTART | SA_ONSTACK;
  action.mask = ~UINT64_C(0);
  return (int)result_of(syscall(SYS_rt_sigaction, BROADCAST_SIGNAL, &action, &before, sizeof action.mask));
}

static bool is_told(pid_t tid) {
  for (int index = 0; index < atomic_load(&told_count); index++) {
    if (told[index].tid == tid) return true;
  }
  return false;
}

/** Signals the threads that were not before. Returns how many, or -errno. */
static int tell_new_threads(void) {
  DIR *threads = opendir("/proc/self/task");
  if (threads == NULL) return -errno;
  pid_t process = getpid();
  pid_t self = (pid_t)syscall(SYS_gettid);
  int found = 0;
  for (struct dirent *entry; found >= 0 && (entry = readdir(threads)) != NULL;) {
    pid_t tid = (pid_t)atoi(entry->d_name);
    if (tid <= 0 || tid == self || is_told(tid)) continue;
    int index = atomic_load(&told_count);
    if (index == MAX_THREADS) {
      found = -EAGAIN;
      break;
    }
    told[index].tid = tid;
    atomic_store(&told[index].done, 0);
    atomic_store(&told_count, index + 1);
    found++;
    // One that has ended needs nothing.
    if (syscall(SYS_tgkill, process, tid, BROADCAST_SIGNAL) < 0) atomic_store(&told[index].done, 1);
  }
  closedir(threads);
  return found;
}

static int await_threads(void) {
  const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
  pid_t process = getpid();
  for (int index = 0; index < atomic_load(&told_count); index++) {
    for (int steps = 0; !atomic_load(&told[index].done); steps++) {
      if (steps == WAIT_STEPS) return -ETIMEDOUT;
      if (syscall(SYS_tgkill, process, told[index].tid, 0) < 0) break;
      nanosleep(&step, NULL);
    }
  }
  return 0;
}

/** beginConfiningThreads(capabilities, rulesetFd) */
static int64_t call_begin(napi_env env, const int64_t *arg) {
  (void)env;
  if (atomic_flag_test_and_set(&begun)) return -EBUSY;
  change.capabilities = (uint64_t)arg[0];
  change.ruleset = (int)arg[1];
  atomic_store(&told_count, 0);
  atomic_store(&failure, 0);
  int result = install_handler();
  if (result == 0) {
    result = tell_new_threads();
    if (result >= 0) return 0;
    syscall(SYS_rt_sigaction, BROADCAST_SIGNAL, &before, NULL, sizeof before.mask);
  }
  atomic_flag_clear(&begun);
  return result;
}

/** finishConfiningThreads() */
static int64_t call_finish(napi_env env, const int64_t *arg) {
  (void)env;
  (void)arg;
  if (!atomic_flag_test_and_set(&begun)) {
    atomic_flag_clear(&begun);
    return -EINVAL;
  }
  int found = 0;
  int error = await_threads();
  while (error == 0 && (found = tell_new_threads()) != 0) error = found < 0 ? found : await_threads();
  syscall(SYS_rt_sigaction, BROADCAST_SIGNAL, &before, NULL, sizeof before.mask);
  if (error == 0) error = atomic_load(&failure);
  // This one last: the list of threads must be within its reach.
  if (error == 0) error = confine_thread();
  atomic_flag_clear(&begun);
  return error;
}

const struct call thread_calls[] = {
    {"beginConfiningThreads", "pd", call_begin},
    {"finishConfiningThreads", "", call_finish},
    {NULL, NULL, NULL},
};
