// Descriptors: their flags, event counters, polling sets.

#include "args.h"
#include "memory.h"
#include "wait.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/** More interest than this in one call is a mistake of the caller. */
enum { MAX_POLL = 4096 };
enum { MAX_EPOLL_EVENTS = 256 };
enum { NS_PER_MS = 1000000 };

/** Linux frees the number even when close(2) says EINTR, so it is never repeated. */
static int64_t call_close(napi_env env, const int64_t *arg) {
  (void)env;
  int result = close((int)arg[0]);
  return result < 0 && errno == EINTR ? 0 : result_of(result);
}

static int64_t call_dup(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of(fcntl((int)arg[0], F_DUPFD_CLOEXEC, 0));
}

/** Sealable, and never executed. */
static int64_t call_memfd(napi_env env, const int64_t *arg) {
  (void)env;
  (void)arg;
  return result_of(memfd_create("wvisor", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

static int64_t call_fcntl_get_flags(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of(fcntl((int)arg[0], F_GETFL));
}

static int64_t call_fcntl_set_flags(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of(fcntl((int)arg[0], F_SETFL, (int)arg[1]));
}

static int64_t call_isatty(napi_env env, const int64_t *arg) {
  (void)env;
  if (isatty((int)arg[0])) return 1;
  return errno == EBADF ? -EBADF : 0;
}

/** Non-blocking, so that neither a signal on a full counter nor a read of an empty one can sleep. */
static int64_t call_eventfd(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of(eventfd((unsigned)arg[0], EFD_CLOEXEC | EFD_NONBLOCK));
}

static int64_t call_eventfd_signal(napi_env env, const int64_t *arg) {
  (void)env;
  uint64_t one = 1;
  int64_t result = RETRY(write((int)arg[0], &one, sizeof one));
  // A full counter is already readable, which is all that a signal is for.
  return result == -EAGAIN || result > 0 ? 0 : result;
}

/** poll(slot, offset, count, timeoutNs, cancelFd) */
static int64_t call_poll(napi_env env, const int64_t *arg) {
  int64_t count = arg[2];
  uint8_t *user = NULL;
  if (count < 0 || count > MAX_POLL) return -EINVAL;
  int error = memory_span(env, arg[0], arg[1], count * (int64_t)sizeof(struct pollfd), &user);
  if (error < 0) return error;

  struct pollfd fds[MAX_POLL + 1];
  memcpy(fds, user, (size_t)count * sizeof *fds);
  fds[count] = (struct pollfd){.fd = (int)arg[4], .events = POLLIN};
  int64_t ready = poll_until(fds, (nfds_t)count + 1, deadline_after(arg[3]));
  if (ready < 0) return ready;
  for (int64_t index = 0; index < count; index++) {
    memcpy(user + (size_t)index * sizeof *fds + offsetof(struct pollfd, revents), &fds[index].revents,
           sizeof fds[index].revents);
  }
  if (fds[count].revents == 0) return ready;
  if (fds[count].revents & POLLNVAL) return -EBADF;
  return ready > 1 ? ready - 1 : -EINTR;
}

static int64_t call_epoll_create(napi_env env, const int64_t *arg) {
  (void)env;
  (void)arg;
  return result_of(epoll_create1(EPOLL_CLOEXEC));
}

static int64_t call_epoll_add(napi_env env, const int64_t *arg) {
  (void)env;
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = (int)arg[1]};
  return result_of(epoll_ctl((int)arg[0], EPOLL_CTL_ADD, (int)arg[1], &event));
}

/** epollInterest(epollFd, fd, events) */
static int64_t call_epoll_interest(napi_env env, const int64_t *arg) {
  (void)env;
  struct epoll_event event = {.events = (uint32_t)arg[2], .data.fd = (int)arg[1]};
  return result_of(epoll_ctl((int)arg[0], EPOLL_CTL_MOD, (int)arg[1], &event));
}

static int64_t call_epoll_remove(napi_env env, const int64_t *arg) {
  (void)env;
  return result_of(epoll_ctl((int)arg[0], EPOLL_CTL_DEL, (int)arg[1], NULL));
}

/** What epoll_wait(2) takes for `deadline`: rounded up, so that it is over then; as much as fits. */
static int milliseconds_until(int64_t deadline) {
  if (deadline < 0) return -1;
  int64_t left = deadline - monotonic_ns();
  if (left <= 0) return 0;
  int64_t ms = (left - 1) / NS_PER_MS + 1;
  return ms > INT_MAX ? INT_MAX : (int)ms;
}

/** epollWait(epollFd, slot, out, max, timeoutMs) */
static int64_t call_epoll_wait(napi_env env, const int64_t *arg) {
  int64_t max = arg[3];
  uint8_t *user = NULL;
  if (max <= 0) return -EINVAL;
  if (max > MAX_EPOLL_EVENTS) max = MAX_EPOLL_EVENTS;
  int error = memory_span(env, arg[1], arg[2], max * 8, &user);
  if (error < 0) return error;

  struct epoll_event events[MAX_EPOLL_EVENTS];
  int64_t deadline = deadline_after(arg[4] < 0 ? -1 : arg[4] * NS_PER_MS);
  int64_t found;
  do {
    found = result_of(epoll_wait((int)arg[0], events, (int)max, milliseconds_until(deadline)));
  } while (found == -EINTR);
  for (int64_t index = 0; index < found; index++) {
    memcpy(user + index * 8, &events[index].data.fd, 4);
    memcpy(user + index * 8 + 4, &events[index].events, 4);
  }
  return found;
}

const struct call fd_calls[] = {
    {"close", "d", call_close},
    {"dup", "d", call_dup},
    {"memfd", "", call_memfd},
    {"fcntlGetFlags", "d", call_fcntl_get_flags},
    {"fcntlSetFlags", "di", call_fcntl_set_flags},
    {"isatty", "d", call_isatty},
    {"eventfd", "i", call_eventfd},
    {"eventfdSignal", "d", call_eventfd_signal},
    {"poll", "ioitd", call_poll},
    {"epollCreate", "", call_epoll_create},
    {"epollAdd", "dd", call_epoll_add},
    {"epollInterest", "ddi", call_epoll_interest},
    {"epollRemove", "dd", call_epoll_remove},
    {"epollWait", "dioii", call_epoll_wait},
    {NULL, NULL, NULL},
};
