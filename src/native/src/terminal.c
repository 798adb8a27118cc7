// Pseudoterminals.

#include "args.h"
#include "memory.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

/** An instance of devpts that is mounted nowhere: who lists the host's terminals does not find what is made in it. */
static int new_devpts(void) {
  int context = (int)syscall(SYS_fsopen, "devpts", FSOPEN_CLOEXEC);
  if (context < 0) return -errno;
  int64_t fd = result_of(syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  if (fd == 0) fd = result_of(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  close(context);
  return (int)fd;
}

static int open_master(int devpts) {
  int locked = 0;
  int master = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) return -errno;
  if (ioctl(master, TIOCSPTLCK, &locked) == 0) return master;
  int error = errno;
  close(master);
  return -error;
}

static int open_slave(int master) {
  return (int)result_of(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
}

/** Newlines leave the terminal as they are, for another terminal to make lines of. */
static int leave_newlines(int master) {
  struct termios settings;
  if (tcgetattr(master, &settings) < 0) return -errno;
  settings.c_oflag &= ~(tcflag_t)ONLCR;
  return tcsetattr(master, TCSANOW, &settings) < 0 ? -errno : 0;
}

/**
 * openTerminal(slot, out, nested). What a guest writes there must not hold up its thread: a program that does not read the master
 * would keep it from being ended.
 */
static int64_t call_open_terminal(napi_env env, const int64_t *arg) {
  uint8_t *out = NULL;
  int ends[2];
  int error = memory_span(env, arg[0], arg[1], sizeof ends, &out);
  if (error < 0) return error;
  int devpts = new_devpts();
  if (devpts < 0) return devpts;
  ends[0] = open_master(devpts);
  close(devpts);
  if (ends[0] < 0) return ends[0];
  if (arg[2] != 0) error = leave_newlines(ends[0]);
  if (error == 0) error = ends[1] = open_slave(ends[0]);
  if (error < 0) {
    close(ends[0]);
    return error;
  }
  memcpy(out, ends, sizeof ends);
  return 0;
}

/** setWindowSize(fd, rows, columns) */
static int64_t call_set_window_size(napi_env env, const int64_t *arg) {
  (void)env;
  if (arg[1] < 0 || arg[1] > UINT16_MAX || arg[2] < 0 || arg[2] > UINT16_MAX) return -EINVAL;
  struct winsize size = {.ws_row = (unsigned short)arg[1], .ws_col = (unsigned short)arg[2]};
  return result_of(ioctl((int)arg[0], TIOCSWINSZ, &size));
}

const struct call terminal_calls[] = {
    {"openTerminal", "ioi", call_open_terminal},
    {"setWindowSize", "dii", call_set_window_size},
    {NULL, NULL, NULL},
};
