// Puts a filter of system calls (policy.c) on all threads of the process.

#include "args.h"
#include "policy.h"

#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/** Says what would have killed the process, and makes it fail instead. */
static void on_violation(int number, siginfo_t *info, void *context) {
  (void)number;
  int saved = errno;
  ucontext_t *user = context;
  char line[160];
#ifdef __x86_64__
  unsigned long long first = (unsigned long long)user->uc_mcontext.gregs[REG_RDI];
  unsigned long long second = (unsigned long long)user->uc_mcontext.gregs[REG_RSI];
  unsigned long long third = (unsigned long long)user->uc_mcontext.gregs[REG_RDX];
  user->uc_mcontext.gregs[REG_RAX] = -EPERM;
#else
  unsigned long long first = user->uc_mcontext.regs[0];
  unsigned long long second = user->uc_mcontext.regs[1];
  unsigned long long third = user->uc_mcontext.regs[2];
  user->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#endif
  int length = snprintf(line, sizeof line, "wvisor: confinement: system call %d(%#llx, %#llx, %#llx, ...) is not allowed\n",
                        info->si_syscall, first, second, third);
  if (length > 0) (void)!write(STDERR_FILENO, line, (size_t)length);
  errno = saved;
}

static int install_report(void) {
  struct sigaction action = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

/** seccomp(policy, flags) */
static int64_t call_seccomp(napi_env env, const int64_t *arg) {
  (void)env;
  struct sock_filter program[MAX_INSTRUCTIONS];
  if (arg[0] != POLICY_GOFER && arg[0] != POLICY_SENTRY) return -EINVAL;
  size_t length = assemble_filter((enum policy)arg[0], (unsigned)arg[1], program);
  if (length == 0) return -E2BIG;
  if (arg[1] & FILTER_REPORT) {
    int error = install_report();
    if (error < 0) return error;
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
  struct sock_fprog filter = {.len = (unsigned short)length, .filter = program};
  // Without SPEC_ALLOW kernels before 5.16 slow down every thread for a protection against what its guests see of each other,
  // which a process with a compiler does not have anyway.
  unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  // A positive number is the thread that has a filter of its own.
  return result > 0 ? -EBUSY : result_of(result);
}

const struct call seccomp_calls[] = {
    {"seccomp", "ii", call_seccomp},
    {NULL, NULL, NULL},
};
