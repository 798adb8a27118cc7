// The last resort: a native thread that ends the process at a given time, whatever the JavaScript threads do.
//
// States
//   no thread    until the first deadline
//   disarmed     the thread waits on `changed` for ever
//   armed        the thread waits on `changed` until `at`
//   expired      the message and the last words are written and the process is gone
//
// One deadline per process, so its state is global; `lock` guards all of it. The library is linked with -z nodelete: the
// worker that loaded it may end and have it closed while the thread runs its code.

#include "args.h"
#include "memory.h"
#include "wait.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_MS = 1000000, NS_PER_SECOND = 1000000000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static bool running;
/** CLOCK_MONOTONIC nanoseconds; -1 when disarmed. */
static int64_t at = -1;
static int exit_code;

/** What is written to a descriptor before the end. */
struct words {
  int fd;
  size_t length;
  uint8_t bytes[PIPE_BUF];
};

static struct words message = {.fd = STDERR_FILENO};

/** Of traces: what they would say if the process ended now. */
enum { LAST_WORDS = 4 };
static struct words last_words[LAST_WORDS];

/** A reader that does not read must not keep the process alive: nothing here may sleep. */
static void write_words(const struct words *words) {
  if (words->length == 0) return;
  struct iovec span = {.iov_base = (void *)words->bytes, .iov_len = words->length};
  if (pwritev2(words->fd, &span, 1, -1, RWF_NOWAIT) >= 0 || (errno == EAGAIN && words->fd == STDERR_FILENO)) return;
  // Terminals, some files and older kernels have no RWF_NOWAIT; a ready pipe has room for PIPE_BUF bytes.
  if (wait_for(words->fd, POLLOUT, -1, 0) == WAIT_READY) (void)!write(words->fd, words->bytes, words->length);
}

static void *watch(void *unused) {
  pthread_mutex_lock(&lock);
  for (;;) {
    if (at < 0) {
      pthread_cond_wait(&changed, &lock);
    } else if (monotonic_ns() < at) {
      struct timespec until = {.tv_sec = at / NS_PER_SECOND, .tv_nsec = at % NS_PER_SECOND};
      pthread_cond_timedwait(&changed, &lock, &until);
    } else {
      for (int index = 0; index < LAST_WORDS; index++) write_words(&last_words[index]);
      write_words(&message);
      _exit(exit_code);
    }
  }
  return unused;
}

/** Precondition: the lock is held. All signals stay with the threads that expect them. */
static int start_thread(void) {
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&changed, &clock);
  pthread_condattr_destroy(&clock);

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, NULL, watch, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) return -error;
  pthread_detach(thread);
  running = true;
  return 0;
}

/** deadline(timeoutMs, exitCode, slot, offset, length) */
static int64_t call_deadline(napi_env env, const int64_t *arg) {
  uint8_t *text = NULL;
  if (arg[0] < 0 || arg[0] > INT32_MAX || arg[4] > (int64_t)sizeof message.bytes) return -EINVAL;
  bool arm = arg[0] > 0;
  if (arm && arg[4] > 0) {
    int error = memory_span(env, arg[2], arg[3], arg[4], &text);
    if (error < 0) return error;
  }

  pthread_mutex_lock(&lock);
  int64_t result = 0;
  if (arm && !running) result = start_thread();
  if (result == 0) {
    at = arm ? deadline_after(arg[0] * NS_PER_MS) : -1;
    exit_code = (int)arg[1];
    message.length = text == NULL ? 0 : (size_t)arg[4];
    if (text != NULL) memcpy(message.bytes, text, message.length);
    if (running) pthread_cond_signal(&changed);
  }
  pthread_mutex_unlock(&lock);
  return result;
}

/** lastWords(index, fd, slot, offset, length) */
static int64_t call_last_words(napi_env env, const int64_t *arg) {
  uint8_t *text = NULL;
  if (arg[0] < 0 || arg[0] >= LAST_WORDS || arg[4] > (int64_t)sizeof message.bytes) return -EINVAL;
  if (arg[4] > 0) {
    int error = memory_span(env, arg[2], arg[3], arg[4], &text);
    if (error < 0) return error;
  }
  struct words *words = &last_words[arg[0]];
  pthread_mutex_lock(&lock);
  words->fd = (int)arg[1];
  words->length = text == NULL ? 0 : (size_t)arg[4];
  if (text != NULL) memcpy(words->bytes, text, words->length);
  pthread_mutex_unlock(&lock);
  return 0;
}

const struct call deadline_calls[] = {
    {"deadline", "tiioo", call_deadline},
    {"lastWords", "idioo", call_last_words},
    {NULL, NULL, NULL},
};
