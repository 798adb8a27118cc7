// wv-launch: puts a process into its cage, then becomes it. A running Node cannot do this to itself: it has threads,
// descriptors and a heap full of the caller's data before its first line runs.
//
//   wv-launch [--fds=N] [--pdeathsig=SIG --parent=PID] [--env NAME=VALUE]... [--caps=HEX]
//             [--namespaces=try|must [--show=PATH]... [--parent-roots=FD]] -- PROGRAM ARGS...
//
// The program gets descriptors 0 .. N-1 (3 by default), exactly the named environment, default signal dispositions, no
// blocked signals, no core dumps, and no way to gain privileges by exec. With --pdeathsig it gets that signal when the
// thread that started wv-launch ends; --parent is the process that this must be. With --caps it keeps of its capabilities only
// the named ones.
//
// With --namespaces the program runs in user, mount, pid, net, ipc, uts and cgroup namespaces of its own, and the files that
// --show names, read-only and at their own paths, are all that it sees, with a /proc of its own: one that is not there is left
// out. It gets two more descriptors and is told of them by two more arguments:
//   --roots-fd=N     a socket over which it asks for directories and files of the host, and at the end for /proc to go (roots.c)
//   --proc-fd=N+1    /proc/self/fd
// With --parent-roots our own parent may ask for directories and files too, over its end of that socket, when the program has ended its
// conversation: descriptors that the program can be given later. Where there are no namespaces the socket is closed.
// wv-launch stays as its parent then, and ends as it does. Where the system allows no namespaces, "try" goes on without.
//
// Every failure before the exec is one line on stderr and exit status 125: nothing ever runs half-confined.

#include "launch.h"

#include <sys/syscall.h>
#include <unistd.h>

static void close_descriptors(const struct options *options) {
  if (syscall(SYS_close_range, (unsigned)options->fds, ~0U, 0) < 0) fail_errno("close_range");
}

int main(int argc, char **argv) {
  static struct options options;
  if (argc < 1) fail("no arguments");
  parse_options(&options, argv + 1);
  follow_parent(&options);
  if (options.namespaces != NAMESPACES_NONE) run_in_namespaces(&options);
  close_descriptors(&options);
  limit_process(&options);
  execve(options.program[0], options.program, options.environment);
  fail_errno(options.program[0]);
}
