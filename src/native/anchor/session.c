// The life of a process that stands for one in a sandbox.

#include "anchor.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_KILLED = 128 + SIGKILL };

/** The sentry is gone, and all its processes with it, when nothing comes. */
_Noreturn void end_as_told(int session) {
  unsigned char status;
  ssize_t got = TEMP_FAILURE_RETRY(read(session, &status, sizeof status));
  _exit(got == 1 ? status : EXIT_KILLED);
}

/** The terminal ends with the process that uses it: the sentry has it. */
static void adopt_terminal(void) {
  control_terminal();
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) fail_errno("/dev/null");
  close(null);
}

/** Returns whether it has a terminal. */
static bool parse_session(char **argument) {
  bool terminal = false;
  const char *title = NULL;
  const char *file;
  for (; *argument != NULL; argument++) {
    if (strcmp(*argument, "--terminal") == 0) {
      terminal = true;
    } else if (value_of(*argument, "--title") != NULL) {
      title = value_of(*argument, "--title");
    } else if ((file = value_of(*argument, "--cgroup")) != NULL) {
      enter_cgroup(file);
    } else {
      fail("unknown option: %.200s", *argument);
    }
  }
  show_title(title);
  return terminal;
}

void run_session(char **argument) {
  bool terminal = parse_session(argument);
  int signals = take_signals();
  if (terminal) adopt_terminal();
  if (syscall(SYS_close_range, (unsigned)SESSION_FD + 1, (unsigned)signals - 1, 0) < 0 && errno != EINVAL) fail_errno("close_range");
  if (syscall(SYS_close_range, (unsigned)signals + 1, ~0U, 0) < 0) fail_errno("close_range");
  limit_rights(&(struct options){.limits_capabilities = true, .capabilities = 0});
  for (;;) {
    struct pollfd wanted[] = {{.fd = signals, .events = POLLIN}, {.fd = SESSION_FD, .events = POLLIN}};
    if (poll(wanted, 2, -1) < 0 && errno != EINTR) fail_errno("poll");
    if (wanted[1].revents != 0) end_as_told(SESSION_FD);
    if (wanted[0].revents == 0) continue;
    int number = next_signal(signals);
    if (number != SIGCHLD) forward_signal(SESSION_FD, number);
  }
}
