// Windows: 9P connections through memory that client and server share, beside a socket for each.
//
// One memfd holds the windows of all connections between two processes. A window is two rings of bytes, requests and replies,
// each a stream of whole messages as on a socket. The socket stays: replies that bring a descriptor travel on it, a size of
// BY_SOCKET in the ring in their place; and its end tells of the peer's death.
//
// Sleeping and waking
//   Each side announces in a word that it is about to sleep, looks again whether there is something to do, and sleeps. The other
//   one first shows what it has done, and then looks at that word. All four accesses are sequentially consistent: whichever
//   comes first, one of the two sees the other. Whoever finds a sleeper writes AWAKE, and only who has changed it wakes.
//
//   server (one word for all windows, since it serves them from one thread)
//     AWAKE   looks at all rings again before it sleeps
//     ASLEEP  waits in epoll for its sockets and the bell, an eventfd that whoever finds it asleep writes to
//   client (one word for each window)
//     AWAKE, FOR_REPLY, FOR_ROOM  sleeps on the word, a slice of time after the other; in between it looks at the socket, whose
//                                 end is the server's, and at the descriptor that cancels
//   starved (one word for each window)
//     1 when the server has no room for replies; the client, having taken some, rings as for a request
//
//   The server does not sleep in a futex too, though that is a call cheaper than epoll and the bell: of the gofer's 7.5 us for a
//   getattr it saved nothing that could be measured, and whoever comes by a socket would wait until the futex has timed out.
//
// Trust
//   Each side takes the memory for the other's to write at any time. Positions: ring.h. The words decide about nothing but
//   wake-ups: who lies waits longer, or wakes somebody for nothing, which has the other look at its sockets. All windows of a
//   memory belong to the same two processes, so that there is nobody else to harm.

#ifndef WV_WINDOW_H
#define WV_WINDOW_H

#include "ring.h"

enum { MAX_WINDOWS = 64, MAX_MAPPINGS = 64 };

enum server_state { SERVER_AWAKE, SERVER_ASLEEP };
enum client_state { CLIENT_AWAKE, CLIENT_FOR_REPLY, CLIENT_FOR_ROOM };

/** Instead of a message's size: it comes by the socket. No message has this size. */
enum { BY_SOCKET = 0 };

/** One side's view of a window. */
struct window {
  struct mapping *mapping;
  struct shared_window *shared;
  /** What comes in and what goes out: for a server requests and replies. */
  struct ring in;
  struct ring out;
  int socket;
  bool serves;
  bool open;
  /** Of a server's: how much room for replies it waits for, or 0. */
  uint32_t needs;
};

/** The beginning of the memory. */
struct shared_header {
  _Alignas(CACHE_LINE) _Atomic uint32_t server;
};

struct shared_window {
  struct ring_positions requests;
  struct ring_positions replies;
  _Alignas(CACHE_LINE) _Atomic uint32_t client;
  _Alignas(CACHE_LINE) _Atomic uint32_t starved;
};

/** One side's view of a memory. */
struct mapping {
  struct shared_header *header;
  size_t length;
  uint32_t count;
  /** An eventfd. */
  int bell;
  /** Of a server's: what its word says, unless a client has changed it. */
  enum server_state state;
  /** Of a server's: the window that was served last. */
  uint32_t last;
  struct window windows[MAX_WINDOWS];
};

/** NULL when there is none of this number. */
struct mapping *window_mapping(int64_t map);

/** The open window of this number (windowOpen() gave it), or NULL. */
struct window *window_find(int64_t id);

/** Sleeps while `*word` is `value`, `timeout_ns` at most. Returns 0, or -ETIMEDOUT, -EAGAIN when it is not, -EINTR. */
int64_t futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns);

void futex_wake(_Atomic uint32_t *word);

#endif
