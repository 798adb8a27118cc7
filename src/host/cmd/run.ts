// wvisor run: an OCI bundle in the foreground.

import { resolve } from "node:path";
import { requireNative } from "../../native/index.ts";
import { runSandbox } from "../boot/loader.ts";
import { randomId } from "../config/defaults.ts";
import type { Created } from "../container/create.ts";
import { failed } from "../container/errors.ts";
import { showTerminal } from "../container/terminal.ts";
import { dropGofer } from "../sandbox/gofer-process.ts";
import { containerConfinement } from "../sandbox/levels.ts";
import { type BundleOptions, readBundle } from "../spec/bundle.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { confineOptions } from "./confine-flags.ts";
import { CREATE_FLAGS, create } from "./create.ts";
import { EXIT_WVISOR_ERROR } from "./exit-code.ts";
import { frontCommand, runFrontFor } from "./front.ts";
import { LIMIT_FLAGS, limitsFrom } from "./limit-flags.ts";
import { makeTracer, TRACE_FLAGS, wantsTrace } from "./trace-flags.ts";
import { TREE_FLAGS_USAGE, treeOptions } from "./tree-flags.ts";

const USAGE = `Usage: wvisor run [flags] [ID]

Runs an OCI bundle (a directory with config.json) in the foreground, or as a container.

  wvisor spec app.wasm && wvisor run            The bundle in the current directory
  wvisor run --bundle ./hello my-container
  wvisor run --detach c1                        As 'wvisor create c1' and 'wvisor start c1' do
  wvisor run --overlay2=all:memory --bundle .   Keep all changes in memory: nothing on disk changes

ID names the container; by default it is random.

Flags:
  -b, --bundle DIR      The bundle's directory (default: the current one)
  -d, --detach          Do not wait for it: the flags of 'wvisor create' are understood, too
${TREE_FLAGS_USAGE}
      --memory SIZE     The most memory that the program may use, instead of config.json's (not with --detach)
      --timeout TIME    Stop the program after 10s, 1m, 500ms (not with --detach)
      --confine LEVEL   What confinement must reach, or nothing is started: native+ns (namespaces), native, none
                        (default: native+ns for root, else as much as the system allows)
      --gofer-jitless   Run the gofer without a compiler: none of its memory becomes executable
      --confine-report  Report what confinement does not allow instead of ending the process
      --strace[=FILE], -c, --strace-calls LIST, --trace FILE.jsonl
                        Show the program's calls, as 'wvisor help do' explains (not with --detach)
      --debug           With an error of wVisor's, show where it arose

Exit code: the program's own; 124 stopped by --timeout, 125 an error of wVisor's, 126 not executable, 127 not found,
137 stopped by a limit, 128+n ended by signal n.
`;

export const runCommand: Command = {
  name: "run",
  summary: "Run an OCI bundle in the foreground",
  usage: USAGE,
  flags: { detach: { type: "switch", short: "d" }, ...CREATE_FLAGS, ...LIMIT_FLAGS, ...TRACE_FLAGS },
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_WVISOR_ERROR, refused: EXIT_WVISOR_ERROR },
  run: runRun,
};

async function runRun(input: CommandInput): Promise<number> {
  const { warn, gofer, flags } = input;
  const limits = limitsFrom(flags);
  const limited = Object.keys(limits).length > 0;
  if (flags.isOn("detach", false)) {
    if (limited)
      throw new UsageError("--memory and --timeout are for the foreground: config.json has limits");
    if (wantsTrace(flags)) throw new UsageError("--strace and --trace are for the foreground");
    return runDetached(input);
  }
  const confine = confineOptions(input.flags);
  const confinement = confine.confinement ?? containerConfinement(process.getuid?.() ?? 0);
  const { spec, config } = readBundle(bundleOptions(input));
  if (flags.has("console-socket")) {
    throw failed("cannot use console socket if runc will not detach or allocate tty");
  }
  if (spec.process.terminal && process.getuid?.() === 0) {
    if (limited) throw new UsageError("--memory and --timeout are not for a terminal of its own");
    if (wantsTrace(flags)) throw new UsageError("--strace and --trace are not for a terminal of its own");
    return runInTerminal(input);
  }
  const sandbox = { ...config, limits: { ...config.limits, ...limits } };
  const tracer = await makeTracer(flags, sandbox.limits.timeoutMs);
  return runSandbox(sandbox, {
    ...confine,
    confinement,
    warn,
    gofer,
    tracer,
    ownProcess: true,
  });
}

function runDetached(input: CommandInput): number {
  return createAndStart(input, containerId(input.operands[0]), true) === undefined ? EXIT_WVISOR_ERROR : 0;
}

/** A container with a terminal of its own, which is shown at the user's, and which is deleted at its end. */
function runInTerminal(input: CommandInput): number {
  const id = containerId(input.operands[0]);
  const native = requireNative();
  // Whose the anchor is going to be, once it stands.
  native.adoptOrphans();
  const created = createAndStart(input, id, false);
  if (created === undefined) return EXIT_WVISOR_ERROR;
  const { pid, master } = created;
  if (master === undefined) throw failed("config.json has changed");
  return showTerminal(native, master, pid, frontCommand(input, "delete", id, { flags: ["--force"] }));
}

/** Undefined when it did not start: why has been told. */
function createAndStart(input: CommandInput, id: string, detached: boolean): Created | undefined {
  const native = requireNative();
  dropGofer(native, input.gofer);
  const created = create(input, id, detached);
  if (runFrontFor(input, "start", id) === 0) return created;
  runFrontFor(input, "delete", id, { flags: ["--force"] });
  return undefined;
}

/** Errors: UsageError. */
export function bundleOptions(input: CommandInput): BundleOptions {
  const { flags, operands, warn } = input;
  if (operands.length > 1) throw new UsageError(`unexpected argument ${operands[1]}`);
  const { overlayDirectory, ...trees } = treeOptions(input, "exclusive");
  // Confined, this process could not remove what it made there.
  if (overlayDirectory !== undefined) throw new UsageError("--overlay2 with dir= needs --detach");
  return { id: containerId(operands[0]), bundle: resolve(flags.text("bundle") ?? "."), ...trees, warn };
}

const ID = /^[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,1023}$/;

function containerId(given: string | undefined): string {
  if (given === undefined) return randomId();
  if (!ID.test(given)) {
    throw new UsageError(
      `container id ${given}: must be 1 to 1024 letters, digits or "._+-", not starting with "."`,
    );
  }
  return given;
}
