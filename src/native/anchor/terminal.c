// The settings of terminals.

#include "terminal.h"
#include "anchor.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

void control_terminal(void) {
  if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) fail_errno("making it the controlling terminal");
}

struct user_terminal find_user_terminal(void) {
  struct user_terminal user = {.fd = -1};
  for (int stream = 0; stream <= STDERR_FILENO; stream++) {
    if (tcgetattr(stream, &user.before) == 0) {
      user.fd = stream;
      return user;
    }
  }
  user.fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (user.fd < 0 || tcgetattr(user.fd, &user.before) < 0) fail_errno("/dev/tty");
  return user;
}

void make_raw(const struct user_terminal *user) {
  struct termios raw = user->before;
  cfmakeraw(&raw);
  // Whoever writes here besides the container does not know that it is raw.
  raw.c_oflag |= user->before.c_oflag & OPOST;
  if (tcsetattr(user->fd, TCSANOW, &raw) < 0) fail_errno("making the terminal raw");
}

void restore(const struct user_terminal *user) { (void)tcsetattr(user->fd, TCSANOW, &user->before); }

void copy_size(const struct user_terminal *user, int master) {
  struct winsize size;
  if (ioctl(user->fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0) return;
  (void)ioctl(master, TIOCSWINSZ, &size);
}
