// Making, mapping and opening windows (window.h).

#include "window.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { PAGE = 4096, NS_PER_SECOND = 1000000000 };

/** A page of header; then for each window a page of words and two rings. */
enum { WINDOW_BYTES = PAGE + 2 * RING_BYTES };

_Static_assert(sizeof(struct shared_header) <= PAGE && sizeof(struct shared_window) <= PAGE, "the words fit their page");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "words need no lock, which two processes could not share");

/** Neither grows nor shrinks, so that no access finds its page gone. */
static const int SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

/** Threads of JavaScript share them. Each is unmade by the thread that made it. */
static struct mapping *_Atomic mappings[MAX_MAPPINGS];

int64_t futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns) {
  struct timespec timeout = {.tv_sec = timeout_ns / NS_PER_SECOND, .tv_nsec = timeout_ns % NS_PER_SECOND};
  return result_of(syscall(SYS_futex, word, FUTEX_WAIT, value, &timeout, NULL, 0));
}

void futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0); }

struct mapping *window_mapping(int64_t map) {
  return map < 0 || map >= MAX_MAPPINGS ? NULL : atomic_load_explicit(&mappings[map], memory_order_acquire);
}

struct window *window_find(int64_t id) {
  struct mapping *mapping = window_mapping(id / MAX_WINDOWS);
  if (id < 0 || mapping == NULL) return NULL;
  struct window *window = &mapping->windows[id % MAX_WINDOWS];
  return window->open ? window : NULL;
}

static size_t length_for(int64_t count) { return PAGE + (size_t)count * WINDOW_BYTES; }

/** windowsCreate(count) */
static int64_t call_windows_create(napi_env env, const int64_t *arg) {
  (void)env;
  if (arg[0] < 1 || arg[0] > MAX_WINDOWS) return -EINVAL;
  int fd = memfd_create("wvisor-windows", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  // Before Linux 6.3.
  if (fd < 0 && errno == EINVAL) fd = memfd_create("wvisor-windows", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)length_for(arg[0])) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0) return fd;
  int64_t error = -errno;
  close(fd);
  return error;
}

/** How many windows the memory has, when it is one that windowsCreate() made; else -EINVAL or another -errno. */
static int64_t count_windows(int fd) {
  struct stat status;
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || fstat(fd, &status) < 0) return -errno;
  if ((seals & SEALS) != SEALS) return -EINVAL;
  int64_t count = (status.st_size - PAGE) / WINDOW_BYTES;
  if (count < 1 || count > MAX_WINDOWS || (size_t)status.st_size != length_for(count)) return -EINVAL;
  return count;
}

static void unmap(struct mapping *mapping) {
  if (mapping->header != NULL) munmap(mapping->header, mapping->length);
  if (mapping->bell >= 0) close(mapping->bell);
  free(mapping);
}

static int64_t make_mapping(int fd, int bell, uint32_t count, struct mapping **made) {
  struct mapping *mapping = calloc(1, sizeof *mapping);
  if (mapping == NULL) return -ENOMEM;
  mapping->length = length_for(count);
  mapping->count = count;
  mapping->bell = fcntl(bell, F_DUPFD_CLOEXEC, 0);
  void *memory = mapping->bell < 0 ? MAP_FAILED : mmap(NULL, mapping->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    int64_t error = -errno;
    unmap(mapping);
    return error;
  }
  mapping->header = memory;
  *made = mapping;
  return 0;
}

/** Its number. Other threads may be looking for one as well. */
static int64_t number_mapping(struct mapping *mapping) {
  for (int64_t map = 0; map < MAX_MAPPINGS; map++) {
    struct mapping *none = NULL;
    if (atomic_compare_exchange_strong(&mappings[map], &none, mapping)) return map;
  }
  return -ENFILE;
}

/** windowsMap(fd, bellFd) */
static int64_t call_windows_map(napi_env env, const int64_t *arg) {
  (void)env;
  int64_t count = count_windows((int)arg[0]);
  if (count < 0) return count;
  struct mapping *mapping = NULL;
  int64_t error = make_mapping((int)arg[0], (int)arg[1], (uint32_t)count, &mapping);
  if (error < 0) return error;
  int64_t map = number_mapping(mapping);
  if (map < 0) unmap(mapping);
  return map;
}

/** windowsUnmap(map) */
static int64_t call_windows_unmap(napi_env env, const int64_t *arg) {
  (void)env;
  struct mapping *mapping = window_mapping(arg[0]);
  if (mapping == NULL) return -EBADF;
  atomic_store(&mappings[arg[0]], NULL);
  unmap(mapping);
  return 0;
}

static struct ring ring_of(struct ring_positions *shared, uint8_t *bytes, uint32_t position) {
  return (struct ring){.shared = shared, .bytes = bytes, .position = position};
}

/**
 * Both rings go on where they are, whoever had the window before. What was left in them is nobody's: a server drops it when it
 * closes its side, since its next client may send before it opens it again, and a client when it opens its own.
 */
static void open_window(struct mapping *mapping, uint32_t index, int socket, bool serves) {
  uint8_t *memory = (uint8_t *)mapping->header + PAGE + (size_t)index * WINDOW_BYTES;
  struct shared_window *shared = (struct shared_window *)memory;
  struct window *window = &mapping->windows[index];
  struct ring_positions *in = serves ? &shared->requests : &shared->replies;
  struct ring_positions *out = serves ? &shared->replies : &shared->requests;
  uint8_t *requests = memory + PAGE;
  uint8_t *replies = requests + RING_BYTES;
  window->mapping = mapping;
  window->shared = shared;
  window->socket = socket;
  window->needs = 0;
  window->in = ring_of(in, serves ? requests : replies, atomic_load(&in->read));
  window->out = ring_of(out, serves ? replies : requests, atomic_load(&out->written));
  window->serves = serves;
  if (!serves) ring_drop(&window->in);
  window->open = true;
}

/** windowOpen(map, index, socketFd, serves) */
static int64_t call_window_open(napi_env env, const int64_t *arg) {
  (void)env;
  struct mapping *mapping = window_mapping(arg[0]);
  if (mapping == NULL) return -EBADF;
  if (arg[1] < 0 || arg[1] >= mapping->count) return -EINVAL;
  if (mapping->windows[arg[1]].open) return -EBUSY;
  open_window(mapping, (uint32_t)arg[1], (int)arg[2], arg[3] != 0);
  return arg[0] * MAX_WINDOWS + arg[1];
}

/** windowClose(window) */
static int64_t call_window_close(napi_env env, const int64_t *arg) {
  (void)env;
  struct window *window = window_find(arg[0]);
  if (window == NULL) return -EBADF;
  window->open = false;
  if (window->serves) ring_drop(&window->in);
  return 0;
}

const struct call window_calls[] = {
    {"windowsCreate", "i", call_windows_create},
    {"windowsMap", "dd", call_windows_map},
    {"windowsUnmap", "i", call_windows_unmap},
    {"windowOpen", "iidi", call_window_open},
    {"windowClose", "i", call_window_close},
    {NULL, NULL, NULL},
};
