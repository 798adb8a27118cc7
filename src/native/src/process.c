// The process and the machine: limits, identity, clocks, random bytes.

#include "args.h"
#include "memory.h"

#include <link.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_SECOND = 1000000000 };

static int64_t call_exit(napi_env env, const int64_t *arg) {
  (void)env;
  _exit((int)arg[0]);
}

static int64_t call_adopt_orphans(napi_env env, const int64_t *arg) {
  (void)env;
  (void)arg;
  return result_of(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

static int64_t call_umask(napi_env env, const int64_t *arg) {
  (void)env;
  return umask((mode_t)arg[0] & 0777);
}

static rlim_t limit_of(int64_t value) { return value < 0 ? RLIM_INFINITY : (rlim_t)value; }

static int64_t call_setrlimit(napi_env env, const int64_t *arg) {
  (void)env;
  struct rlimit limit = {.rlim_cur = limit_of(arg[1]), .rlim_max = limit_of(arg[2])};
  return result_of(setrlimit((__rlimit_resource_t)arg[0], &limit));
}

static int64_t call_get_parent_death_signal(napi_env env, const int64_t *arg) {
  (void)env;
  (void)arg;
  int number = 0;
  return prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) < 0 ? -errno : number;
}

static int64_t call_set_no_new_privs(napi_env env, const int64_t *arg) {
  (void)env;
  (void)arg;
  return result_of(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static int64_t store_time(uint8_t *out, int result, const struct timespec *time) {
  if (result < 0) return -errno;
  int64_t ns = (int64_t)time->tv_sec * NS_PER_SECOND + time->tv_nsec;
  memcpy(out, &ns, sizeof ns);
  return 0;
}

static int64_t call_clock_gettime(napi_env env, const int64_t *arg) {
  uint8_t *out = NULL;
  struct timespec time;
  int error = memory_span(env, arg[1], arg[2], 8, &out);
  return error < 0 ? error : store_time(out, clock_gettime((clockid_t)arg[0], &time), &time);
}

static int64_t call_clock_getres(napi_env env, const int64_t *arg) {
  uint8_t *out = NULL;
  struct timespec time;
  int error = memory_span(env, arg[1], arg[2], 8, &out);
  return error < 0 ? error : store_time(out, clock_getres((clockid_t)arg[0], &time), &time);
}

static int64_t call_getrandom(napi_env env, const int64_t *arg) {
  uint8_t *out = NULL;
  int error = memory_span(env, arg[0], arg[1], arg[2], &out);
  if (error < 0) return error;
  int64_t done = 0;
  while (done < arg[2]) {
    int64_t got = RETRY(getrandom(out + done, (size_t)(arg[2] - done), 0));
    if (got < 0) return got;
    done += got;
  }
  return done;
}

struct names {
  uint8_t *out;
  size_t capacity;
  size_t length;
};

/** The program itself has no name here, and what the kernel put there no path. */
static int add_name(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct names *names = data;
  if (info->dlpi_name == NULL || info->dlpi_name[0] != '/') return 0;
  size_t bytes = strlen(info->dlpi_name) + 1;
  if (names->length + bytes <= names->capacity) memcpy(names->out + names->length, info->dlpi_name, bytes);
  names->length += bytes;
  return 0;
}

/** loadedLibraries(slot, out, capacity) */
static int64_t call_loaded_libraries(napi_env env, const int64_t *arg) {
  struct names names = {.capacity = (size_t)arg[2]};
  int error = memory_span(env, arg[0], arg[1], arg[2], &names.out);
  if (error < 0) return error;
  dl_iterate_phdr(add_name, &names);
  return names.length <= names.capacity ? (int64_t)names.length : -ERANGE;
}

const struct call process_calls[] = {
    {"exit", "i", call_exit},
    {"adoptOrphans", "", call_adopt_orphans},
    {"umask", "i", call_umask},
    {"setrlimit", "ipp", call_setrlimit},
    {"getParentDeathSignal", "", call_get_parent_death_signal},
    {"setNoNewPrivs", "", call_set_no_new_privs},
    {"clockGettime", "iio", call_clock_gettime},
    {"clockGetres", "iio", call_clock_getres},
    {"getrandom", "ioo", call_getrandom},
    {"loadedLibraries", "ioo", call_loaded_libraries},
    {NULL, NULL, NULL},
};
