// What Linux lets the processes of a container take: their cgroup, and who is ended first when memory is short.

#include "anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void write_file(const char *file, const char *text) {
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fail_errno(file);
  close(fd);
}

void enter_cgroup(const char *file) {
  // The process that writes.
  write_file(file, "0");
}

void set_oom_score(const char *adjustment) {
  write_file("/proc/self/oom_score_adj", adjustment);
}
