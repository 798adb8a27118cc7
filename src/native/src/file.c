// Files, named from directory descriptors. Every descriptor that is made here is O_CLOEXEC.

#include "args.h"
#include "descriptor.h"
#include "memory.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/** openat2 gives EAGAIN when a rename elsewhere on the machine raced with "..": the manual says to try again. */
enum { OPENAT2_TRIES = 32 };

typedef char name_buffer[MAX_NAME_BYTES + 1];

static int empty_path(int64_t name) { return name == NO_NAME ? AT_EMPTY_PATH : 0; }

/** openat(dirFd, slot, name, flags, mode) */
static int64_t call_openat(napi_env env, const int64_t *arg) {
  name_buffer name;
  int error = memory_name(env, arg[1], arg[2], name);
  if (error < 0) return error;
  return RETRY(openat((int)arg[0], name, (int)arg[3] | O_CLOEXEC, (mode_t)arg[4]));
}

static int64_t open_resolved(int64_t dir_fd, const char *name, struct open_how how) {
  int64_t fd = -EAGAIN;
  for (int tries = 0; fd == -EAGAIN && tries < OPENAT2_TRIES; tries++) {
    fd = RETRY(syscall(SYS_openat2, (int)dir_fd, name, &how, sizeof how));
  }
  return fd;
}

/** openat2(dirFd, slot, name, flags, mode, resolve) */
static int64_t call_openat2(napi_env env, const int64_t *arg) {
  name_buffer name;
  int error = memory_name(env, arg[1], arg[2], name);
  if (error < 0) return error;
  struct open_how how = {
      .flags = (uint32_t)arg[3] | O_CLOEXEC,
      .mode = (uint32_t)arg[4],
      .resolve = (uint32_t)arg[5],
  };
  return open_resolved(arg[0], name, how);
}

/** openChild(dirFd, slot, name, mask, out) */
static int64_t call_open_child(napi_env env, const int64_t *arg) {
  // O_NOFOLLOW together with O_PATH opens a final symlink itself; NO_SYMLINKS refuses one anywhere else.
  static const struct open_how child = {
      .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  name_buffer name;
  uint8_t *out = NULL;
  struct statx status;
  int error = memory_name(env, arg[1], arg[2], name);
  if (error == 0) error = memory_span(env, arg[1], arg[4], sizeof status, &out);
  if (error < 0) return error;
  int64_t fd = open_resolved(arg[0], name, child);
  if (fd < 0) return fd;
  int64_t result = result_of(statx((int)fd, "", AT_EMPTY_PATH, (unsigned)arg[3], &status));
  if (result < 0) {
    close((int)fd);
    return result;
  }
  memcpy(out, &status, sizeof status);
  return fd;
}

/** reopen(procSelfFd, fd, flags) */
static int64_t call_reopen(napi_env env, const int64_t *arg) {
  (void)env;
  descriptor_path_buffer name;
  return RETRY(openat((int)arg[0], descriptor_name(name, arg[1]), (int)arg[2] | O_CLOEXEC));
}

/** statx(dirFd, slot, name, flags, mask, out) */
static int64_t call_statx(napi_env env, const int64_t *arg) {
  name_buffer name;
  uint8_t *out = NULL;
  struct statx status;
  int error = memory_name(env, arg[1], arg[2], name);
  if (error == 0) error = memory_span(env, arg[1], arg[5], sizeof status, &out);
  if (error < 0) return error;
  int64_t result = result_of(statx((int)arg[0], name, (int)arg[3] | empty_path(arg[2]), (unsigned)arg[4], &status));
  if (result == 0) memcpy(out, &status, sizeof status);
  return result;
}

/** fstatfs(fd, slot, out) */
static int64_t call_fstatfs(napi_env env, const int64_t *arg) {
  uint64_t fields[8];
  uint8_t *out = NULL;
  struct statfs status;
  int error = memory_span(env, arg[1], arg[2], sizeof fields, &out);
  if (error < 0) return error;
  if (fstatfs((int)arg[0], &status) < 0) return -errno;
  fields[0] = (uint64_t)status.f_type;
  fields[1] = (uint64_t)status.f_bsize;
  fields[2] = status.f_blocks;
  fields[3] = status.f_bfree;
  fields[4] = status.f_bavail;
  fields[5] = status.f_files;
  fields[6] = status.f_ffree;
  fields[7] = (uint64_t)status.f_namelen;
  memcpy(out, fields, sizeof fields);
  return 0;
}

/** readlinkat(dirFd, slot, name, out, capacity) */
static int64_t call_readlinkat(napi_env env, const int64_t *arg) {
  name_buffer name;
  uint8_t *out = NULL;
  int error = memory_name(env, arg[1], arg[2], name);
  if (error == 0) error = memory_span(env, arg[1], arg[3], arg[4], &out);
  if (error < 0) return error;
  size_t capacity = arg[4] > INT32_MAX ? INT32_MAX : (size_t)arg[4];
  return result_of(readlinkat((int)arg[0], name, (char *)out, capacity));
}

/** mkdirat(dirFd, slot, name, mode) */
static int64_t call_mkdirat(napi_env env, const int64_t *arg) {
  name_buffer name;
  int error = memory_name(env, arg[1], arg[2], name);
  return error < 0 ? error : result_of(mkdirat((int)arg[0], name, (mode_t)arg[3]));
}

/** mknodat(dirFd, slot, name, mode, major, minor) */
static int64_t call_mknodat(napi_env env, const int64_t *arg) {
  name_buffer name;
  int error = memory_name(env, arg[1], arg[2], name);
  if (error < 0) return error;
  dev_t device = makedev((unsigned)arg[4], (unsigned)arg[5]);
  return result_of(mknodat((int)arg[0], name, (mode_t)arg[3], device));
}

/** symlinkat(slot, target, dirFd, name) */
static int64_t call_symlinkat(napi_env env, const int64_t *arg) {
  name_buffer target;
  name_buffer name;
  int error = memory_name(env, arg[0], arg[1], target);
  if (error == 0) error = memory_name(env, arg[0], arg[3], name);
  return error < 0 ? error : result_of(symlinkat(target, (int)arg[2], name));
}

/** linkat(oldDirFd, slot, oldName, newDirFd, newName, flags) */
static int64_t call_linkat(napi_env env, const int64_t *arg) {
  name_buffer old_name;
  name_buffer new_name;
  int error = memory_name(env, arg[1], arg[2], old_name);
  if (error == 0) error = memory_name(env, arg[1], arg[4], new_name);
  if (error < 0) return error;
  return result_of(linkat((int)arg[0], old_name, (int)arg[3], new_name, (int)arg[5] | empty_path(arg[2])));
}

/** unlinkat(dirFd, slot, name, flags) */
static int64_t call_unlinkat(napi_env env, const int64_t *arg) {
  name_buffer name;
  int error = memory_name(env, arg[1], arg[2], name);
  return error < 0 ? error : result_of(unlinkat((int)arg[0], name, (int)arg[3]));
}

/** renameat2(oldDirFd, slot, oldName, newDirFd, newName, flags) */
static int64_t call_renameat2(napi_env env, const int64_t *arg) {
  name_buffer old_name;
  name_buffer new_name;
  int error = memory_name(env, arg[1], arg[2], old_name);
  if (error == 0) error = memory_name(env, arg[1], arg[4], new_name);
  if (error < 0) return error;
  return result_of(syscall(SYS_renameat2, (int)arg[0], old_name, (int)arg[3], new_name, (unsigned)arg[5]));
}

/** fchmod(procSelfFd, fd, mode) */
static int64_t call_fchmod(napi_env env, const int64_t *arg) {
  (void)env;
  int64_t result = result_of(syscall(SYS_fchmodat2, (int)arg[1], "", (mode_t)arg[2], AT_EMPTY_PATH));
  if (result != -ENOSYS) return result;
  descriptor_path_buffer name;
  result = result_of(fchmodat((int)arg[0], descriptor_name(name, arg[1]), (mode_t)arg[2], 0));
  // The descriptor's name is missing because the descriptor is.
  return result == -ENOENT ? -EBADF : result;
}

/** fchown(fd, uid, gid) */
static int64_t call_fchown(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of(
      fchownat((int)arg[0], "", (uid_t)arg[1], (gid_t)arg[2], AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

/** futimens(fd, atimeSec, atimeNsec, mtimeSec, mtimeNsec) */
static int64_t call_futimens(napi_env env, const int64_t *arg) {
  (void)env;
  struct timespec times[2] = {{.tv_sec = arg[1], .tv_nsec = arg[2]}, {.tv_sec = arg[3], .tv_nsec = arg[4]}};
  return result_of(utimensat((int)arg[0], "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

static int64_t call_ftruncate(napi_env env, const int64_t *arg) {
  (void)env;
  return RETRY(ftruncate((int)arg[0], arg[1]));
}

/** truncate(fd, size): by path, since a size that stays is a change to ftruncate(2) and none to truncate(2). */
static int64_t call_truncate(napi_env env, const int64_t *arg) {
  (void)env;
  descriptor_path_buffer path;
  return RETRY(truncate(descriptor_path(path, arg[0]), arg[1]));
}

/** fallocate(fd, mode, position, length) */
static int64_t call_fallocate(napi_env env, const int64_t *arg) {
  (void)env;
  return RETRY(fallocate((int)arg[0], (int)arg[1], arg[2], arg[3]));
}

/** copyFileRange(fromFd, fromPosition, toFd, toPosition, length) */
static int64_t call_copy_file_range(napi_env env, const int64_t *arg) {
  (void)env;
  int64_t from = arg[1];
  int64_t to = arg[3];
  if (arg[4] < 0) return -EINVAL;
  return RETRY(syscall(SYS_copy_file_range, (int)arg[0], &from, (int)arg[2], &to, (size_t)arg[4], 0));
}

static int64_t call_fsync(napi_env env, const int64_t *arg) {
  (void)env;
  return RETRY(arg[1] ? fdatasync((int)arg[0]) : fsync((int)arg[0]));
}

const struct call file_calls[] = {
    {"openat", "dinii", call_openat},
    {"openat2", "diniii", call_openat2},
    {"openChild", "dinio", call_open_child},
    {"reopen", "ddi", call_reopen},
    {"statx", "diniio", call_statx},
    {"fstatfs", "dio", call_fstatfs},
    {"readlinkat", "dinoo", call_readlinkat},
    {"mkdirat", "dini", call_mkdirat},
    {"mknodat", "diniii", call_mknodat},
    {"symlinkat", "iodn", call_symlinkat},
    {"linkat", "dindni", call_linkat},
    {"unlinkat", "dini", call_unlinkat},
    {"renameat2", "dindni", call_renameat2},
    {"fchmod", "ddi", call_fchmod},
    {"fchown", "dii", call_fchown},
    {"futimens", "dpipi", call_futimens},
    {"ftruncate", "dp", call_ftruncate},
    {"truncate", "dp", call_truncate},
    {"fallocate", "dipp", call_fallocate},
    {"copyFileRange", "dpdpp", call_copy_file_range},
    {"fsync", "di", call_fsync},
    {NULL, NULL, NULL},
};
