// Executes raw system calls for a test: what Linux answers is what the kernel under test must answer.
//
// On descriptor 3, repeated until end of stream:
//   request   u32 length of the rest; i64 number; 6 x { u32 kind, u32 length, i64 value }; the arguments' bytes
//   reply     u32 length of the rest; i64 result or -errno; the arguments' bytes, as the call left them
// Kinds: 0 the value itself; 1 a pointer to `length` bytes; 2 a pointer to an array of struct iovec, whose spans' bytes follow
// each other, each behind its u32 length (`length` counts all of that, `value` the spans).

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CHANNEL = 3, ARGUMENTS = 6, SPANS_MAX = 1100 };

struct argument {
  uint32_t kind;
  uint32_t length;
  int64_t value;
};

struct head {
  int64_t number;
  struct argument argument[ARGUMENTS];
};

static int transfer(int isWrite, void *data, size_t length) {
  size_t done = 0;
  while (done < length) {
    uint8_t *at = (uint8_t *)data + done;
    ssize_t moved = isWrite ? write(CHANNEL, at, length - done) : read(CHANNEL, at, length - done);
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return -1;
    done += (size_t)moved;
  }
  return 0;
}

static long pointerTo(struct argument *argument, uint8_t *bytes, struct iovec *spans) {
  if (argument->kind == 0) return (long)argument->value;
  if (argument->kind == 1) return (long)bytes;
  uint8_t *at = bytes;
  for (int64_t i = 0; i < argument->value && i < SPANS_MAX; i++) {
    uint32_t length;
    memcpy(&length, at, 4);
    spans[i] = (struct iovec){at + 4, length};
    at += 4 + length;
  }
  return (long)spans;
}

int main(void) {
  static struct iovec spans[SPANS_MAX];
  uint8_t *buffer = NULL;
  size_t capacity = 0;
  for (;;) {
    uint32_t length;
    if (transfer(0, &length, 4) < 0) return 0;
    if (length > capacity) {
      free(buffer);
      capacity = length;
      // Page-aligned and not below 4 GiB, as a program's buffers are.
      buffer = aligned_alloc(4096, (capacity + 4095) & ~(size_t)4095);
      if (buffer == NULL) return 1;
    }
    if (transfer(0, buffer, length) < 0) return 1;
    struct head *head = (struct head *)buffer;
    uint8_t *bytes = buffer + sizeof *head;
    long value[ARGUMENTS];
    for (int i = 0; i < ARGUMENTS; i++) {
      value[i] = pointerTo(&head->argument[i], bytes, spans);
      if (head->argument[i].kind != 0) bytes += head->argument[i].length;
    }
    long result = syscall(head->number, value[0], value[1], value[2], value[3], value[4], value[5]);
    int64_t answer = result < 0 ? -errno : result;
    // The answer goes where the last argument's description was: in front of the bytes.
    uint8_t *reply = buffer + sizeof *head - 12;
    uint32_t size = (uint32_t)(8 + length - sizeof *head);
    memcpy(reply, &size, 4);
    memcpy(reply + 4, &answer, 8);
    if (transfer(1, reply, 4 + size) < 0) return 1;
  }
}
