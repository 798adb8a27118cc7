// What is kept of a container. src/host/container/record.ts writes it and says how it looks.

#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Annotations and environments of a container: far less than this. */
enum { RECORD_MAX = 16 << 20, HEAD_LINES = 3 };

static const char PHASE_STARTED = 'r';

char *read_kept(int directory, const char *name) {
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat stats;
  if (fd < 0) {
    if (errno == ENOENT) return NULL;
    fail_errno(name);
  }
  if (fstat(fd, &stats) < 0) fail_errno(name);
  if (!S_ISREG(stats.st_mode) || stats.st_size > RECORD_MAX) fail("%s: not a record", name);
  char *text = malloc((size_t)stats.st_size + 1);
  if (text == NULL) fail_errno(name);
  ssize_t length = TEMP_FAILURE_RETRY(read(fd, text, (size_t)stats.st_size));
  if (length < 0) fail_errno(name);
  text[length] = '\0';
  close(fd);
  return text;
}

static _Noreturn void fail_record(const char *directory) { fail("%s: its record is not understood", directory); }

/** One of the lines for the front: "NAME VALUE". */
static void take_line(struct container *container, const char *line) {
  int pid;
  uint64_t start_time;
  if (sscanf(line, "anchor %d %" SCNu64, &pid, &start_time) == 2 && pid > 0) {
    container->anchor = (struct process){.pid = pid, .start_time = start_time};
  } else if (strncmp(line, "row ", 4) == 0) {
    container->row = line + 4;
  } else if (strcmp(line, "member") == 0) {
    container->member = true;
  } else {
    fail_record(container->directory);
  }
}

/** The lines up to an empty one. Returns what follows. */
static char *take_lines(struct container *container, char *text) {
  while (*text != '\n') {
    char *end = strchr(text, '\n');
    if (end == NULL) fail_record(container->directory);
    *end = '\0';
    take_line(container, text);
    text = end + 1;
  }
  return text + 1;
}

/** The state: pid and status belong behind its first lines. */
static void take_state(struct container *container, char *text) {
  char *end = strstr(text, "\n\n");
  char *tail = text;
  if (end == NULL) fail_record(container->directory);
  end[1] = '\0';
  for (int line = 0; line < HEAD_LINES; line++) {
    tail = strchr(tail, '\n');
    if (tail == NULL) fail_record(container->directory);
    tail++;
  }
  container->state_head = strndup(text, (size_t)(tail - text));
  container->state_tail = tail;
}

bool read_container(struct container *container, int root_fd, const char *directory) {
  container->directory = directory;
  container->root_fd = root_fd;
  char *text = read_kept(container->fd, "record");
  if (text == NULL) return false;
  take_state(container, take_lines(container, text));
  if (container->anchor.pid == 0 || container->row == NULL || container->state_head == NULL) fail_record(directory);
  return true;
}

/** True whoever was killed meanwhile: it is what the anchor and the cgroup are, and what the sentry wrote. */
enum status status_of(const struct container *container) {
  if (!is_running(&container->anchor)) return STATUS_STOPPED;
  if (is_frozen(container)) return STATUS_PAUSED;
  const char *phase = read_kept(container->fd, "phase");
  return phase != NULL && phase[0] == PHASE_STARTED ? STATUS_RUNNING : STATUS_CREATED;
}

const char *status_name(enum status status) {
  static const char *const names[] = {"created", "running", "paused", "stopped"};
  return names[status];
}

void add_state(struct text *text, const struct container *container, enum status status) {
  add_string(text, container->state_head);
  add_format(text, "  \"pid\": %d,\n", status == STATUS_STOPPED ? 0 : (int)container->anchor.pid);
  add_format(text, "  \"status\": \"%s\",\n", status_name(status));
  add_string(text, container->state_tail);
}
