// The terminals that wv-anchor has to do with: the container's, and the user's who looks at it.

#ifndef WV_ANCHOR_TERMINAL_H
#define WV_ANCHOR_TERMINAL_H

#include <sys/types.h>
#include <termios.h>

/** The terminal that this process was started from. */
struct user_terminal {
  int fd;
  struct termios before;
};

/** Makes the terminal at standard input the controlling one of this session, whose leader we are: its signals come to us. */
void control_terminal(void);

/** Fails where there is none. */
struct user_terminal find_user_terminal(void);
/** Every key goes to whoever reads, as it is. */
void make_raw(const struct user_terminal *user);
void restore(const struct user_terminal *user);

/** Gives the container's terminal the user's size, if that has one. */
void copy_size(const struct user_terminal *user, int master);

/**
 * Makes the user's terminal raw, and copies between the standard streams and the container's terminal until that is closed,
 * standard output fails or `parent` is gone.
 */
_Noreturn void relay(const struct user_terminal *user, int master, int signals, pid_t parent);

struct attachment {
  /** Our child, which stands for the container's process. */
  pid_t pid;
  /** Of the container's terminal. */
  int master;
  /** Runs last; NULL for none. */
  char **command;
};

void parse_attachment(struct attachment *attachment, char **argument);

/** Shows the terminal until the process has ended, and ends as that does; signals go to it. */
_Noreturn void attach(const struct attachment *attachment);

#endif
