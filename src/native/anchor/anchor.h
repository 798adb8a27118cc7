// What the files of wv-anchor share. main.c says what the program does.

#ifndef WV_ANCHOR_H
#define WV_ANCHOR_H

#include "../launch/launch.h"
#include "mounts.h"

enum {
  MAX_JOINED = 8,
  /** Linux has fewer controllers. */
  MAX_CGROUPS = 32,
  /** Descriptors of a child that no container needs more of: 1,024 mounts and a few. */
  MAX_CHILD_FDS = 1100,
  /** The starter's socket of an anchor; the sentry's socket of a session. */
  STARTER_FD = 3,
  SESSION_FD = 3,
  /** The first descriptor that is handed on. */
  FIRST_HANDED_FD = 4,
};

/** A namespace to join. */
struct joined {
  /** CLONE_NEW* of what it must be. */
  int type;
  /** Its file. */
  const char *path;
};

/** A program that the anchor starts, and what it gets besides the standard streams. */
struct child {
  char **program;
  size_t arguments;
  int first_fd;
  int fds;
};

struct container {
  /** CLONE_NEW* of the namespaces to make; the mount namespace is always one of them. */
  uint64_t new_namespaces;
  struct joined joined[MAX_JOINED];
  size_t joined_count;
  /** Files by which a process enters a cgroup. */
  const char *cgroups[MAX_CGROUPS];
  size_t cgroup_count;
  /** Descriptors that sentry and gofer may have at least, where the system allows it; 0 to stay with what there is. */
  long descriptors;
  /** What /proc/PID/oom_score_adj takes; NULL to stay as it is. */
  const char *oom_score_adj;
  const char *root;
  /** Nothing is changed in it by way of the anchor. */
  bool readonly_root;
  /** What is mounted in it (mounts.c). */
  int mounts_fd;
  const char *hostname;
  /** What the anchor looks like to others, or NULL. */
  const char *title;
  /** The streams are a terminal of its own. */
  bool terminal;
  /** The starter runs hooks before anything runs in the namespaces. */
  bool has_hooks;
  /** Of a sandbox that another anchor has: nothing is started, and the only handed descriptor is the sentry's socket. */
  bool member;
  struct child sentry;
  /** Without arguments where nothing of the host's is served. */
  struct child gofer;
};

/** A program of the host for a moment of a container's life. */
struct hook {
  /** The pid of an anchor whose namespaces it runs in; 0 for the starter's. */
  long entered;
  const char *directory;
  /** The file, then the arguments from the name on. */
  char **program;
};

/** Parses the options of an anchor. */
void parse_container(struct container *container, char **argument);

/** Enters a cgroup by its file cgroup.procs, with all processes that are made afterwards. */
void enter_cgroup(const char *file);

/** Raises RLIMIT_NOFILE of this process, and of those that it makes, to `least` if it is lower and may be raised. */
void raise_descriptor_limit(long least);

/** What /proc/PID/oom_score_adj is for this process and those that it makes. */
void set_oom_score(const char *adjustment);

/** Makes the anchor in its namespaces, tells the starter its pid, and never returns. */
_Noreturn void start_anchor(const struct container *container);

/** 0 where the container has none of its own. */
struct programs {
  pid_t sentry;
  pid_t gofer;
};

/**
 * Starts sentry and gofer, each in a mount namespace of its own that shows what the caller's does, with a /proc of the caller's
 * pid namespace. Returns our end of the sentry's session socket when both programs run.
 */
int start_children(const struct container *container, struct programs *programs);

/** Makes the container's root the root directory, with its mounts, and with a /proc where it has a directory for one. */
void enter_container_root(const struct container *container, struct anchor_mounts *mounts);

/** All signals blocked, and a descriptor that reads them. */
int take_signals(void);

/** Ends as the sentry's socket says, or as killed when that is at its end. */
_Noreturn void end_as_told(int session);

/**
 * Forwards signals to the sentry until it ends, and ends as it does; the starter may still call it off. A container whose gofer
 * failed has no files any more, and ends too.
 */
_Noreturn void supervise(int signals, int session, const struct programs *programs);

/** Stands for one exec'd process of a sandbox: forwards signals to it, ends as it does. Its options are main.c's. */
_Noreturn void run_session(char **argument);

/** Keeps in mind where this process's arguments are. */
void own_arguments(char **argv);
/** This process looks like `title`, which takes the place of its arguments: they are gone then. Nothing for NULL. */
void show_title(const char *title);

/** Becomes a hook, or its parent, which exits as it does. */
_Noreturn void run_hook(char **arguments);

/** Sends the sentry the number of a signal. */
void forward_signal(int session, int number);

/** The number of the next signal. */
int next_signal(int signals);

#endif
