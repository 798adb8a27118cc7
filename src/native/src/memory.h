// Registered memories: the only memory of JavaScript that a call may touch.

#ifndef WV_MEMORY_H
#define WV_MEMORY_H

#include "args.h"

enum { MAX_SLOTS = 16 };

/** Where callers of memory_attached_span() keep the one memory that they answer for. */
enum { ATTACHED_SLOT = 1 };

/** Longest name or path without its NUL. */
enum { MAX_NAME_BYTES = 4095 };

struct memories;

/** Prepares the slots of this Node-API environment. NULL when out of memory. */
struct memories *memory_init(napi_env env);

/** Makes the Uint8Array `view` known as `slot`. Returns 0 or -EINVAL. */
int memory_register(napi_env env, int64_t slot, napi_value view);

/** Points `*out` at (slot, offset, length). Returns 0, or -EFAULT when any part lies outside. */
int memory_span(napi_env env, int64_t slot, int64_t offset, int64_t length, uint8_t **out);

/**
 * The same for ATTACHED_SLOT and without asking whether the view is detached by now, which is a third of the cost of a call:
 * the caller has seen that it is not.
 */
int memory_attached_span(const struct memories *memories, uint32_t offset, uint32_t length, uint8_t **out);

/**
 * Copies the NUL-terminated name at (slot, offset) to `name`: the memory may be shared with code that changes it, and
 * the kernel must see what was checked. NO_NAME gives "".
 * Errors: -EFAULT when there is no NUL inside the memory, -ENAMETOOLONG above MAX_NAME_BYTES.
 */
int memory_name(napi_env env, int64_t slot, int64_t offset, char name[MAX_NAME_BYTES + 1]);

#endif
