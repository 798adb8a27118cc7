// The 9P channel: whole messages over a stream socket, each starting with its own size (u32, little endian).
//
// A message is read in two steps, its size and then exactly the rest, so that no byte of the next one is taken.
//
// Cancelling
//   Before a message the channel is between frames and cancelling costs nothing. Inside a frame, in either direction, the
//   two sides would lose step: the rest gets PATIENCE_NS more, then the socket is shut down and is as dead as its peer.

#include "channel.h"
#include "memory.h"
#include "wait.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** A peer that runs needs far less for the rest of a frame that it has begun; and a kill waits for this. */
static const int64_t PATIENCE_NS = INT64_C(40000000);

static int64_t give_up(const struct flow *flow) {
  shutdown(flow->fd, SHUT_RDWR);
  return -ECONNRESET;
}

/** Without anything else to wait for, the socket call itself sleeps: one system call less, and a cheaper wake-up. */
static int flow_flags(const struct flow *flow) { return flow->cancel_fd < 0 && flow->deadline < 0 ? 0 : MSG_DONTWAIT; }

/** Sleeps until the socket can go on. `inside`: some bytes of the frame have passed. Returns 0, -EINTR or another -errno. */
static int64_t flow_wait(struct flow *flow, short events, bool inside) {
  int cancel_fd = flow->deadline < 0 ? flow->cancel_fd : -1;
  int64_t woken = wait_for(flow->fd, events, cancel_fd, flow->deadline);
  if (woken < 0 || (woken & WAIT_READY)) return woken < 0 ? woken : 0;
  if (woken == 0) return give_up(flow);
  if (!inside) return -EINTR;
  flow->deadline = monotonic_ns() + PATIENCE_NS;
  return 0;
}

/** send(2), with a descriptor. */
static int64_t send_descriptor(int to, const uint8_t *data, size_t length, int flags, int fd) {
  union {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)}};
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  struct iovec span = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
  struct msghdr message = {
      .msg_iov = &span,
      .msg_iovlen = 1,
      .msg_control = &control,
      .msg_controllen = sizeof control.bytes,
  };
  return sendmsg(to, &message, flags);
}

int64_t send_message(struct flow *flow, const uint8_t *data, size_t length, int pass_fd) {
  size_t done = 0;
  while (done < length) {
    const uint8_t *rest = data + done;
    int flags = MSG_NOSIGNAL | flow_flags(flow);
    bool passes = done == 0 && pass_fd >= 0;
    int64_t sent = passes ? RETRY(send_descriptor(flow->fd, rest, length, flags, pass_fd))
                          : RETRY(send(flow->fd, rest, length - done, flags));
    if (sent == -EAGAIN) sent = flow_wait(flow, POLLOUT, done > 0);
    if (sent == -EPIPE) return -ECONNRESET;
    if (sent < 0) return sent;
    done += (size_t)sent;
  }
  return 0;
}

/** The descriptors that came with a message: all are taken out, and more than one, or any later one, is a violation. */
static int take_descriptors(struct msghdr *message, int *passed) {
  int count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t bytes = header->cmsg_len - CMSG_LEN(0);
    for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + at, sizeof fd);
      if (count++ == 0) {
        *passed = fd;
      } else {
        close(fd);
      }
    }
  }
  return count > 1 || (message->msg_flags & MSG_CTRUNC) ? -EPROTO : 0;
}

/**
 * Receives exactly `length` bytes. `inside`: bytes of the same frame came before, so that no descriptor may come any more.
 * Without room for them in the call, the kernel never makes descriptors and says MSG_CTRUNC.
 * Returns `length`, or 0 at the end of the stream before the first byte of a frame.
 */
static int64_t receive_bytes(struct flow *flow, uint8_t *data, size_t length, bool inside) {
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  } control;
  size_t done = 0;
  while (done < length) {
    struct iovec span = {.iov_base = data + done, .iov_len = length - done};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
    if (flow->passed != NULL && !inside) {
      message.msg_control = control.bytes;
      message.msg_controllen = sizeof control.bytes;
    }
    int64_t got = RETRY(recvmsg(flow->fd, &message, MSG_CMSG_CLOEXEC | flow_flags(flow)));
    if (got == -EAGAIN) {
      got = flow_wait(flow, POLLIN, inside);
      if (got < 0) return got;
      continue;
    }
    if (got == 0) return inside ? -ECONNRESET : 0;
    if (got < 0) return got;
    int error = flow->passed != NULL ? take_descriptors(&message, flow->passed) : 0;
    if (error < 0) return error;
    done += (size_t)got;
    inside = true;
  }
  return (int64_t)length;
}

/** One message to `data`. Returns its length, 0 at the end of the stream, or -errno. */
static int64_t receive_frame(struct flow *flow, uint8_t *data, int64_t capacity) {
  uint8_t head[SIZE_BYTES];
  int64_t got = receive_bytes(flow, head, SIZE_BYTES, false);
  if (got <= 0) return got;
  uint32_t size = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
  if (size < MIN_MESSAGE || size > capacity) return -EPROTO;
  memcpy(data, head, SIZE_BYTES);
  got = receive_bytes(flow, data + SIZE_BYTES, size - SIZE_BYTES, true);
  return got < 0 ? got : size;
}

int64_t receive_with_descriptor(struct flow *flow, uint8_t *data, int64_t capacity, uint8_t *fd_out) {
  int passed = -1;
  flow->passed = &passed;
  int64_t got = receive_frame(flow, data, capacity);
  flow->passed = NULL;
  if (got == 0) got = -ECONNRESET;
  if (got < 0 && passed >= 0) {
    close(passed);
    passed = -1;
  }
  memcpy(fd_out, &passed, sizeof passed);
  return got;
}

/** socketpair(slot, out) */
static int64_t call_socketpair(napi_env env, const int64_t *arg) {
  int ends[2];
  uint8_t *out = NULL;
  int error = memory_span(env, arg[0], arg[1], sizeof ends, &out);
  if (error < 0) return error;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
  memcpy(out, ends, sizeof ends);
  return 0;
}

/** p9Rpc(fd, slot, request, requestLength, response, capacity, fdSlot, fdOut, cancelFd) */
static int64_t call_p9_rpc(napi_env env, const int64_t *arg) {
  uint8_t *request = NULL;
  uint8_t *response = NULL;
  uint8_t *fd_out = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &request);
  if (error == 0) error = memory_span(env, arg[1], arg[4], arg[5], &response);
  if (error == 0) error = memory_span(env, arg[6], arg[7], sizeof(int), &fd_out);
  if (error < 0) return error;

  struct flow flow = {.fd = (int)arg[0], .cancel_fd = (int)arg[8], .deadline = -1};
  int64_t sent = send_message(&flow, request, (size_t)arg[3], -1);
  if (sent == -EINTR) return -ECANCELED;
  if (sent < 0) return sent;
  return receive_with_descriptor(&flow, response, arg[5], fd_out);
}

/** p9Receive(fd, slot, offset, capacity) */
static int64_t call_p9_receive(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  if (error < 0) return error;
  struct flow flow = {.fd = (int)arg[0], .cancel_fd = -1, .deadline = -1};
  return receive_frame(&flow, data, arg[3]);
}

/** p9Send(fd, slot, offset, length, passFd) */
static int64_t call_p9_send(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  if (error < 0) return error;
  struct flow flow = {.fd = (int)arg[0], .cancel_fd = -1, .deadline = -1};
  return send_message(&flow, data, (size_t)arg[3], (int)arg[4]);
}

static int64_t call_readable(napi_env env, const int64_t *arg) {
  (void)env;
  uint8_t byte;
  int64_t got = RETRY(recv((int)arg[0], &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT));
  if (got == -EAGAIN) return 0;
  return got == 0 ? -ECONNRESET : got;
}

const struct call channel_calls[] = {
    {"socketpair", "io", call_socketpair},
    {"p9Rpc", "diooooiod", call_p9_rpc},
    {"p9Receive", "dioo", call_p9_receive},
    {"p9Send", "diood", call_p9_send},
    {"readable", "d", call_readable},
    {NULL, NULL, NULL},
};
