// What the files of the front share. main.c says what the program does.

#ifndef WV_FRONT_H
#define WV_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  /** What runc exits with, whatever was wrong. */
  EXIT_REFUSED = 1,
  /** Ids up to here are names of directories; longer ones Node has another name for (container-id.ts). */
  ID_NAME_MAX = 200,
  /** Of any number in decimal digits, with its end. */
  NUMBER_MAX = 24,
};

/** A command line that the front understands. */
struct call {
  const char *command;
  /** The CLI has parsed it and asks for nothing else: it is never handed to Node. */
  bool final;
  const char *root;
  const char *log;
  const char *log_format;
  /** The name of the container's directory, where that is not its id. */
  const char *directory;
  const char *format;
  bool all;
  bool force;
  bool quiet;
  bool version;
  const char **operands;
  int operand_count;
};

/** False where Node must look at it: something is unknown, wrong, or wants to be explained. */
bool parse_call(struct call *call, char **argument);
/** The number of a signal; 0 where Node must look at it. */
int parse_signal(const char *text);

/** This process becomes Node, which runs the CLI with these arguments in a scrubbed environment. */
_Noreturn void become_node(char **arguments);
/** A descriptor of a file beside the program, for reading. Fails where there is none. */
int open_built(const char *name);

/** Text that grows; it is freed by the end of the process. */
struct text {
  char *bytes;
  size_t length;
  size_t capacity;
};

void add_bytes(struct text *text, const char *bytes, size_t length);
void add_string(struct text *text, const char *string);
__attribute__((format(printf, 2, 3))) void add_format(struct text *text, const char *format, ...);
/** As one line that a terminal shows as it is: control characters are told by their numbers. */
void add_line(struct text *text, const char *bytes, size_t length);
/** As a string of JSON, with quotes. */
void add_json(struct text *text, const char *bytes, size_t length);
/** Rows of `columns` cells under headings; the cells are one after the other. */
void add_table(struct text *text, const char *const *cells, size_t columns, size_t rows);

/** Writes all of it, to stdout and to stderr. */
void print_text(const struct text *text);
void print_error(const struct text *text);

/** Where errors go: under the command's name, and to a log. */
void report_errors_for(const struct call *call);
/** Ends this process with one line that says why, on stderr and in the log. */
_Noreturn __attribute__((format(printf, 1, 2))) void fail(const char *format, ...);
_Noreturn void fail_errno(const char *what);
_Noreturn void fail_missing(const char *id);
_Noreturn void fail_not_running(void);

/** The directory of all containers. Returns -1 where there is none. Fails where others may write there. */
int open_root(const struct call *call);

enum status { STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

/** A process of the host that may have ended, and whose pid may be another's since. */
struct process {
  pid_t pid;
  /** Clock ticks after the host's boot. */
  uint64_t start_time;
};

/** What is kept of a container (src/host/container/record.ts). */
struct container {
  const char *id;
  const char *directory;
  int root_fd;
  /** Its directory's. */
  int fd;
  struct process anchor;
  /** It runs in the sandbox of another container. */
  bool member;
  /** Its row in the table of `list`: id, bundle, time, owner, with tabs between. */
  const char *row;
  /** Its state without pid and status, which belong between the two. */
  const char *state_head;
  const char *state_tail;
};

/** The container that the call names, without its lock. Fails where there is none. */
void find_container(struct container *container, const struct call *call);
/** The same; waits for its lock. False where there is none: what a killed `create` left behind goes. */
bool lock_container(struct container *container, const struct call *call);
/** False where there is no container of that name. */
bool read_container(struct container *container, int root_fd, const char *directory);
/** The cgroup, the layers and the directory of one that is locked go. */
void remove_container(const struct container *container);

/** A file of a container's directory with a NUL behind it; NULL where there is none. */
char *read_kept(int directory, const char *name);

/** Whether its cgroup was told to freeze. */
bool is_frozen(const struct container *container);
/** Returns when all of its processes have stopped. */
void freeze(const struct container *container);
/** Its processes go on; nothing where they do already. */
void thaw(const struct container *container);
/** The layers of its overlays on the host go. */
void remove_layers(const struct container *container);
/** Waits until the processes in it are gone. */
void remove_cgroup(const struct container *container);
/** The processes in it, by their pids; as many as there is room for. Returns how many. */
size_t read_members(const struct container *container, pid_t *pids, size_t most);

enum status status_of(const struct container *container);
const char *status_name(enum status status);
/** The state as `state` and `list` print it. */
void add_state(struct text *text, const struct container *container, enum status status);

/** A zombie runs no more, however long nobody looks after it. */
bool is_running(const struct process *process);
/** False when it runs no more. */
bool signal_process(const struct process *process, int number);
/** SIGKILL to its first process, paused or not, and waits until that has ended. False when it does not within `timeout_ms`. */
bool end_container(const struct container *container, int timeout_ms);
/** The pid of the parent of a process; 0 when it is gone. */
pid_t parent_of(pid_t pid);

/** Part of a JSON document. */
struct json {
  const char *at;
  const char *end;
};

/** Each returns false where there is no such thing; what follows it is next. */
bool json_token(struct json *json, char token);
bool json_string(struct json *json, struct text *value);
bool json_number(struct json *json, uint64_t *value);
bool json_boolean(struct json *json, bool *value);
/** Any value. */
bool json_skip(struct json *json);

/** A method of the container manager, with the container's id. Returns its result. Fails where the sandbox refuses. */
struct json call_sandbox(const struct container *container, const char *method);

/**
 * Runs the container's hooks of a moment: "startContainer", "poststart" or "poststop". False where one failed, which has been told
 * and logged then.
 */
bool run_hooks(const struct call *call, const struct container *container, const char *moment);

void run_state(const struct call *call);
void run_kill(const struct call *call);
void run_start(const struct call *call);
void run_delete(const struct call *call);
void run_pause(const struct call *call);
void run_resume(const struct call *call);
void run_ps(const struct call *call);
void run_list(const struct call *call);
void run_features(const struct call *call);

#endif
