// The bundle's mounts in the anchor's root, so that who copies files into a volume by way of the anchor finds the volume.
//
// The list, in the order of mounting: for each mount KIND DESTINATION SOURCE, each with a NUL behind it. KIND is
//   w   the host's SOURCE, a directory or a file; without set-id programs, devices and execution
//   r   the same, read-only
//   e   an empty directory that is read-only: what is there in the sandbox is nowhere else
//   c   the same where the container's root has something; nothing is made for it
// For the root only "e" may be named.
//
// Who made the image, and the container's own programs meanwhile, write the tree in which the places are. So each is looked up by
// Linux inside the root, whatever links say, and what was found is what is mounted on: no path is looked up twice. Places that are
// missing are made where the container's root has nothing else mounted, as runc does, before sentry and gofer start; below what is
// mounted they are made in empty directories only. What has no place is left out: there is nothing there then.

#include "mounts.h"

#include "../shared/root_mount.h"
#include "anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FIELDS = 3, MAX_LIST = 16 << 20, RACES_MAX = 100, LINKS_MAX = 40, PATH_BYTES = 4096 };

static char *read_list(int fd, size_t *length) {
  struct stat status;
  if (fstat(fd, &status) < 0) fail_errno("--mounts");
  if (status.st_size > MAX_LIST) fail("--mounts: more than %d bytes", MAX_LIST);
  char *text = malloc((size_t)status.st_size + 1);
  if (text == NULL) fail_errno("--mounts");
  ssize_t got = TEMP_FAILURE_RETRY(pread(fd, text, (size_t)status.st_size, 0));
  if (got != status.st_size) fail("--mounts: cannot be read");
  close(fd);
  if (got > 0 && text[got - 1] != '\0') fail("--mounts: not a list");
  *length = (size_t)got;
  return text;
}

static void open_mount(struct anchor_mount *mount, const char *kind, const char *source) {
  mount->tree = -1;
  mount->is_empty = strcmp(kind, "e") == 0 || strcmp(kind, "c") == 0;
  mount->is_made = strcmp(kind, "c") != 0;
  mount->is_directory = true;
  if (mount->destination[0] != '/') fail("--mounts: not an absolute path: %.200s", mount->destination);
  if (mount->is_empty) return;
  struct stat status;
  mount->tree = open_root_mount(source, strcmp(kind, "r") == 0);
  if (mount->tree < 0 || fstat(mount->tree, &status) < 0) fail_errno(source);
  mount->is_directory = S_ISDIR(status.st_mode);
}

static void parse_list(struct anchor_mounts *mounts, size_t length) {
  size_t fields = 0;
  for (size_t at = 0; at < length; at++) fields += mounts->text[at] == '\0';
  if (fields % FIELDS != 0) fail("--mounts: not a list");
  mounts->count = fields / FIELDS;
  mounts->list = calloc(mounts->count + 1, sizeof *mounts->list);
  if (mounts->list == NULL) fail_errno("--mounts");
  const char *at = mounts->text;
  for (size_t index = 0; index < mounts->count; index++) {
    const char *kind = at;
    const char *destination = kind + strlen(kind) + 1;
    const char *source = destination + strlen(destination) + 1;
    mounts->list[index].destination = destination;
    open_mount(&mounts->list[index], kind, source);
    at = source + strlen(source) + 1;
  }
}

/** What a path inside `root` leads to, or -1 with errno. Something that moves meanwhile is EAGAIN to Linux. */
static int open_inside(int root, const char *path) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  long fd = -1;
  for (int tries = 0; tries < RACES_MAX; tries++) {
    fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return (int)fd;
}

static bool make_last(int parent, const char *name, bool is_directory) {
  if (is_directory) return mkdirat(parent, name, 0755) == 0 || errno == EEXIST;
  int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd >= 0) close(fd);
  return fd >= 0 || errno == EEXIST;
}

/** A path that leads to a place: the names before `done` are there. */
struct way {
  char path[PATH_BYTES];
  size_t done;
  int links;
};

/** The link at the end of `part`, whose directory is `parent`, leads nowhere yet: the way goes on by what it says. */
static bool follow_link(struct way *way, int parent, const char *part, size_t name_at) {
  char target[PATH_BYTES];
  char rest[PATH_BYTES];
  size_t end = strlen(part);
  ssize_t length = readlinkat(parent, part + name_at, target, sizeof target - 1);
  if (length <= 0 || ++way->links > LINKS_MAX) return false;
  target[length] = '\0';
  memcpy(rest, way->path + end, strlen(way->path + end) + 1);
  int total = target[0] == '/' ? snprintf(way->path, sizeof way->path, "%s%s", target, rest)
                               : snprintf(way->path, sizeof way->path, "%.*s%s%s", (int)name_at, part, target, rest);
  way->done = 0;
  return total > 0 && (size_t)total < sizeof way->path;
}

/** Goes on by one name; false where the way ends. */
static bool make_step(int root, struct way *way, bool is_directory) {
  char part[PATH_BYTES];
  size_t name_at = way->done + strspn(way->path + way->done, "/");
  size_t end = name_at + strcspn(way->path + name_at, "/");
  memcpy(part, way->path, end);
  part[end] = '\0';
  int fd = open_inside(root, part);
  if (fd < 0 && errno == ENOENT) {
    char above = part[name_at];
    part[name_at] = '\0';
    int parent = open_inside(root, part[0] == '\0' ? "/" : part);
    part[name_at] = above;
    if (parent < 0) return false;
    bool made = make_last(parent, part + name_at, is_directory || way->path[end] != '\0');
    fd = made ? open_inside(root, part) : -1;
    bool followed = made && fd < 0 && errno == ENOENT && follow_link(way, parent, part, name_at);
    close(parent);
    if (followed) return true;
  }
  if (fd < 0) return false;
  close(fd);
  way->done = end;
  return true;
}

/** Makes what is missing of a path, through links as Linux would if there were all that they lead to. */
static void make_place(int root, const char *path, bool is_directory) {
  struct way way = {.done = 0};
  if (strlen(path) >= sizeof way.path) return;
  memcpy(way.path, path, strlen(path) + 1);
  while (way.path[way.done] != '\0') {
    if (!make_step(root, &way, is_directory)) return;
  }
}

static bool is_below(const char *path, const char *above) {
  size_t length = strlen(above);
  return strncmp(path, above, length) == 0 && path[length] == '/';
}

/** The last one before `index` below which its place is, or NULL: then that is in the container's own tree. */
static const struct anchor_mount *mount_above(const struct anchor_mounts *mounts, size_t index) {
  for (size_t other = index; other-- > 0;) {
    const char *above = mounts->list[other].destination;
    if (strcmp(above, "/") == 0 || is_below(mounts->list[index].destination, above)) return &mounts->list[other];
  }
  return NULL;
}

bool hides_root(const struct anchor_mounts *mounts) {
  return mounts->count > 0 && strcmp(mounts->list[0].destination, "/") == 0;
}

void prepare_mounts(struct anchor_mounts *mounts, int fd, const char *root) {
  size_t length;
  mounts->text = read_list(fd, &length);
  parse_list(mounts, length);
  int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) fail_errno(root);
  for (size_t index = hides_root(mounts); index < mounts->count; index++) {
    const struct anchor_mount *mount = &mounts->list[index];
    if (mount->is_made && mount_above(mounts, index) == NULL) make_place(top, mount->destination, mount->is_directory);
  }
  close(top);
}

int new_mount(const char *type, const char *option, const char *value) {
  int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (context < 0) fail_errno(type);
  if (option != NULL && syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, option, value, 0) < 0) fail_errno(type);
  if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) fail_errno(type);
  unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
  if (fd < 0) fail_errno(type);
  close(context);
  return fd;
}

void attach_mount(int tree, int place, const char *where) {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (syscall(SYS_move_mount, tree, "", place, "", flags) < 0) fail_errno(where);
}

void make_readonly(int mount, const char *where) {
  struct mount_attr change = {.attr_set = MOUNT_ATTR_RDONLY};
  if (syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &change, sizeof change) < 0) fail_errno(where);
}

static void mount_on(struct anchor_mount *mount, int place) {
  if (mount->is_empty) mount->tree = new_mount("tmpfs", "mode", "0755");
  attach_mount(mount->tree, place, mount->destination);
}

void hide_root(struct anchor_mounts *mounts) {
  int place = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (place < 0) fail_errno("/");
  mount_on(&mounts->list[0], place);
  close(place);
}

static void make_mount(const struct anchor_mounts *mounts, size_t index) {
  struct anchor_mount *mount = &mounts->list[index];
  const struct anchor_mount *above = mount_above(mounts, index);
  if (mount->is_made && above != NULL && above->is_empty && above->tree >= 0) make_place(AT_FDCWD, mount->destination, mount->is_directory);
  int place = open_inside(AT_FDCWD, mount->destination);
  if (place < 0) {
    if (errno != ENOENT) fail_errno(mount->destination);
    return;
  }
  mount_on(mount, place);
  close(place);
}

void make_mounts(struct anchor_mounts *mounts) {
  for (size_t index = hides_root(mounts); index < mounts->count; index++) make_mount(mounts, index);
  for (size_t index = 0; index < mounts->count; index++) {
    struct anchor_mount *mount = &mounts->list[index];
    if (mount->is_empty && mount->tree >= 0) make_readonly(mount->tree, mount->destination);
    if (mount->tree >= 0) close(mount->tree);
  }
  free(mounts->list);
  free(mounts->text);
}
