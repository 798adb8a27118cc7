// Mounts of the container in the anchor's root (mounts.c).

#ifndef WV_ANCHOR_MOUNTS_H
#define WV_ANCHOR_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

struct anchor_mount {
  /** Absolute, and inside the container's root. */
  const char *destination;
  /** What is mounted; -1 for an empty directory before its turn. */
  int tree;
  bool is_empty;
  /** Its place is made where it is missing. */
  bool is_made;
  bool is_directory;
};

struct anchor_mounts {
  char *text;
  struct anchor_mount *list;
  size_t count;
};

/**
 * Reads the list from `fd`, opens what it names on the host, and makes the places for it that are missing in the tree of `root`. Fails
 * for what cannot be opened.
 */
void prepare_mounts(struct anchor_mounts *mounts, int fd, const char *root);

/** Whether the root is to be empty but for what is mounted in it. */
bool hides_root(const struct anchor_mounts *mounts);

/** Covers the current directory, which is the root, with an empty one: the caller has to enter it anew. */
void hide_root(struct anchor_mounts *mounts);

/** Mounts all others in the current directory, which is to become the root, and lets go of the list. */
void make_mounts(struct anchor_mounts *mounts);

/** A file system of its own, not mounted yet, without set-id programs, devices and execution; `option` may be NULL. */
int new_mount(const char *type, const char *option, const char *value);

/** Mounts `tree` on what `place` was opened from. */
void attach_mount(int tree, int place, const char *where);

/** Nothing of the mount is changed any more, whatever is mounted in it. */
void make_readonly(int mount, const char *where);

#endif
