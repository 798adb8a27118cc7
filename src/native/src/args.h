// What every system call of the helper looks like on the C side: checked integers in, one integer out.
//
// addon.c converts the JavaScript arguments by a signature before the call runs, so that no narrowing can turn
// 2^32 + 3 into descriptor 3. The letters, and what an argument outside their range gives:
//   d  descriptor, fits an int                                  -EBADF
//   i  32 bits, signed or unsigned (flags, modes, counts, ids)  -EINVAL
//   o  offset or length in a memory, 0 .. 2^53                  -EFAULT
//   n  offset of a name, as o, or NO_NAME                       -EFAULT
//   p  integer of 64 bits with sign, a BigInt where a double does not hold it exactly  -EINVAL
//   t  duration: -1, or >= 0 and clamped to 2^53                -EINVAL
// A value that is no number, or no integer, gives the same.

#ifndef WV_ARGS_H
#define WV_ARGS_H

#define NAPI_VERSION 8

#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_ARGS = 9 };

/** The name offset that means "", the object that the descriptor itself is. */
enum { NO_NAME = -1 };

typedef int64_t (*call_function)(napi_env env, const int64_t *arg);

struct call {
  const char *name;
  const char *signature;
  call_function function;
};

/** One table per source file; each ends with an entry whose name is NULL. */
extern const struct call fd_calls[];
extern const struct call process_calls[];
extern const struct call signal_calls[];
extern const struct call deadline_calls[];
extern const struct call io_calls[];
extern const struct call file_calls[];
extern const struct call directory_calls[];
extern const struct call xattr_calls[];
extern const struct call lock_calls[];
extern const struct call channel_calls[];
extern const struct call window_calls[];
extern const struct call window_client_calls[];
extern const struct call window_server_calls[];
extern const struct call listen_calls[];
extern const struct call unix_calls[];
extern const struct call rights_calls[];
extern const struct call root_calls[];
extern const struct call spawn_calls[];
extern const struct call pidfd_calls[];
extern const struct call descriptor_calls[];
extern const struct call thread_calls[];
extern const struct call landlock_calls[];
extern const struct call seccomp_calls[];
extern const struct call io_uring_calls[];
extern const struct call terminal_calls[];
extern const struct call background_calls[];

/** Converts `values` by `signature`. Returns 0 or -errno. */
int args_convert(napi_env env, const char *signature, size_t count, const napi_value *values, int64_t *arg);

/** The result of a libc call as the convention wants it. */
static inline int64_t result_of(int64_t result) { return result < 0 ? -errno : result; }

/** Repeats a libc call that a signal interrupted. */
#define RETRY(expression)                               \
  __extension__({                                       \
    int64_t retried_;                                   \
    do {                                                \
      retried_ = (int64_t)(expression);                 \
    } while (retried_ < 0 && errno == EINTR);           \
    result_of(retried_);                                \
  })

#endif
