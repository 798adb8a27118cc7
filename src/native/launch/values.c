// Values of options.

#include "launch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

long parse_number(const char *option, const char *text, long least, long most) {
  char *end = NULL;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < least || value > most) {
    fail("%s: %s is not a number from %ld to %ld", option, text, least, most);
  }
  return value;
}

char *value_of(char *argument, const char *name) {
  size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}
