// Prints a line for everything that happens to the files named on the command line, and "ready" first. Ends with its input.

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int fd = inotify_init1(IN_CLOEXEC);
  for (int i = 1; i < argc; i++) {
    if (inotify_add_watch(fd, argv[i], IN_ALL_EVENTS) < 0) {
      perror(argv[i]);
      return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  while (poll(polled, 2, -1) > 0) {
    if (polled[0].revents != 0) {
      _Alignas(struct inotify_event) char bytes[64 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
      ssize_t length = read(fd, bytes, sizeof bytes);
      for (char *at = bytes; at < bytes + length;) {
        const struct inotify_event *event = (const void *)at;
        printf("%d %x %s\n", event->wd, event->mask, event->len ? event->name : "");
        at += sizeof *event + event->len;
      }
      fflush(stdout);
    } else if (polled[1].revents != 0) {
      return 0;
    }
  }
}
