// Landlock rulesets: what a process may open from its domain on. Being in the domain is threads.c's matter.

#include "args.h"

#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Rights of linux/landlock.h by the version that brought them; older headers lack the later ones. */
enum {
  FS_EXECUTE = 1 << 0,
  FS_WRITE_FILE = 1 << 1,
  FS_READ_FILE = 1 << 2,
  FS_READ_DIR = 1 << 3,
  FS_MAKE_BLOCK = 1 << 11,
  FS_VERSION_1 = (1 << 13) - 1,
  FS_REFER = 1 << 13,
  FS_TRUNCATE = 1 << 14,
  FS_IOCTL_DEV = 1 << 15,
  NET_TCP = 3,
  SCOPE_ALL = 3,
};
enum { VERSION_REFER = 2, VERSION_TRUNCATE, VERSION_NET, VERSION_IOCTL, VERSION_SCOPE };

/** struct landlock_ruleset_attr with all that it has by now. */
struct ruleset {
  uint64_t handled_fs;
  uint64_t handled_net;
  uint64_t scoped;
};

static long landlock_version(void) {
  return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static uint64_t handled_by(long version) {
  uint64_t rights = FS_VERSION_1 | FS_REFER;
  if (version >= VERSION_TRUNCATE) rights |= FS_TRUNCATE;
  if (version >= VERSION_IOCTL) rights |= FS_IOCTL_DEV;
  return rights;
}

/** landlockCreate(files) */
static int64_t call_landlock_create(napi_env env, const int64_t *arg) {
  (void)env;
  long version = landlock_version();
  if (version < 0) return -errno;
  // The first version refuses every rename from one directory to another; and there must be something to handle.
  if (version < (arg[0] ? VERSION_REFER : VERSION_NET)) return -EOPNOTSUPP;
  struct ruleset ruleset = {
      .handled_fs = arg[0] ? handled_by(version) : 0,
      .handled_net = version >= VERSION_NET ? NET_TCP : 0,
      .scoped = version >= VERSION_SCOPE ? SCOPE_ALL : 0,
  };
  size_t size = version >= VERSION_SCOPE ? sizeof ruleset : version >= VERSION_NET ? 16 : 8;
  return result_of(syscall(SYS_landlock_create_ruleset, &ruleset, size, 0));
}

/** landlockAllow(rulesetFd, fd, readonly) */
static int64_t call_landlock_allow(napi_env env, const int64_t *arg) {
  (void)env;
  struct stat status;
  if (fstat((int)arg[1], &status) < 0) return -errno;
  uint64_t rights = FS_READ_FILE | FS_READ_DIR;
  if (!arg[2]) rights = handled_by(landlock_version()) & ~(uint64_t)(FS_EXECUTE | FS_MAKE_BLOCK | FS_IOCTL_DEV);
  if (!S_ISDIR(status.st_mode)) rights &= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
  struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = (int)arg[1]};
  return result_of(syscall(SYS_landlock_add_rule, (int)arg[0], LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

const struct call landlock_calls[] = {
    {"landlockCreate", "i", call_landlock_create},
    {"landlockAllow", "ddi", call_landlock_allow},
    {NULL, NULL, NULL},
};
