// Locks that belong to an open file description: of records (fcntl(2): F_OFD_SETLK), which never wait here, and of whole files.

#include "args.h"
#include "memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/** What ofdGetLock() reads and writes. */
struct lock_record {
  int32_t type;
  int32_t pid;
  int64_t start;
  int64_t length;
};

/** ofdSetLock(fd, type, start, length) */
static int64_t call_ofd_set_lock(napi_env env, const int64_t *arg) {
  (void)env;
  struct flock lock = {.l_type = (short)arg[1], .l_whence = SEEK_SET, .l_start = arg[2], .l_len = arg[3]};
  return RETRY(fcntl((int)arg[0], F_OFD_SETLK, &lock));
}

/** ofdGetLock(fd, slot, record) */
static int64_t call_ofd_get_lock(napi_env env, const int64_t *arg) {
  uint8_t *at = NULL;
  struct lock_record record;
  int error = memory_span(env, arg[1], arg[2], sizeof record, &at);
  if (error < 0) return error;
  memcpy(&record, at, sizeof record);
  struct flock lock = {
      .l_type = (short)record.type,
      .l_whence = SEEK_SET,
      .l_start = record.start,
      .l_len = record.length,
  };
  int64_t result = RETRY(fcntl((int)arg[0], F_OFD_GETLK, &lock));
  if (result < 0) return result;
  record = (struct lock_record){
      .type = lock.l_type,
      .pid = lock.l_type == F_UNLCK ? 0 : (int32_t)lock.l_pid,
      .start = lock.l_start,
      .length = lock.l_len,
  };
  memcpy(at, &record, sizeof record);
  return 0;
}

/** flock(fd, operation) */
static int64_t call_flock(napi_env env, const int64_t *arg) {
  (void)env;
  return RETRY(flock((int)arg[0], (int)arg[1]));
}

const struct call lock_calls[] = {
    {"ofdSetLock", "dipp", call_ofd_set_lock},
    {"ofdGetLock", "dio", call_ofd_get_lock},
    {"flock", "di", call_flock},
    {NULL, NULL, NULL},
};
