// Makes the anchor. The process that the starter waits for ends when the anchor stands; whoever adopts orphans then is the
// anchor's parent: the engine's monitor, which asked to be.

#include "anchor.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_REPORT = 512 };

/** What the anchor reports when hooks may run. No reason of a failure starts with it. */
static const char READY = '\n';

extern int setns(int fd, int type);

/** The container's streams end with the sentry, whoever else is left. */
static void let_go(const struct container *container) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) fail_errno("/dev/null");
  for (int stream = 0; stream <= STDERR_FILENO; stream++) {
    if (dup2(null, stream) < 0) fail_errno("dup2");
  }
  close(null);
  int handed = container->sentry.fds + container->gofer.fds;
  if (handed > 0 && syscall(SYS_close_range, FIRST_HANDED_FD, FIRST_HANDED_FD + handed - 1, 0) < 0) {
    fail_errno("close_range");
  }
}

/** Lets the starter run its hooks. Its end without a word calls the container off. */
static void await_hooks(int report) {
  char byte;
  if (write(report, &READY, 1) != 1) fail_errno("pipe");
  if (TEMP_FAILURE_RETRY(read(STARTER_FD, &byte, 1)) != 1) _exit(EXIT_LAUNCH_FAILED);
}

static _Noreturn void become_anchor(const struct container *container, int report) {
  struct programs programs = {0};
  struct anchor_mounts mounts;
  report_failures_to(report);
  if (setsid() < 0) fail_errno("setsid");
  if (container->terminal) control_terminal();
  int signals = take_signals();
  if ((container->new_namespaces & CLONE_NEWUTS) && container->hostname != NULL &&
      sethostname(container->hostname, strlen(container->hostname)) < 0) {
    fail_errno("sethostname");
  }
  // What the host unmounts goes in our children's namespaces too, and nothing of theirs comes back.
  if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0) fail_errno("making mounts private");
  if (container->has_hooks) await_hooks(report);
  prepare_mounts(&mounts, container->mounts_fd, container->root);
  int session = container->member ? fcntl(FIRST_HANDED_FD, F_DUPFD_CLOEXEC, FIRST_HANDED_FD + 1)
                                  : start_children(container, &programs);
  if (session < 0) fail_errno("F_DUPFD_CLOEXEC");
  let_go(container);
  enter_container_root(container, &mounts);
  show_title(container->title);
  limit_rights(&(struct options){.limits_capabilities = true, .capabilities = 0});
  close(report);
  supervise(signals, session, &programs);
}

/** What the anchor reports until it closes its end. That it is ready for hooks, which it says alone, goes on to the starter. */
static void read_report(int fd, pid_t anchor, char *reason) {
  size_t length = 0;
  for (;;) {
    ssize_t got = TEMP_FAILURE_RETRY(read(fd, reason + length, MAX_REPORT - 1 - length));
    if (got <= 0) break;
    length += (size_t)got;
    if (reason[0] != READY) continue;
    dprintf(STARTER_FD, "%d\n", (int)anchor);
    length = 0;
  }
  reason[length] = '\0';
}

/** All are opened first: what a path means may change with the first namespace that is joined. */
static void join_namespaces(const struct container *container) {
  int fds[MAX_JOINED];
  for (size_t index = 0; index < container->joined_count; index++) {
    const char *path = container->joined[index].path;
    // A FIFO would be waited for.
    fds[index] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fds[index] < 0) fail_errno(path);
  }
  for (size_t index = 0; index < container->joined_count; index++) {
    // A file of another type of namespace is refused.
    if (setns(fds[index], container->joined[index].type) < 0) fail_errno(container->joined[index].path);
    close(fds[index]);
  }
}

void start_anchor(const struct container *container) {
  char reason[MAX_REPORT];
  int report[2];
  // What the starter's own starter forgot to close.
  int above = container->mounts_fd + 1;
  if (syscall(SYS_close_range, (unsigned)above, ~0U, 0) < 0) fail_errno("close_range");
  for (size_t index = 0; index < container->cgroup_count; index++) enter_cgroup(container->cgroups[index]);
  if (container->oom_score_adj != NULL) set_oom_score(container->oom_score_adj);
  if (container->descriptors > 0) raise_descriptor_limit(container->descriptors);
  join_namespaces(container);
  if (pipe2(report, O_CLOEXEC) < 0) fail_errno("pipe2");
  struct clone_args clone = {.flags = container->new_namespaces, .exit_signal = SIGCHLD};
  pid_t pid = (pid_t)syscall(SYS_clone3, &clone, sizeof clone);
  if (pid < 0) fail_errno("making namespaces");
  if (pid == 0) {
    close(report[0]);
    become_anchor(container, report[1]);
  }
  close(report[1]);
  read_report(report[0], pid, reason);
  if (reason[0] != '\0') {
    TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
    fail("%s", reason);
  }
  // One that died without a word is the starter's child no more either: the sentry's socket will tell.
  if (dprintf(STARTER_FD, "%d", (int)pid) < 0) {
    kill(pid, SIGKILL);
    _exit(EXIT_LAUNCH_FAILED);
  }
  _exit(0);
}
