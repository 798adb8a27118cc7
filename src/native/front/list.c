// wvisor list: all containers.

#include "front.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 6, STORED_COLUMNS = 4 };

struct listed {
  struct container container;
  enum status status;
};

static int is_name(const struct dirent *entry) { return entry->d_name[0] != '.' || strspn(entry->d_name, ".") > 2; }

/** Every container below `root_fd`, by name. Returns how many. */
static size_t read_all(int root_fd, struct listed **listed) {
  struct dirent **entries;
  size_t found = 0;
  int count = scandirat(root_fd, ".", &entries, is_name, alphasort);
  if (count < 0) fail_errno("reading the directory of containers");
  *listed = calloc((size_t)count + 1, sizeof **listed);
  if (*listed == NULL) fail_errno("list");
  for (int index = 0; index < count; index++) {
    struct container *container = &(*listed)[found].container;
    container->fd = openat(root_fd, entries[index]->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (container->fd < 0) continue;
    if (read_container(container, root_fd, entries[index]->d_name)) (*listed)[found++].status = status_of(container);
    close(container->fd);
  }
  return found;
}

static void add_states(struct text *text, const struct listed *listed, size_t count) {
  add_string(text, "[");
  for (size_t index = 0; index < count; index++) {
    if (index > 0) add_string(text, ",");
    add_state(text, &listed[index].container, listed[index].status);
  }
  add_string(text, "]\n");
}

/** Cells of a container's row: what is stored, and pid and status behind the id. */
static void split_row(const struct listed *listed, const char **cells) {
  char *row = strdup(listed->container.row);
  char *pid = malloc(NUMBER_MAX);
  if (row == NULL || pid == NULL) fail_errno("list");
  snprintf(pid, NUMBER_MAX, "%d", listed->status == STATUS_STOPPED ? 0 : (int)listed->container.anchor.pid);
  for (int column = 0; column < STORED_COLUMNS; column++) {
    const char *cell = strsep(&row, "\t");
    cells[column == 0 ? 0 : column + 2] = cell == NULL ? "" : cell;
  }
  cells[1] = pid;
  cells[2] = status_name(listed->status);
}

static void add_rows(struct text *text, const struct listed *listed, size_t count) {
  static const char *const headings[COLUMNS] = {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"};
  const char **cells = calloc(COLUMNS * (count + 1), sizeof *cells);
  if (cells == NULL) fail_errno("list");
  memcpy(cells, headings, sizeof headings);
  for (size_t index = 0; index < count; index++) split_row(&listed[index], cells + COLUMNS * (index + 1));
  add_table(text, cells, COLUMNS, count + 1);
}

static void add_ids(struct text *text, const struct listed *listed, size_t count) {
  for (size_t index = 0; index < count; index++) {
    const char *row = listed[index].container.row;
    add_bytes(text, row, strcspn(row, "\t"));
    add_string(text, "\n");
  }
}

void run_list(const struct call *call) {
  struct listed *listed = NULL;
  struct text text = {0};
  int root_fd = open_root(call);
  size_t count = root_fd < 0 ? 0 : read_all(root_fd, &listed);
  if (call->quiet) {
    add_ids(&text, listed, count);
  } else if (call->format != NULL && strcmp(call->format, "json") == 0) {
    add_states(&text, listed, count);
  } else {
    add_rows(&text, listed, count);
  }
  print_text(&text);
}
