// wvisor ps: the processes of a container, as its sentry lists them.

#include "front.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 4, CELLS_FIRST = 64, MEMBERS_MAX = 4096 };

struct listed {
  uint64_t uid;
  uint64_t pid;
  uint64_t host_pid;
  struct text command;
};

static _Noreturn void fail_answer(void) { fail("the sandbox does not answer with a list of processes"); }

static void take_field(struct json *json, const char *name, struct listed *listed) {
  bool taken;
  if (strcmp(name, "UID") == 0) {
    taken = json_number(json, &listed->uid);
  } else if (strcmp(name, "PID") == 0) {
    taken = json_number(json, &listed->pid);
  } else if (strcmp(name, "HostPID") == 0) {
    taken = json_number(json, &listed->host_pid);
  } else if (strcmp(name, "Cmd") == 0) {
    taken = json_string(json, &listed->command);
  } else {
    taken = json_skip(json);
  }
  if (!taken) fail_answer();
}

static struct listed take_process(struct json *json) {
  struct listed listed = {.uid = UINT64_MAX, .pid = UINT64_MAX, .host_pid = UINT64_MAX};
  if (!json_token(json, '{')) fail_answer();
  do {
    struct text name = {0};
    if (!json_string(json, &name) || !json_token(json, ':')) fail_answer();
    take_field(json, name.bytes, &listed);
  } while (json_token(json, ','));
  if (!json_token(json, '}') || listed.command.bytes == NULL) fail_answer();
  if (listed.uid > UINT32_MAX || listed.pid > INT32_MAX || listed.host_pid > INT32_MAX) fail_answer();
  return listed;
}

static char *number(uint64_t value) {
  char *text = malloc(NUMBER_MAX);
  if (text == NULL) fail_errno("ps");
  snprintf(text, NUMBER_MAX, "%" PRIu64, value);
  return text;
}

struct rows {
  const char **cells;
  size_t count;
  size_t capacity;
};

static void add_cell(struct rows *rows, const char *cell) {
  if (rows->count == rows->capacity) {
    rows->capacity = rows->capacity * 2 + CELLS_FIRST;
    rows->cells = realloc(rows->cells, rows->capacity * sizeof *rows->cells);
    if (rows->cells == NULL) fail_errno("ps");
  }
  rows->cells[rows->count++] = cell;
}

static void add_process(struct rows *rows, const struct container *container, const struct listed *listed) {
  struct text command = {0};
  add_line(&command, listed->command.bytes, listed->command.length);
  add_cell(rows, number(listed->uid));
  // The container's own has no other process that stands for it.
  add_cell(rows, number(listed->host_pid == 0 ? (uint64_t)container->anchor.pid : listed->host_pid));
  add_cell(rows, number(listed->pid));
  add_cell(rows, command.bytes == NULL ? "" : command.bytes);
}

static void read_processes(struct rows *rows, const struct container *container) {
  struct json json = call_sandbox(container, "Processes");
  if (!json_token(&json, '[')) fail_answer();
  if (json_token(&json, ']')) return;
  do {
    struct listed listed = take_process(&json);
    add_process(rows, container, &listed);
  } while (json_token(&json, ','));
  if (!json_token(&json, ']')) fail_answer();
}

static void add_pids(struct text *text, const struct rows *rows) {
  add_string(text, "[");
  for (size_t at = COLUMNS; at < rows->count; at += COLUMNS) {
    if (at > COLUMNS) add_string(text, ",");
    add_string(text, rows->cells[at + 1]);
  }
  add_string(text, "]\n");
}

static bool is_member(const pid_t *pids, size_t count, pid_t pid) {
  for (size_t index = 0; index < count; index++) {
    if (pids[index] == pid) return true;
  }
  return false;
}

/** The sentry of a paused container says nothing. Those that stand for its processes have parents elsewhere: engines. */
static void print_paused(const struct container *container, bool json) {
  static pid_t pids[MEMBERS_MAX];
  struct rows rows = {0};
  struct text text = {0};
  if (!json) fail("the container is paused: only --format json can list its processes");
  for (size_t column = 0; column < COLUMNS; column++) add_cell(&rows, "");
  size_t count = read_members(container, pids, MEMBERS_MAX);
  for (size_t index = 0; index < count; index++) {
    if (is_member(pids, count, parent_of(pids[index]))) continue;
    for (size_t column = 0; column < COLUMNS; column++) add_cell(&rows, number((uint64_t)pids[index]));
  }
  add_pids(&text, &rows);
  print_text(&text);
}

void run_ps(const struct call *call) {
  static const char *const headings[COLUMNS] = {"UID", "HOSTPID", "PID", "CMD"};
  struct container container;
  struct rows rows = {0};
  struct text text = {0};
  find_container(&container, call);
  enum status status = status_of(&container);
  bool json = call->format != NULL && strcmp(call->format, "json") == 0;
  if (status == STATUS_STOPPED) fail_not_running();
  if (status == STATUS_PAUSED) {
    print_paused(&container, json);
    return;
  }
  for (size_t column = 0; column < COLUMNS; column++) add_cell(&rows, headings[column]);
  read_processes(&rows, &container);
  if (json) {
    add_pids(&text, &rows);
  } else {
    add_table(&text, rows.cells, COLUMNS, rows.count / COLUMNS);
  }
  print_text(&text);
}
