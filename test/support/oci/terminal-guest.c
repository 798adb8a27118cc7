// test/guests/terminal.ts for runtimes of native programs.

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *truth(int value) { return value ? "true" : "false"; }

int main(void) {
  char line[4096];
  printf("terminal %s %s %s\n", truth(isatty(0)), truth(isatty(1)), truth(isatty(2)));
  fflush(stdout);
  for (;;) {
    ssize_t count = read(STDIN_FILENO, line, sizeof line - 1);
    if (count < 0) return 1;
    if (count == 0) return 4;
    line[count] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    if (strcmp(line, "quit") == 0) return 3;
    printf("line \"%s\"\n", line);
    fflush(stdout);
  }
}
