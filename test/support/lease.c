// Holds a write lease (fcntl(2)) on the file that the command line names: prints "held", and keeps it until its input ends.
// Whoever opens the file meanwhile waits for lease-break-time, 45 s, or does not want to wait and gets EWOULDBLOCK.

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
  char byte;
  signal(SIGIO, SIG_IGN);
  if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
    perror("lease");
    return 1;
  }
  puts("held");
  fflush(stdout);
  return read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 1;
}
