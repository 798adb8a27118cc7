// Calls that may take long, on threads of their own, while the thread that asked goes on.
//
// States of a call
//   asked      in `calls`, a ring
//   under way  a thread has it
//   done       in `outcomes`, until it is taken back; the bell, an eventfd, was written to
//
// The descriptor of a call is its asker's to keep open until then. The threads are made before the process is confined, and are
// confined with it. One set per process, so its state is global; `lock` guards all of it.

#include "args.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/** BACKGROUND_* of interface.ts. */
enum { KIND_FSYNC, KIND_FDATASYNC, KIND_FALLOCATE, KINDS };
enum { THREADS_MAX = 16, CALLS_MAX = 1 << 16, IDS_MAX = 1 << 30, STACK_BYTES = 128 << 10 };
/** A result is id * ERRNOS + errno. */
enum { ERRNOS = 4096 };

struct background_call {
  int64_t id;
  int kind;
  int fd;
  int mode;
  int64_t position;
  int64_t length;
};

struct outcome {
  int64_t id;
  int64_t result;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static int64_t running;
static int bell = -1;
/** Of calls in any state. */
static size_t capacity;
static size_t in_use;
static struct background_call *calls;
static size_t first_call;
static size_t call_count;
static struct outcome *outcomes;
static size_t outcome_count;

static int64_t make_call(const struct background_call *call) {
  switch (call->kind) {
    case KIND_FSYNC: return RETRY(fsync(call->fd));
    case KIND_FDATASYNC: return RETRY(fdatasync(call->fd));
    default: return RETRY(fallocate(call->fd, call->mode, call->position, call->length));
  }
}

static void *serve(void *unused) {
  const uint64_t one = 1;
  pthread_mutex_lock(&lock);
  running++;
  pthread_cond_signal(&begun);
  for (;;) {
    while (call_count == 0) pthread_cond_wait(&asked, &lock);
    struct background_call call = calls[first_call];
    first_call = (first_call + 1) % capacity;
    call_count--;
    pthread_mutex_unlock(&lock);
    int64_t result = make_call(&call);
    pthread_mutex_lock(&lock);
    outcomes[outcome_count++] = (struct outcome){.id = call.id, .result = result};
    // EAGAIN: it counts 2^64 rings that nobody has heard.
    (void)!write(bell, &one, sizeof one);
  }
  return unused;
}

/** All signals stay with the threads that expect them. */
static int make_thread(void) {
  pthread_attr_t attributes;
  sigset_t all;
  sigset_t before;
  pthread_t thread;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, serve, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return -error;
}

/** backgroundStart(threads, capacity, bellFd) */
static int64_t call_start(napi_env env, const int64_t *arg) {
  (void)env;
  if (arg[0] < 1 || arg[0] > THREADS_MAX || arg[1] < 1 || arg[1] > CALLS_MAX) return -EINVAL;
  if (capacity != 0) return -EBUSY;
  calls = calloc((size_t)arg[1], sizeof *calls);
  outcomes = calloc((size_t)arg[1], sizeof *outcomes);
  if (calls == NULL || outcomes == NULL) return -ENOMEM;
  capacity = (size_t)arg[1];
  bell = (int)arg[2];
  int error = 0;
  for (int64_t made = 0; made < arg[0] && error == 0; made++) error = make_thread();
  if (error < 0) return error;
  // What the C library does at a thread's start the filter of a confined process does not know.
  pthread_mutex_lock(&lock);
  while (running < arg[0]) pthread_cond_wait(&begun, &lock);
  pthread_mutex_unlock(&lock);
  return 0;
}

/** backgroundAsk(id, kind, fd, mode, position, length) */
static int64_t call_ask(napi_env env, const int64_t *arg) {
  (void)env;
  if (arg[0] < 0 || arg[0] >= IDS_MAX || arg[1] < 0 || arg[1] >= KINDS) return -EINVAL;
  int64_t result = -EAGAIN;
  pthread_mutex_lock(&lock);
  if (in_use < capacity) {
    calls[(first_call + call_count) % capacity] = (struct background_call){
        .id = arg[0], .kind = (int)arg[1], .fd = (int)arg[2], .mode = (int)arg[3], .position = arg[4], .length = arg[5]};
    call_count++;
    in_use++;
    pthread_cond_signal(&asked);
    result = 0;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

/** backgroundTake() */
static int64_t call_take(napi_env env, const int64_t *arg) {
  (void)env;
  (void)arg;
  int64_t result = -EAGAIN;
  pthread_mutex_lock(&lock);
  if (outcome_count > 0) {
    const struct outcome *outcome = &outcomes[--outcome_count];
    result = outcome->id * ERRNOS - outcome->result;
    in_use--;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

const struct call background_calls[] = {
    {"backgroundStart", "iid", call_start},
    {"backgroundAsk", "iidipp", call_ask},
    {"backgroundTake", "", call_take},
    {NULL, NULL, NULL},
};
