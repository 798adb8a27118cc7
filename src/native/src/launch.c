// wv-launch: puts a process into its cage, then becomes it. A running Node cannot do this to itself: it has threads,
// descriptors and a heap full of the caller's data before its first line runs.
//
//   wv-launch [--fds=N] [--pdeathsig=SIG --parent=PID] [--env NAME=VALUE]... -- PROGRAM ARGS...
//
// The program gets descriptors 0 .. N-1 (3 by default), exactly the named environment, default signal dispositions, no
// blocked signals, no core dumps, and no way to gain privileges by exec. With --pdeathsig it gets that signal when the
// thread that started wv-launch ends; --parent is the process that this must be.
//
// Every failure before the exec is one line on stderr and exit status 125: nothing ever runs half-confined.

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_LAUNCH_FAILED = 125, MAX_ENVIRONMENT = 256, FIRST_FREE_FD = 3 };

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

struct options {
  long fds;
  long death_signal;
  long parent;
  char *environment[MAX_ENVIRONMENT + 1];
  size_t environment_count;
  char **program;
};

static _Noreturn void fail(const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  dprintf(STDERR_FILENO, "wv-launch: %s\n", line);
  _exit(EXIT_LAUNCH_FAILED);
}

static _Noreturn void fail_errno(const char *what) { fail("%s: %s", what, strerror(errno)); }

static long parse_number(const char *option, const char *text, long least, long most) {
  char *end = NULL;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < least || value > most) {
    fail("%s: %s is not a number from %ld to %ld", option, text, least, most);
  }
  return value;
}

/** The value when `argument` is "NAME=value", else NULL. */
static const char *value_of(const char *argument, const char *name) {
  size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static void add_environment(struct options *options, char *setting) {
  if (setting == NULL || setting[0] == '=' || strchr(setting, '=') == NULL) fail("--env: expected NAME=VALUE");
  if (options->environment_count == MAX_ENVIRONMENT) fail("--env: more than %d variables", MAX_ENVIRONMENT);
  options->environment[options->environment_count++] = setting;
}

static void parse_options(struct options *options, char **argument) {
  const char *value;
  *options = (struct options){.fds = FIRST_FREE_FD};
  for (; *argument != NULL && strcmp(*argument, "--") != 0; argument++) {
    if ((value = value_of(*argument, "--fds")) != NULL) {
      options->fds = parse_number("--fds", value, FIRST_FREE_FD, 4096);
    } else if ((value = value_of(*argument, "--pdeathsig")) != NULL) {
      options->death_signal = parse_number("--pdeathsig", value, 1, 64);
    } else if ((value = value_of(*argument, "--parent")) != NULL) {
      options->parent = parse_number("--parent", value, 1, 0x7fffffff);
    } else if (strcmp(*argument, "--env") == 0) {
      argument++;
      add_environment(options, *argument);
    } else {
      fail("unknown option: %.200s", *argument);
    }
  }
  if ((options->death_signal == 0) != (options->parent == 0)) fail("--pdeathsig and --parent go together");
  if (*argument == NULL || argument[1] == NULL) fail("expected -- PROGRAM ARGS...");
  options->program = argument + 1;
}

static void follow_parent(const struct options *options) {
  if (options->death_signal == 0) return;
  if (prctl(PR_SET_PDEATHSIG, options->death_signal, 0, 0, 0) < 0) fail_errno("PR_SET_PDEATHSIG");
  // A parent that died before the call above sends nothing any more.
  if (getppid() != options->parent) fail("parent is %d, expected %ld", (int)getppid(), options->parent);
}

static void close_descriptors(const struct options *options) {
  if (syscall(SYS_close_range, (unsigned)options->fds, ~0U, 0) < 0) fail_errno("close_range");
}

static void limit_privileges(void) {
  struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) < 0) fail_errno("RLIMIT_CORE");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail_errno("PR_SET_NO_NEW_PRIVS");
}

static void reset_signals(void) {
  struct sigaction normal = {.sa_handler = SIG_DFL};
  // SIGKILL, SIGSTOP and the two that libc keeps refuse, and are what they should be.
  for (int number = 1; number < NSIG; number++) sigaction(number, &normal, NULL);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) fail_errno("sigprocmask");
}

int main(int argc, char **argv) {
  struct options options;
  if (argc < 1) fail("no arguments");
  parse_options(&options, argv + 1);
  follow_parent(&options);
  close_descriptors(&options);
  limit_privileges();
  reset_signals();
  execve(options.program[0], options.program, options.environment);
  fail_errno(options.program[0]);
}
