// wvisor: the runtime as engines get it.
//
//   wvisor [FLAGS] COMMAND ...
//
// Engines call a runtime several times for each container, and most of these calls look at a file or two: to start Node for them
// would take ten times as long as they do. So this program does `state`, `kill`, `start`, `pause`, `resume`, `delete`, `ps`, `list`,
// `features` and `--version` itself. It is the only implementation of these: the CLI in JavaScript calls it, too.
//
// Every other command line becomes Node's, with its arguments as they are: other commands, and all that this program does not
// understand or that wants to be explained, for only one place parses flags in all their forms and says what is wrong with them.
// Where that turns out to be one of the commands above after all, the CLI calls this program with `--front` in front, and what it
// is told then it must understand.
//
// It needs nothing of its caller: no PATH, no environment but what node.c lets through.

#include "front.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
  const char *name;
  void (*run)(const struct call *call);
} commands[] = {
    {"state", run_state}, {"kill", run_kill},     {"start", run_start},   {"pause", run_pause}, {"resume", run_resume},
    {"ps", run_ps},       {"delete", run_delete}, {"list", run_list},     {"features", run_features},
};

static void print_version(void) {
  struct text text = {0};
  add_string(&text, "wvisor version " WVISOR_VERSION "\n");
  print_text(&text);
}

int main(int argc, char **argv) {
  struct call call = {0};
  if (argc < 1) return EXIT_REFUSED;
  if (!parse_call(&call, argv + 1)) become_node(argv + 1);
  report_errors_for(&call);
  if (call.version) {
    print_version();
    return 0;
  }
  for (size_t index = 0; index < sizeof commands / sizeof *commands; index++) {
    if (strcmp(commands[index].name, call.command) != 0) continue;
    commands[index].run(&call);
    return 0;
  }
  become_node(argv + 1);
}
