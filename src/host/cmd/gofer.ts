// wvisor gofer: serves files over 9P2000.L, a directory to whoever connects or a container's to its sandbox.

import { requireNative } from "../../native/index.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { CONFINE_FLAGS } from "./confine-flags.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";
import type { Flags, FlagTable } from "./flags.ts";
import { CONTAINER_FLAGS, serveContainer } from "./gofer-container.ts";
import { LISTEN_FLAGS, serveListener } from "./gofer-listen.ts";

const USAGE = `Usage: wvisor gofer --listen ADDRESS --root DIR [flags]
       wvisor gofer --bundle DIR --io-fds FD,FD... --spec-fd FD [flags]

Serves DIR to every 9P2000.L client that connects, until it is interrupted: the Linux kernel's, diod's, wvisor/p9's. Symbolic
links are given to the client and never followed here, and no name leads out of DIR.

  wvisor gofer --listen unix:/run/files.sock --root /srv/files --readonly
  wvisor gofer --listen tcp:127.0.0.1:5640 --root . &
  mount -t 9p -o trans=tcp,port=5640,version=9p2000.L 127.0.0.1 /mnt

9P has no passwords: who reaches the address has the rights of the user who runs this. A unix socket is made for that user alone.

The second form serves a container's root and binds to its sandbox, on descriptors that whoever starts it has opened. It becomes
the gofer, and ends when the other ends are closed. A person has no use for it.

Flags with --listen:
      --listen ADDRESS   unix:PATH, or tcp:HOST:PORT (port 0: a free one, which is printed)
      --root DIR         What is served: a directory, or one regular file
      --readonly         Refuse every change
      --name NAME        What clients may call the tree ("aname") besides "/" and DIR

Flags with --bundle:
      --bundle DIR              The bundle's directory; relative paths of its configuration start there
      --io-fds FD,...           Connected unix stream sockets: one for the root, then one for each bind of the bundle
      --spec-fd FD              The bundle's config.json: what it was when it was opened
      --mounts-fd FD            Gets the bundle's list of mounts as JSON, with destinations resolved inside the root
      --overlay-mediums N,...   For each of --io-fds: 0 no overlay, 1 in memory, 2 in the tree, 3 in a directory of its own. What
                                has one is read-only for its clients
      --apply-caps=false        Keep the capabilities that this process has
      --setup-root=false        No root directory of its own: confinement is native
      --sync-userns-fd FD       Wait until the other end is closed, then become user 0 and group 0
      --proc-mount-sync-fd FD   Gets one byte when /proc is needed no more
      --fd-limit N              How many descriptors there may be
      --host-uds POLICY         Unix sockets of the host: none, or open (the client may connect to them; default: none)
      --host-fifo POLICY        FIFOs of the host: none, or open (default: none)

Flags of both:
      --confine LEVEL    What confinement must reach, or nothing is started: native+ns (namespaces), native, none
                         (default: as much as the system allows)
      --gofer-jitless    Run without a compiler: no memory becomes executable
      --confine-report   Report what confinement does not allow instead of ending the process
      --debug            With an error, show where in wVisor it arose

Exit code: 0 the clients of --io-fds have gone, 1 refused, 2 the arguments are wrong, 128 what --bundle asks for cannot be
served, 128 + N ended by signal N.
`;

export const goferCommand: Command = {
  name: "gofer",
  summary: "Serve a directory over 9P2000.L, or a container's files",
  usage: USAGE,
  flags: { ...LISTEN_FLAGS, ...CONTAINER_FLAGS, ...CONFINE_FLAGS },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runGofer,
};

function runGofer(input: CommandInput): Promise<number> | number {
  const { flags, operands } = input;
  const listens = findGiven(flags, LISTEN_FLAGS);
  const contains = findGiven(flags, CONTAINER_FLAGS);
  if (operands.length > 0) throw new UsageError(`unexpected argument ${operands[0]}`);
  if (listens !== undefined && contains !== undefined) {
    throw new UsageError(`--${listens} and --${contains} do not go together`);
  }
  if (listens === undefined && contains === undefined) {
    throw new UsageError("--listen and --root are needed, or --bundle, --io-fds and --spec-fd");
  }
  const native = requireNative();
  return contains === undefined ? serveListener(native, input) : serveContainer(native, input);
}

/** The first flag of the table that was given. */
function findGiven(flags: Flags, table: FlagTable): string | undefined {
  return Object.keys(table).find((name) => flags.has(name));
}
