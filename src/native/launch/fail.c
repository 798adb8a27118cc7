// Failures: one line, exit status 125.

#include "launch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINE = 512 };

static int report_fd = STDERR_FILENO;

void report_failures_to(int fd) { report_fd = fd; }

void fail(const char *format, ...) {
  char line[MAX_LINE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (report_fd == STDERR_FILENO) {
    dprintf(report_fd, "%s: %s\n", program_invocation_short_name, line);
  } else {
    dprintf(report_fd, "%s", line);
  }
  _exit(EXIT_LAUNCH_FAILED);
}

void fail_errno(const char *what) { fail("%s: %s", what, strerror(errno)); }
