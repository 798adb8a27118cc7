// Bytes and descriptors over unix stream sockets (SCM_RIGHTS), for messages whose end only a parser knows (src/urpc).
//
// No call sleeps. A receiver looks at what there is first, then takes exactly one message's bytes: so that descriptors, which
// Linux gives out with the bytes that they were sent with, are the message's own.

#include "args.h"
#include "memory.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** What Linux lets one message carry, at most (SCM_MAX_FD). */
enum { MAX_PASSED = 253 };

/** What comes before the descriptors in the caller's memory: their number. */
enum { COUNT_BYTES = 4 };

union control {
  struct cmsghdr header;
  uint8_t bytes[CMSG_SPACE(MAX_PASSED * sizeof(int))];
};

/** Points `*out` at a count and room for `most` descriptors. */
static int list_span(napi_env env, int64_t slot, int64_t offset, int64_t most, uint8_t **out) {
  if (most < 0 || most > MAX_PASSED) return -EINVAL;
  return memory_span(env, slot, offset, COUNT_BYTES + most * (int64_t)sizeof(int), out);
}

/** peek(fd, slot, offset, capacity) */
static int64_t call_peek(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  return error < 0 ? error : RETRY(recv((int)arg[0], data, (size_t)arg[3], MSG_PEEK | MSG_DONTWAIT));
}

static void close_passed(const int *passed, size_t count) {
  for (size_t index = 0; index < count; index++) close(passed[index]);
}

/** Appends the descriptors of `header` to `passed`, which holds MAX_PASSED. Returns how many there are now. */
static size_t append_passed(const struct cmsghdr *header, int *passed, size_t count) {
  size_t bytes = header->cmsg_len - CMSG_LEN(0);
  memcpy(passed + count, CMSG_DATA(header), bytes);
  return count + bytes / sizeof(int);
}

/** receiveRights(fd, slot, offset, length, list, most) */
static int64_t call_receive_rights(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  uint8_t *list = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  if (error == 0) error = list_span(env, arg[1], arg[4], arg[5], &list);
  if (error < 0) return error;

  union control control;
  size_t most = (size_t)arg[5];
  struct iovec span = {.iov_base = data, .iov_len = (size_t)arg[3]};
  struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
  // Not CMSG_SPACE(): Linux would fill its padding with one more.
  if (most > 0) message.msg_control = control.bytes;
  if (most > 0) message.msg_controllen = CMSG_LEN(most * sizeof(int));
  int64_t got = RETRY(recvmsg((int)arg[0], &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
  if (got < 0) return got;

  int passed[MAX_PASSED];
  size_t count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) count = append_passed(header, passed, count);
  }
  if (message.msg_flags & MSG_CTRUNC) {
    close_passed(passed, count);
    return -EMSGSIZE;
  }
  uint32_t number = (uint32_t)count;
  memcpy(list, &number, COUNT_BYTES);
  memcpy(list + COUNT_BYTES, passed, count * sizeof(int));
  return got;
}

/** sendRights(fd, slot, offset, length, list) */
static int64_t call_send_rights(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  uint8_t *list = NULL;
  uint32_t count = 0;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  if (error == 0) error = list_span(env, arg[1], arg[4], 0, &list);
  if (error < 0) return error;
  memcpy(&count, list, COUNT_BYTES);
  error = list_span(env, arg[1], arg[4], count, &list);
  if (error < 0) return error;

  union control control = {0};
  struct iovec span = {.iov_base = data, .iov_len = (size_t)arg[3]};
  struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
  if (count > 0) {
    control.header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
    memcpy(CMSG_DATA(&control.header), list + COUNT_BYTES, count * sizeof(int));
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  }
  return RETRY(sendmsg((int)arg[0], &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

/** peerUser(fd) */
static int64_t call_peer_user(napi_env env, const int64_t *arg) {
  (void)env;
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt((int)arg[0], SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
  return peer.uid;
}

const struct call rights_calls[] = {
    {"peek", "dioo", call_peek},
    {"receiveRights", "dioooi", call_receive_rights},
    {"sendRights", "diooo", call_send_rights},
    {"peerUser", "d", call_peer_user},
    {NULL, NULL, NULL},
};
