// Copies between the user's streams and the master of a container's terminal.
//
// No call here blocks for longer than its descriptor's promise: standard output is the user's own, whose flags are not ours to
// change, so what is written at once is as little as anything that poll(2) calls writable takes.

#include "anchor.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/** A pseudoterminal that is writable has room for 256 bytes, and each newline may take two. */
enum { CHUNK = 128 };

struct direction {
  char data[CHUNK];
  size_t length;
  bool ended;
};

/** What was read; nothing when there was nothing after all. */
static void fill(struct direction *direction, int from) {
  ssize_t count = TEMP_FAILURE_RETRY(read(from, direction->data, CHUNK));
  if (count > 0) direction->length = (size_t)count;
  // A terminal whose other end is closed is EIO.
  if (count == 0 || (count < 0 && errno != EAGAIN)) direction->ended = true;
}

/** False when nobody takes it any more. */
static bool drain(struct direction *direction, int to) {
  ssize_t count = TEMP_FAILURE_RETRY(write(to, direction->data, direction->length));
  if (count < 0) return errno == EAGAIN;
  direction->length -= (size_t)count;
  memmove(direction->data, direction->data + count, direction->length);
  return true;
}

static short when(bool condition, short events) { return condition ? events : 0; }

/** -1 is a descriptor that poll(2) leaves alone: one that nothing is asked of would wake it for ever when its peer is gone. */
static struct pollfd wanted(int fd, short events) { return (struct pollfd){.fd = events != 0 ? fd : -1, .events = events}; }

/** Without the parent there is nobody left who sets the user's terminal back after us. */
static void take_signal(const struct user_terminal *user, int master, int signals, pid_t parent) {
  int number = next_signal(signals);
  if (getppid() != parent) {
    restore(user);
    _exit(EXIT_LAUNCH_FAILED);
  }
  if (number == SIGWINCH) copy_size(user, master);
}

void relay(const struct user_terminal *user, int master, int signals, pid_t parent) {
  struct direction input = {.length = 0};
  struct direction output = {.length = 0};
  make_raw(user);
  copy_size(user, master);
  if (fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0) fail_errno("fcntl");
  while (!output.ended || output.length > 0) {
    short from_guest = when(output.length == 0 && !output.ended, POLLIN);
    short to_guest = when(input.length > 0 && !output.ended, POLLOUT);
    struct pollfd fds[] = {
        wanted(signals, POLLIN),
        wanted(STDIN_FILENO, when(input.length == 0 && !input.ended, POLLIN)),
        wanted(master, from_guest | to_guest),
        wanted(STDOUT_FILENO, when(output.length > 0, POLLOUT)),
    };
    if (poll(fds, 4, -1) < 0 && errno != EINTR) fail_errno("poll");
    if (fds[0].revents != 0) take_signal(user, master, signals, parent);
    if (fds[1].revents != 0) fill(&input, STDIN_FILENO);
    if (fds[2].revents & POLLHUP) input = (struct direction){.length = 0, .ended = true};
    if (fds[2].revents & POLLOUT && input.length > 0 && !drain(&input, master)) input.length = 0;
    if (fds[2].revents & (POLLIN | POLLHUP) && output.length == 0) fill(&output, master);
    if (fds[3].revents != 0 && !drain(&output, STDOUT_FILENO)) break;
  }
  _exit(0);
}
