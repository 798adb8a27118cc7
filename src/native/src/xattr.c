// Extended attributes of what a descriptor is, O_PATH ones included.
//
// The calls that take a descriptor refuse O_PATH, so each goes through the descriptor's name in /proc/self/fd, which leads to
// the inode itself, a symbolic link included. Since Linux 6.13 that name is relative to the kept directory descriptor; before,
// it is a path (descriptor.h).

#include "args.h"
#include "descriptor.h"
#include "memory.h"

#include <linux/types.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif

/** struct xattr_args (linux/xattr.h), which older headers lack. */
struct attribute_value {
  __u64 __attribute__((aligned(8))) value;
  __u32 size;
  __u32 flags;
};

/** The descriptor's name is missing because the descriptor is. */
static int64_t without_path(int64_t result) { return result == -ENOENT ? -EBADF : result; }

/** getxattr(procSelfFd, fd, slot, name, out, capacity) */
static int64_t call_getxattr(napi_env env, const int64_t *arg) {
  char name[MAX_NAME_BYTES + 1];
  uint8_t *out = NULL;
  int error = memory_name(env, arg[2], arg[3], name);
  if (error == 0) error = memory_span(env, arg[2], arg[4], arg[5], &out);
  if (error < 0) return error;
  descriptor_path_buffer path;
  const char *last = descriptor_name(path, arg[1]);
  size_t capacity = arg[5] > INT32_MAX ? INT32_MAX : (size_t)arg[5];
  struct attribute_value value = {.value = (__u64)(uintptr_t)out, .size = (__u32)capacity};
  int64_t result = result_of(syscall(SYS_getxattrat, (int)arg[0], last, 0, name, &value, sizeof value));
  if (result == -ENOSYS) result = result_of(getxattr(descriptor_path(path, arg[1]), name, out, capacity));
  return without_path(result);
}

/** setxattr(procSelfFd, fd, slot, name, value, length, flags) */
static int64_t call_setxattr(napi_env env, const int64_t *arg) {
  char name[MAX_NAME_BYTES + 1];
  uint8_t *bytes = NULL;
  int error = memory_name(env, arg[2], arg[3], name);
  if (error == 0) error = memory_span(env, arg[2], arg[4], arg[5], &bytes);
  if (error < 0) return error;
  if (arg[5] > INT32_MAX) return -E2BIG;
  descriptor_path_buffer path;
  const char *last = descriptor_name(path, arg[1]);
  struct attribute_value value = {
      .value = (__u64)(uintptr_t)bytes,
      .size = (__u32)arg[5],
      .flags = (__u32)arg[6],
  };
  int64_t result = result_of(syscall(SYS_setxattrat, (int)arg[0], last, 0, name, &value, sizeof value));
  if (result == -ENOSYS) result = result_of(setxattr(descriptor_path(path, arg[1]), name, bytes, (size_t)arg[5], (int)arg[6]));
  return without_path(result);
}

/** listxattr(procSelfFd, fd, slot, out, capacity) */
static int64_t call_listxattr(napi_env env, const int64_t *arg) {
  uint8_t *out = NULL;
  int error = memory_span(env, arg[2], arg[3], arg[4], &out);
  if (error < 0) return error;
  descriptor_path_buffer path;
  const char *last = descriptor_name(path, arg[1]);
  size_t capacity = arg[4] > INT32_MAX ? INT32_MAX : (size_t)arg[4];
  int64_t result = result_of(syscall(SYS_listxattrat, (int)arg[0], last, 0, out, capacity));
  if (result == -ENOSYS) result = result_of(listxattr(descriptor_path(path, arg[1]), (char *)out, capacity));
  return without_path(result);
}

/** removexattr(procSelfFd, fd, slot, name) */
static int64_t call_removexattr(napi_env env, const int64_t *arg) {
  char name[MAX_NAME_BYTES + 1];
  int error = memory_name(env, arg[2], arg[3], name);
  if (error < 0) return error;
  descriptor_path_buffer path;
  const char *last = descriptor_name(path, arg[1]);
  int64_t result = result_of(syscall(SYS_removexattrat, (int)arg[0], last, 0, name));
  if (result == -ENOSYS) result = result_of(removexattr(descriptor_path(path, arg[1]), name));
  return without_path(result);
}

const struct call xattr_calls[] = {
    {"getxattr", "ddinoo", call_getxattr},
    {"setxattr", "ddinooi", call_setxattr},
    {"listxattr", "ddioo", call_listxattr},
    {"removexattr", "ddin", call_removexattr},
    {NULL, NULL, NULL},
};
