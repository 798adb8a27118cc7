// The anchor's root directory: the container's, as the host has it. Who joins the anchor's namespaces, to copy files or to list
// processes, finds nothing else.
//
// The tree was written by whoever made the image: its names are only ever opened without following links.

#include "anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// sys/mount.h and linux/mount.h do not go together in older C libraries.
extern int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
extern int umount2(const char *target, int flags);

enum { BIND = 1 << 12, PRIVATE = 1 << 18, RECURSIVE = 1 << 14, DETACH = 2 };

/** A root without a directory for it, or that cannot be changed, has none. */
static void mount_proc(void) {
  if (mkdirat(AT_FDCWD, "proc", 0555) < 0 && errno != EEXIST) return;
  int place = open("proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (place < 0) return;
  int proc = new_mount("proc", NULL, NULL);
  attach_mount(proc, place, "/proc");
  close(proc);
  close(place);
}

/** Precondition: all is mounted that needs a place in it. */
static void protect_root(void) {
  int top = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) fail_errno("/");
  make_readonly(top, "/");
  close(top);
}

void enter_container_root(const struct container *container, struct anchor_mounts *mounts) {
  const char *root = container->root;
  if (mount(NULL, "/", NULL, PRIVATE | RECURSIVE, NULL) < 0) fail_errno("making mounts private");
  if (mount(root, root, NULL, BIND | RECURSIVE, NULL) < 0) fail_errno(root);
  if (chdir(root) < 0) fail_errno(root);
  if (hides_root(mounts)) {
    hide_root(mounts);
    if (chdir(root) < 0) fail_errno(root);
  }
  mount_proc();
  make_mounts(mounts);
  if (container->readonly_root) protect_root();
  if (syscall(SYS_pivot_root, ".", ".") < 0) fail_errno("pivot_root");
  // The old root lies over the new one now.
  if (umount2(".", DETACH) < 0) fail_errno("umount of the old root");
  if (chdir("/") < 0) fail_errno("/");
}
