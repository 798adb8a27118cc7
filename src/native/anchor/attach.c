// A container's terminal in the foreground of the user's.
//
// Two processes share the work. This one is the parent of whoever stands for the container's process, passes signals on to it and
// ends as it does; its child copies. Each sets the user's terminal back when the other is gone, so that neither a crash nor
// SIGKILL of one of them leaves it raw. Without the child nobody holds the master: the container's terminal hangs up.

#include "anchor.h"
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIGNALLED = 128 };

static int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status); }

/** The signal of our parent's end is blocked as all are, and read with the others. */
static void follow(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0) fail_errno("PR_SET_PDEATHSIG");
  if (getppid() != parent) _exit(EXIT_LAUNCH_FAILED);
}

static pid_t start_relay(const struct user_terminal *user, int master, int signals) {
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid < 0) fail_errno("fork");
  if (pid > 0) return pid;
  limit_rights(&(struct options){.limits_capabilities = true, .capabilities = 0});
  follow(parent);
  relay(user, master, signals, parent);
}

/** What is still running of the two. */
struct children {
  pid_t target;
  pid_t relay;
  /** Of the target, once it has ended. */
  int exit_code;
};

static void reap(struct children *children) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid == children->relay) children->relay = 0;
    if (pid != children->target) continue;
    children->target = 0;
    children->exit_code = exit_code(status);
  }
  if (pid < 0 && errno == ECHILD) children->target = children->relay = 0;
}

/** The window's size is the relay's matter, and the container's terminal tells of it by itself. */
static void pass_on(pid_t target, int number) {
  if (number != SIGWINCH && target != 0) kill(target, number);
}

static void run_last(char **command) {
  pid_t pid = fork();
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    char *environment[] = {NULL};
    execve(command[0], command, environment);
    fail_errno(command[0]);
  }
  if (pid > 0) TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
}

void attach(const struct attachment *attachment) {
  struct user_terminal user = find_user_terminal();
  int signals = take_signals();
  struct children children = {.target = attachment->pid, .exit_code = EXIT_LAUNCH_FAILED};
  children.relay = start_relay(&user, attachment->master, signals);
  close(attachment->master);
  if (attachment->command == NULL) limit_rights(&(struct options){.limits_capabilities = true, .capabilities = 0});
  // One that has ended before its signal was blocked sends none.
  for (reap(&children); children.target != 0 || children.relay != 0; reap(&children)) {
    int number = next_signal(signals);
    if (number != SIGCHLD) pass_on(children.target, number);
    if (children.relay == 0) restore(&user);
  }
  restore(&user);
  if (attachment->command != NULL) run_last(attachment->command);
  _exit(children.exit_code);
}
