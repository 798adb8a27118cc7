// The command line of an anchor.

#include "anchor.h"
#include "terminal.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

static const struct {
  const char *name;
  uint64_t flag;
} namespaces[] = {
    {"pid", CLONE_NEWPID}, {"network", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS}, {"mount", CLONE_NEWNS},    {"cgroup", CLONE_NEWCGROUP},
};

/** `length`: of the name, which something else may follow. */
static uint64_t namespace_flag(const char *name, size_t length) {
  for (size_t index = 0; index < sizeof namespaces / sizeof *namespaces; index++) {
    const char *known = namespaces[index].name;
    if (strlen(known) == length && strncmp(known, name, length) == 0) return namespaces[index].flag;
  }
  fail("no namespace is called %.64s", name);
}

/** `value`: NAMESPACE:FILE. */
static void add_joined(struct container *container, const char *value) {
  const char *colon = strchr(value, ':');
  if (colon == NULL) fail("--join: expected NAMESPACE:FILE");
  if (container->joined_count == MAX_JOINED) fail("--join: more than %d namespaces", MAX_JOINED);
  int type = (int)namespace_flag(value, (size_t)(colon - value));
  container->joined[container->joined_count++] = (struct joined){.type = type, .path = colon + 1};
}

static void add_cgroup(struct container *container, const char *file) {
  if (container->cgroup_count == MAX_CGROUPS) fail("--cgroup: more than %d files", MAX_CGROUPS);
  container->cgroups[container->cgroup_count++] = file;
}

static void split_programs(struct container *container, char **arguments, size_t sentry_arguments) {
  size_t count = 0;
  while (arguments[count] != NULL) count++;
  if (sentry_arguments == 0 || sentry_arguments > count) fail("--sentry-args: there are %zu arguments", count);
  container->sentry.program = arguments;
  container->sentry.arguments = sentry_arguments;
  container->gofer.program = arguments + sentry_arguments;
  container->gofer.arguments = count - sentry_arguments;
}

void parse_container(struct container *container, char **argument) {
  const char *value;
  size_t sentry_arguments = 0;
  *container = (struct container){.new_namespaces = CLONE_NEWNS};
  container->sentry.first_fd = FIRST_HANDED_FD;
  for (; *argument != NULL && strcmp(*argument, "--") != 0; argument++) {
    if ((value = value_of(*argument, "--new")) != NULL) {
      container->new_namespaces |= namespace_flag(value, strlen(value));
    } else if ((value = value_of(*argument, "--join")) != NULL) {
      add_joined(container, value);
    } else if ((value = value_of(*argument, "--cgroup")) != NULL) {
      add_cgroup(container, value);
    } else if ((value = value_of(*argument, "--descriptors")) != NULL) {
      container->descriptors = parse_number("--descriptors", value, 1, MAX_FDS);
    } else if ((value = value_of(*argument, "--oom-score-adj")) != NULL) {
      container->oom_score_adj = value;
    } else if ((value = value_of(*argument, "--root")) != NULL) {
      container->root = value;
    } else if (strcmp(*argument, "--read-only") == 0) {
      container->readonly_root = true;
    } else if ((value = value_of(*argument, "--hostname")) != NULL) {
      container->hostname = value;
    } else if ((value = value_of(*argument, "--title")) != NULL) {
      container->title = value;
    } else if (strcmp(*argument, "--terminal") == 0) {
      container->terminal = true;
    } else if (strcmp(*argument, "--hooks") == 0) {
      container->has_hooks = true;
    } else if (strcmp(*argument, "--member") == 0) {
      container->member = true;
    } else if ((value = value_of(*argument, "--sentry-fds")) != NULL) {
      container->sentry.fds = (int)parse_number("--sentry-fds", value, 0, MAX_CHILD_FDS);
    } else if ((value = value_of(*argument, "--gofer-fds")) != NULL) {
      container->gofer.fds = (int)parse_number("--gofer-fds", value, 0, MAX_CHILD_FDS);
    } else if ((value = value_of(*argument, "--sentry-args")) != NULL) {
      sentry_arguments = (size_t)parse_number("--sentry-args", value, 1, MAX_PROGRAM_ARGS);
    } else {
      fail("unknown option: %.200s", *argument);
    }
  }
  if (container->root == NULL || container->root[0] != '/') fail("--root: expected an absolute path");
  if (container->member) {
    if (*argument != NULL) fail("--member: nothing is started");
    container->sentry.fds = 1;
    container->mounts_fd = FIRST_HANDED_FD + 1;
    return;
  }
  if (*argument == NULL) fail("expected -- SENTRY ARGS... GOFER ARGS...");
  split_programs(container, argument + 1, sentry_arguments);
  container->gofer.first_fd = FIRST_HANDED_FD + container->sentry.fds;
  container->mounts_fd = container->gofer.first_fd + container->gofer.fds;
}

void parse_attachment(struct attachment *attachment, char **argument) {
  const char *value;
  *attachment = (struct attachment){.pid = 0, .master = -1};
  for (; *argument != NULL && strcmp(*argument, "--") != 0; argument++) {
    if ((value = value_of(*argument, "--attach")) != NULL) {
      attachment->pid = (pid_t)parse_number("--attach", value, 1, INT_MAX);
    } else if ((value = value_of(*argument, "--master")) != NULL) {
      attachment->master = (int)parse_number("--master", value, FIRST_FREE_FD, MAX_FDS - 1);
    } else {
      fail("unknown option: %.200s", *argument);
    }
  }
  if (attachment->pid == 0 || attachment->master < 0) fail("expected --attach and --master");
  attachment->command = *argument != NULL && argument[1] != NULL ? argument + 1 : NULL;
}
