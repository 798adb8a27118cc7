#include "wait.h"

#include <time.h>

enum { NS_PER_SECOND = 1000000000 };

int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t deadline_after(int64_t timeout_ns) { return timeout_ns < 0 ? -1 : monotonic_ns() + timeout_ns; }

int64_t poll_until(struct pollfd *fds, nfds_t count, int64_t deadline) {
  for (;;) {
    struct timespec left;
    if (deadline >= 0) {
      int64_t ns = deadline - monotonic_ns();
      if (ns < 0) ns = 0;
      left = (struct timespec){.tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND};
    }
    int ready = ppoll(fds, count, deadline < 0 ? NULL : &left, NULL);
    if (ready >= 0) return ready;
    if (errno != EINTR) return -errno;
  }
}

int64_t wait_for(int fd, short events, int cancel_fd, int64_t deadline) {
  struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = cancel_fd, .events = POLLIN}};
  int64_t ready = poll_until(fds, 2, deadline);
  if (ready <= 0) return ready;
  if (fds[1].revents & POLLNVAL) return -EBADF;
  return (fds[0].revents ? WAIT_READY : 0) | (fds[1].revents ? WAIT_CANCELLED : 0);
}
