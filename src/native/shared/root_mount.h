// Mounts of their own for directories and files that a gofer serves: what both the helper and the launcher make.

#ifndef WV_ROOT_MOUNT_H
#define WV_ROOT_MOUNT_H

#include <stdbool.h>

/**
 * A descriptor of a new mount of `path`, with what is mounted below it, above which there is nothing: without set-user-id programs,
 * devices and execution, and with `readonly` without changes. Links in `path` are followed. Returns -1 with errno; EPERM without
 * CAP_SYS_ADMIN in the mount namespace.
 */
int open_root_mount(const char *path, bool readonly);

#endif
