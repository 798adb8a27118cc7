// The windows' server: takes requests, gives replies, and says when it sleeps for all windows at once (window.h has the rules).

#include "channel.h"
#include "memory.h"
#include "wait.h"
#include "window.h"

/** A client that waits for `what`, or for anything. */
static void wake_client(const struct window *window, enum client_state what) {
  _Atomic uint32_t *client = &window->shared->client;
  if (atomic_load(client) != what) return;
  if (atomic_exchange(client, CLIENT_AWAKE) != CLIENT_AWAKE) futex_wake(client);
}

/** windowReceive(window, slot, offset, capacity) */
static int64_t call_window_receive(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  struct window *window = window_find(arg[0]);
  if (window == NULL) return -EBADF;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  if (error < 0) return error;
  int64_t available = ring_available(&window->in);
  if (available <= 0) return available == 0 ? -EAGAIN : available;
  uint32_t length = (uint32_t)(available < arg[3] ? available : arg[3]);
  ring_peek(&window->in, data, length);
  ring_take(&window->in, length);
  wake_client(window, CLIENT_FOR_ROOM);
  return length;
}

/** windowSend(window, slot, offset, length, passFd, more) */
static int64_t call_window_send(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  struct window *window = window_find(arg[0]);
  if (window == NULL) return -EBADF;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  if (error < 0) return error;
  int64_t length = arg[3];
  const uint32_t marker = BY_SOCKET;
  if (arg[4] >= 0) {
    // First the message, then its place in the order: whoever sees that need not wait for the message.
    struct flow flow = {.fd = window->socket, .cancel_fd = -1, .deadline = -1};
    int64_t sent = send_message(&flow, data, (size_t)length, (int)arg[4]);
    if (sent < 0) return sent;
    data = (uint8_t *)(uintptr_t)&marker;
    length = sizeof marker;
  }
  int64_t room = ring_room(&window->out);
  if (room < length) return room < 0 ? room : -EAGAIN;
  ring_put(&window->out, data, (uint32_t)length);
  if (!arg[5]) wake_client(window, CLIENT_FOR_REPLY);
  return 0;
}

/** Whether `bytes` of replies have room, and a few descriptors on the socket. A liar's do: sending them fails then. */
static bool has_room(const struct window *window, uint32_t bytes) {
  int64_t room = ring_room(&window->out);
  return room < 0 || (room >= bytes && wait_for(window->socket, POLLOUT, -1, 0) != 0);
}

/** windowRoom(window, bytes) */
static int64_t call_window_room(napi_env env, const int64_t *arg) {
  (void)env;
  struct window *window = window_find(arg[0]);
  if (window == NULL) return -EBADF;
  if (arg[1] < 0 || arg[1] > RING_BYTES) return -EINVAL;
  window->needs = 0;
  if (has_room(window, (uint32_t)arg[1])) return 1;
  window->needs = (uint32_t)arg[1];
  wake_client(window, CLIENT_FOR_REPLY);
  return 0;
}

/** Whether the server can do something for this window. */
static bool is_ready(const struct window *window) {
  if (!window->open) return false;
  if (window->needs == 0) return ring_available(&window->in) != 0;
  if (has_room(window, window->needs)) return true;
  atomic_store(&window->shared->starved, 1);
  return has_room(window, window->needs);
}

/** The next window that is ready, each in its turn, or -EAGAIN. */
static int64_t next_ready(struct mapping *mapping, int64_t map) {
  for (uint32_t step = 1; step <= mapping->count; step++) {
    uint32_t index = (mapping->last + step) % mapping->count;
    if (!is_ready(&mapping->windows[index])) continue;
    mapping->last = index;
    return map * MAX_WINDOWS + index;
  }
  return -EAGAIN;
}

static void tell(struct mapping *mapping, enum server_state state) {
  if (mapping->state != state) atomic_store(&mapping->header->server, state);
  mapping->state = state;
}

/** windowsNext(map, sleeps) */
static int64_t call_windows_next(napi_env env, const int64_t *arg) {
  (void)env;
  struct mapping *mapping = window_mapping(arg[0]);
  if (mapping == NULL) return -EBADF;
  tell(mapping, SERVER_AWAKE);
  int64_t ready = next_ready(mapping, arg[0]);
  if (ready != -EAGAIN || arg[1] == 0) return ready;
  tell(mapping, SERVER_ASLEEP);
  ready = next_ready(mapping, arg[0]);
  if (ready != -EAGAIN) tell(mapping, SERVER_AWAKE);
  return ready;
}

const struct call window_server_calls[] = {
    {"windowReceive", "iioo", call_window_receive},
    {"windowSend", "iioodi", call_window_send},
    {"windowRoom", "ii", call_window_room},
    {"windowsNext", "ii", call_windows_next},
    {NULL, NULL, NULL},
};
