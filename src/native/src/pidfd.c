// Other processes, by descriptors: a pid may be somebody else's by the time it is used.

#include "args.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/** pidfdOpen(pid) */
static int64_t call_pidfd_open(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of((int)syscall(SYS_pidfd_open, (pid_t)arg[0], 0));
}

/** pidfdSendSignal(pidfd, signal) */
static int64_t call_pidfd_send_signal(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of((int)syscall(SYS_pidfd_send_signal, (int)arg[0], (int)arg[1], NULL, 0));
}

const struct call pidfd_calls[] = {
    {"pidfdOpen", "i", call_pidfd_open},
    {"pidfdSendSignal", "di", call_pidfd_send_signal},
    {NULL, NULL, NULL},
};
