// The root directory of the caged program: files of the host, each a read-only mount at its own path, /proc, and nothing else.
//
// All that is taken from the old root is opened as detached mounts before the new one covers anything.

#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// sys/mount.h and linux/mount.h do not go together in older C libraries.
extern int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
extern int umount2(const char *target, int flags);

enum { PATH_BYTES = 4096, DETACH = 2 };

/** A file system of its own, not mounted anywhere yet. */
static int new_mount(const char *type, const char *option, const char *value, unsigned attributes) {
  int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (context < 0) fail_errno(type);
  if (option != NULL && syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, option, value, 0) < 0) fail_errno(type);
  if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) fail_errno(type);
  int fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
  if (fd < 0) fail_errno(type);
  close(context);
  return fd;
}

static void set_attributes(int mount_fd, const char *path, unsigned attributes, const char *what) {
  struct mount_attr change = {.attr_set = attributes};
  unsigned flags = path[0] == '\0' ? AT_EMPTY_PATH : 0;
  if (syscall(SYS_mount_setattr, mount_fd, path, flags, &change, sizeof change) < 0) fail_errno(what);
}

static void attach(int mount_fd, const char *where) {
  if (syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, where, MOVE_MOUNT_F_EMPTY_PATH) < 0) fail_errno(where);
}

/** Makes the directories above the last component of `path`, which is relative. */
static void make_parents(const char *path) {
  char part[PATH_BYTES];
  if (strlen(path) >= sizeof part) fail("%.64s...: the name is too long", path);
  for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    memcpy(part, path, (size_t)(slash - path));
    part[slash - path] = '\0';
    if (mkdir(part, 0755) < 0 && errno != EEXIST) fail_errno(part);
  }
}

static void make_mount_point(int mount_fd, const char *path) {
  struct stat status;
  if (fstat(mount_fd, &status) < 0) fail_errno(path);
  make_parents(path);
  if (S_ISDIR(status.st_mode)) {
    if (mkdir(path, 0755) < 0 && errno != EEXIST) fail_errno(path);
    return;
  }
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
  if (fd < 0) fail_errno(path);
  close(fd);
}

static const char *relative(const char *path) { return path + strspn(path, "/"); }

/** A detached mount of the file, or -1 when there is none. */
static int open_shown(const char *path) {
  int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (fd < 0 && errno != ENOENT) fail_errno(path);
  return fd;
}

/** From now on the program's files are all there is. Precondition: the new root is the current directory. */
static void leave_old_root(void) {
  if (syscall(SYS_pivot_root, ".", ".") < 0) fail_errno("pivot_root");
  // The old root lies over the new one now.
  if (umount2(".", DETACH) < 0) fail_errno("umount of the old root");
  if (chdir("/") < 0) fail_errno("/");
  set_attributes(AT_FDCWD, "/", MOUNT_ATTR_RDONLY, "/");
}

int enter_minimal_root(const struct options *options) {
  const unsigned plain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  enum { PRIVATE = 1 << 18, RECURSIVE = 1 << 14 };
  int shown[MAX_SHOWN];
  if (mount(NULL, "/", NULL, PRIVATE | RECURSIVE, NULL) < 0) fail_errno("making mounts private");
  for (size_t index = 0; index < options->shown_count; index++) shown[index] = open_shown(options->shown[index]);
  int proc = new_mount("proc", NULL, NULL, plain | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
  int root = new_mount("tmpfs", "mode", "0755", plain);
  // Any directory will do that is sure to be there.
  attach(root, "/proc");
  if (fchdir(root) < 0) fail_errno("tmpfs");
  for (size_t index = 0; index < options->shown_count; index++) {
    if (shown[index] < 0) continue;
    const char *path = relative(options->shown[index]);
    make_mount_point(shown[index], path);
    set_attributes(shown[index], "", plain | MOUNT_ATTR_RDONLY, path);
    attach(shown[index], path);
    close(shown[index]);
  }
  if (mkdir("proc", 0555) < 0) fail_errno("proc");
  attach(proc, "proc");
  int descriptors = (int)syscall(SYS_open_tree, AT_FDCWD, "proc/self/fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (descriptors < 0) fail_errno("/proc/self/fd");
  leave_old_root();
  close(root);
  close(proc);
  return descriptors;
}
