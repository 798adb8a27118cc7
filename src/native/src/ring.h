// A ring of bytes in memory that is shared with a peer: one side writes, the other reads.
//
// Positions count bytes from the beginning and wrap at 2^32; where a byte lies is its position modulo RING_BYTES. Each side
// believes its own position only, which is not in the shared memory, and reads the other's once for each decision. So whatever
// the peer writes there, no access leaves the ring: a distance that cannot be is -EPROTO, and what is copied is copied before it
// is looked at.
//
// The positions' own loads and stores are relaxed: one thread at a time uses a side. Two that do not keep to it mix their
// bytes up, and that is all.

#ifndef WV_RING_H
#define WV_RING_H

#include "args.h"

#include <stdatomic.h>
#include <string.h>

/** A power of two, and so large that a reply of the largest size has room behind another one. */
enum { RING_BYTES = 1 << 18, CACHE_LINE = 64 };

/** The shared part. */
struct ring_positions {
  _Alignas(CACHE_LINE) _Atomic uint32_t written;
  _Alignas(CACHE_LINE) _Atomic uint32_t read;
};

/** One side's view. */
struct ring {
  struct ring_positions *shared;
  uint8_t *bytes;
  /** This side's. */
  _Atomic uint32_t position;
};

static inline uint32_t ring_position(const struct ring *ring) {
  return atomic_load_explicit(&ring->position, memory_order_relaxed);
}

/** How many bytes can be read, or -EPROTO. */
static inline int64_t ring_available(const struct ring *ring) {
  uint32_t available = atomic_load(&ring->shared->written) - ring_position(ring);
  return available > RING_BYTES ? -EPROTO : (int64_t)available;
}

/** How many bytes can be written, or -EPROTO. */
static inline int64_t ring_room(const struct ring *ring) {
  uint32_t used = ring_position(ring) - atomic_load(&ring->shared->read);
  return used > RING_BYTES ? -EPROTO : (int64_t)(RING_BYTES - used);
}

/** Copies the next `length` bytes, at most RING_BYTES, which stay. */
static inline void ring_peek(const struct ring *ring, uint8_t *to, uint32_t length) {
  uint32_t at = ring_position(ring) % RING_BYTES;
  uint32_t first = length < RING_BYTES - at ? length : RING_BYTES - at;
  memcpy(to, ring->bytes + at, first);
  memcpy(to + first, ring->bytes, length - first);
}

/** Gives `length` bytes back to the writer. */
static inline void ring_take(struct ring *ring, uint32_t length) {
  uint32_t position = ring_position(ring) + length;
  atomic_store_explicit(&ring->position, position, memory_order_relaxed);
  atomic_store(&ring->shared->read, position);
}

/** Gives everything back unread. */
static inline void ring_drop(struct ring *ring) {
  ring_take(ring, atomic_load(&ring->shared->written) - ring_position(ring));
}

/** Copies `length` bytes, for which there is room, and shows them to the reader. */
static inline void ring_put(struct ring *ring, const uint8_t *from, uint32_t length) {
  uint32_t position = ring_position(ring);
  uint32_t at = position % RING_BYTES;
  uint32_t first = length < RING_BYTES - at ? length : RING_BYTES - at;
  memcpy(ring->bytes + at, from, first);
  memcpy(ring->bytes, from + first, length - first);
  atomic_store_explicit(&ring->position, position + length, memory_order_relaxed);
  atomic_store(&ring->shared->written, position + length);
}

#endif
