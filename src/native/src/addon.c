// The Node-API face: every function of interface.ts is one entry of a table, and one callback serves them all.

#include "args.h"
#include "attached.h"
#include "memory.h"

/** Results that a double does not hold exactly are BigInts. */
static napi_value integer(napi_env env, int64_t value) {
  static const int64_t safe = INT64_C(1) << 53;
  napi_value result = NULL;
  if (value >= INT32_MIN && value <= INT32_MAX) {
    napi_create_int32(env, (int32_t)value, &result);
  } else if (value > safe || value < -safe) {
    napi_create_bigint_int64(env, value, &result);
  } else {
    napi_create_double(env, (double)value, &result);
  }
  return result;
}

static napi_value dispatch(napi_env env, napi_callback_info info) {
  napi_value values[MAX_ARGS];
  int64_t arg[MAX_ARGS];
  size_t count = MAX_ARGS;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &count, values, NULL, &data) != napi_ok) return integer(env, -EINVAL);
  const struct call *call = data;
  int error = args_convert(env, call->signature, count, values, arg);
  return integer(env, error < 0 ? error : call->function(env, arg));
}

/** The one function that takes an object. */
static napi_value register_memory(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int64_t slot = 0;
  size_t count = 2;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok) return integer(env, -EINVAL);
  int error = args_convert(env, "i", count, values, &slot);
  return integer(env, error < 0 ? error : memory_register(env, slot, values[1]));
}

static bool define(napi_env env, napi_value exports, const struct call *call) {
  napi_property_descriptor property = {
      .utf8name = call->name,
      .method = dispatch,
      .attributes = napi_enumerable,
      .data = (void *)(uintptr_t)call,
  };
  return napi_define_properties(env, exports, 1, &property) == napi_ok;
}

NAPI_MODULE_INIT() {
  static const struct call *const tables[] = {
      fd_calls,      process_calls, signal_calls, deadline_calls, io_calls,         file_calls,   directory_calls, xattr_calls,
      lock_calls,    channel_calls, listen_calls, unix_calls,     rights_calls,     spawn_calls, pidfd_calls,  thread_calls,    descriptor_calls,
      landlock_calls, seccomp_calls, root_calls,   io_uring_calls, terminal_calls, background_calls,
      window_calls,  window_client_calls, window_server_calls,
  };
  struct memories *memories = memory_init(env);
  const napi_property_descriptor others[] = {
      {.utf8name = "registerMemory", .method = register_memory, .attributes = napi_enumerable},
      {.utf8name = "preadGuest", .method = attached_pread, .attributes = napi_enumerable, .data = memories},
      {.utf8name = "pwriteGuest", .method = attached_pwrite, .attributes = napi_enumerable, .data = memories},
      {.utf8name = "copyFromGuest", .method = attached_copyin, .attributes = napi_enumerable, .data = memories},
      {.utf8name = "copyToGuest", .method = attached_copyout, .attributes = napi_enumerable, .data = memories},
  };
  if (memories == NULL || napi_define_properties(env, exports, sizeof others / sizeof *others, others) != napi_ok) {
    napi_throw_error(env, NULL, "native helper: initialisation failed");
    return NULL;
  }
  for (size_t table = 0; table < sizeof tables / sizeof *tables; table++) {
    for (const struct call *call = tables[table]; call->name != NULL; call++) {
      if (define(env, exports, call)) continue;
      // Two functions of one name, for example.
      napi_throw_error(env, NULL, call->name);
      return NULL;
    }
  }
  return exports;
}
