// Whole 9P messages over a stream socket: what channel.c and the windows share.

#ifndef WV_CHANNEL_H
#define WV_CHANNEL_H

#include "args.h"

/** size[4] type[1] tag[2] */
enum { SIZE_BYTES = 4, MIN_MESSAGE = 7 };

/** A transfer in progress on one socket. */
struct flow {
  int fd;
  int cancel_fd;
  /** Where a descriptor that comes with the first byte of a frame goes; NULL on the side that takes none. */
  int *passed;
  /** When the frame must be complete, once cancelled inside it; -1 before that. */
  int64_t deadline;
};

/** Sends all of it; `pass_fd` (or -1) goes with the first byte. -EINTR: cancelled, and nothing was sent. */
int64_t send_message(struct flow *flow, const uint8_t *data, size_t length, int pass_fd);

/**
 * Receives one message to `data`, and stores the descriptor that came along, or -1, at `fd_out`: the caller's only when a
 * message came. Returns its length, or -errno; -ECONNRESET at the end of the stream.
 */
int64_t receive_with_descriptor(struct flow *flow, uint8_t *data, int64_t capacity, uint8_t *fd_out);

#endif
