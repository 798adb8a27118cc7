// The upper layers of a container's overlays (src/host/container/upper-layers.ts): a directory of the host, which goes with the
// container.
//
// The container's programs made what is in the layers, as deep as they liked. So the walk goes down a few levels only, and what lies
// deeper is moved up beside the layers, to be found by the next round.

#include "front.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEVELS = 32, ROUNDS_MAX = 1 << 20 };

struct removal {
  /** Where the layers are; no program of the container's makes names there. */
  int top;
  unsigned moved;
};

static void empty_directory(struct removal *removal, int directory, int depth);

static void move_up(struct removal *removal, int directory, const char *name) {
  char above[32];
  snprintf(above, sizeof above, "deep-%u", removal->moved++);
  if (renameat(directory, name, removal->top, above) < 0) fail_errno(name);
}

static void remove_name(struct removal *removal, int directory, const char *name, int depth) {
  if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR) fail_errno(name);
  if (depth == LEVELS) {
    move_up(removal, directory, name);
    return;
  }
  int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) fail_errno(name);
  empty_directory(removal, fd, depth + 1);
  if (unlinkat(directory, name, AT_REMOVEDIR) < 0 && errno != ENOENT) fail_errno(name);
}

/** Takes the descriptor. */
static void empty_directory(struct removal *removal, int directory, int depth) {
  DIR *entries = fdopendir(directory);
  struct dirent *entry;
  if (entries == NULL) fail_errno("opendir");
  while ((entry = readdir(entries)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    remove_name(removal, directory, entry->d_name, depth);
  }
  closedir(entries);
}

void remove_layers(const struct container *container) {
  char *store = read_kept(container->fd, "overlay");
  struct removal removal = {.moved = 0};
  if (store == NULL || store[0] == '\0') return;
  removal.top = open(store, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (removal.top < 0) {
    if (errno == ENOENT) return;
    fail_errno(store);
  }
  for (int round = 0; rmdir(store) < 0 && errno != ENOENT; round++) {
    if (errno != ENOTEMPTY || round == ROUNDS_MAX) fail_errno(store);
    int fd = openat(removal.top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) fail_errno(store);
    empty_directory(&removal, fd, 0);
  }
  close(removal.top);
  free(store);
}
