// pread(2) and pwrite(2) on ATTACHED_SLOT, at the least cost that Node-API allows.
//
// The table's calls convert each argument by way of a double and ask for the memory's address anew: 80 ns, where the system
// call itself is 530. These two are what a guest's reads and writes of a host file are made of.

#include "attached.h"
#include "memory.h"

#include <unistd.h>

static const double EXACT = 9007199254740992.0; // 2^53

struct transfer {
  int32_t fd;
  uint8_t *data;
  uint32_t length;
  off_t position;
};

/** (fd, offset, length, position): the first three are 32 bits, signed or not. Returns 0 or -errno. */
static int take(napi_env env, napi_callback_info info, struct transfer *transfer) {
  napi_value value[4];
  size_t count = 4;
  uint32_t offset = 0;
  double position = -1;
  void *memories = NULL;
  if (napi_get_cb_info(env, info, &count, value, NULL, &memories) != napi_ok || count < 4) return -EINVAL;
  if (napi_get_value_int32(env, value[0], &transfer->fd) != napi_ok) return -EBADF;
  if (napi_get_value_uint32(env, value[1], &offset) != napi_ok) return -EFAULT;
  if (napi_get_value_uint32(env, value[2], &transfer->length) != napi_ok) return -EFAULT;
  if (napi_get_value_double(env, value[3], &position) != napi_ok) return -EINVAL;
  if (!(position >= 0 && position <= EXACT)) return -EINVAL;
  transfer->position = (off_t)position;
  return memory_attached_span(memories, offset, transfer->length, &transfer->data);
}

static napi_value give(napi_env env, int64_t result) {
  napi_value value = NULL;
  // Linux moves at most 2^31 - 4096 bytes in one call.
  napi_create_int32(env, (int32_t)result, &value);
  return value;
}

napi_value attached_pread(napi_env env, napi_callback_info info) {
  struct transfer t;
  int error = take(env, info, &t);
  return give(env, error < 0 ? error : RETRY(pread(t.fd, t.data, t.length, t.position)));
}

napi_value attached_pwrite(napi_env env, napi_callback_info info) {
  struct transfer t;
  int error = take(env, info, &t);
  return give(env, error < 0 ? error : RETRY(pwrite(t.fd, t.data, t.length, t.position)));
}
