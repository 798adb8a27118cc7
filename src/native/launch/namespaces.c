// Namespaces: the program becomes process 1 of its own, with a root of its own; this process stays outside as its parent.
//
// Two ways are tried, the second by root only
//   with a user namespace     for everybody whom the system lets make one. Every id keeps its number: an ordinary user has one
//                             in there, its own, and all others read as 65534.
//   without                   the capabilities that are left then hold for the whole host
//
// The child reports over a pipe that the exec closes: what it wrote before is why this way does not work. Until then the parent
// holds all descriptors, so that the next way, or none, can still be gone.

#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_REASON = 512, MAX_MAP = 4096, SIGNALLED = 128, EXTRA_FDS = 2, MAX_ARGUMENT = 32 };

static const uint64_t NAMESPACES =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

/** What parent and child talk over until the exec. */
struct link {
  /** The child reads from it when its ids are mapped. */
  int ready[2];
  int report[2];
  int roots[2];
};

static void make_link(struct link *link) {
  if (pipe2(link->ready, O_CLOEXEC) < 0 || pipe2(link->report, O_CLOEXEC) < 0) fail_errno("pipe2");
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link->roots) < 0) fail_errno("socketpair");
}

static void close_pair(const int pair[2]) {
  close(pair[0]);
  close(pair[1]);
}

/** An argument for the program that is not among ours. */
static char **extended_program(const struct options *options) {
  static char *program[MAX_PROGRAM_ARGS + EXTRA_FDS + 1];
  static char roots[MAX_ARGUMENT];
  static char proc[MAX_ARGUMENT];
  size_t count = 0;
  for (; options->program[count] != NULL; count++) {
    if (count == MAX_PROGRAM_ARGS) fail("more than %d arguments", MAX_PROGRAM_ARGS);
    program[count] = options->program[count];
  }
  snprintf(roots, sizeof roots, "--roots-fd=%ld", options->fds);
  snprintf(proc, sizeof proc, "--proc-fd=%ld", options->fds + 1);
  program[count] = roots;
  program[count + 1] = proc;
  return program;
}

/** Moves descriptors out of the way of those that the program will have, and puts the two new ones behind its own. */
static void place_descriptors(const struct options *options, int roots, int proc, int report) {
  int first = (int)options->fds;
  int above = first + EXTRA_FDS;
  int moved_report = fcntl(report, F_DUPFD_CLOEXEC, above);
  int moved_roots = fcntl(roots, F_DUPFD_CLOEXEC, above);
  int moved_proc = fcntl(proc, F_DUPFD_CLOEXEC, above);
  if (moved_report < 0 || moved_roots < 0 || moved_proc < 0) fail_errno("F_DUPFD_CLOEXEC");
  report_failures_to(moved_report);
  if (dup2(moved_roots, first) < 0 || dup2(moved_proc, first + 1) < 0) fail_errno("dup2");
  if (syscall(SYS_close_range, (unsigned)above, ~0U, CLOSE_RANGE_CLOEXEC) < 0) fail_errno("close_range");
}

static void await_parent(const struct link *link) {
  char byte;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) fail_errno("PR_SET_PDEATHSIG");
  if (TEMP_FAILURE_RETRY(read(link->ready[0], &byte, 1)) != 1) fail("the parent ended");
  // A parent that died before the prctl sends nothing, but has closed its end of the socket.
  if (recv(link->roots[1], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) fail("the parent ended");
}

static _Noreturn void become_caged(const struct options *options, const struct link *link) {
  report_failures_to(link->report[1]);
  close(link->roots[0]);
  close(link->ready[1]);
  await_parent(link);
  int proc = enter_minimal_root(options);
  place_descriptors(options, link->roots[1], proc, link->report[1]);
  char **program = extended_program(options);
  limit_process(options);
  execve(program[0], program, (char *const *)options->environment);
  fail_errno(program[0]);
}

/** Writes a file in one piece, as the maps must be. */
static bool write_file(pid_t pid, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  int error = errno;
  close(fd);
  errno = error;
  return written;
}

/** All ids that this process knows, each as itself. */
static bool all_ids(const char *map, char *text, size_t size) {
  FILE *file = fopen(map, "re");
  if (file == NULL) return false;
  unsigned long inside;
  unsigned long outside;
  unsigned long count;
  size_t length = 0;
  while (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3 && length < size) {
    length += (size_t)snprintf(text + length, size - length, "%lu %lu %lu\n", inside, inside, count);
  }
  fclose(file);
  return length > 0 && length < size;
}

static bool map_ids(pid_t pid) {
  char users[MAX_MAP];
  char groups[MAX_MAP];
  if (geteuid() == 0) {
    if (!all_ids("/proc/self/uid_map", users, sizeof users)) return false;
    if (!all_ids("/proc/self/gid_map", groups, sizeof groups)) return false;
  } else {
    snprintf(users, sizeof users, "%u %u 1\n", geteuid(), geteuid());
    snprintf(groups, sizeof groups, "%u %u 1\n", getegid(), getegid());
    // Linux wants it before an unprivileged map of groups.
    if (!write_file(pid, "setgroups", "deny")) return false;
  }
  return write_file(pid, "uid_map", users) && write_file(pid, "gid_map", groups);
}

/** What the child reports until its exec closes the pipe. */
static size_t read_report(int fd, char *reason) {
  size_t length = 0;
  for (;;) {
    ssize_t got = TEMP_FAILURE_RETRY(read(fd, reason + length, MAX_REASON - 1 - length));
    if (got <= 0) break;
    length += (size_t)got;
  }
  reason[length] = '\0';
  return length;
}

/** Says in `reason` what went wrong in this process, and ends the child. */
static void give_up(pid_t pid, const char *what, char *reason) {
  snprintf(reason, MAX_REASON, "%s: %s", what, strerror(errno));
  kill(pid, SIGKILL);
}

static bool start(const struct options *options, bool user_namespace, struct caged *caged, char *reason) {
  struct link link;
  make_link(&link);
  int pidfd = -1;
  struct clone_args clone = {
      .flags = NAMESPACES | CLONE_PIDFD | (user_namespace ? CLONE_NEWUSER : 0),
      .pidfd = (uint64_t)(uintptr_t)&pidfd,
      .exit_signal = SIGCHLD,
  };
  pid_t pid = (pid_t)syscall(SYS_clone3, &clone, sizeof clone);
  if (pid == 0) become_caged(options, &link);
  reason[0] = '\0';
  if (pid < 0) snprintf(reason, MAX_REASON, "clone3: %s", strerror(errno));
  close(link.report[1]);
  close(link.roots[1]);
  if (pid > 0) {
    if (user_namespace && !map_ids(pid)) {
      give_up(pid, "mapping the user ids", reason);
    } else if (write(link.ready[1], "", 1) != 1) {
      give_up(pid, "pipe", reason);
    } else {
      (void)read_report(link.report[0], reason);
    }
  }
  close(link.report[0]);
  close_pair(link.ready);
  *caged = (struct caged){.socket = link.roots[0], .pidfd = pidfd, .pid = pid, .user_namespace = user_namespace};
  if (reason[0] == '\0') return true;
  close(link.roots[0]);
  if (pid > 0) {
    close(pidfd);
    TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
  }
  return false;
}

/** The program's sockets are the program's alone: their other ends must see it go. `parent_roots`: a descriptor, or 0. */
static void keep_only(struct caged *caged, int parent_roots) {
  enum { SOCKET = FIRST_FREE_FD, PIDFD, PARENT_SOCKET, ABOVE };
  int socket = fcntl(caged->socket, F_DUPFD_CLOEXEC, ABOVE);
  int pidfd = fcntl(caged->pidfd, F_DUPFD_CLOEXEC, ABOVE);
  int parent_socket = parent_roots > 0 ? fcntl(parent_roots, F_DUPFD_CLOEXEC, ABOVE) : -1;
  if (socket < 0 || pidfd < 0 || (parent_roots > 0 && parent_socket < 0)) fail_errno("F_DUPFD_CLOEXEC");
  if (dup2(socket, SOCKET) < 0 || dup2(pidfd, PIDFD) < 0) fail_errno("dup2");
  if (parent_socket >= 0 && dup2(parent_socket, PARENT_SOCKET) < 0) fail_errno("dup2");
  unsigned above = parent_socket < 0 ? PARENT_SOCKET : ABOVE;
  if (syscall(SYS_close_range, above, ~0U, 0) < 0) fail_errno("close_range");
  caged->socket = SOCKET;
  caged->pidfd = PIDFD;
  caged->parent_socket = parent_socket < 0 ? -1 : PARENT_SOCKET;
}

static _Noreturn void supervise(const struct options *options, struct caged *caged) {
  int status = 0;
  keep_only(caged, (int)options->parent_roots);
  serve_roots(options, caged);
  // Nothing is to be said any more, and whoever reads our stderr to its end waits for the program only.
  if (syscall(SYS_close_range, 0, STDERR_FILENO, 0) < 0) fail_errno("close_range");
  close(caged->socket);
  if (caged->parent_socket >= 0) serve_parent(caged);
  if (syscall(SYS_close_range, 0, ~0U, 0) < 0) fail_errno("close_range");
  if (TEMP_FAILURE_RETRY(waitpid(caged->pid, &status, 0)) < 0) fail_errno("waitpid");
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status));
}

void run_in_namespaces(const struct options *options) {
  char reason[MAX_REASON];
  struct caged caged;
  if (start(options, true, &caged, reason)) supervise(options, &caged);
  if (geteuid() == 0 && start(options, false, &caged, reason)) supervise(options, &caged);
  if (options->namespaces == NAMESPACES_MUST) fail("namespaces: %s", reason);
}
