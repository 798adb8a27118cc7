// Descriptors by their names in /proc/self/fd, for calls that take nothing else.

#ifndef WV_DESCRIPTOR_H
#define WV_DESCRIPTOR_H

#include <stdint.h>

typedef char descriptor_path_buffer[32];

/** A path that leads to what the descriptor is, as long as the current directory stays where it is. */
const char *descriptor_path(descriptor_path_buffer path, int64_t fd);
/** The name inside /proc/self/fd. */
const char *descriptor_name(descriptor_path_buffer path, int64_t fd);

#endif
