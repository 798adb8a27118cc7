// wvisor install-runtime: a copy of what engines run, in a directory of its own with a link to Node.
//
// Engines call the native front as root and without PATH. In a package there is no such link, since npm packs none, and a package
// is often in a project that others than root may change.

import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { builtFile } from "../../common/build-folder.ts";
import { WvisorError } from "../../common/errors.ts";
import { NATIVE_REMEDY, nativeProblem } from "../../native/index.ts";
import { codeFile } from "../../start/bundle.ts";
import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";

const USAGE = `Usage: wvisor install-runtime DIR

Copies what container engines run to DIR, which must not exist or be empty, with a link to the Node that runs this. Engines get
DIR/wvisor. Nobody but root should be able to write to DIR or to that Node.

  wvisor install-runtime /opt/wvisor
  podman --runtime /opt/wvisor/wvisor run --rm --network none IMAGE

Flags:
      --debug  With an error, show where in wVisor it arose

Exit code: 0, 1 when it cannot be done, 2 when the arguments are wrong.
`;

const PROGRAMS = ["wvisor", "native/wv-launch", "native/wv-anchor"] as const;
const DATA = [
  "native/wv.node",
  "kernel.wasm",
  "kernel-merged.wasm",
  "guest-peek.wasm",
  "features.json",
  "package.json",
] as const;
const MODE_PROGRAM = 0o755;
const MODE_DATA = 0o644;

export const installRuntimeCommand: Command = {
  name: "install-runtime",
  summary: "Copy the runtime to a directory, for podman, containerd and other engines",
  usage: USAGE,
  flags: {},
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: installRuntime,
};

function installRuntime({ operands, output }: CommandInput): number {
  const [directory, ...others] = operands;
  if (directory === undefined || directory === "") throw new UsageError("where? expected a DIR");
  if (others.length > 0) throw new UsageError(`unexpected argument ${others[0]}`);
  if (nativeProblem() !== "") {
    throw new WvisorError("ERR_WVISOR_DEGRADED", `${nativeProblem()}; needed: ${NATIVE_REMEDY}`);
  }
  const target = resolve(directory);
  const node = realpathSync(process.execPath);
  let unfinished: string | undefined;
  try {
    refuseFull(target);
    mkdirSync(dirname(target), { recursive: true });
    unfinished = mkdtempSync(`${target}.new-`);
    fill(unfinished, node);
    // Takes the place of an empty directory; whatever came into being there meanwhile stays.
    renameSync(unfinished, target);
  } catch (error) {
    if (unfinished !== undefined) rmSync(unfinished, { recursive: true, force: true });
    if (error instanceof WvisorError) throw error;
    throw refused((error as Error).message, error);
  }
  output.out(`${join(target, "wvisor")} is the runtime; it runs on Node ${process.version}, ${node}\n`);
  return 0;
}

function refused(message: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_INSTALL", message, undefined, { cause });
}

function refuseFull(directory: string): void {
  try {
    if (readdirSync(directory).length === 0) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  throw refused(`${directory} is not empty: remove it first, or name another`);
}

function fill(directory: string, node: string): void {
  mkdirSync(join(directory, "native"), { mode: MODE_PROGRAM });
  for (const name of PROGRAMS) copy(directory, name, MODE_PROGRAM);
  for (const name of [...DATA, ...bundles()]) copy(directory, name, MODE_DATA);
  for (const name of ["program", "gofer-server"]) copyCode(directory, codeFile(name));
  for (const name of ["", "native"]) chmodSync(join(directory, name), MODE_PROGRAM);
  symlinkSync(node, join(directory, "node"));
}

/** The program, and what its workers run. */
function bundles(): string[] {
  return readdirSync(builtFile("")).filter((name) => name.endsWith(".js"));
}

/** Whatever the modes were where it was unpacked. */
function copy(directory: string, name: string, mode: number): void {
  const file = join(directory, name);
  copyFileSync(builtFile(name), file);
  chmodSync(file, mode);
}

/** What the build made for this Node: a package has none, and does without. */
function copyCode(directory: string, name: string): void {
  try {
    copy(directory, name, MODE_DATA);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
