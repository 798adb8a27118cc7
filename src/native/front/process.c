// Processes of the host that may have ended.

#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STAT_MAX = 1024, PATH_SIZE = 64 };

bool is_running(const struct process *process) {
  char path[PATH_SIZE];
  char stat[STAT_MAX];
  char state;
  unsigned long long start_time;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)process->pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return false;
    fail_errno(path);
  }
  ssize_t length = read(fd, stat, sizeof stat - 1);
  close(fd);
  // ESRCH: it went meanwhile.
  if (length <= 0) return false;
  stat[length] = '\0';
  // The name before may have anything in it (proc(5)): state is the third field, the start time the 22nd.
  const char *fields = strrchr(stat, ')');
  if (fields == NULL || sscanf(fields + 1,
                               " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                               &state, &start_time) != 2) {
    fail("%s: not understood", path);
  }
  return start_time == process->start_time && state != 'Z' && state != 'X';
}

pid_t parent_of(pid_t pid) {
  char path[PATH_SIZE];
  char stat[STAT_MAX];
  int parent;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, stat, sizeof stat - 1);
  close(fd);
  stat[length < 0 ? 0 : length] = '\0';
  const char *fields = strrchr(stat, ')');
  return fields != NULL && sscanf(fields + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

/** A descriptor that stands for it; -1 when it runs no more. */
static int open_process(const struct process *process) {
  int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
  if (fd < 0) {
    if (errno == ESRCH) return -1;
    fail_errno("pidfd_open");
  }
  // The descriptor stands for whoever has the pid now: is it the one that was meant?
  if (is_running(process)) return fd;
  close(fd);
  return -1;
}

static bool send_signal(int pidfd, int number) {
  if (syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) == 0) return true;
  if (errno != ESRCH) fail_errno("pidfd_send_signal");
  return false;
}

bool signal_process(const struct process *process, int number) {
  int fd = open_process(process);
  if (fd < 0) return false;
  bool sent = send_signal(fd, number);
  close(fd);
  return sent;
}

bool end_container(const struct container *container, int timeout_ms) {
  int fd = open_process(&container->anchor);
  if (fd < 0) return true;
  send_signal(fd, SIGKILL);
  // Version 1 of cgroups ends nobody who is frozen.
  thaw(container);
  struct pollfd wanted = {.fd = fd, .events = POLLIN};
  int ready = TEMP_FAILURE_RETRY(poll(&wanted, 1, timeout_ms));
  if (ready < 0) fail_errno("poll");
  close(fd);
  return ready == 1;
}
