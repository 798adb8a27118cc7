// The commands about one container's life.

#include "front.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { END_TIMEOUT_MS = 10000, PIECE = 4096 };

void run_state(const struct call *call) {
  struct container container;
  struct text text = {0};
  find_container(&container, call);
  add_state(&text, &container, status_of(&container));
  print_text(&text);
}

void run_kill(const struct call *call) {
  struct container container;
  int number = call->operand_count > 1 ? parse_signal(call->operands[1]) : SIGTERM;
  if (number == 0) fail("unknown signal \"%s\"", call->operands[1]);
  // Without the lock: who holds it may be waiting for a process that is to be killed.
  find_container(&container, call);
  if (!signal_process(&container.anchor, number) && !call->all) fail_not_running();
  // Version 1 of cgroups ends nobody who is frozen.
  if (number == SIGKILL) thaw(&container);
}

void run_pause(const struct call *call) {
  struct container container;
  // Without the lock, as kill.
  find_container(&container, call);
  enum status status = status_of(&container);
  if (status == STATUS_STOPPED || status == STATUS_PAUSED) fail_not_running();
  // Its programs run in the sentry of another one, with those of others.
  if (container.member) fail("cannot pause one container of a pod: pause the pod's own");
  freeze(&container);
}

void run_resume(const struct call *call) {
  struct container container;
  find_container(&container, call);
  if (status_of(&container) != STATUS_PAUSED) fail("container not paused");
  thaw(&container);
}

/** As runc does: what its hooks did not set up does not run. */
static _Noreturn void call_off(const struct container *container) {
  end_container(container, END_TIMEOUT_MS);
  _exit(EXIT_REFUSED);
}

void run_start(const struct call *call) {
  struct container container;
  if (!lock_container(&container, call)) fail_missing(container.id);
  enum status status = status_of(&container);
  if (status == STATUS_RUNNING) fail("cannot start an already running container");
  if (status == STATUS_STOPPED) fail("cannot start a container that has stopped");
  if (status == STATUS_PAUSED) fail("cannot start a container in the paused state");
  if (!run_hooks(call, &container, "startContainer")) call_off(&container);
  call_sandbox(&container, "StartRoot");
  if (!run_hooks(call, &container, "poststart")) call_off(&container);
}

void run_delete(const struct call *call) {
  struct container container;
  if (!lock_container(&container, call)) {
    if (call->force) return;
    fail_missing(container.id);
  }
  enum status status = status_of(&container);
  if ((status == STATUS_RUNNING || status == STATUS_PAUSED) && !call->force) {
    fail("cannot delete container %s that is not stopped: %s", container.id, status_name(status));
  }
  if (!end_container(&container, END_TIMEOUT_MS)) fail("container %s was killed and does not end", container.id);
  // One that fails has been told, and keeps nothing here.
  run_hooks(call, &container, "poststop");
  remove_container(&container);
}

void run_features(const struct call *call) {
  char piece[PIECE];
  struct text text = {0};
  ssize_t count;
  (void)call;
  // The CLI knows them: the build asked it.
  int fd = open_built("features.json");
  while ((count = read(fd, piece, sizeof piece)) > 0) add_bytes(&text, piece, (size_t)count);
  if (count < 0) fail_errno("features.json");
  print_text(&text);
}
