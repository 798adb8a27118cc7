// wv-anchor: the process that stands for a container on the host.
//
//   wv-anchor [--cgroup=FILE]... [--oom-score-adj=N] [--descriptors=N] [--new=NAMESPACE]... [--join=NAMESPACE:FILE]...
//             --root=DIR [--read-only] [--hostname=NAME] [--title=TEXT] [--terminal] [--hooks]
//             --sentry-fds=N --gofer-fds=N --sentry-args=N -- SENTRY ARGS... GOFER ARGS...
//   wv-anchor --member, and the first of these but those about sentry and gofer
//   wv-anchor --session [--cgroup=FILE]... [--title=TEXT] [--terminal]
//   wv-anchor --attach=PID --master=FD [-- PROGRAM ARGS...]
//   wv-anchor --hook [--enter=PID] [--cwd=DIR] -- FILE NAME ARGS...
//
// Engines know a container by one pid. They wait for it and take its exit status, send it signals, and join its namespaces to
// copy files. Node could be none of that: a signal handler of JavaScript's does not run while a guest does, and whoever joined
// the mount namespace of a process that sees the host would copy files of the host. So the anchor is process 1 of the
// container's namespaces, with the container's root directory as its own, and the parent of sentry and gofer:
//   its exit status is the sentry's, which is the container's
//   each signal that can be caught goes to the sentry, as a byte over a socket
//   SIGKILL ends it, and Linux ends with it all that is in its pid namespace
// Sentry and gofer are in mount namespaces of their own: a root directory is changed for all processes of a mount namespace.
//
// Descriptors
//   0 .. 2    the container's streams, for the sentry; of the gofer's they are /dev/null, and 2 for its messages
//   3         the starter's socket. It gets the pid of the anchor in decimal digits, or what went wrong; then this process, whose
//             exit status tells which, is gone. The container goes on when the starter sends a byte, and ends if it closes the
//             socket without
//   then      those that the sentry gets, behind its session socket (3); then those that the gofer gets (from 3 on);
//             then a file with the mounts of the root directory (mounts.c)
//
// With --title it looks like TEXT to whoever lists processes: the program that it stands for (title.c).
//
// With --hooks the starter gets the pid, and a newline, as soon as there are namespaces, and sends a byte when its hooks have run:
// until then nothing else is done in them. Before their root directory is changed --hook --enter=PID runs a program of the host in
// them.
//
// Each of the two programs is a wv-launch, which gets --parent=PID as its first argument.
//
// With --member the container is one of a sandbox that another anchor is the parent of: descriptor 4 is its socket to the sentry, as
// of a session below, 5 the file with the mounts, and nothing is started.
//
// With --session it stands for a process that was added to a container: an engine waits for it and signals it too. Descriptor 3
// is its socket to the sentry, which gets signals and sends the exit status, one byte each. The end of the socket is the end of
// the other side.
//
// With --terminal the streams are a terminal (of a session: descriptor 0), which becomes the controlling one: what is typed at it or
// becomes of it arrives here as a signal, and goes the way of all signals.
//
// With --attach it shows the terminal whose master is FD at the terminal that it was started from, until its child PID ends
// (attach.c).

#include "anchor.h"
#include "terminal.h"

#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  static struct container container;
  if (argc < 2) fail("no arguments");
  own_arguments(argv);
  if (strcmp(argv[1], "--session") == 0) run_session(argv + 2);
  if (value_of(argv[1], "--attach") != NULL) {
    static struct attachment attachment;
    parse_attachment(&attachment, argv + 1);
    attach(&attachment);
  }
  if (strcmp(argv[1], "--hook") == 0) run_hook(argv + 2);
  report_failures_to(STARTER_FD);
  parse_container(&container, argv + 1);
  start_anchor(&container);
}
