// Executes raw system calls for a test: what Linux answers is what the kernel under test must answer.
//
// On descriptor 3 at first, repeated until end of stream:
//   request   u32 length of the rest; calls, one behind the other
//   a call    u32 length of the call, u32 0; i64 number; 6 x { u32 kind, u32 length, i64 value }; the arguments' bytes
//   reply     the request again, each number replaced by the call's result or -errno, the bytes as the call left them
// Kinds: 0 the value itself; 1 a pointer to `length` bytes; 2 a pointer to an array of struct iovec, whose spans' bytes follow
// each other, each behind its u64 length (`length` counts all of that, `value` the spans). Everything lies at a multiple of eight.
//
// The channel moves out of the way: a test's descriptors begin at 0, and end at the limit that it is given as an argument. With a
// second argument, descriptor 4 is the channel of a second process, which shares the descriptors of the first.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FIRST_CHANNEL = 3, SECOND_CHANNEL = 4, ARGUMENTS = 6, SPANS_MAX = 1100, SECONDS_MAX = 60, ROOM = 2468 };

struct argument {
  uint32_t kind;
  uint32_t length;
  int64_t value;
};

struct call {
  uint32_t length;
  uint32_t padding;
  int64_t number;
  struct argument argument[ARGUMENTS];
};

static int channel = FIRST_CHANNEL;
static int second = -1;

static int transfer(int isWrite, void *data, size_t length) {
  size_t done = 0;
  while (done < length) {
    uint8_t *at = (uint8_t *)data + done;
    ssize_t moved = isWrite ? write(channel, at, length - done) : read(channel, at, length - done);
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return -1;
    done += (size_t)moved;
  }
  return 0;
}

static size_t aligned(size_t length) { return (length + 7) & ~(size_t)7; }

static long pointerTo(struct argument *argument, uint8_t *bytes, struct iovec *spans) {
  if (argument->kind == 0) return (long)argument->value;
  if (argument->kind == 1) return (long)bytes;
  uint8_t *at = bytes;
  for (int64_t i = 0; i < argument->value && i < SPANS_MAX; i++) {
    uint64_t length;
    memcpy(&length, at, 8);
    spans[i] = (struct iovec){at + 8, length};
    at += 8 + aligned(length);
  }
  return (long)spans;
}

static void execute(struct call *call) {
  static struct iovec spans[SPANS_MAX];
  uint8_t *bytes = (uint8_t *)(call + 1);
  long value[ARGUMENTS];
  for (int i = 0; i < ARGUMENTS; i++) {
    value[i] = pointerTo(&call->argument[i], bytes, spans);
    if (call->argument[i].kind != 0) bytes += aligned(call->argument[i].length);
  }
  long result = syscall(call->number, value[0], value[1], value[2], value[3], value[4], value[5]);
  call->number = result < 0 ? -errno : result;
}

/** Leaves the numbers below `limit` to the tests. */
static int makeRoom(rlim_t limit) {
  struct rlimit now;
  if (getrlimit(RLIMIT_NOFILE, &now) < 0) return -1;
  const rlim_t allowed = now.rlim_max;
  // Who may have more than was given takes it; else the tests have fewer.
  if (now.rlim_max < limit + ROOM) now.rlim_max = limit + ROOM;
  now.rlim_cur = now.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &now) < 0) {
    now.rlim_cur = now.rlim_max = allowed;
    if (allowed < 2 * ROOM || setrlimit(RLIMIT_NOFILE, &now) < 0) return -1;
    limit = allowed - ROOM;
  }
  // Not the first one above: that is the wrong descriptor which a test likes to try.
  channel = fcntl(FIRST_CHANNEL, F_DUPFD_CLOEXEC, (int)limit + ROOM / 2);
  if (channel < 0) return -1;
  second = fcntl(SECOND_CHANNEL, F_DUPFD_CLOEXEC, channel);
  for (int fd = 0; fd <= SECOND_CHANNEL; fd++) close(fd);
  return setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit, limit});
}

/** Has a second process serve the second channel. */
static int divide(void) {
  const long child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) channel = second;
  return child < 0 ? -1 : 0;
}

int main(int count, char **argument) {
  // A write to a pipe without readers is to be an errno.
  signal(SIGPIPE, SIG_IGN);
  uint8_t *buffer = NULL;
  size_t capacity = 0;
  if (count < 2 || makeRoom((rlim_t)atoi(argument[1])) < 0) return 2;
  if (count > 2 && divide() < 0) return 2;
  for (;;) {
    uint32_t length;
    if (transfer(0, &length, 4) < 0) return 0;
    if (4 + (size_t)length > capacity) {
      free(buffer);
      capacity = 4 + (size_t)length;
      // Page-aligned and not below 4 GiB, as a program's buffers are.
      buffer = aligned_alloc(4096, (capacity + 4095) & ~(size_t)4095);
      if (buffer == NULL) return 1;
    }
    if (transfer(0, buffer, length) < 0) return 1;
    // A call that sleeps for ever ends the oracle, and the test with it.
    alarm(SECONDS_MAX);
    for (uint32_t at = 0; at < length;) {
      struct call *call = (struct call *)(buffer + at);
      at += call->length;
      execute(call);
    }
    alarm(0);
    if (transfer(1, buffer, length) < 0) return 1;
  }
}
