// The filters of policy.c, which seccomp.c installs.

#ifndef WV_POLICY_H
#define WV_POLICY_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Who is confined: which rules hold. The numbers are interface.ts's. */
enum policy { POLICY_GOFER, POLICY_SENTRY };

/** No memory may become executable: the process runs without a compiler. */
enum { FILTER_NO_EXEC = 1 };
/** What is not allowed fails with EPERM and is reported on stderr, instead of killing the process. */
enum { FILTER_REPORT = 2 };
/** A gofer may make unix sockets and connect them. */
enum { FILTER_CONNECT = 4 };

enum { MAX_INSTRUCTIONS = 1024 };

/** Writes the filter's program. Returns its length, or 0 when it does not fit. */
size_t assemble_filter(enum policy policy, unsigned flags, struct sock_filter program[MAX_INSTRUCTIONS]);

#endif
