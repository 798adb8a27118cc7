// The cgroup of a container: whether it is paused is told by Linux alone. What is kept of it is a file of lines, a controller and the
// directory that the container has with it (src/host/cgroups/cgroup.ts).

#include "front.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  VALUE_MAX = 4096,
  /** A process that is busy inside Linux stops when it is not any more. */
  FREEZE_POLLS = 5000,
  POLL_MS = 2,
  /** Version 1 may miss a process that was just made: it is asked again. */
  AGAIN_AFTER_POLLS = 25,
  /** A cgroup whose last process just ended is busy for a moment, longer on a machine that has much to do. */
  REMOVE_ATTEMPTS = 200,
  REMOVE_PAUSE_MS = 25,
  NS_PER_MS = 1000000,
};

/** How a version of cgroups freezes. */
struct freezer {
  const char *controller;
  /** Begins with '1' once the cgroup itself, and not one above it, was told to freeze. */
  const char *told;
  const char *file;
  const char *freeze;
  const char *thaw;
  /** What says that all processes have stopped, and how. */
  const char *state;
  const char *stopped;
};

static const struct freezer freezers[] = {
    {"freezer", "freezer.self_freezing", "freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN\n"},
    {"unified", "cgroup.freeze", "cgroup.freeze", "1", "0", "cgroup.events", "frozen 1\n"},
};

static void pause_ms(long milliseconds) {
  const struct timespec time = {.tv_nsec = milliseconds * NS_PER_MS};
  nanosleep(&time, NULL);
}

/** The directory on the line of `controller`; false where there is none. */
static bool find_directory(const char *lines, const char *controller, char *directory) {
  size_t length = strlen(controller);
  for (const char *line = lines; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
    if (strncmp(line, controller, length) != 0 || line[length] != ' ') continue;
    const char *path = line + length + 1;
    size_t bytes = strcspn(path, "\n");
    if (bytes == 0 || bytes >= PATH_MAX) return false;
    memcpy(directory, path, bytes);
    directory[bytes] = '\0';
    return true;
  }
  return false;
}

/** NULL where the container has no cgroup that can freeze. */
static const struct freezer *find_freezer(const struct container *container, char *directory) {
  const char *lines = read_kept(container->fd, "cgroups");
  for (size_t index = 0; lines != NULL && index < sizeof freezers / sizeof *freezers; index++) {
    if (find_directory(lines, freezers[index].controller, directory)) return &freezers[index];
  }
  return NULL;
}

static int open_in(const char *directory, const char *file, int flags) {
  char path[PATH_MAX];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, file) >= sizeof path) fail("%s: too long", directory);
  return open(path, flags | O_CLOEXEC);
}

/** False when it is not there, or goes at this moment. */
static bool read_value(const char *directory, const char *file, char *value) {
  int fd = open_in(directory, file, O_RDONLY);
  if (fd < 0) return false;
  ssize_t length = TEMP_FAILURE_RETRY(read(fd, value, VALUE_MAX - 1));
  close(fd);
  value[length < 0 ? 0 : length] = '\0';
  return length >= 0;
}

static void write_value(const char *directory, const char *file, const char *value) {
  int fd = open_in(directory, file, O_WRONLY);
  if (fd < 0 || TEMP_FAILURE_RETRY(write(fd, value, strlen(value))) < 0) fail_errno(file);
  close(fd);
}

static bool is_told(const struct freezer *freezer, const char *directory) {
  char value[VALUE_MAX];
  return read_value(directory, freezer->told, value) && value[0] == '1';
}

bool is_frozen(const struct container *container) {
  char directory[PATH_MAX];
  const struct freezer *freezer = find_freezer(container, directory);
  return freezer != NULL && is_told(freezer, directory);
}

static bool has_stopped(const struct freezer *freezer, const char *directory) {
  char value[VALUE_MAX];
  if (!read_value(directory, freezer->state, value)) fail_errno(freezer->state);
  return strstr(value, freezer->stopped) != NULL;
}

void freeze(const struct container *container) {
  char directory[PATH_MAX];
  const struct freezer *freezer = find_freezer(container, directory);
  if (freezer == NULL) fail("cannot pause the container: it has no cgroup that can freeze");
  write_value(directory, freezer->file, freezer->freeze);
  for (int polls = 1; !has_stopped(freezer, directory); polls++) {
    if (polls == FREEZE_POLLS) {
      write_value(directory, freezer->file, freezer->thaw);
      fail("unable to freeze");
    }
    pause_ms(POLL_MS);
    if (polls % AGAIN_AFTER_POLLS == 0) write_value(directory, freezer->file, freezer->freeze);
  }
}

void thaw(const struct container *container) {
  char directory[PATH_MAX];
  const struct freezer *freezer = find_freezer(container, directory);
  if (freezer != NULL && is_told(freezer, directory)) write_value(directory, freezer->file, freezer->thaw);
}

/** Whether it is gone; cgroups below it that are in nobody's use go first. */
static bool remove_directory(int above, const char *name, int depth) {
  if (unlinkat(above, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
  if (errno != EBUSY && errno != ENOTEMPTY) fail_errno(name);
  int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *entries = fd < 0 || depth == 0 ? NULL : fdopendir(fd);
  struct dirent *entry;
  while (entries != NULL && (entry = readdir(entries)) != NULL) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') remove_directory(fd, entry->d_name, depth - 1);
  }
  if (entries != NULL) closedir(entries);
  else if (fd >= 0) close(fd);
  return false;
}

enum { DEPTH_MAX = 16 };

/** Waits for processes that are about to be gone. */
static void await_removal(const char *directory) {
  for (int attempt = 1; !remove_directory(AT_FDCWD, directory, DEPTH_MAX); attempt++) {
    if (attempt == REMOVE_ATTEMPTS) fail("%s: processes stay in the cgroup", directory);
    pause_ms(REMOVE_PAUSE_MS);
  }
}

void remove_cgroup(const struct container *container) {
  char *lines = read_kept(container->fd, "cgroups");
  char *line;
  while ((line = strsep(&lines, "\n")) != NULL) {
    const char *directory = strchr(line, ' ');
    // Two controllers may have the same one: it is gone then.
    if (directory != NULL) await_removal(directory + 1);
  }
}

size_t read_members(const struct container *container, pid_t *pids, size_t most) {
  char directory[PATH_MAX];
  size_t count = 0;
  int pid;
  if (find_freezer(container, directory) == NULL) return 0;
  int fd = open_in(directory, "cgroup.procs", O_RDONLY);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  if (file == NULL) fail_errno("cgroup.procs");
  while (count < most && fscanf(file, "%d", &pid) == 1) pids[count++] = pid;
  fclose(file);
  return count;
}
