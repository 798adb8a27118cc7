// A call to a container's sentry over its control socket (src/urpc/protocol.ts). The sentry is the guest's prison and may be the
// guest's by now: what it answers is bounded in size and time, and only looked at.

#include "front.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
  /** 1,000 processes with a long name each. */
  ANSWER_MAX = 8 << 20,
  PIECE = 16384,
  /** The sentry has a thread that answers at any time. */
  TIMEOUT_S = 60,
  MS_PER_S = 1000,
  NS_PER_MS = 1000000,
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

static _Noreturn void fail_silent(const char *why) { fail("the sandbox does not answer: %s", why); }

/** By the directory's descriptor: its path may be longer than an address can be. */
static int connect_sandbox(const struct container *container) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  // Linux takes it for connect(2), too, which waits while the sentry's queue is full.
  const struct timeval timeout = {.tv_sec = TIMEOUT_S};
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control", container->fd);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_errno("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0) fail_errno("SO_SNDTIMEO");
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  if (errno == ENOENT || errno == ECONNREFUSED) fail_not_running();
  fail_silent(strerror(errno));
}

static void send_request(int fd, const struct text *request) {
  for (size_t done = 0; done < request->length;) {
    ssize_t count = send(fd, request->bytes + done, request->length - done, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_silent(strerror(errno));
    done += (size_t)count;
  }
}

static void await_input(int fd, int64_t deadline) {
  int64_t left = deadline - now_ms();
  struct pollfd wanted = {.fd = fd, .events = POLLIN};
  int ready = left <= 0 ? 0 : TEMP_FAILURE_RETRY(poll(&wanted, 1, (int)left));
  if (ready == 0) fail_silent(strerror(ETIMEDOUT));
  if (ready < 0) fail_silent(strerror(errno));
}

/** One value, which is all that the sentry says. */
static struct text receive_answer(int fd) {
  struct text answer = {0};
  char piece[PIECE];
  int64_t deadline = now_ms() + (int64_t)TIMEOUT_S * MS_PER_S;
  for (;;) {
    await_input(fd, deadline);
    ssize_t count = TEMP_FAILURE_RETRY(recv(fd, piece, sizeof piece, 0));
    if (count < 0) fail_silent(strerror(errno));
    if (count == 0) fail_silent("it closed the connection");
    if (answer.length + (size_t)count > ANSWER_MAX) fail_silent("its answer is too long");
    add_bytes(&answer, piece, (size_t)count);
    // Only the piece with the end of the object can end like this.
    if (piece[count - 1] != '}') continue;
    struct json json = {.at = answer.bytes, .end = answer.bytes + answer.length};
    if (json_skip(&json)) return answer;
  }
}

struct reply {
  bool has_success;
  bool success;
  struct text err;
  struct json result;
};

static bool take_member(struct json *json, struct reply *reply) {
  struct text name = {0};
  if (!json_string(json, &name) || !json_token(json, ':')) return false;
  if (strcmp(name.bytes, "success") == 0) {
    reply->has_success = true;
    return json_boolean(json, &reply->success);
  }
  if (strcmp(name.bytes, "err") == 0) return json_string(json, &reply->err);
  if (strcmp(name.bytes, "result") != 0) return false;
  reply->result.at = json->at;
  if (!json_skip(json)) return false;
  reply->result.end = json->at;
  return true;
}

static bool parse_reply(struct json *json, struct reply *reply) {
  if (!json_token(json, '{')) return false;
  do {
    if (!take_member(json, reply)) return false;
  } while (json_token(json, ','));
  return json_token(json, '}') && reply->has_success && reply->err.bytes != NULL;
}

struct json call_sandbox(const struct container *container, const char *method) {
  struct text request = {0};
  struct reply reply = {0};
  int fd = connect_sandbox(container);
  add_format(&request, "{\"method\":\"containerManager.%s\",\"arg\":", method);
  add_json(&request, container->id, strlen(container->id));
  add_string(&request, "}");
  send_request(fd, &request);
  struct text answer = receive_answer(fd);
  close(fd);
  struct json json = {.at = answer.bytes, .end = answer.bytes + answer.length};
  if (!parse_reply(&json, &reply)) fail_silent("its answer is not understood");
  if (!reply.success) fail("%s", reply.err.bytes);
  return reply.result;
}
