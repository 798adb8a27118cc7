// What the files of wv-launch share, with each other and in part with wv-anchor. main.c says what the program does.

#ifndef WV_LAUNCH_H
#define WV_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** What Linux lets a process have unless it is told otherwise (fs.nr_open). */
enum { MAX_FDS = 1 << 20 };
enum { EXIT_LAUNCH_FAILED = 125, MAX_ENVIRONMENT = 256, MAX_SHOWN = 64, MAX_PROGRAM_ARGS = 256, FIRST_FREE_FD = 3 };

enum namespaces { NAMESPACES_NONE, NAMESPACES_TRY, NAMESPACES_MUST };

struct options {
  long fds;
  long death_signal;
  long parent;
  enum namespaces namespaces;
  /** Where our parent asks for roots for the program later; 0 when it does not. */
  long parent_roots;
  /** What of its own capabilities the program keeps; all of them unless the option was given. */
  bool limits_capabilities;
  uint64_t capabilities;
  /** Absolute paths that the program sees in a root of its own. */
  char *shown[MAX_SHOWN];
  size_t shown_count;
  char *environment[MAX_ENVIRONMENT + 1];
  size_t environment_count;
  char **program;
};

/** Ends this process with one line that says why, on stderr or where report_failures_to() said. */
_Noreturn __attribute__((format(printf, 1, 2))) void fail(const char *format, ...);
_Noreturn void fail_errno(const char *what);
/** From now on the line goes to `fd`, without the program's name: somebody else decides what to do about it. */
void report_failures_to(int fd);

void parse_options(struct options *options, char **argument);

/** The value when `argument` is "NAME=value", else NULL. */
char *value_of(char *argument, const char *name);
/** Fails where `text` is no number from `least` to `most`. */
long parse_number(const char *option, const char *text, long least, long most);

/** Asks for a signal when the thread that started us ends, and fails when it has already. */
void follow_parent(const struct options *options);

/** No core dumps, no privileges by exec, no capability beyond `options`, no io_uring. */
void limit_rights(const struct options *options);
/** The same, and default signal dispositions. */
void limit_process(const struct options *options);

/**
 * Starts the program in namespaces and a root of its own and never returns: this process stays as its parent, opens its roots
 * for it (roots.c) and ends as it does. Returns when the system does not allow it and `options` put up with that.
 */
void run_in_namespaces(const struct options *options);

/**
 * Makes the root directory that the program sees: the files that `options` show, read-only, and /proc. Returns a descriptor of
 * its own /proc/self/fd, above which there is nothing.
 */
int enter_minimal_root(const struct options *options);

/** Who asks for roots, and where. */
struct caged {
  /** Our end of a stream socket; the program has the other. */
  int socket;
  /** Our end of one whose other our parent has, or -1. */
  int parent_socket;
  int pidfd;
  pid_t pid;
  /** It is in a user namespace of its own. */
  bool user_namespace;
};

/** Answers what the caged program asks, until it closes its end. */
void serve_roots(const struct options *options, const struct caged *caged);

/** Answers what our parent asks, until it closes its end or the program ends. */
void serve_parent(const struct caged *caged);

#endif
