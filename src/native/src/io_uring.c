// The rings of io_uring that a process has from its start: libuv 1.49 and later make one for each event loop, to change what
// epoll waits for by one call instead of many.
//
// No filter sees what is asked by a ring, so a confined process enters none. A loop that turns no more, or that waits for the
// same descriptors ever after, does not: so it is with that of Node's thread for delayed tasks once it has begun to wait, but
// that may take it long on a busy machine. Processes that are started by wv-launch have no rings.

#include "args.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Of libuv, which node exports.
extern int uv_backend_fd(const struct uv_loop_s *loop);

enum { STEP_NS = 50000, STEPS = 40000, PATH_BYTES = 64, INFO_BYTES = 512 };

static const char RING[] = "anon_inode:[io_uring]";

static bool is_ring(int directory, const char *name) {
  char target[sizeof RING];
  ssize_t length = readlinkat(directory, name, target, sizeof target);
  return length == sizeof RING - 1 && memcmp(target, RING, sizeof RING - 1) == 0;
}

/** Whether something was ever put into the ring. True when Linux does not say. */
static bool was_used(const char *name) {
  static const char field[] = "SqTail:";
  char path[PATH_BYTES];
  char info[INFO_BYTES];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%s", name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;
  ssize_t length = read(fd, info, sizeof info - 1);
  close(fd);
  if (length <= 0) return true;
  info[length] = '\0';
  const char *found = strstr(info, field);
  return found == NULL || strtoul(found + sizeof field - 1, NULL, 0) != 0;
}

struct rings {
  bool any;
  /** One that is not the main thread's. */
  bool other_used;
};

/** `main_epoll`: the descriptor of the main thread's loop, behind which that of its ring comes next. */
static int look_at_rings(int main_epoll, struct rings *rings) {
  DIR *descriptors = opendir("/proc/self/fd");
  if (descriptors == NULL) return -errno;
  int main_ring = INT_MAX;
  *rings = (struct rings){false, false};
  for (struct dirent *entry; (entry = readdir(descriptors)) != NULL;) {
    int fd = atoi(entry->d_name);
    if (!is_ring(dirfd(descriptors), entry->d_name)) continue;
    rings->any = true;
    if (fd > main_epoll && fd < main_ring) main_ring = fd;
    if (was_used(entry->d_name) && fd != main_ring) rings->other_used = true;
  }
  closedir(descriptors);
  return 0;
}

/** awaitRings() */
static int64_t call_await_rings(napi_env env, const int64_t *arg) {
  (void)arg;
  const struct timespec step = {.tv_nsec = STEP_NS};
  struct uv_loop_s *loop = NULL;
  struct rings rings;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return -EINVAL;
  int error = look_at_rings(uv_backend_fd(loop), &rings);
  for (int steps = 0; error == 0 && rings.any && !rings.other_used; steps++) {
    if (steps == STEPS) return -ETIMEDOUT;
    nanosleep(&step, NULL);
    error = look_at_rings(uv_backend_fd(loop), &rings);
  }
  return error;
}

const struct call io_uring_calls[] = {
    {"awaitRings", "", call_await_rings},
    {NULL, NULL, NULL},
};
