// What others see of this process: an engine's list of a container's processes (`podman top`) shows the program that the process
// stands for, instead of paths of the host.

#include "anchor.h"

#include <string.h>
#include <sys/prctl.h>

enum { NAME_MAX_BYTES = 15 };

/** The part of the first word behind its last slash, as execve(2) names a process. */
static void set_name(const char *title) {
  char name[NAME_MAX_BYTES + 1];
  size_t length = strcspn(title, " ");
  const char *slash = memrchr(title, '/', length);
  const char *start = slash == NULL ? title : slash + 1;
  length -= (size_t)(start - title);
  if (length > NAME_MAX_BYTES) length = NAME_MAX_BYTES;
  memcpy(name, start, length);
  name[length] = '\0';
  if (length > 0) prctl(PR_SET_NAME, name, 0, 0, 0);
}

static char *first_byte;
static char *last_byte;

void own_arguments(char **argv) {
  first_byte = argv[0];
  while (argv[1] != NULL) argv++;
  last_byte = argv[0] + strlen(argv[0]);
}

void show_title(const char *title) {
  if (title == NULL) return;
  set_name(title);
  size_t room = (size_t)(last_byte - first_byte);
  size_t length = strnlen(title, room - 1);
  memmove(first_byte, title, length);
  first_byte[length] = '\0';
  // Where arguments do not end with a NUL, Linux takes what is at their beginning for a title (get_mm_proctitle(), fs/proc/base.c).
  *last_byte = ' ';
}
