// The master's side of a terminal, as an engine or a terminal emulator has it.
//
//   terminal listen SOCKET          takes the master that somebody sends over a unix socket
//   terminal hold SOCKET            listens and takes nothing: a second client finds no room
//   terminal datagram SOCKET        has a socket of another type
//   terminal run PROGRAM ARGS...    makes a terminal, and runs a program as the leader of its session
//   terminal report FILE            tells size and settings of a terminal that somebody else has open, and ends
//
// What is written to the terminal goes to standard output. Commands come from standard input, one in a line:
//   type HEX             writes these bytes
//   size ROWS COLUMNS    TIOCSWINSZ
//   report               tells size and settings
//   close                closes the master
// What happens goes to standard error: "received NAME DESCRIPTORS", "is ROWS COLUMNS IFLAG OFLAG LFLAG", "hung up", "exited CODE",
// "signalled NUMBER".

#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { MAX_NAME = 4096, MAX_FDS = 8, MAX_LINE = 65536, CHUNK = 4096 };

/** A socket of that name. */
static int named_socket(const char *path, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int server = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  return bind(server, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : server;
}

/** Until the end of the commands. */
static int hold(const char *path, int type) {
  char byte;
  int server = named_socket(path, type);
  if (server < 0 || (type == SOCK_STREAM && listen(server, 0) < 0)) return 1;
  dprintf(STDERR_FILENO, "listening\n");
  return read(STDIN_FILENO, &byte, 1) != 0;
}

static int receive(const char *path) {
  char name[MAX_NAME + 1];
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
  } control;
  int server = named_socket(path, SOCK_STREAM);
  if (server < 0 || listen(server, 1) < 0) return -1;
  dprintf(STDERR_FILENO, "listening\n");
  int client = accept(server, NULL, NULL);
  struct iovec item = {name, MAX_NAME};
  struct msghdr message = {.msg_iov = &item, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length = recvmsg(client, &message, MSG_CMSG_CLOEXEC);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (length < 0 || header == NULL) return -1;
  name[length] = '\0';
  int fd = *(int *)(void *)CMSG_DATA(header);
  dprintf(STDERR_FILENO, "received %s %zu\n", name, (header->cmsg_len - CMSG_LEN(0)) / sizeof fd);
  return fd;
}

static int run(char **program, pid_t *pid) {
  int master;
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  *pid = forkpty(&master, NULL, NULL, &size);
  if (*pid == 0) {
    execvp(program[0], program);
    _exit(98);
  }
  return master;
}

static void type(int master, const char *hex) {
  for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
    unsigned byte;
    sscanf(hex, "%2x", &byte);
    if (write(master, &(unsigned char){(unsigned char)byte}, 1) != 1) return;
  }
}

static void report(int master) {
  struct winsize size = {0};
  struct termios settings = {0};
  ioctl(master, TIOCGWINSZ, &size);
  tcgetattr(master, &settings);
  dprintf(STDERR_FILENO, "is %d %d %o %o %o\n", size.ws_row, size.ws_col, settings.c_iflag, settings.c_oflag, settings.c_lflag);
}

static void obey(char *line, int *master) {
  int rows;
  int columns;
  if (strncmp(line, "type ", 5) == 0) type(*master, line + 5);
  if (sscanf(line, "size %d %d", &rows, &columns) == 2) {
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    ioctl(*master, TIOCSWINSZ, &size);
  }
  if (strcmp(line, "report") == 0) report(*master);
  if (strcmp(line, "close") == 0) {
    close(*master);
    *master = -1;
  }
}

/** False at the end of the commands. */
static int take_commands(int *master) {
  static char text[MAX_LINE];
  static size_t used;
  ssize_t count = read(STDIN_FILENO, text + used, sizeof text - 1 - used);
  if (count <= 0) return 0;
  used += (size_t)count;
  text[used] = '\0';
  char *line = text;
  for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    *end = '\0';
    obey(line, master);
  }
  used = strlen(line);
  memmove(text, line, used + 1);
  return 1;
}

static void show(int *master) {
  char data[CHUNK];
  ssize_t count = read(*master, data, sizeof data);
  if (count > 0 && write(STDOUT_FILENO, data, (size_t)count) == count) return;
  dprintf(STDERR_FILENO, "hung up\n");
  close(*master);
  *master = -1;
}

/** What became of the program, if there is one. */
static void finish(pid_t pid) {
  int status;
  if (pid == 0 || waitpid(pid, &status, 0) != pid) return;
  if (WIFEXITED(status)) dprintf(STDERR_FILENO, "exited %d\n", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) dprintf(STDERR_FILENO, "signalled %d\n", WTERMSIG(status));
}

int main(int argc, char **argv) {
  pid_t pid = 0;
  if (argc < 3) return 99;
  if (strcmp(argv[1], "hold") == 0) return hold(argv[2], SOCK_STREAM);
  if (strcmp(argv[1], "datagram") == 0) return hold(argv[2], SOCK_DGRAM);
  if (strcmp(argv[1], "report") == 0) {
    int fd = open(argv[2], O_RDWR | O_NOCTTY | O_CLOEXEC);
    report(fd);
    return fd < 0;
  }
  int master = strcmp(argv[1], "listen") == 0 ? receive(argv[2]) : run(argv + 2, &pid);
  if (master < 0) return 1;
  while (master >= 0) {
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = master, .events = POLLIN}};
    poll(fds, 2, -1);
    if (fds[1].revents != 0) show(&master);
    if (fds[0].revents != 0 && !take_commands(&master)) break;
  }
  finish(pid);
  return 0;
}
