// Sleeping until a descriptor is ready or somebody cancels.

#ifndef WV_WAIT_H
#define WV_WAIT_H

#include "args.h"

#include <poll.h>

enum { WAIT_READY = 1, WAIT_CANCELLED = 2 };

/** CLOCK_MONOTONIC in nanoseconds. */
int64_t monotonic_ns(void);

/** The moment `timeout_ns` from now, or -1 (never) for -1. */
int64_t deadline_after(int64_t timeout_ns);

/**
 * ppoll(2) until the moment `deadline` (-1: for ever); signals do not end it.
 * Returns the number of ready descriptors, 0 when the time is over, or -errno.
 */
int64_t poll_until(struct pollfd *fds, nfds_t count, int64_t deadline);

/**
 * Sleeps until `fd` has one of `events` (or an error or hang-up, which the next call on it reports) or `cancel_fd`
 * (-1: none) is readable. Returns WAIT_* bits, 0 when `deadline` has come, or -errno.
 */
int64_t wait_for(int fd, short events, int cancel_fd, int64_t deadline);

#endif
