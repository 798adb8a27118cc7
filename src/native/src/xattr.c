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

/** What a list's length takes in front of it. */
enum { LENGTH_BYTES = 2 };

/** The descriptor's name is missing because the descriptor is. */
static int64_t without_path(int64_t result) { return result == -ENOENT ? -EBADF : result; }

static int64_t read_attribute(int64_t proc_self_fd, int64_t fd, const char *name, uint8_t *out, size_t capacity) {
  descriptor_path_buffer path;
  const char *last = descriptor_name(path, fd);
  struct attribute_value value = {.value = (__u64)(uintptr_t)out, .size = (__u32)capacity};
  int64_t result = result_of(syscall(SYS_getxattrat, (int)proc_self_fd, last, 0, name, &value, sizeof value));
  if (result == -ENOSYS) result = result_of(getxattr(descriptor_path(path, fd), name, out, capacity));
  return without_path(result);
}

/** getxattr(procSelfFd, fd, slot, name, out, capacity) */
static int64_t call_getxattr(napi_env env, const int64_t *arg) {
  char name[MAX_NAME_BYTES + 1];
  uint8_t *out = NULL;
  int error = memory_name(env, arg[2], arg[3], name);
  if (error == 0) error = memory_span(env, arg[2], arg[4], arg[5], &out);
  if (error < 0) return error;
  return read_attribute(arg[0], arg[1], name, out, arg[5] > INT32_MAX ? INT32_MAX : (size_t)arg[5]);
}

/** Writes one list as length[2] value[length]; returns its size. A file without the attribute has a list of no bytes. */
static int64_t put_list(int64_t proc_self_fd, int64_t fd, const char *name, uint8_t *out, int64_t capacity) {
  // Room for nothing would be a question for the length.
  if (capacity <= LENGTH_BYTES) return -ERANGE;
  size_t room = capacity - LENGTH_BYTES > UINT16_MAX ? UINT16_MAX : (size_t)(capacity - LENGTH_BYTES);
  int64_t length = read_attribute(proc_self_fd, fd, name, out + LENGTH_BYTES, room);
  if (length == -ENODATA) length = 0;
  if (length < 0) return length;
  out[0] = (uint8_t)(length & 0xff);
  out[1] = (uint8_t)(length >> 8);
  return LENGTH_BYTES + length;
}

/** posixAcls(procSelfFd, fd, slot, out, capacity, isDirectory) */
static int64_t call_posix_acls(napi_env env, const int64_t *arg) {
  uint8_t *out = NULL;
  int error = memory_span(env, arg[2], arg[3], arg[4], &out);
  if (error < 0) return error;
  int64_t first = put_list(arg[0], arg[1], "system.posix_acl_access", out, arg[4]);
  if (first < 0) return first;
  if (arg[5]) {
    int64_t second = put_list(arg[0], arg[1], "system.posix_acl_default", out + first, arg[4] - first);
    return second < 0 ? second : first + second;
  }
  if (arg[4] - first < LENGTH_BYTES) return -ERANGE;
  out[first] = 0;
  out[first + 1] = 0;
  return first + LENGTH_BYTES;
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
    {"posixAcls", "ddiooi", call_posix_acls},
    {NULL, NULL, NULL},
};
