// Any system call, for tests of confinement: probe(number, a, b, c, d, e, f), where an argument is an integer or a text, whose
// address is passed. Returns what the kernel says, errors negative.

#define NAPI_VERSION 8

#include <errno.h>
#include <node_api.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARGUMENTS = 7, TEXT_BYTES = 256 };

static long argument_of(napi_env env, napi_value value, char text[TEXT_BYTES]) {
  int64_t number = 0;
  size_t length = 0;
  if (napi_get_value_int64(env, value, &number) == napi_ok) return (long)number;
  napi_get_value_string_utf8(env, value, text, TEXT_BYTES, &length);
  return (long)(intptr_t)text;
}

static napi_value probe(napi_env env, napi_callback_info info) {
  napi_value values[ARGUMENTS];
  static char texts[ARGUMENTS][TEXT_BYTES];
  long argument[ARGUMENTS] = {0};
  size_t count = ARGUMENTS;
  napi_value result = NULL;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  for (size_t index = 0; index < count && index < ARGUMENTS; index++) {
    argument[index] = argument_of(env, values[index], texts[index]);
  }
  long answer =
      syscall(argument[0], argument[1], argument[2], argument[3], argument[4], argument[5], argument[6]);
  napi_create_int64(env, answer < 0 ? -errno : answer, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function = NULL;
  napi_create_function(env, "probe", NAPI_AUTO_LENGTH, probe, NULL, &function);
  napi_set_named_property(env, exports, "probe", function);
  return exports;
}
