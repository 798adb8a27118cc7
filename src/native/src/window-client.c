// A window's client: sends requests and sleeps for replies (window.h has the rules of sleeping and waking).

#include "channel.h"
#include "memory.h"
#include "wait.h"
#include "window.h"

#include <sys/socket.h>
#include <unistd.h>

/** How long the death of the server and a cancellation may go unnoticed. */
static const int64_t SLICE_NS = INT64_C(20000000);

/** After something was shown to the server. */
static void ring(const struct window *window) {
  _Atomic uint32_t *server = &window->mapping->header->server;
  uint64_t one = 1;
  if (atomic_load(server) == SERVER_AWAKE || atomic_exchange(server, SERVER_AWAKE) == SERVER_AWAKE) return;
  // It would take more than a lifetime to fill the counter.
  (void)RETRY(write(window->mapping->bell, &one, sizeof one));
}

/** What a sleeper waits for: bytes to read, or `needed` bytes of room. Also when the server lies, which the caller finds. */
static bool is_there(const struct window *window, enum client_state reason, int64_t needed) {
  int64_t amount = reason == CLIENT_FOR_REPLY ? ring_available(&window->in) : ring_room(&window->out);
  return amount < 0 || amount >= needed;
}

/** Between two slices of sleep: 0, -EINTR when cancelled, -ECONNRESET when the server is gone, another -errno. */
static int64_t look_around(const struct window *window, int cancel_fd) {
  int64_t seen = wait_for(window->socket, POLLRDHUP, cancel_fd, 0);
  if (seen < 0) return seen;
  if (seen & WAIT_READY) return -ECONNRESET;
  return seen & WAIT_CANCELLED ? -EINTR : 0;
}

/** Sleeps until `needed` bytes are there. Returns 0, or as look_around(). */
static int64_t sleep_for(const struct window *window, enum client_state reason, int64_t needed, int cancel_fd) {
  _Atomic uint32_t *client = &window->shared->client;
  int64_t seen = 0;
  while (!is_there(window, reason, needed)) {
    if (seen < 0) return seen;
    atomic_store(client, reason);
    if (!is_there(window, reason, needed)) futex_wait(client, reason, SLICE_NS);
    atomic_store(client, CLIENT_AWAKE);
    // Also when somebody woke it for nothing. What came just before the server's end is still taken.
    if (!is_there(window, reason, needed)) seen = look_around(window, cancel_fd);
  }
  return 0;
}

/** All or nothing. Returns 0, -EMSGSIZE, -EINTR when cancelled, or another -errno. */
static int64_t send_requests(struct window *window, const uint8_t *data, int64_t length, int cancel_fd) {
  if (length > RING_BYTES) return -EMSGSIZE;
  int64_t slept = sleep_for(window, CLIENT_FOR_ROOM, length, cancel_fd);
  if (slept < 0) return slept;
  if (ring_room(&window->out) < 0) return -EPROTO;
  ring_put(&window->out, data, (uint32_t)length);
  ring(window);
  return 0;
}

static void took(struct window *window, uint32_t length) {
  ring_take(&window->in, length);
  if (atomic_load(&window->shared->starved) && atomic_exchange(&window->shared->starved, 0)) ring(window);
}

/** The next reply. Returns its length, or -errno. */
static int64_t receive_reply(struct window *window, uint8_t *data, int64_t capacity, uint8_t *fd_out, int cancel_fd) {
  const int none = -1;
  memcpy(fd_out, &none, sizeof none);
  int64_t slept = sleep_for(window, CLIENT_FOR_REPLY, 1, cancel_fd);
  if (slept < 0) return slept;
  int64_t available = ring_available(&window->in);
  if (available < SIZE_BYTES) return -EPROTO;
  uint32_t size;
  ring_peek(&window->in, (uint8_t *)&size, SIZE_BYTES);
  if (size == BY_SOCKET) {
    struct flow flow = {.fd = window->socket, .cancel_fd = cancel_fd, .deadline = -1};
    int64_t got = receive_with_descriptor(&flow, data, capacity, fd_out);
    if (got >= 0) took(window, SIZE_BYTES);
    return got;
  }
  if (size < MIN_MESSAGE || size > capacity || size > available) return -EPROTO;
  ring_peek(&window->in, data, size);
  // The size that was checked: the one in the ring may be another by now.
  memcpy(data, &size, SIZE_BYTES);
  took(window, size);
  return size;
}

/** windowRpc(window, slot, request, requestLength, response, capacity, fdSlot, fdOut, cancelFd) */
static int64_t call_window_rpc(napi_env env, const int64_t *arg) {
  uint8_t *request = NULL;
  uint8_t *response = NULL;
  uint8_t *fd_out = NULL;
  struct window *window = window_find(arg[0]);
  if (window == NULL) return -EBADF;
  int error = memory_span(env, arg[1], arg[2], arg[3], &request);
  if (error == 0) error = memory_span(env, arg[1], arg[4], arg[5], &response);
  if (error == 0) error = memory_span(env, arg[6], arg[7], sizeof(int), &fd_out);
  if (error < 0) return error;

  int cancel_fd = (int)arg[8];
  int64_t sent = arg[3] == 0 ? 0 : send_requests(window, request, arg[3], cancel_fd);
  if (sent == -EINTR) return -ECANCELED;
  if (sent < 0) return sent;
  return receive_reply(window, response, arg[5], fd_out, cancel_fd);
}

const struct call window_client_calls[] = {
    {"windowRpc", "iiooooiod", call_window_rpc},
    {NULL, NULL, NULL},
};
