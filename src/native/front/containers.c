// The directory of all containers, and those in it.

#include "front.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/** How deep a container's directory may be: files, and directories of files. */
enum { DEPTH_MAX = 8, OTHERS_WRITE = 022, PERMISSIONS = 0777, PRIVATE = 0700 };

static const char *root_path(const struct call *call, char *buffer, size_t size) {
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  if (call->root != NULL) return call->root;
  // What a user's environment names may be the user's, who has no say in root's containers.
  if (getuid() == 0) return "/run/wvisor";
  if (runtime != NULL && runtime[0] == '/') {
    if ((size_t)snprintf(buffer, size, "%s/wvisor", runtime) >= size) fail("XDG_RUNTIME_DIR: too long");
    return buffer;
  }
  fail("where are the containers? --root DIR or XDG_RUNTIME_DIR says it");
}

int open_root(const struct call *call) {
  char buffer[PATH_MAX];
  struct stat stats;
  const char *path = root_path(call, buffer, sizeof buffer);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return -1;
    fail_errno(path);
  }
  if (fstat(fd, &stats) < 0) fail_errno(path);
  // Who could write here could have us believe anything.
  if (stats.st_uid != geteuid() || (stats.st_mode & OTHERS_WRITE) != 0) fail("%s: others may write there", path);
  return fd;
}

/** -1 where there is none. */
static int open_directory(int root_fd, const char *name) {
  int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) fail_errno(name);
  return fd;
}

/** False where there is none. */
static bool open_named(struct container *container, const struct call *call) {
  *container = (struct container){.id = call->operands[0]};
  container->directory = call->directory != NULL ? call->directory : container->id;
  container->root_fd = open_root(call);
  container->fd = container->root_fd < 0 ? -1 : open_directory(container->root_fd, container->directory);
  return container->fd >= 0;
}

void find_container(struct container *container, const struct call *call) {
  if (!open_named(container, call) || !read_container(container, container->root_fd, container->directory)) {
    fail_missing(container->id);
  }
}

/** Whether the name is still the directory's: it may have been removed while we waited. */
static bool is_there(const struct container *container) {
  struct stat there;
  struct stat ours;
  if (fstat(container->fd, &ours) < 0) fail_errno(container->directory);
  if (fstatat(container->root_fd, container->directory, &there, AT_SYMLINK_NOFOLLOW) < 0) return false;
  return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

/** src/host/container/record.ts says what they are. */
static const char *const state_files[] = {
    "record", "phase", "control", "gofer", "hooks.json", "cgroups", "overlay", "config.json",
};

static bool is_state_file(const char *name) {
  // A draft has a dot in front.
  if (name[0] == '.') name++;
  for (size_t index = 0; index < sizeof state_files / sizeof *state_files; index++) {
    if (strcmp(state_files[index], name) == 0) return true;
  }
  return false;
}

/** Where --root leads to is a mistake now and then: what is somebody else's stays. */
static bool is_half_made(const struct container *container) {
  struct stat stats;
  struct dirent *entry;
  if (fstat(container->fd, &stats) < 0) fail_errno(container->directory);
  if (stats.st_uid != geteuid() || (stats.st_mode & PERMISSIONS) != PRIVATE) return false;
  DIR *entries = fdopendir(open_directory(container->root_fd, container->directory));
  bool only_ours = true;
  while (entries != NULL && (entry = readdir(entries)) != NULL) {
    bool is_dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    only_ours = only_ours && (is_dots || is_state_file(entry->d_name));
  }
  if (entries != NULL) closedir(entries);
  return entries != NULL && only_ours;
}

bool lock_container(struct container *container, const struct call *call) {
  if (!open_named(container, call)) return false;
  if (TEMP_FAILURE_RETRY(flock(container->fd, LOCK_EX)) < 0) fail_errno("flock");
  if (!is_there(container)) return false;
  if (read_container(container, container->root_fd, container->directory)) return true;
  // Its creator was killed: nothing of it runs, and nothing is to be kept.
  if (is_half_made(container)) remove_container(container);
  return false;
}

static void remove_entries(int directory, int depth);

static void remove_entry(int directory, const char *name, int depth) {
  if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR || depth == DEPTH_MAX) fail_errno(name);
  int fd = open_directory(directory, name);
  if (fd >= 0) remove_entries(fd, depth + 1);
  if (unlinkat(directory, name, AT_REMOVEDIR) < 0 && errno != ENOENT) fail_errno(name);
}

/** Takes the descriptor. */
static void remove_entries(int directory, int depth) {
  DIR *entries = fdopendir(directory);
  struct dirent *entry;
  if (entries == NULL) fail_errno("opendir");
  while ((entry = readdir(entries)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    remove_entry(directory, entry->d_name, depth);
  }
  closedir(entries);
}

void remove_container(const struct container *container) {
  remove_cgroup(container);
  remove_layers(container);
  // The lock is its other descriptor's, until this process ends.
  int fd = open_directory(container->root_fd, container->directory);
  if (fd >= 0) remove_entries(fd, 0);
  if (unlinkat(container->root_fd, container->directory, AT_REMOVEDIR) < 0 && errno != ENOENT) {
    fail_errno(container->directory);
  }
}
