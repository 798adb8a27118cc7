// What an engine's monitor is to a runtime (conmon, containerd-shim): it adopts orphans and waits for the one of the pid file.
//
//   monitor PIDFILE PROGRAM ARGS...
//
// Prints "started CODE PID" when the program has ended, then "exited CODE" or "signalled NUMBER" for that pid. Nothing else of
// its descriptors than the streams reaches the program, but one that a careless parent forgot to close, at low and high numbers.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int main(int argc, char **argv) {
  int status;
  int pid = 0;
  if (argc < 3 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return 99;
  int leaked = open("/etc/passwd", O_RDONLY);
  static const int numbers[] = {3, 9, 251, 1000};
  for (int index = 0; index < 4; index++) dup2(leaked, numbers[index]);
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    _exit(98);
  }
  waitpid(child, &status, 0);
  FILE *file = fopen(argv[1], "r");
  if (file != NULL && fscanf(file, "%d", &pid) != 1) pid = 0;
  printf("started %d %d\n", exit_code(status), pid);
  fflush(stdout);
  if (pid == 0 || waitpid(pid, &status, 0) != pid) return 1;
  if (WIFEXITED(status)) printf("exited %d\n", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) printf("signalled %d\n", WTERMSIG(status));
  return 0;
}
