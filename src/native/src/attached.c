// What a guest's reads and writes are made of, at the least cost that Node-API allows: pread(2) and pwrite(2) between a donated
// descriptor and a guest's memory, and copies between that and the kernel's.
//
// The table's calls convert each argument by way of a double and ask for the memory's address anew: together 100 ns, where the
// system call itself is 530. The one argument of pread and pwrite is the address of a struct transfer in the kernel's memory.

#include "attached.h"
#include "memory.h"

#include <string.h>
#include <unistd.h>

/** What src/host/boot/native-host.ts writes to a descriptor's byte in the table of handles. */
enum { HANDLE_DONATED = 2 };

/** As the kernel writes it: assembly/sched/thread.ts. */
struct transfer {
  int64_t position;
  int32_t handle;
  uint32_t address;
  uint32_t length;
};

struct request {
  struct transfer transfer;
  uint8_t *data;
};

/** Copies what is asked for, since other threads may write there, and checks it. Returns 0 or -errno. */
static int take(napi_env env, napi_callback_info info, struct request *request) {
  napi_value value = NULL;
  size_t count = 1;
  uint32_t address = 0;
  void *memories = NULL;
  uint8_t *from = NULL;
  uint8_t *kind = NULL;
  struct transfer *transfer = &request->transfer;
  if (napi_get_cb_info(env, info, &count, &value, NULL, &memories) != napi_ok) return -EINVAL;
  if (napi_get_value_uint32(env, value, &address) != napi_ok) return -EFAULT;
  int error = memory_attached_span(memories, KERNEL_SLOT, address, sizeof *transfer, &from);
  if (error < 0) return error;
  memcpy(transfer, from, sizeof *transfer);
  if (memory_attached_span(memories, HANDLES_SLOT, (uint32_t)transfer->handle, 1, &kind) < 0) return -EBADF;
  if (*kind != HANDLE_DONATED) return -EBADF;
  return memory_attached_span(memories, GUEST_SLOT, transfer->address, transfer->length, &request->data);
}

static napi_value give(napi_env env, int64_t result) {
  napi_value value = NULL;
  // Linux moves at most 2^31 - 4096 bytes in one call.
  napi_create_int32(env, (int32_t)result, &value);
  return value;
}

napi_value attached_pread(napi_env env, napi_callback_info info) {
  struct request r;
  int error = take(env, info, &r);
  if (error < 0) return give(env, error);
  return give(env, RETRY(pread(r.transfer.handle, r.data, r.transfer.length, r.transfer.position)));
}

napi_value attached_pwrite(napi_env env, napi_callback_info info) {
  struct request r;
  int error = take(env, info, &r);
  if (error < 0) return give(env, error);
  return give(env, RETRY(pwrite(r.transfer.handle, r.data, r.transfer.length, r.transfer.position)));
}

/** The (address in the kernel's memory, address in the guest's, length) of a copy, checked. Returns 0 or -errno. */
static int take_copy(napi_env env, napi_callback_info info, uint8_t **kernel, uint8_t **guest, uint32_t *length) {
  napi_value value[3];
  size_t count = 3;
  uint32_t at[2];
  void *memories = NULL;
  if (napi_get_cb_info(env, info, &count, value, NULL, &memories) != napi_ok) return -EINVAL;
  if (napi_get_value_uint32(env, value[0], &at[0]) != napi_ok) return -EFAULT;
  if (napi_get_value_uint32(env, value[1], &at[1]) != napi_ok) return -EFAULT;
  if (napi_get_value_uint32(env, value[2], length) != napi_ok) return -EFAULT;
  int error = memory_attached_span(memories, KERNEL_SLOT, at[0], *length, kernel);
  return error < 0 ? error : memory_attached_span(memories, GUEST_SLOT, at[1], *length, guest);
}

napi_value attached_copyin(napi_env env, napi_callback_info info) {
  uint8_t *kernel = NULL;
  uint8_t *guest = NULL;
  uint32_t length = 0;
  int error = take_copy(env, info, &kernel, &guest, &length);
  if (error < 0) return give(env, error);
  memcpy(kernel, guest, length);
  return give(env, 0);
}

napi_value attached_copyout(napi_env env, napi_callback_info info) {
  uint8_t *kernel = NULL;
  uint8_t *guest = NULL;
  uint32_t length = 0;
  int error = take_copy(env, info, &kernel, &guest, &length);
  if (error < 0) return give(env, error);
  memcpy(guest, kernel, length);
  return give(env, 0);
}
