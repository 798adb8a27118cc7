// Which system calls a confined gofer and a confined sentry may make: everything else kills the process.
//
// Of the gofer's calls on files each starts from a descriptor: a name that starts from the current directory (AT_FDCWD) does not
// pass. A name in memory is out of a filter's sight, so an absolute one does: what it leads to is Landlock's matter and that of
// the root directory. The sentry opens nothing at all.
//
// Node, its C library and V8 look for things now and then (a terminal, a limit, a file under /proc) and do well without: such a
// call fails as if it were not there. Two lists came from strace, of a gofer and of a sentry that ran for long under collections
// of garbage, compilations and growing memories; a process in report mode says what is missing from them.
//
// The order matters twice: the first rule that fits counts, and what comes early is found sooner.

#include "policy.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no filter for this architecture"
#endif

/** What one argument must be, in its low 32 bits; `wide` ones have nothing in the upper half besides. */
struct condition {
  bool used;
  bool wide;
  uint8_t argument;
  uint32_t mask;
  uint32_t value;
};

enum { MAX_CONDITIONS = 2, ALLOWED = 0 };

struct rule {
  int number;
  /** ALLOWED, or the errno that the call fails with. */
  int error;
  struct condition condition[MAX_CONDITIONS];
};

#define NAMED(name) SYS_##name
#define ALLOW(name) {NAMED(name), ALLOWED, {{0}}}
#define REFUSE(name, errno_value) {NAMED(name), errno_value, {{0}}}
#define ALLOW_IF(name, ...) {NAMED(name), ALLOWED, {__VA_ARGS__}}
#define BITS(arg, bits, wanted) {true, false, arg, bits, wanted}
#define WIDE_BITS(arg, bits, wanted) {true, true, arg, bits, wanted}
#define IS(arg, wanted) BITS(arg, ~0U, wanted)
/** A descriptor: AT_FDCWD is negative. */
#define DESCRIPTOR(arg) BITS(arg, 0x80000000U, 0)

/** What every thread of a running Node does, allowed or not. */
static const struct rule runtime_rules[] = {
    ALLOW(futex),
    ALLOW(read),
    ALLOW(write),
    ALLOW(close),
    ALLOW(munmap),
    ALLOW(madvise),
    ALLOW(readv),
    ALLOW(writev),
    ALLOW(fstat),
    ALLOW(lseek),
    ALLOW(brk),
    ALLOW(mremap),
    ALLOW(ppoll),
    ALLOW(epoll_ctl),
    ALLOW(epoll_pwait),
    ALLOW(getpid),
    ALLOW(gettid),
    ALLOW(getuid),
    ALLOW(geteuid),
    ALLOW(getgid),
    ALLOW(getegid),
    ALLOW(capget),
    ALLOW(rt_sigprocmask),
    ALLOW(rt_sigreturn),
    ALLOW(rt_sigaction),
    ALLOW(rt_sigtimedwait),
    ALLOW(sigaltstack),
    ALLOW(sched_yield),
    ALLOW(clock_gettime),
    ALLOW(clock_getres),
    ALLOW(clock_nanosleep),
    ALLOW(nanosleep),
    ALLOW(gettimeofday),
    ALLOW(getrandom),
    ALLOW(getrusage),
    ALLOW(membarrier),
    ALLOW(restart_syscall),
    ALLOW(exit),
    ALLOW(exit_group),
    ALLOW(recvmsg),
    ALLOW(sendmsg),
    // To whom the socket is connected.
    ALLOW_IF(sendto, WIDE_BITS(4, ~0U, 0)),
    ALLOW(recvfrom),
    ALLOW(shutdown),
#ifdef __x86_64__
    ALLOW(poll),
    ALLOW(epoll_wait),
    REFUSE(open, ENOENT),
    REFUSE(stat, ENOENT),
    REFUSE(lstat, ENOENT),
    REFUSE(access, ENOENT),
    REFUSE(readlink, ENOENT),
#endif
    ALLOW_IF(fcntl, IS(1, F_GETFD)),
    ALLOW_IF(fcntl, IS(1, F_SETFD)),
    ALLOW_IF(fcntl, IS(1, F_GETFL)),
    ALLOW_IF(fcntl, IS(1, F_SETFL)),
    ALLOW_IF(fcntl, IS(1, F_DUPFD_CLOEXEC)),
    // Reading a limit of its own.
    ALLOW_IF(prlimit64, IS(0, 0), WIDE_BITS(2, ~0U, 0)),
    REFUSE(prlimit64, EPERM),
    ALLOW_IF(prctl, IS(0, PR_SET_NAME)),
    REFUSE(prctl, EINVAL),
    // EPERM is what Node puts up with where it sets a terminal back at its end.
    {NAMED(ioctl), EPERM, {IS(1, TCSETS)}},
    REFUSE(ioctl, ENOTTY),
    REFUSE(sysinfo, EPERM),
    // The one error with which pthread_getattr_np(3) still tells where a thread's stack is: V8 scans its workers' stacks for pointers
    // up to there, and beyond where it is not told.
    REFUSE(sched_getaffinity, ENOSYS),
    // The priorities of V8's workers.
    ALLOW(sched_getparam),
    ALLOW(sched_getscheduler),
    REFUSE(sched_setparam, EPERM),
    REFUSE(sched_setscheduler, EPERM),
    REFUSE(setpriority, EPERM),
    REFUSE(pkey_alloc, ENOSPC),
    REFUSE(faccessat, ENOENT),
    REFUSE(clone3, ENOSYS),
    // A ring's operations pass no filter: whoever may enter one can make sockets and open files by it. libuv does without where it
    // gets none at its start; the rings of a process that has some are left alone (io_uring.c).
    REFUSE(io_uring_setup, ENOSYS),
};

/** Files, each from a descriptor. */
static const struct rule gofer_rules[] = {
    ALLOW_IF(statx, DESCRIPTOR(0)),
    ALLOW_IF(openat2, DESCRIPTOR(0)),
    ALLOW_IF(openat, DESCRIPTOR(0)),
    ALLOW(pread64),
    ALLOW(pwrite64),
    ALLOW(preadv),
    ALLOW(pwritev),
    ALLOW(getdents64),
    ALLOW_IF(readlinkat, DESCRIPTOR(0)),
    ALLOW_IF(unlinkat, DESCRIPTOR(0)),
    ALLOW_IF(mkdirat, DESCRIPTOR(0)),
    ALLOW_IF(renameat2, DESCRIPTOR(0), DESCRIPTOR(2)),
    ALLOW_IF(linkat, DESCRIPTOR(0), DESCRIPTOR(2)),
    ALLOW_IF(symlinkat, DESCRIPTOR(1)),
    // No device of the host but 0:0, which is a whiteout.
    ALLOW_IF(mknodat, DESCRIPTOR(0), IS(3, 0)),
    ALLOW(ftruncate),
    // By the name of a descriptor in the current directory, which is /proc/self/fd.
    ALLOW(truncate),
    ALLOW(fallocate),
    ALLOW(copy_file_range),
    ALLOW(fsync),
    ALLOW(fdatasync),
    ALLOW(fstatfs),
    // Of the sockets that it was given, and what they are.
    ALLOW(accept4),
    ALLOW_IF(getsockopt, IS(1, SOL_SOCKET)),
    ALLOW_IF(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO)),
    ALLOW(getpeername),
    ALLOW_IF(fchmodat2, DESCRIPTOR(0)),
    ALLOW_IF(fchmodat, DESCRIPTOR(0)),
    ALLOW_IF(fchownat, DESCRIPTOR(0)),
    ALLOW_IF(utimensat, DESCRIPTOR(0)),
    ALLOW_IF(getxattrat, DESCRIPTOR(0)),
    ALLOW_IF(setxattrat, DESCRIPTOR(0)),
    ALLOW_IF(listxattrat, DESCRIPTOR(0)),
    ALLOW_IF(removexattrat, DESCRIPTOR(0)),
    ALLOW_IF(fcntl, IS(1, F_OFD_GETLK)),
    ALLOW_IF(fcntl, IS(1, F_OFD_SETLK)),
    ALLOW_IF(newfstatat, DESCRIPTOR(0)),
    REFUSE(newfstatat, ENOENT),
    REFUSE(statx, ENOENT),
    REFUSE(openat, ENOENT),
    REFUSE(readlinkat, ENOENT),
};

/** Where the kernel has no calls for extended attributes that start from a descriptor: also by a name in the current directory. */
static const struct rule old_attribute_rules[] = {
    ALLOW(getxattr),
    ALLOW(setxattr),
    ALLOW(listxattr),
    ALLOW(removexattr),
};

/** To whom a socket connects is out of a filter's sight; that it is a unix one is not. */
static const struct rule connect_rules[] = {
    ALLOW_IF(socket, WIDE_BITS(0, ~0U, AF_UNIX), BITS(2, ~0U, 0)),
    ALLOW(connect),
};

#define THREAD_FLAGS                                                                                              \
  (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | \
   CLONE_CHILD_CLEARTID)

/** Descriptors that were given, threads for guests, and the end of the gofer. */
static const struct rule sentry_rules[] = {
    ALLOW(pread64),
    ALLOW(pwrite64),
    ALLOW(preadv),
    ALLOW(pwritev),
    ALLOW(preadv2),
    ALLOW(pwritev2),
    ALLOW(eventfd2),
    ALLOW(epoll_create1),
    ALLOW(pipe2),
    ALLOW(wait4),
    // Clients of the control socket that it was given, and who they are.
    ALLOW(accept4),
    ALLOW_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_PEERCRED)),
    ALLOW_IF(clone, WIDE_BITS(0, ~0U, THREAD_FLAGS)),
    // musl's.
    ALLOW_IF(clone, WIDE_BITS(0, ~0U, THREAD_FLAGS | CLONE_DETACHED)),
    ALLOW(set_robust_list),
#ifdef SYS_rseq
    ALLOW(rseq),
#endif
    // Not even by the empty name of a descriptor: what name is in memory is out of sight. libuv does with fstat(2) then.
    REFUSE(statx, ENOSYS),
    REFUSE(newfstatat, ENOENT),
    REFUSE(openat, ENOENT),
    REFUSE(readlinkat, ENOENT),
    // The path of the current directory, which a worker looks up at its start.
    ALLOW(getcwd),
};

struct assembly {
  struct sock_filter *program;
  size_t length;
};

static void emit(struct assembly *out, struct sock_filter instruction) {
  if (out->length < MAX_INSTRUCTIONS) out->program[out->length] = instruction;
  out->length++;
}

#define LOAD(field) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(field)))
#define AND(mask) ((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask))
#define RETURN(action) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action))
/** Goes on when equal, else over the next `skip` instructions. */
#define UNLESS_EQUAL(value, skip) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)(skip)))
#define ARGUMENT(index) (offsetof(struct seccomp_data, args) + (size_t)(index) * 8)
#define NUMBER offsetof(struct seccomp_data, nr)

enum { WORD_HIGH = 4, INSTRUCTIONS_NARROW = 3, INSTRUCTIONS_WIDE = 5 };

static size_t length_of(const struct condition *condition) {
  if (!condition->used) return 0;
  return condition->wide ? INSTRUCTIONS_WIDE : INSTRUCTIONS_NARROW;
}

/** Both architectures are little endian. `after`: what comes before the next rule when the condition holds. */
static void emit_condition(struct assembly *out, const struct condition *condition, size_t after) {
  if (!condition->used) return;
  if (condition->wide) {
    emit(out, LOAD(ARGUMENT(condition->argument) + WORD_HIGH));
    emit(out, UNLESS_EQUAL(0, INSTRUCTIONS_NARROW + after));
  }
  emit(out, LOAD(ARGUMENT(condition->argument)));
  emit(out, AND(condition->mask));
  emit(out, UNLESS_EQUAL(condition->value, after));
}

/** The accumulator has the call's number before and after, unless the rule decides. */
static void emit_rule(struct assembly *out, const struct rule *rule) {
  const struct condition *first = &rule->condition[0];
  const struct condition *second = &rule->condition[1];
  bool conditional = first->used;
  emit(out, UNLESS_EQUAL((uint32_t)rule->number, length_of(first) + length_of(second) + 1 + (conditional ? 1 : 0)));
  emit_condition(out, first, length_of(second) + 1);
  emit_condition(out, second, 1);
  emit(out, RETURN(rule->error == ALLOWED ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (uint32_t)rule->error));
  if (conditional) emit(out, LOAD(NUMBER));
}

static void emit_rules(struct assembly *out, const struct rule *rules, size_t count) {
  for (size_t index = 0; index < count; index++) emit_rule(out, &rules[index]);
}

#define EMIT(out, rules) emit_rules(out, rules, sizeof(rules) / sizeof *(rules))

/** Memory is private, of no file, and neither locked nor from the host's pool of large pages. */
static void emit_memory(struct assembly *out, unsigned flags) {
  uint32_t never = flags & FILTER_NO_EXEC ? PROT_EXEC : 0;
  const uint32_t kinds = MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_HUGETLB;
  const struct rule rules[] = {
      ALLOW_IF(mmap, WIDE_BITS(3, kinds, MAP_PRIVATE | MAP_ANONYMOUS), BITS(2, never, 0)),
      ALLOW_IF(mprotect, BITS(2, never, 0)),
      ALLOW_IF(pkey_mprotect, BITS(2, never, 0)),
  };
  EMIT(out, rules);
}

/** abort() and raise() signal their own process. */
static void emit_own_signals(struct assembly *out) {
  const struct rule rules[] = {ALLOW_IF(tgkill, IS(0, (uint32_t)getpid()))};
  EMIT(out, rules);
}

static bool lacks_attribute_calls(void) { return syscall(SYS_getxattrat, -1, NULL, 0, NULL, NULL, 0) < 0 && errno == ENOSYS; }

size_t assemble_filter(enum policy policy, unsigned flags, struct sock_filter program[MAX_INSTRUCTIONS]) {
  struct assembly out = {.program = program};
  uint32_t otherwise = flags & FILTER_REPORT ? SECCOMP_RET_TRAP : SECCOMP_RET_KILL_PROCESS;
  emit(&out, LOAD(offsetof(struct seccomp_data, arch)));
  emit(&out, UNLESS_EQUAL(ARCHITECTURE, 1));
  emit(&out, ((struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1)));
  emit(&out, RETURN(SECCOMP_RET_KILL_PROCESS));
  emit(&out, LOAD(NUMBER));
  emit_memory(&out, flags);
  EMIT(&out, runtime_rules);
  if (policy == POLICY_GOFER) EMIT(&out, gofer_rules);
  if (policy == POLICY_GOFER && lacks_attribute_calls()) EMIT(&out, old_attribute_rules);
  if (policy == POLICY_GOFER && (flags & FILTER_CONNECT)) EMIT(&out, connect_rules);
  if (policy == POLICY_SENTRY) EMIT(&out, sentry_rules);
  emit_own_signals(&out);
  emit(&out, RETURN(otherwise));
  return out.length <= MAX_INSTRUCTIONS ? out.length : 0;
}
