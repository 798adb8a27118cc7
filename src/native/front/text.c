// Text for people and for engines.

#include "front.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 1024, TABLE_GAP = 3, COLUMNS_MAX = 16 };

void add_bytes(struct text *text, const char *bytes, size_t length) {
  if (text->capacity - text->length < length + 1) {
    size_t capacity = (text->capacity + length) * 2 + FIRST_CAPACITY;
    char *grown = realloc(text->bytes, capacity);
    if (grown == NULL) _exit(EXIT_REFUSED);
    text->bytes = grown;
    text->capacity = capacity;
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
  text->bytes[text->length] = '\0';
}

void add_string(struct text *text, const char *string) { add_bytes(text, string, strlen(string)); }

static void add_arguments(struct text *text, const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *formatted = length < 0 ? NULL : malloc((size_t)length + 1);
  if (formatted == NULL) _exit(EXIT_REFUSED);
  vsnprintf(formatted, (size_t)length + 1, format, arguments);
  add_bytes(text, formatted, (size_t)length);
  free(formatted);
}

void add_format(struct text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  add_arguments(text, format, arguments);
  va_end(arguments);
}

/** U+0080 to U+009F: the control characters with two bytes. */
static bool is_high_control(const unsigned char *bytes, size_t length) {
  return length >= 2 && bytes[0] == 0xc2 && bytes[1] >= 0x80 && bytes[1] <= 0x9f;
}

void add_line(struct text *text, const char *bytes, size_t length) {
  const unsigned char *at = (const unsigned char *)bytes;
  const unsigned char *end = at + length;
  for (; at < end; at++) {
    if (*at == '\n') {
      add_string(text, " ");
    } else if (*at < 0x20 || *at == 0x7f) {
      add_format(text, "\\x%02x", *at);
    } else if (is_high_control(at, (size_t)(end - at))) {
      add_format(text, "\\x%02x", *++at);
    } else {
      add_bytes(text, (const char *)at, 1);
    }
  }
}

void add_json(struct text *text, const char *bytes, size_t length) {
  static const char named[] = "\b\f\n\r\t\"\\";
  static const char letters[] = "bfnrt\"\\";
  add_string(text, "\"");
  for (size_t at = 0; at < length; at++) {
    unsigned char byte = (unsigned char)bytes[at];
    const char *found = byte == '\0' ? NULL : strchr(named, byte);
    if (found != NULL) {
      char escape[] = {'\\', letters[found - named]};
      add_bytes(text, escape, sizeof escape);
    } else if (byte < 0x20) {
      add_format(text, "\\u%04x", byte);
    } else {
      add_bytes(text, bytes + at, 1);
    }
  }
  add_string(text, "\"");
}

/** In characters, not bytes. */
static size_t width_of(const char *cell) {
  size_t width = 0;
  for (; *cell != '\0'; cell++) width += ((unsigned char)*cell & 0xc0) != 0x80;
  return width;
}

void add_table(struct text *text, const char *const *cells, size_t columns, size_t rows) {
  size_t widths[COLUMNS_MAX] = {0};
  for (size_t index = 0; index < columns * rows; index++) {
    size_t width = width_of(cells[index]);
    if (width > widths[index % columns]) widths[index % columns] = width;
  }
  for (size_t index = 0; index < columns * rows; index++) {
    size_t column = index % columns;
    add_string(text, cells[index]);
    if (column == columns - 1) {
      while (text->bytes[text->length - 1] == ' ') text->length--;
      add_string(text, "\n");
    } else {
      add_format(text, "%*s", (int)(widths[column] - width_of(cells[index]) + TABLE_GAP), "");
    }
  }
}

static void write_all(int fd, const struct text *text) {
  for (size_t done = 0; done < text->length;) {
    ssize_t count = write(fd, text->bytes + done, text->length - done);
    if (count >= 0) {
      done += (size_t)count;
    } else if (errno == EAGAIN) {
      // A pipe that somebody made O_NONBLOCK is full: its reader needs a moment.
      struct pollfd wanted = {.fd = fd, .events = POLLOUT};
      poll(&wanted, 1, -1);
    } else if (errno != EINTR) {
      // Nobody reads any more: there is no one left to tell.
      return;
    }
  }
}

void print_text(const struct text *text) { write_all(STDOUT_FILENO, text); }

void print_error(const struct text *text) { write_all(STDERR_FILENO, text); }
