// Starting a process, cheaper than child_process does: no event loop, no pipes, the caller's thread waits for the exec only. And
// becoming another program, which Node cannot do.

#include "args.h"
#include "memory.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_SPAWN_ARGS = 256, MAX_SPAWN_FDS = 4096, OPEN_NULL = -1 };

static int parse_argv(char *strings, int64_t length, char *argv[MAX_SPAWN_ARGS + 1]) {
  int count = 0;
  int64_t at = 0;
  if (length == 0 || strings[length - 1] != '\0') return -EINVAL;
  while (at < length) {
    if (count == MAX_SPAWN_ARGS) return -E2BIG;
    argv[count++] = strings + at;
    at += (int64_t)strlen(strings + at) + 1;
  }
  argv[count] = NULL;
  return 0;
}

/** Descriptor i of the child becomes fds[i]. The sources are moved above all targets first, so that none overwrites another. */
static int map_descriptors(posix_spawn_file_actions_t *actions, const int32_t *fds, int32_t *moved, int count) {
  for (int i = 0; i < count; i++) {
    moved[i] = -1;
    if (fds[i] == OPEN_NULL) continue;
    moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, count);
    if (moved[i] < 0) return -errno;
  }
  for (int i = 0; i < count; i++) {
    int error = fds[i] == OPEN_NULL ? posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0)
                                    : posix_spawn_file_actions_adddup2(actions, moved[i], i);
    if (error != 0) return -error;
  }
  return -posix_spawn_file_actions_addchdir_np(actions, "/");
}

static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(attributes, &all);
  posix_spawnattr_setsigmask(attributes, &none);
  return -posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

/** spawn(slot, argv, argvLength, fds, count) */
static int64_t call_spawn(napi_env env, const int64_t *arg) {
  uint8_t *strings = NULL;
  uint8_t *numbers = NULL;
  if (arg[4] < 0 || arg[4] > MAX_SPAWN_FDS) return -EINVAL;
  int count = (int)arg[4];
  int error = memory_span(env, arg[0], arg[1], arg[2], &strings);
  if (error == 0) error = memory_span(env, arg[0], arg[3], (int64_t)count * 4, &numbers);
  char *argv[MAX_SPAWN_ARGS + 1];
  if (error == 0) error = parse_argv((char *)strings, arg[2], argv);
  if (error < 0) return error;

  int32_t fds[MAX_SPAWN_FDS];
  int32_t moved[MAX_SPAWN_FDS];
  for (int i = 0; i < count; i++) moved[i] = -1;
  memcpy(fds, numbers, (size_t)count * 4);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  char *environment[] = {NULL};
  pid_t pid = -1;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  error = map_descriptors(&actions, fds, moved, count);
  if (error == 0) error = set_attributes(&attributes);
  if (error == 0) error = -posix_spawn(&pid, argv[0], &actions, &attributes, argv, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  for (int i = 0; i < count; i++) {
    if (moved[i] >= 0) close(moved[i]);
  }
  return error < 0 ? error : pid;
}

/** Nothing but standard error and `keep` survives an exec; standard input and output are /dev/null unless they are kept. */
static int keep_descriptors(const uint8_t *keep, int64_t count) {
  bool streams[STDERR_FILENO + 1] = {false};
  if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0) return -errno;
  for (int64_t i = 0; i < count; i++) {
    int32_t fd;
    memcpy(&fd, keep + i * 4, sizeof fd);
    if (fcntl(fd, F_SETFD, 0) < 0) return -errno;
    if (fd <= STDERR_FILENO) streams[fd] = true;
  }
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return -errno;
  for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++) {
    if (!streams[fd] && dup2(null, fd) < 0) return -errno;
  }
  // Node has its standard streams closed at an exec.
  if (fcntl(STDERR_FILENO, F_SETFD, 0) == 0) return 0;
  return dup2(null, STDERR_FILENO) < 0 ? -errno : 0;
}

/** exec(slot, argv, argvLength, keep, count) */
static int64_t call_exec(napi_env env, const int64_t *arg) {
  uint8_t *strings = NULL;
  uint8_t *keep = NULL;
  char *environment[] = {NULL};
  if (arg[4] < 0 || arg[4] > MAX_SPAWN_FDS) return -EINVAL;
  int error = memory_span(env, arg[0], arg[1], arg[2], &strings);
  if (error == 0) error = memory_span(env, arg[0], arg[3], arg[4] * 4, &keep);
  char *argv[MAX_SPAWN_ARGS + 1];
  if (error == 0) error = parse_argv((char *)strings, arg[2], argv);
  if (error == 0) error = keep_descriptors(keep, arg[4]);
  if (error < 0) return error;
  if (chdir("/") < 0) return -errno;
  execve(argv[0], argv, environment);
  return -errno;
}

/** waitpid(pid, wait): exit code, 128 + signal, or -EAGAIN while it runs. */
static int64_t call_waitpid(napi_env env, const int64_t *arg) {
  (void)env;
  int status = 0;
  if (arg[0] <= 0) return -EINVAL;
  int64_t result = RETRY(waitpid((pid_t)arg[0], &status, arg[1] != 0 ? 0 : WNOHANG));
  if (result < 0) return result;
  if (result == 0) return -EAGAIN;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const struct call spawn_calls[] = {
    {"spawn", "iooop", call_spawn},
    {"exec", "iooop", call_exec},
    {"waitpid", "ii", call_waitpid},
    {NULL, NULL, NULL},
};
