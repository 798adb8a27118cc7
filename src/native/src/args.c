// From JavaScript numbers to checked integers.

#include "args.h"

#include <math.h>

static const double EXACT = 9007199254740992.0; // 2^53

static int convert(char kind, double number, int64_t *out) {
  bool exact = number >= -EXACT && number <= EXACT && (double)(int64_t)number == number;
  int64_t value = exact ? (int64_t)number : 0;
  switch (kind) {
  case 'd':
    if (!exact || value < INT32_MIN || value > INT32_MAX) return -EBADF;
    break;
  case 'i':
    if (!exact || value < INT32_MIN || value > UINT32_MAX) return -EINVAL;
    break;
  case 'o':
    if (!exact || value < 0) return -EFAULT;
    break;
  case 'n':
    if (!exact || value < NO_NAME) return -EFAULT;
    break;
  case 't':
    if (isnan(number) || (number < 0 && number != -1)) return -EINVAL;
    value = number >= EXACT ? (int64_t)EXACT : (int64_t)number;
    break;
  default:
    if (!exact) return -EINVAL;
    break;
  }
  *out = value;
  return 0;
}

/** Whether `value` is a BigInt of 64 bits. */
static bool takes_bigint(napi_env env, napi_value value, int64_t *out) {
  bool lossless = false;
  return napi_get_value_bigint_int64(env, value, out, &lossless) == napi_ok && lossless;
}

int args_convert(napi_env env, const char *signature, size_t count, const napi_value *values, int64_t *arg) {
  for (size_t index = 0; signature[index] != '\0'; index++) {
    double number = NAN;
    if (index < count && napi_get_value_double(env, values[index], &number) != napi_ok) {
      if (signature[index] == 'p' && takes_bigint(env, values[index], &arg[index])) continue;
      number = NAN;
    }
    int error = convert(signature[index], number, &arg[index]);
    if (error < 0) return error;
  }
  return 0;
}
