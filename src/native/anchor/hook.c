// Runs a hook of OCI's: a program of the host, with nothing open but its standard streams, if asked in a container's namespaces.
// Its environment is this process's own, which the starter has made.
//
// Node's streams are sockets, which have no /dev/stdin and /dev/stderr to open, as shell scripts do: a hook gets a file and pipes.

#include "anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern int setns(int fd, int type);

enum { MAX_NAMESPACE_PATH = 64, HOOK_SIGNALLED = 128, PID_LIMIT = 1 << 22, OUTPUTS = 2 };
/** What goes on of each output, in bytes; the rest is dropped. */
enum { OUTPUT_MAX = 1 << 16, PART = 1 << 12 };

/** The mount namespace is the last: after it /proc is another one. */
static const char *const entered[] = {"cgroup", "ipc", "uts", "net", "pid", "mnt"};

enum { ENTERED = sizeof entered / sizeof *entered };

/** All are opened first: what a path means changes with the namespaces. */
static void enter_namespaces(long pid) {
  int fds[ENTERED];
  for (size_t index = 0; index < ENTERED; index++) {
    char path[MAX_NAMESPACE_PATH];
    snprintf(path, sizeof path, "/proc/%ld/ns/%s", pid, entered[index]);
    fds[index] = open(path, O_RDONLY | O_CLOEXEC);
    if (fds[index] < 0) fail_errno(path);
  }
  for (size_t index = 0; index < ENTERED; index++) {
    if (setns(fds[index], 0) < 0) fail_errno(entered[index]);
    close(fds[index]);
  }
}

static bool write_all(int fd, const char *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t count = TEMP_FAILURE_RETRY(write(fd, bytes + done, length - done));
    if (count < 0) return false;
    done += (size_t)count;
  }
  return true;
}

/** All that comes on standard input becomes a file without a name, which is standard input then. */
static void make_input(void) {
  char part[PART];
  ssize_t count;
  int file = memfd_create("state", MFD_CLOEXEC);
  if (file < 0) fail_errno("memfd_create");
  while ((count = TEMP_FAILURE_RETRY(read(STDIN_FILENO, part, sizeof part))) > 0) {
    if (!write_all(file, part, (size_t)count)) fail_errno("the state");
  }
  if (count < 0 || lseek(file, 0, SEEK_SET) < 0 || dup2(file, STDIN_FILENO) < 0) fail_errno("the state");
}

/** Hands on what comes by the pipes, each to the stream that it stands for, until nobody has their other ends. */
static void relay(const int *pipes) {
  struct pollfd wanted[OUTPUTS] = {{.fd = pipes[0], .events = POLLIN}, {.fd = pipes[1], .events = POLLIN}};
  size_t room[OUTPUTS] = {OUTPUT_MAX, OUTPUT_MAX};
  for (int open = OUTPUTS; open > 0;) {
    if (poll(wanted, OUTPUTS, -1) < 0 && errno != EINTR) fail_errno("poll");
    for (int index = 0; index < OUTPUTS; index++) {
      char part[PART];
      if (wanted[index].fd < 0 || wanted[index].revents == 0) continue;
      ssize_t count = TEMP_FAILURE_RETRY(read(wanted[index].fd, part, sizeof part));
      if (count <= 0) {
        wanted[index].fd = -1;
        open--;
        continue;
      }
      size_t passed = (size_t)count < room[index] ? (size_t)count : room[index];
      room[index] -= passed;
      (void)!write_all(STDOUT_FILENO + index, part, passed);
    }
  }
}

static _Noreturn void execute(const struct hook *hook, const int *outputs) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) fail_errno("prctl");
  for (int index = 0; index < OUTPUTS; index++) {
    if (dup2(outputs[index], STDOUT_FILENO + index) < 0) fail_errno("dup2");
  }
  if (chdir(hook->directory) < 0) fail_errno(hook->directory);
  execv(hook->program[0], hook->program + 1);
  fail_errno(hook->program[0]);
}

/** In a child: only children enter a pid namespace. */
static _Noreturn void execute_in_child(const struct hook *hook) {
  int theirs[OUTPUTS];
  int ours[OUTPUTS];
  int status;
  for (int index = 0; index < OUTPUTS; index++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) fail_errno("pipe2");
    ours[index] = ends[0];
    theirs[index] = ends[1];
  }
  pid_t pid = fork();
  if (pid < 0) fail_errno("fork");
  if (pid == 0) execute(hook, theirs);
  for (int index = 0; index < OUTPUTS; index++) close(theirs[index]);
  relay(ours);
  if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0) fail_errno("waitpid");
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : HOOK_SIGNALLED + WTERMSIG(status));
}

static void parse_hook(struct hook *hook, char **argument) {
  const char *value;
  *hook = (struct hook){.directory = "/"};
  for (; *argument != NULL && strcmp(*argument, "--") != 0; argument++) {
    if ((value = value_of(*argument, "--enter")) != NULL) {
      hook->entered = parse_number("--enter", value, 1, PID_LIMIT);
    } else if ((value = value_of(*argument, "--cwd")) != NULL) {
      hook->directory = value;
    } else {
      fail("unknown option: %.200s", *argument);
    }
  }
  if (*argument == NULL || argument[1] == NULL || argument[2] == NULL) fail("expected -- FILE ARGUMENTS...");
  hook->program = argument + 1;
}

void run_hook(char **arguments) {
  struct hook hook;
  parse_hook(&hook, arguments);
  if (syscall(SYS_close_range, STDERR_FILENO + 1U, ~0U, 0) < 0) fail_errno("close_range");
  make_input();
  if (hook.entered != 0) enter_namespaces(hook.entered);
  execute_in_child(&hook);
}
