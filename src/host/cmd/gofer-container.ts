// wvisor gofer --bundle: serves a container's files on descriptors that were given (G23-02 to G23-05).
//
// Order: flags, specification, the user namespace's maps, and then this process becomes the gofer. What is wrong with the flags alone
// is a usage error; whatever else is, ends with the exit code of gVisor's gofer.

import { resolve } from "node:path";
import { EAGAIN } from "../../../assembly/abi/errno.ts";
import { POLLIN } from "../../../assembly/abi/poll.ts";
import { errnoName, WvisorError } from "../../common/errors.ts";
import { HOST_FIFO, HOST_UDS } from "../../common/host-policy.ts";
import type { Native } from "../../native/index.ts";
import { becomeContainerGofer, EXIT_GOFER_FAILED } from "../sandbox/container-gofer.ts";
import type { ConfineOptions } from "../sandbox/gofer-process.ts";
import { containerConfinement } from "../sandbox/levels.ts";
import { type RuntimeSpec, SpecError } from "../spec/runtime-spec.ts";
import { readSpecFd } from "../spec/spec-fd.ts";
import { type CommandInput, UsageError } from "./command.ts";
import { confineOptions } from "./confine-flags.ts";
import type { Flags, FlagTable } from "./flags.ts";

export const CONTAINER_FLAGS: FlagTable = {
  bundle: { type: "string" },
  "io-fds": { type: "string", multiple: true },
  "spec-fd": { type: "string" },
  "mounts-fd": { type: "string" },
  "overlay-mediums": { type: "string", multiple: true },
  "apply-caps": { type: "switch" },
  "setup-root": { type: "switch" },
  "sync-userns-fd": { type: "string" },
  "proc-mount-sync-fd": { type: "string" },
  "fd-limit": { type: "string" },
  "host-uds": { type: "string" },
  "host-fifo": { type: "string" },
};

/** The flags that name one descriptor each. */
const SINGLE_FDS = ["spec-fd", "mounts-fd", "sync-userns-fd", "proc-mount-sync-fd"] as const;
type Descriptors = Readonly<Record<(typeof SINGLE_FDS)[number], number | undefined>>;

/** Descriptors 0 to 2 are the standard streams. */
const FIRST_FD = 3;
const INT_MAX = 0x7fff_ffff;
/** none, memory, self, anonymous directory */
const MEDIUMS = 4;
/** What Linux lets a process have, unless it is told otherwise (fs.nr_open). */
const FD_LIMIT_MAX = 1 << 20;

/** Returns never. Errors: WvisorError. */
export function serveContainer(native: Native, { flags }: CommandInput): never {
  const bundle = flags.text("bundle") ?? "";
  const ioFds = numbers(flags, "io-fds", FIRST_FD, INT_MAX);
  const { "spec-fd": specFd, ...fds } = descriptors(flags);
  if (bundle === "" || ioFds.length === 0 || specFd === undefined) {
    throw new UsageError("--bundle, --io-fds and --spec-fd are needed");
  }
  checkDistinct([...ioFds, specFd, ...Object.values(fds)]);
  const gofer = {
    bundle: resolve(bundle),
    ioFds,
    overlaid: overlaid(flags, ioFds.length),
    mountsFd: fds["mounts-fd"],
    procSyncFd: fds["proc-mount-sync-fd"],
    descriptors: optional(flags, "fd-limit", 0, FD_LIMIT_MAX),
    policy: { uds: choice(flags, "host-uds", HOST_UDS), fifo: choice(flags, "host-fifo", HOST_FIFO) },
  };
  const confine = confinement(flags);
  const spec = readSpec(specFd);
  native.close(specFd);
  const sync = fds["sync-userns-fd"];
  if (sync !== undefined) becomeUserZero(native, sync);
  try {
    return becomeContainerGofer(native, { ...gofer, spec }, confine);
  } catch (error) {
    // Whatever else it says of its own accord: this command's exit code is gVisor's.
    if (!(error instanceof WvisorError)) throw error;
    throw new WvisorError(error.code, error.message, EXIT_GOFER_FAILED, { cause: error });
  }
}

function confinement(flags: Flags): ConfineOptions {
  const options = confineOptions(flags);
  const keepCapabilities = !flags.isOn("apply-caps", true);
  if (flags.isOn("setup-root", true)) {
    const wanted = options.confinement ?? containerConfinement(process.getuid?.() ?? 0);
    return { ...options, confinement: wanted, keepCapabilities };
  }
  if (options.confinement === "native+ns") {
    throw new UsageError("--setup-root=false and --confine=native+ns do not go together");
  }
  return { ...options, confinement: options.confinement ?? "native", keepCapabilities };
}

function readSpec(fd: number): RuntimeSpec {
  try {
    return readSpecFd(fd);
  } catch (error) {
    if (error instanceof SpecError) throw failure(`error reading spec: ${error.message}`, error);
    throw error;
  }
}

/** Which mounts have an overlay. */
function overlaid(flags: Flags, mounts: number): boolean[] {
  if (!flags.has("overlay-mediums")) return new Array<boolean>(mounts).fill(false);
  const mediums = numbers(flags, "overlay-mediums", 0, MEDIUMS - 1);
  if (mediums.length !== mounts) {
    throw new UsageError(`--overlay-mediums: ${mediums.length} entries for ${mounts} descriptors`);
  }
  return mediums.map((medium) => medium !== 0);
}

/** The user namespace's maps are written when the other end is closed (G23-32, G23-33). */
function becomeUserZero(native: Native, fd: number): void {
  const what = "userns sync FD";
  const memory = new Uint8Array(SYNC_BYTES);
  native.registerMemory(SCRATCH_SLOT, memory);
  let count = native.read(fd, SCRATCH_SLOT, 0, 1);
  while (count === -EAGAIN) {
    new DataView(memory.buffer).setInt32(POLLFD, fd, true);
    new DataView(memory.buffer).setUint32(POLLFD + 4, POLLIN, true);
    native.poll(SCRATCH_SLOT, POLLFD, 1, FOREVER, NO_CANCEL);
    count = native.read(fd, SCRATCH_SLOT, 0, 1);
  }
  native.close(fd);
  if (count > 0) throw failure(`failed to sync on ${what}: there is data on it`);
  if (count < 0) throw failure(`failed to sync on ${what}: ${errnoName(-count)}`);
  try {
    process.setgid!(0);
    process.setuid!(0);
  } catch (error) {
    throw failure(`user namespace: ${(error as Error).message}`, error);
  }
}

/** The helper's slot for a moment; nothing stays in it: one byte, and a struct pollfd. */
const SCRATCH_SLOT = 15;
const POLLFD = 8;
const SYNC_BYTES = 16;
const FOREVER = -1;
const NO_CANCEL = -1;

function descriptors(flags: Flags): Descriptors {
  const found = SINGLE_FDS.map((name) => [name, optional(flags, name, FIRST_FD, INT_MAX)]);
  return Object.fromEntries(found) as Descriptors;
}

/** -1 is gVisor's "not given". */
function optional(flags: Flags, name: string, least: number, most: number): number | undefined {
  const text = flags.text(name);
  return text === undefined || text === "-1" ? undefined : numberOf(name, text, least, most);
}

/** Of all times that a flag was given, between commas. */
function numbers(flags: Flags, name: string, least: number, most: number): number[] {
  return flags
    .texts(name)
    .flatMap((text) => text.split(","))
    .map((text) => numberOf(name, text, least, most));
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `--${name}: ${text === "" ? "nothing" : text} is not a number from ${least} to ${most}`,
  );
}

function choice<T extends string>(flags: Flags, name: string, known: readonly T[]): T {
  const text = flags.text(name) ?? known[0]!;
  const found = known.find((each) => each === text);
  if (found === undefined) throw new UsageError(`--${name} ${text}: expected one of ${known.join(", ")}`);
  return found;
}

function checkDistinct(fds: readonly (number | undefined)[]): void {
  const given = fds.filter((fd) => fd !== undefined);
  const twice = given.find((fd, index) => given.indexOf(fd) !== index);
  if (twice !== undefined) throw new UsageError(`descriptor ${twice} is given twice`);
}

function failure(message: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_GOFER", message, EXIT_GOFER_FAILED, { cause });
}
