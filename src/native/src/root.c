// Roots for a gofer in namespaces, made by a caller that may make mounts.

#include "../shared/root_mount.h"
#include "args.h"
#include "memory.h"

/** openRootMount(slot, path, readonly) */
static int64_t call_open_root_mount(napi_env env, const int64_t *arg) {
  char path[MAX_NAME_BYTES + 1];
  int error = memory_name(env, arg[0], arg[1], path);
  return error < 0 ? error : result_of(open_root_mount(path, arg[2] != 0));
}

const struct call root_calls[] = {
    {"openRootMount", "ini", call_open_root_mount},
    {NULL, NULL, NULL},
};
