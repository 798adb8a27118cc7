// The life of an anchor.

#include "anchor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIGNALLED = 128, MAX_SIGNAL_BYTE = 64 };

int take_signals(void) {
  sigset_t all;
  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, NULL) < 0) fail_errno("sigprocmask");
  int fd = signalfd(-1, &all, SFD_CLOEXEC);
  if (fd < 0) fail_errno("signalfd");
  return fd;
}

int next_signal(int signals) {
  struct signalfd_siginfo info;
  if (TEMP_FAILURE_RETRY(read(signals, &info, sizeof info)) != sizeof info) fail_errno("signalfd");
  return (int)info.ssi_signo;
}

void forward_signal(int session, int number) {
  unsigned char byte = (unsigned char)number;
  if (number < 1 || number > MAX_SIGNAL_BYTE) return;
  // A sentry that does not read them loses signals, as a process does that has one pending already.
  (void)!send(session, &byte, sizeof byte, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/** Reaps whoever ended, orphans of the pid namespace too; ends with the sentry, or with a gofer that failed. */
static void reap(const struct programs *programs) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
    if (pid == programs->sentry) _exit(code);
    // One that nobody needs any more ends well. The sentry dies of our end.
    if (pid == programs->gofer && code != 0) _exit(SIGNALLED + SIGKILL);
  }
}

/** False once the container is to stay. The starter's end without a word calls it off: its children die of ours. */
static bool is_pending(void) {
  char byte;
  if (TEMP_FAILURE_RETRY(read(STARTER_FD, &byte, sizeof byte)) != 1) _exit(EXIT_LAUNCH_FAILED);
  close(STARTER_FD);
  return false;
}

void supervise(int signals, int session, const struct programs *programs) {
  bool pending = true;
  for (;;) {
    struct pollfd wanted[] = {
        {.fd = signals, .events = POLLIN},
        {.fd = pending ? STARTER_FD : -1, .events = POLLIN},
        {.fd = programs->sentry == 0 ? session : -1, .events = POLLIN},
    };
    if (poll(wanted, sizeof wanted / sizeof *wanted, -1) < 0 && errno != EINTR) fail_errno("poll");
    if (wanted[1].revents != 0) pending = is_pending();
    if (wanted[2].revents != 0) end_as_told(session);
    if (wanted[0].revents == 0) continue;
    int number = next_signal(signals);
    if (number == SIGCHLD) {
      reap(programs);
    } else {
      forward_signal(session, number);
    }
  }
}
