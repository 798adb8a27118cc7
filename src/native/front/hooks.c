// Hooks of OCI's that are due in what the front does: Node runs them (src/host/container/hooks.ts). Most containers have none.

#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLAGS = 4 };

/** "--NAME=VALUE". */
static char *flag(const char *name, const char *value) {
  struct text text = {0};
  add_format(&text, "--%s=%s", name, value);
  return text.bytes;
}

static _Noreturn void become_hooks(const struct call *call, const struct container *container, const char *moment) {
  char *arguments[FLAGS + 5] = {NULL};
  size_t count = 0;
  if (call->root != NULL) arguments[count++] = flag("root", call->root);
  if (call->log != NULL) arguments[count++] = flag("log", call->log);
  if (call->log_format != NULL) arguments[count++] = flag("log-format", call->log_format);
  arguments[count++] = "hooks";
  arguments[count++] = flag("moment", moment);
  arguments[count++] = "--";
  arguments[count] = (char *)container->id;
  become_node(arguments);
}

bool run_hooks(const struct call *call, const struct container *container, const char *moment) {
  int status;
  if (faccessat(container->fd, "hooks.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0) return true;
  pid_t pid = fork();
  if (pid < 0) fail_errno("fork");
  if (pid == 0) become_hooks(call, container, moment);
  if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0) fail_errno("waitpid");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
