// The command line.

#include "launch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t parse_set(const char *option, const char *text) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 16);
  if (errno != 0 || end == text || *end != '\0' || *text == '-') fail("%s: %s is not a hexadecimal number", option, text);
  return value;
}

static void add_environment(struct options *options, char *setting) {
  if (setting == NULL || setting[0] == '=' || strchr(setting, '=') == NULL) fail("--env: expected NAME=VALUE");
  if (options->environment_count == MAX_ENVIRONMENT) fail("--env: more than %d variables", MAX_ENVIRONMENT);
  options->environment[options->environment_count++] = setting;
}

static void add_shown(struct options *options, char *path) {
  if (path[0] != '/' || strstr(path, "/../") != NULL) fail("--show: %s is not an absolute path", path);
  if (options->shown_count == MAX_SHOWN) fail("--show: more than %d files", MAX_SHOWN);
  options->shown[options->shown_count++] = path;
}

static enum namespaces parse_namespaces(const char *text) {
  if (strcmp(text, "try") == 0) return NAMESPACES_TRY;
  if (strcmp(text, "must") == 0) return NAMESPACES_MUST;
  fail("--namespaces: %s is neither try nor must", text);
}

void parse_options(struct options *options, char **argument) {
  char *value;
  *options = (struct options){.fds = FIRST_FREE_FD};
  for (; *argument != NULL && strcmp(*argument, "--") != 0; argument++) {
    if ((value = value_of(*argument, "--fds")) != NULL) {
      options->fds = parse_number("--fds", value, FIRST_FREE_FD, MAX_FDS);
    } else if ((value = value_of(*argument, "--pdeathsig")) != NULL) {
      options->death_signal = parse_number("--pdeathsig", value, 1, 64);
    } else if ((value = value_of(*argument, "--parent")) != NULL) {
      options->parent = parse_number("--parent", value, 1, 0x7fffffff);
    } else if ((value = value_of(*argument, "--caps")) != NULL) {
      options->limits_capabilities = true;
      options->capabilities = parse_set("--caps", value);
    } else if ((value = value_of(*argument, "--namespaces")) != NULL) {
      options->namespaces = parse_namespaces(value);
    } else if ((value = value_of(*argument, "--parent-roots")) != NULL) {
      options->parent_roots = parse_number("--parent-roots", value, FIRST_FREE_FD, MAX_FDS);
    } else if ((value = value_of(*argument, "--show")) != NULL) {
      add_shown(options, value);
    } else if (strcmp(*argument, "--env") == 0) {
      argument++;
      add_environment(options, *argument);
    } else {
      fail("unknown option: %.200s", *argument);
    }
  }
  if ((options->death_signal == 0) != (options->parent == 0)) fail("--pdeathsig and --parent go together");
  if (options->parent_roots != 0 && options->parent_roots < options->fds) fail("--parent-roots: it is the program's");
  if (*argument == NULL || argument[1] == NULL) fail("expected -- PROGRAM ARGS...");
  options->program = argument + 1;
}
