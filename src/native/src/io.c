// Reading and writing between descriptors and registered memories.
//
// A write to a pipe or socket without a reader raises SIGPIPE besides -EPIPE. Node ignores that signal, but a listener
// that was added and removed again leaves the default, which kills; so each such write looks, and blocks the signal in
// its own thread when it would kill. The process's disposition is never changed.

#include "args.h"
#include "memory.h"
#include "wait.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MAX_VECTORS = 1024 };

struct pipe_guard {
  bool blocked;
  sigset_t before;
};

static void sigpipe_set(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGPIPE);
}

static void guard_enter(struct pipe_guard *guard) {
  struct sigaction action;
  sigset_t pipe_signal;
  guard->blocked = false;
  if (sigaction(SIGPIPE, NULL, &action) < 0 || action.sa_handler != SIG_DFL) return;
  sigpipe_set(&pipe_signal);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &guard->before);
  guard->blocked = true;
}

/** Takes the signal that a failed write left pending, unless the caller had it blocked: then it is the caller's. */
static void guard_leave(const struct pipe_guard *guard, int64_t result) {
  if (!guard->blocked) return;
  if (result == -EPIPE && !sigismember(&guard->before, SIGPIPE)) {
    sigset_t pipe_signal;
    struct timespec now = {0};
    sigpipe_set(&pipe_signal);
    sigtimedwait(&pipe_signal, NULL, &now);
  }
  pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

/** read(fd, slot, offset, length) */
static int64_t call_read(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  return error < 0 ? error : RETRY(read((int)arg[0], data, (size_t)arg[3]));
}

static int64_t call_write(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  if (error < 0) return error;
  struct pipe_guard guard;
  guard_enter(&guard);
  int64_t result = RETRY(write((int)arg[0], data, (size_t)arg[3]));
  guard_leave(&guard, result);
  return result;
}

/** pread(fd, slot, offset, length, position) */
static int64_t call_pread(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  return error < 0 ? error : RETRY(pread((int)arg[0], data, (size_t)arg[3], arg[4]));
}

static int64_t call_pwrite(napi_env env, const int64_t *arg) {
  uint8_t *data = NULL;
  int error = memory_span(env, arg[1], arg[2], arg[3], &data);
  return error < 0 ? error : RETRY(pwrite((int)arg[0], data, (size_t)arg[3], arg[4]));
}

/** lseek(fd, position, whence) */
static int64_t call_lseek(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of(lseek((int)arg[0], arg[1], (int)arg[2]));
}

struct vectors {
  struct iovec item[MAX_VECTORS];
  int count;
};

/** Reads each pair once: the memory may change under us, and what was checked is what the kernel gets. */
static int gather(napi_env env, const int64_t *arg, struct vectors *vectors) {
  int64_t count = arg[3];
  uint8_t *pairs = NULL;
  if (count < 0 || count > MAX_VECTORS) return -EINVAL;
  int error = memory_span(env, arg[1], arg[2], count * 8, &pairs);
  for (int64_t index = 0; error == 0 && index < count; index++) {
    uint32_t pair[2];
    uint8_t *data = NULL;
    memcpy(pair, pairs + index * 8, sizeof pair);
    error = memory_span(env, arg[4], pair[0], pair[1], &data);
    vectors->item[index] = (struct iovec){.iov_base = data, .iov_len = pair[1]};
  }
  vectors->count = (int)count;
  return error;
}

static size_t total_of(const struct vectors *vectors) {
  size_t total = 0;
  for (int index = 0; index < vectors->count; index++) total += vectors->item[index].iov_len;
  return total;
}

/** Drops the first `done` bytes. */
static void advance(struct vectors *vectors, size_t done) {
  int used = 0;
  while (used < vectors->count && done >= vectors->item[used].iov_len) done -= vectors->item[used++].iov_len;
  vectors->count -= used;
  memmove(vectors->item, vectors->item + used, (size_t)vectors->count * sizeof *vectors->item);
  if (vectors->count > 0) {
    vectors->item[0].iov_base = (uint8_t *)vectors->item[0].iov_base + done;
    vectors->item[0].iov_len -= done;
  }
}

/** Keeps only the first `limit` bytes. */
static void truncate_to(struct vectors *vectors, size_t limit) {
  for (int index = 0; index < vectors->count; index++) {
    if (vectors->item[index].iov_len >= limit) {
      vectors->item[index].iov_len = limit;
      vectors->count = index + 1;
    }
    limit -= vectors->item[index].iov_len;
  }
}

/** Files whose reads and writes end by themselves: poll(2) always calls them ready. */
static bool is_storage(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) || S_ISDIR(status.st_mode));
}

/** One readv that sleeps only in poll(2), where the cancel descriptor ends it. */
static int64_t read_cancellable(int fd, const struct vectors *vectors, int cancel_fd) {
  for (;;) {
    int64_t woken = wait_for(fd, POLLIN, cancel_fd, -1);
    if (woken < 0) return woken;
    if (!(woken & WAIT_READY)) return -EINTR;
    int64_t result = RETRY(preadv2(fd, vectors->item, vectors->count, -1, RWF_NOWAIT));
    if (result == -EOPNOTSUPP || (result == -EAGAIN && is_storage(fd))) {
      result = RETRY(readv(fd, vectors->item, vectors->count));
    }
    // Another reader took the bytes that poll(2) saw.
    if (result != -EAGAIN) return result;
  }
}

/** One step of a write that must not sleep: with RWF_NOWAIT where the file has it, else by what poll(2) promised. */
static int64_t write_some(int fd, const struct vectors *vectors) {
  int64_t result = RETRY(pwritev2(fd, vectors->item, vectors->count, -1, RWF_NOWAIT));
  if (result != -EOPNOTSUPP && result != -EAGAIN) return result;
  if (is_storage(fd)) return RETRY(writev(fd, vectors->item, vectors->count));
  if (result == -EAGAIN) return result;
  struct vectors part = *vectors;
  truncate_to(&part, PIPE_BUF);
  return RETRY(writev(fd, part.item, part.count));
}

/** As a blocking writev: all of it, unless cancelled or failed after a part. Changes `vectors`. */
static int64_t write_cancellable(int fd, struct vectors *vectors, int cancel_fd) {
  size_t left = total_of(vectors);
  int64_t done = 0;
  for (;;) {
    int64_t woken = wait_for(fd, POLLOUT, cancel_fd, -1);
    if (woken < 0) return done > 0 ? done : woken;
    bool stop = done > 0 ? (woken & WAIT_CANCELLED) != 0 : !(woken & WAIT_READY);
    if (stop) return done > 0 ? done : -EINTR;
    if (!(woken & WAIT_READY)) continue;
    int64_t result = write_some(fd, vectors);
    if (result == -EAGAIN) continue;
    if (result < 0) return done > 0 ? done : result;
    done += result;
    if (result == 0 || (size_t)result >= left) return done;
    left -= (size_t)result;
    advance(vectors, (size_t)result);
  }
}

/** readv(fd, vecSlot, vecOffset, count, dataSlot, position, cancelFd) */
static int64_t call_readv(napi_env env, const int64_t *arg) {
  struct vectors vectors;
  int fd = (int)arg[0];
  int64_t position = arg[5];
  int cancel_fd = (int)arg[6];
  if (position < -1) return -EINVAL;
  int error = gather(env, arg, &vectors);
  if (error < 0) return error;
  if (position >= 0) return RETRY(preadv(fd, vectors.item, vectors.count, position));
  if (cancel_fd >= 0) return read_cancellable(fd, &vectors, cancel_fd);
  return RETRY(readv(fd, vectors.item, vectors.count));
}

static int64_t call_writev(napi_env env, const int64_t *arg) {
  struct vectors vectors;
  int fd = (int)arg[0];
  int64_t position = arg[5];
  int cancel_fd = (int)arg[6];
  if (position < -1) return -EINVAL;
  int error = gather(env, arg, &vectors);
  if (error < 0) return error;
  // Pipes and sockets refuse a position, so that nothing here raises SIGPIPE or sleeps for a reader.
  if (position >= 0) return RETRY(pwritev(fd, vectors.item, vectors.count, position));
  struct pipe_guard guard;
  guard_enter(&guard);
  int64_t result = cancel_fd >= 0 ? write_cancellable(fd, &vectors, cancel_fd)
                                  : RETRY(writev(fd, vectors.item, vectors.count));
  guard_leave(&guard, result);
  return result;
}

const struct call io_calls[] = {
    {"read", "dioo", call_read},
    {"write", "dioo", call_write},
    {"pread", "dioop", call_pread},
    {"pwrite", "dioop", call_pwrite},
    {"readv", "dioiipd", call_readv},
    {"writev", "dioiipd", call_writev},
    {"lseek", "dpi", call_lseek},
    {NULL, NULL, NULL},
};
