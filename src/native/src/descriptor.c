#include "descriptor.h"
#include "args.h"

#include <stdio.h>
#include <unistd.h>

/** The current directory is /proc/self/fd: a process that was confined may have no /proc. */
static bool current_directory;

static const char PREFIX[] = "/proc/self/fd/";

const char *descriptor_path(descriptor_path_buffer path, int64_t fd) {
  snprintf(path, sizeof(descriptor_path_buffer), "%s%d", current_directory ? "" : PREFIX, (int)fd);
  return path;
}

const char *descriptor_name(descriptor_path_buffer path, int64_t fd) {
  snprintf(path, sizeof(descriptor_path_buffer), "%d", (int)fd);
  return path;
}

/** enterDescriptorDirectory(procSelfFd) */
static int64_t call_enter_descriptor_directory(napi_env env, const int64_t *arg) {
  (void)env;
  if (fchdir((int)arg[0]) < 0) return -errno;
  current_directory = true;
  return 0;
}

const struct call descriptor_calls[] = {
    {"enterDescriptorDirectory", "d", call_enter_descriptor_directory},
    {NULL, NULL, NULL},
};
