// Registered memories, per Node-API environment: each JavaScript thread has its own slots.
//
// A view of a SharedArrayBuffer never moves and never shrinks while the reference holds it, so its address is kept.
// A view of an ordinary ArrayBuffer can be detached at any time (a Wasm memory that grows does that, also when the guest
// itself grows it); its address is asked for on every use, and a detached view has length 0: -EFAULT, not a stale page. Only
// memory_attached_span() takes the address of the registration: its callers look at the view themselves, in compiled
// JavaScript, where that costs a nanosecond.

#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct memory {
  napi_ref view;
  /** As it was registered: `shared` or not detached since, still so. */
  uint8_t *base;
  uint64_t length;
  bool shared;
};

struct memories {
  struct memory slot[MAX_SLOTS];
};

static void release(napi_env env, void *data, void *hint) {
  (void)hint;
  struct memories *memories = data;
  for (int slot = 0; slot < MAX_SLOTS; slot++) {
    if (memories->slot[slot].view != NULL) napi_delete_reference(env, memories->slot[slot].view);
  }
  free(memories);
}

struct memories *memory_init(napi_env env) {
  struct memories *memories = calloc(1, sizeof *memories);
  if (memories == NULL) return NULL;
  if (napi_set_instance_data(env, memories, release, NULL) == napi_ok) return memories;
  free(memories);
  return NULL;
}

static struct memory *find(napi_env env, int64_t slot) {
  void *data = NULL;
  if (slot < 0 || slot >= MAX_SLOTS || napi_get_instance_data(env, &data) != napi_ok || data == NULL) return NULL;
  return &((struct memories *)data)->slot[slot];
}

int memory_register(napi_env env, int64_t slot, napi_value view) {
  struct memory *memory = find(env, slot);
  bool typed = false;
  if (memory == NULL || napi_is_typedarray(env, view, &typed) != napi_ok || !typed) return -EINVAL;

  napi_typedarray_type type;
  size_t length = 0;
  size_t offset = 0;
  void *base = NULL;
  napi_value buffer = NULL;
  bool plain = false;
  if (napi_get_typedarray_info(env, view, &type, &length, &base, &buffer, &offset) != napi_ok) return -EINVAL;
  if (type != napi_uint8_array || offset != 0) return -EINVAL;
  if (napi_is_arraybuffer(env, buffer, &plain) != napi_ok) return -EINVAL;

  napi_ref reference = NULL;
  if (napi_create_reference(env, view, 1, &reference) != napi_ok) return -ENOMEM;
  if (memory->view != NULL) napi_delete_reference(env, memory->view);
  *memory = (struct memory){.view = reference, .base = base, .length = length, .shared = !plain};
  return 0;
}

static bool locate(napi_env env, const struct memory *memory, uint8_t **base, uint64_t *length) {
  if (memory->shared) {
    *base = memory->base;
    *length = memory->length;
    return true;
  }
  napi_value view = NULL;
  void *data = NULL;
  size_t size = 0;
  if (napi_get_reference_value(env, memory->view, &view) != napi_ok || view == NULL) return false;
  if (napi_get_typedarray_info(env, view, NULL, &size, &data, NULL, NULL) != napi_ok) return false;
  *base = data;
  *length = size;
  return true;
}

int memory_span(napi_env env, int64_t slot, int64_t offset, int64_t length, uint8_t **out) {
  struct memory *memory = find(env, slot);
  uint8_t *base = NULL;
  uint64_t limit = 0;
  if (memory == NULL || memory->view == NULL || !locate(env, memory, &base, &limit)) return -EFAULT;
  if (offset < 0 || length < 0) return -EFAULT;
  if ((uint64_t)offset > limit || (uint64_t)length > limit - (uint64_t)offset) return -EFAULT;
  *out = base + offset;
  return 0;
}

int memory_attached_span(const struct memories *memories, int slot, uint32_t offset, uint32_t length, uint8_t **out) {
  const struct memory *memory = &memories->slot[slot];
  if (!memory->shared && slot != GUEST_SLOT) return -EFAULT;
  if (offset > memory->length || length > memory->length - offset) return -EFAULT;
  *out = memory->base + offset;
  return 0;
}

int memory_name(napi_env env, int64_t slot, int64_t offset, char name[MAX_NAME_BYTES + 1]) {
  if (offset == NO_NAME) {
    name[0] = '\0';
    return 0;
  }
  struct memory *memory = find(env, slot);
  uint8_t *base = NULL;
  uint64_t limit = 0;
  if (memory == NULL || memory->view == NULL || !locate(env, memory, &base, &limit)) return -EFAULT;
  if (offset < 0 || (uint64_t)offset >= limit) return -EFAULT;
  uint64_t room = limit - (uint64_t)offset;
  size_t take = room > MAX_NAME_BYTES + 1 ? MAX_NAME_BYTES + 1 : (size_t)room;
  for (size_t index = 0; index < take; index++) {
    name[index] = (char)base[(size_t)offset + index];
    if (name[index] == '\0') return 0;
  }
  return take == MAX_NAME_BYTES + 1 ? -ENAMETOOLONG : -EFAULT;
}
