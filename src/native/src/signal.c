// Signals as a descriptor.
//
// signalfd(2) needs the signal blocked in every thread, and Node's own threads (V8 workers, libuv's pool) block nothing: a
// SIGTERM to the process would go to one of them and kill it. So a handler, which runs in whichever thread the kernel
// picks, sends the number down a socket, and the other end is the descriptor that the caller polls.
//
// Dispositions belong to the process, and so does this table. A signal goes to the descriptor that asked last. The
// sending ends are never closed: a handler may be using one at any time, and a number that was reused would receive its
// bytes.

#include "args.h"
#include "wait.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_SIGNAL = 31, NS_PER_MS = 1000000 };

/** The sending end plus one, so that zero is none. */
static atomic_int sender[MAX_SIGNAL + 1];

static void forward(int number) {
  int saved = errno;
  uint8_t byte = (uint8_t)number;
  // When the socket is full or has no reader, the signal is lost, as it is for a process that does not look.
  (void)send(atomic_load(&sender[number]) - 1, &byte, sizeof byte, MSG_NOSIGNAL | MSG_DONTWAIT);
  errno = saved;
}

static bool wanted(uint32_t mask, int number) { return (mask >> (number - 1)) & 1; }

/** signalfd(maskLow) */
static int64_t call_signalfd(napi_env env, const int64_t *arg) {
  (void)env;
  int ends[2];
  uint32_t mask = (uint32_t)arg[0];
  if (mask == 0 || wanted(mask, SIGKILL) || wanted(mask, SIGSTOP)) return -EINVAL;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) return -errno;
  struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  for (int number = 1; number <= MAX_SIGNAL; number++) {
    if (!wanted(mask, number)) continue;
    atomic_store(&sender[number], ends[1] + 1);
    if (sigaction(number, &action, NULL) < 0) return -errno;
  }
  return ends[0];
}

/** signalfdRead(fd, timeoutMs) */
static int64_t call_signalfd_read(napi_env env, const int64_t *arg) {
  (void)env;
  int64_t deadline = deadline_after(arg[1] < 0 ? -1 : arg[1] * NS_PER_MS);
  for (;;) {
    uint8_t number = 0;
    int64_t ready = wait_for((int)arg[0], POLLIN, -1, deadline);
    if (ready <= 0) return ready;
    int64_t got = RETRY(recv((int)arg[0], &number, sizeof number, MSG_DONTWAIT));
    // Another reader of the same descriptor was first.
    if (got == -EAGAIN) continue;
    if (got == 0) return -EINVAL;
    return got < 0 ? got : number;
  }
}

const struct call signal_calls[] = {
    {"signalfd", "i", call_signalfd},
    {"signalfdRead", "di", call_signalfd_read},
    {NULL, NULL, NULL},
};
