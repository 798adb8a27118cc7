// Failures: one line on stderr, and a record in the log that engines read.

#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_MAX = 16384, TIME_MAX = 32, NS_PER_MS = 1000000 };

static const struct call *current;

void report_errors_for(const struct call *call) { current = call; }

/** As Date.toISOString() writes it. */
static void add_time(struct text *text) {
  char seconds[TIME_MAX];
  struct timespec now;
  struct tm fields;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &fields);
  strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &fields);
  add_format(text, "%s.%03ldZ", seconds, now.tv_nsec / NS_PER_MS);
}

static void add_record(struct text *record, const char *message, bool json) {
  add_string(record, json ? "{\"level\":\"error\",\"msg\":" : "time=\"");
  if (json) {
    add_json(record, message, strlen(message));
    add_string(record, ",\"time\":\"");
    add_time(record);
    add_string(record, "\"}\n");
  } else {
    add_time(record);
    add_string(record, "\" level=error msg=");
    add_json(record, message, strlen(message));
    add_string(record, "\n");
  }
}

/** A file that cannot be written to is no reason to fail differently. */
static void log_error(const char *message) {
  struct text record = {0};
  if (current == NULL || current->log == NULL || current->log[0] == '\0') return;
  add_record(&record, message, current->log_format != NULL && strcmp(current->log_format, "json") == 0);
  int fd = open(current->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return;
  (void)!write(fd, record.bytes, record.length);
  close(fd);
}

void fail(const char *format, ...) {
  static char message[MESSAGE_MAX];
  struct text line = {0};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  log_error(message);
  add_string(&line, "wvisor");
  if (current != NULL && current->command != NULL) add_format(&line, " %s", current->command);
  add_string(&line, ": ");
  add_line(&line, message, strlen(message));
  add_string(&line, "\n");
  print_error(&line);
  _exit(EXIT_REFUSED);
}

void fail_errno(const char *what) { fail("%s: %s", what, strerror(errno)); }

// The words of runc: engines look for them (errors.ts has those of the commands that Node runs).

void fail_missing(const char *id) { fail("container %s does not exist", id); }

void fail_not_running(void) { fail("container not running"); }
