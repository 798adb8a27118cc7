// Starts the sentry and the gofer.

#include "anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_PARENT = 32 };

/** What the launcher compares its parent with, in front of its other arguments. */
static char **with_parent(const struct child *child, pid_t parent) {
  static char *arguments[MAX_PROGRAM_ARGS + 2];
  static char text[MAX_PARENT];
  if (child->arguments >= MAX_PROGRAM_ARGS) fail("more than %d arguments", MAX_PROGRAM_ARGS);
  snprintf(text, sizeof text, "--parent=%d", (int)parent);
  arguments[0] = child->program[0];
  arguments[1] = text;
  memcpy(arguments + 2, child->program + 1, (child->arguments - 1) * sizeof *arguments);
  arguments[child->arguments + 1] = NULL;
  return arguments;
}

/** /proc must know the pids that this process knows. */
static void enter_own_mounts(void) {
  if (unshare(CLONE_NEWNS) < 0) fail_errno("unshare");
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) fail_errno("/proc");
}

/**
 * `report` closes with the exec. In a session of its own: what is typed at the container's terminal signals the anchor alone, and
 * nobody is stopped for reading it.
 */
static _Noreturn void become(const struct child *child, int first_free, pid_t parent, int report) {
  report_failures_to(report);
  if (setsid() < 0) fail_errno("setsid");
  enter_own_mounts();
  if (syscall(SYS_close_range, (unsigned)first_free, ~0U, CLOSE_RANGE_CLOEXEC) < 0) fail_errno("close_range");
  char **arguments = with_parent(child, parent);
  char *environment[] = {NULL};
  execve(arguments[0], arguments, environment);
  fail_errno(arguments[0]);
}

static _Noreturn void become_sentry(const struct child *child, int session, pid_t parent, int report) {
  if (dup2(session, SESSION_FD) < 0) fail_errno("dup2");
  become(child, child->first_fd + child->fds, parent, report);
}

static _Noreturn void become_gofer(const struct child *child, pid_t parent, int report) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) fail_errno("/dev/null");
  if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) fail_errno("dup2");
  // Each goes to a lower number: none overwrites one that is still to be moved.
  for (int index = 0; index < child->fds; index++) {
    if (dup2(child->first_fd + index, STDERR_FILENO + 1 + index) < 0) fail_errno("dup2");
  }
  become(child, STDERR_FILENO + 1 + child->fds, parent, report);
}

/** Until both have executed: before that they must see what we do. */
static void await_exec(int report) {
  char reason[512];
  size_t length = 0;
  for (;;) {
    ssize_t got = TEMP_FAILURE_RETRY(read(report, reason + length, sizeof reason - 1 - length));
    if (got <= 0) break;
    length += (size_t)got;
  }
  reason[length] = '\0';
  close(report);
  if (length > 0) fail("%s", reason);
}

int start_children(const struct container *container, struct programs *programs) {
  int session[2];
  int report[2];
  pid_t self = getpid();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, session) < 0) fail_errno("socketpair");
  if (pipe2(report, O_CLOEXEC) < 0) fail_errno("pipe2");
  programs->sentry = fork();
  if (programs->sentry < 0) fail_errno("fork");
  if (programs->sentry == 0) become_sentry(&container->sentry, session[1], self, report[1]);
  programs->gofer = container->gofer.arguments == 0 ? 0 : fork();
  if (programs->gofer < 0) fail_errno("fork");
  if (programs->gofer == 0 && container->gofer.arguments > 0) become_gofer(&container->gofer, self, report[1]);
  close(session[1]);
  close(report[1]);
  await_exec(report[0]);
  return session[0];
}
