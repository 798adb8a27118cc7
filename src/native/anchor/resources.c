// What Linux lets the processes of a container take: their cgroup, and who is ended first when memory is short.

#include "anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
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

void raise_descriptor_limit(long least) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail_errno("getrlimit");
  if (limit.rlim_max >= (rlim_t)least) return;
  limit = (struct rlimit){(rlim_t)least, (rlim_t)least};
  // Without the right to, there is room for less.
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void set_oom_score(const char *adjustment) {
  write_file("/proc/self/oom_score_adj", adjustment);
}
