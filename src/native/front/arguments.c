// The command line, as far as engines write it. What is not here is for the CLI's parser (src/host/cmd/flags.ts).

#include "front.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum kind {
  /** On, or what `=true` or `=false` says. */
  SWITCH,
  /** On. */
  BOOLEAN,
  /** Has a value, behind "=" or as the next argument. */
  VALUE,
  /** May have one behind "=". */
  OPTIONAL,
};

/** Where its value goes is told by its place in struct call; without effect where `place` is 0. */
struct flag {
  const char *name;
  char letter;
  enum kind kind;
  size_t place;
};

static const struct flag global_flags[] = {
    {"root", 0, VALUE, offsetof(struct call, root)},
    {"log", 0, VALUE, offsetof(struct call, log)},
    {"log-format", 0, VALUE, offsetof(struct call, log_format)},
    {"version", 'v', BOOLEAN, offsetof(struct call, version)},
    {"debug", 0, BOOLEAN, 0},
    {"systemd-cgroup", 0, SWITCH, 0},
    {"cgroup-manager", 0, VALUE, 0},
    {"rootless", 0, OPTIONAL, 0},
    {"criu", 0, VALUE, 0},
    {"overlay2", 0, VALUE, 0},
    {"file-access", 0, VALUE, 0},
    {"file-access-mounts", 0, VALUE, 0},
    {NULL, 0, SWITCH, 0},
};

#define DEBUG_FLAG {"debug", 0, BOOLEAN, 0}
#define DIRECTORY_FLAG {"directory", 0, VALUE, offsetof(struct call, directory)}
#define NO_FLAG {NULL, 0, SWITCH, 0}

static const struct flag common_flags[] = {DEBUG_FLAG, DIRECTORY_FLAG, NO_FLAG};
static const struct flag kill_flags[] = {
    {"all", 'a', SWITCH, offsetof(struct call, all)}, DEBUG_FLAG, DIRECTORY_FLAG, NO_FLAG};
static const struct flag delete_flags[] = {
    {"force", 'f', SWITCH, offsetof(struct call, force)}, DEBUG_FLAG, DIRECTORY_FLAG, NO_FLAG};
static const struct flag ps_flags[] = {
    {"format", 'f', VALUE, offsetof(struct call, format)}, DEBUG_FLAG, DIRECTORY_FLAG, NO_FLAG};
static const struct flag list_flags[] = {{"quiet", 'q', SWITCH, offsetof(struct call, quiet)},
                                         {"format", 'f', VALUE, offsetof(struct call, format)},
                                         DEBUG_FLAG,
                                         NO_FLAG};

static const struct form {
  const char *command;
  const struct flag *flags;
  int operands_least;
  int operands_most;
  /** Everything from the first operand on is one. */
  bool operands_end_flags;
} forms[] = {
    {"state", common_flags, 1, 1, false}, {"start", common_flags, 1, 1, false},
    {"pause", common_flags, 1, 1, false}, {"resume", common_flags, 1, 1, false},
    {"kill", kill_flags, 1, 2, false},    {"delete", delete_flags, 1, 1, false},
    {"ps", ps_flags, 1, 1024, true},      {"list", list_flags, 0, 0, false},
    {"features", common_flags, 0, 0, false},
};

/** The flag that `argument` names by "-x", "-name" or "--name"; `*value` is what stands behind "=", or NULL. */
static const struct flag *find_flag(const struct flag *flags, char *argument, char **value) {
  size_t dashes = argument[1] == '-' ? 2 : 1;
  const char *name = argument + dashes;
  size_t length = strcspn(name, "=");
  *value = name[length] == '=' ? argument + dashes + length + 1 : NULL;
  for (; flags->name != NULL; flags++) {
    if (length == 1 && dashes == 1 && flags->letter == name[0]) return flags;
    if (length > 1 && strlen(flags->name) == length && strncmp(flags->name, name, length) == 0) return flags;
  }
  return NULL;
}

static bool set_switch(struct call *call, const struct flag *flag, const char *value) {
  bool on = value == NULL || strcmp(value, "true") == 0;
  if (!on && strcmp(value, "false") != 0) return false;
  if (flag->place != 0) *(bool *)((char *)call + flag->place) = on;
  return true;
}

/** The argument behind the flag that `argument` begins with; NULL where it is not understood. */
static char **take_flag(struct call *call, const struct flag *flags, char **argument) {
  char *value;
  const struct flag *flag = find_flag(flags, *argument, &value);
  if (flag == NULL) return NULL;
  argument++;
  if (flag->kind == OPTIONAL) return argument;
  if (flag->kind != VALUE) {
    if (flag->kind == BOOLEAN && value != NULL) return NULL;
    return set_switch(call, flag, value) ? argument : NULL;
  }
  if (value == NULL) value = *argument++;
  if (value == NULL) return NULL;
  if (flag->place != 0) *(const char **)((char *)call + flag->place) = value;
  return argument;
}

static bool is_flag(const char *argument) { return argument[0] == '-' && argument[1] != '\0'; }

static const struct form *find_form(const char *command) {
  for (size_t index = 0; index < sizeof forms / sizeof *forms; index++) {
    if (strcmp(forms[index].command, command) == 0) return &forms[index];
  }
  return NULL;
}

static bool parse_operands(struct call *call, const struct form *form, char **argument) {
  bool flags_end = false;
  size_t count = 0;
  while (argument[count] != NULL) count++;
  call->operands = calloc(count + 1, sizeof *call->operands);
  if (call->operands == NULL) return false;
  while (*argument != NULL) {
    if (!flags_end && strcmp(*argument, "--") == 0) {
      flags_end = true;
      argument++;
    } else if (!flags_end && is_flag(*argument)) {
      argument = take_flag(call, form->flags, argument);
      if (argument == NULL) return false;
    } else {
      call->operands[call->operand_count++] = *argument++;
      flags_end = flags_end || form->operands_end_flags;
    }
  }
  return call->operand_count >= form->operands_least && call->operand_count <= form->operands_most;
}

/** What the CLI has checked already where it calls us. */
static bool is_plain_id(const char *id) {
  size_t length = strlen(id);
  for (size_t at = 0; at < length; at++) {
    if (!isalnum((unsigned char)id[at]) && strchr("._+-", id[at]) == NULL) return false;
  }
  return length > 0 && length <= ID_NAME_MAX && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

static bool is_format(const char *format) {
  return format == NULL || strcmp(format, "table") == 0 || strcmp(format, "json") == 0;
}

bool parse_call(struct call *call, char **argument) {
  if (*argument != NULL && strcmp(*argument, "--front") == 0) {
    call->final = true;
    argument++;
  }
  while (*argument != NULL && is_flag(*argument)) {
    argument = take_flag(call, global_flags, argument);
    if (argument == NULL) return false;
  }
  if (call->version) return true;
  const struct form *form = *argument == NULL ? NULL : find_form(*argument);
  if (form == NULL) return false;
  call->command = form->command;
  if (!parse_operands(call, form, argument + 1) || !is_format(call->format)) return false;
  if (call->final) return true;
  if (call->directory != NULL) return false;
  if (call->operand_count > 0 && !is_plain_id(call->operands[0])) return false;
  return call->operand_count < 2 || strcmp(form->command, "kill") != 0 || parse_signal(call->operands[1]) != 0;
}

static const char *const signal_names[] = {
    "HUP",  "INT",  "QUIT", "ILL",  "TRAP", "ABRT", "BUS",    "FPE",  "KILL",  "USR1", "SEGV",
    "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP",  "TTIN", "TTOU",
    "URG",  "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",  "PWR",  "SYS",
};

enum { SIGNAL_MAX = 64 };

int parse_signal(const char *text) {
  if (isdigit((unsigned char)text[0])) {
    char *end;
    long number = strtol(text, &end, 10);
    return *end == '\0' && strlen(text) <= 2 && number >= 1 && number <= SIGNAL_MAX ? (int)number : 0;
  }
  if (strncmp(text, "SIG", 3) == 0) text += 3;
  for (size_t index = 0; index < sizeof signal_names / sizeof *signal_names; index++) {
    if (strcmp(signal_names[index], text) == 0) return (int)index + 1;
  }
  return 0;
}
