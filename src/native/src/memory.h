// Registered memories: the only memory of JavaScript that a call may touch.

#ifndef WV_MEMORY_H
#define WV_MEMORY_H

#include "args.h"

enum { MAX_SLOTS = 16 };

/** The slots of whoever calls attached.c's functions. */
enum { KERNEL_SLOT = 0, GUEST_SLOT = 1, HANDLES_SLOT = 3 };

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
 * The same without asking whether the view is detached by now, which takes longer than all the rest: the memory is shared,
 * which nothing detaches, or it is GUEST_SLOT's and the caller has seen that it is not.
 */
int memory_attached_span(const struct memories *memories, int slot, uint32_t offset, uint32_t length, uint8_t **out);

/**
 * Copies the NUL-terminated name at (slot, offset) to `name`: the memory may be shared with code that changes it, and
 * the kernel must see what was checked. NO_NAME gives "".
 * Errors: -EFAULT when there is no NUL inside the memory, -ENAMETOOLONG above MAX_NAME_BYTES.
 */
int memory_name(napi_env env, int64_t slot, int64_t offset, char name[MAX_NAME_BYTES + 1]);

#endif
