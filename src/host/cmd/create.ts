// wvisor create: an OCI bundle becomes a container that waits to be started.

import { resolve } from "node:path";
import { requireNative } from "../../native/index.ts";
import { type Created, createContainer } from "../container/create.ts";
import { containerConfinement } from "../sandbox/levels.ts";
import type { Command, CommandInput } from "./command.ts";
import { CONFINE_FLAGS, confineOptions } from "./confine-flags.ts";
import type { FlagTable } from "./flags.ts";
import { ACCEPTED_CREATE_FLAGS, cgroupManager, OCI_EXIT_CODES, onlyId, openContainers } from "./oci.ts";
import { preservedDescriptors } from "./preserved-fds.ts";
import { TREE_FLAGS, TREE_FLAGS_USAGE, treeOptions } from "./tree-flags.ts";

const USAGE = `Usage: wvisor create [flags] ID

Creates a container of an OCI bundle (a directory with config.json): its processes, namespaces and file systems are there, and
its program is found, but does not run before 'wvisor start ID'. Needs root.

  wvisor create --bundle ./hello --pid-file pid c1
  wvisor start c1

Flags:
  -b, --bundle DIR      The bundle's directory (default: the current one)
      --console-socket PATH
                        Gets the master of the container's terminal ("terminal": true of config.json's process)
      --pid-file FILE   Gets the pid of the process that stands for the container
      --preserve-fds N  The program gets our descriptors 3 to N+2 under their numbers
${TREE_FLAGS_USAGE}
      --confine LEVEL   What confinement must reach: native+ns, native, none (default: native+ns for root)
      --gofer-jitless   Run the gofer without a compiler: none of its memory becomes executable
      --confine-report  Report what confinement does not allow instead of ending the process
      --debug           With an error, show where it arose

Accepted without effect: --no-pivot, --no-new-keyring, --keep, --no-subreaper, --pidfd-socket

Exit code: 0 created, 1 not.
`;

export const CREATE_FLAGS: FlagTable = {
  bundle: { type: "string", short: "b" },
  "pid-file": { type: "string" },
  "console-socket": { type: "string" },
  ...TREE_FLAGS,
  "preserve-fds": { type: "string" },
  ...ACCEPTED_CREATE_FLAGS,
  ...CONFINE_FLAGS,
};

export const createCommand: Command = {
  name: "create",
  summary: "Create a container of an OCI bundle",
  usage: USAGE,
  flags: CREATE_FLAGS,
  operandsEndFlags: false,
  exitCodes: OCI_EXIT_CODES,
  run: runCreate,
};

function runCreate(input: CommandInput): number {
  create(input, onlyId(input));
  return 0;
}

/** As the flags of `create` say. Errors: WvisorError. */
export function create(input: CommandInput, id: string, detached = true): Created {
  const { flags, warn } = input;
  const native = requireNative();
  const confine = confineOptions(flags);
  return createContainer(native, openContainers(native, input), {
    ...confine,
    confinement: confine.confinement ?? containerConfinement(process.getuid?.() ?? 0),
    id,
    bundle: resolve(flags.text("bundle") ?? "."),
    // An engine writes into the trees of the host while the container runs (`podman cp`).
    ...treeOptions(input, "shared"),
    cgroupManager: cgroupManager(input.global),
    pidFile: flags.text("pid-file"),
    detached,
    preserved: preservedDescriptors(native, flags),
    consoleSocket: flags.text("console-socket"),
    warn,
  });
}
