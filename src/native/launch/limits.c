// What a process gives up before it becomes the program.

#include "launch.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITIES_MAX = 64, WORD_BITS = 32 };

void follow_parent(const struct options *options) {
  if (options->death_signal == 0) return;
  if (prctl(PR_SET_PDEATHSIG, options->death_signal, 0, 0, 0) < 0) fail_errno("PR_SET_PDEATHSIG");
  // A parent that died before the call above sends nothing any more, and nobody is left who would want to hear of it.
  if (getppid() != options->parent) _exit(EXIT_LAUNCH_FAILED);
}

/** What an exec may give; without the right to change it no-new-privileges alone has to do. */
static void limit_bounding_set(uint64_t keep) {
  for (int capability = 0; capability < CAPABILITIES_MAX; capability++) {
    if ((keep >> capability) & 1) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL || errno == EPERM) return;
    fail_errno("PR_CAPBSET_DROP");
  }
}

/**
 * Nothing of an ordinary user's, who has all capabilities in a user namespace of its own: with them a file that the user may not
 * read could be read, which on the host it cannot. The user root keeps the named ones, and gets them back at the exec.
 */
static void limit_capabilities(const struct options *options) {
  if (!options->limits_capabilities) return;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) < 0) fail_errno("capget");
  uint64_t permitted = (uint64_t)sets[1].permitted << WORD_BITS | sets[0].permitted;
  uint64_t keep = geteuid() == 0 ? permitted & options->capabilities : 0;
  limit_bounding_set(keep);
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) fail_errno("PR_CAP_AMBIENT");
  for (int word = 0; word < 2; word++) {
    uint32_t part = (uint32_t)(keep >> (word * WORD_BITS));
    sets[word] = (struct __user_cap_data_struct){.effective = part, .permitted = part, .inheritable = 0};
  }
  if (syscall(SYS_capset, &header, sets) < 0) fail_errno("capset");
}

static void reset_signals(void) {
  struct sigaction normal = {.sa_handler = SIG_DFL};
  // SIGKILL, SIGSTOP and the two that libc keeps refuse, and are what they should be.
  for (int number = 1; number < NSIG; number++) sigaction(number, &normal, NULL);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) fail_errno("sigprocmask");
}

/**
 * Nobody gets a ring of io_uring: what is asked by one passes no filter that the program puts on later. Node takes none where
 * Linux has none.
 */
static void refuse_rings(void) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  // Without SPEC_ALLOW kernels before 5.16 slow the program down for a protection that it does not need.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0) fail_errno("seccomp");
}

void limit_rights(const struct options *options) {
  struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) < 0) fail_errno("RLIMIT_CORE");
  limit_capabilities(options);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail_errno("PR_SET_NO_NEW_PRIVS");
  refuse_rings();
}

void limit_process(const struct options *options) {
  limit_rights(options);
  reset_signals();
}
