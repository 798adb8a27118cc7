// Starts the gofer: a process of its own, with one end of a socket pair per mount and nothing else of ours.
//
// Descriptors of the child
//   0, 1         /dev/null
//   2            our stderr
//   3 .. 3+n-1   the server end of mount 0 .. n-1; one that was started ahead has some more, which nobody answers
//   then         with windows: their memory and their bell (src/native/src/window.h)
//   then         its configuration, a JSON document that ends at end of stream
//   then         in namespaces: a socket to the launcher, which opens the mounts' sources, and /proc/self/fd
// The launcher closes everything above, sets the parent-death signal and executes node with an empty environment: in namespaces
// where the system allows them, as a child of its own, and with a root directory that has node's files and ours only.
//
// Sleep
//   The caller may put a guest on this very thread next, so no event of the event loop is waited for, now or later: the
//   child's death is end of stream on its sockets. The child leads a session of its own: a Ctrl-C is for the guest, and
//   the gofer must outlive whatever the guest still does with its files.

import { EPIPE } from "../../../assembly/abi/errno.ts";
import { SEEK_SET } from "../../../assembly/abi/fcntl.ts";
import { POLLHUP } from "../../../assembly/abi/poll.ts";
import { builtFile } from "../../common/build-folder.ts";
import { type Confinement, GOFER_CAPABILITIES } from "../../common/confinement.ts";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import { launcherPath, type Native } from "../../native/index.ts";
import { codeFile } from "../../start/bundle.ts";

export interface GoferMount {
  /** An absolute path of the host. */
  readonly source: string;
  /** The gofer refuses every change, whatever the kernel lets through. */
  readonly readonly: boolean;
  /** The gofer may hand out descriptors of regular files. */
  readonly donate: boolean;
  /** Its descriptor is no connection but a socket that listens. */
  readonly listen?: boolean;
  /** What clients may call the tree; its source when absent. */
  readonly name?: string;
}

export interface GoferProcess {
  /** Our end of each mount's socket, in the order of the mounts: blocking, close-on-exec, owned by the caller. */
  readonly sockets: readonly number[];
  /** The number of each mount's window; undefined for a mount that has none. */
  readonly windows: readonly (number | undefined)[];
  /** The helper's number of their memory. */
  readonly map: number | undefined;
  /** The caller reaps it (Native.waitpid), or ends before it. */
  readonly pid: number;
}

/** How tightly the gofer is held. */
export interface ConfineOptions {
  /** What it must be; as tightly as the system allows when absent. */
  readonly confinement?: Confinement | undefined;
  /** Without a compiler, so that none of its memory need be executable. */
  readonly jitless?: boolean | undefined;
  /** What it may not do is reported instead of killing it. */
  readonly report?: boolean | undefined;
  /** It keeps the capabilities of whoever starts it, beyond those that it needs. */
  readonly keepCapabilities?: boolean | undefined;
}

export interface GoferOptions extends ConfineOptions {
  readonly launcher?: string;
  readonly program?: string;
  /** Connections go through shared memory, where the system allows it. */
  readonly windows?: boolean | undefined;
  /** One that startGoferAhead() gave: used if it has connections enough, ended otherwise. */
  readonly ahead?: SpawnedGofer | undefined;
  /** The launcher's end of a socket over which it can be asked for roots later (gofer-control.ts). */
  readonly parentRoots?: number;
}

/** How a gofer is told more while it runs: on the descriptor behind its mounts'. */
export interface ControlOptions {
  readonly beneath?: readonly string[] | undefined;
  /** The descriptor is no connection but a socket that listens. */
  readonly listen?: boolean;
}

/** The helper's slot for this module's own few bytes; nothing stays in it between calls. */
export const SCRATCH_SLOT = 15;
const SCRATCH_BYTES = 64 << 10;
const LIBRARIES_BYTES = 16 << 10;
const FIRST_DONATED_FD = 3;
/** What Native.spawn() takes for "nothing", and the one standard stream that the gofer shares with us. */
const DEV_NULL = -1;
const STDERR = 2;
const SIGKILL = 9;

/**
 * What node is started with. One helper thread of V8 instead of four: the gofer answers one message after the other on its
 * main thread. No flag that sizes the heap or changes the compiler: V8 then rejects the code cache that node carries, and
 * the start takes 9 ms more (35 instead of 26, medians of 20).
 */
export const NODE_FLAGS = ["--no-warnings", "--v8-pool-size=1"];

/** Up to Node 22 V8 says on stderr that it has no WebAssembly then, unless it is told; later ones have no such flag. */
const JITLESS_FLAGS = [
  "--jitless",
  ...(parseInt(process.versions.node, 10) < 24 ? ["--no-expose-wasm"] : []),
];

/** Where the C library looks for libraries: it holds nothing but their names. */
const LIBRARY_CACHE = "/etc/ld.so.cache";

/** What runs in the gofer process, unless a test has something else. */
export function goferProgram(): string {
  return builtFile("gofer.js");
}

/** A gofer that runs and was not told yet what to serve. */
export interface SpawnedGofer {
  readonly pid: number;
  /** Our ends: connections that mounts can have, then that of the configuration. */
  readonly sockets: number[];
  /** Our mapping of the windows. */
  readonly map: number | undefined;
  readonly confinement: Confinement | undefined;
  readonly jitless: boolean;
}

/** More mounts than this have a socket only. */
const WINDOWS_MAX = 64;

/** How many mounts a gofer that was started ahead can serve. */
const MOUNTS_AHEAD = 16;

/**
 * Starts a gofer before it is known what it will serve: it takes 20 ms to start, in which command line and configuration are
 * read. Undefined when it cannot be started: startGofer() will say why.
 */
export function startGoferAhead(native: Native, options: GoferOptions = {}): SpawnedGofer | undefined {
  try {
    return spawnGofer(native, MOUNTS_AHEAD, options);
  } catch (error) {
    if (!(error instanceof WvisorError)) throw error;
    return undefined;
  }
}

/** Ends one that has nothing to serve. */
export function dropGofer(native: Native, spawned: SpawnedGofer | undefined): void {
  if (spawned === undefined) return;
  closeAll(native, spawned.sockets);
  unmap(native, spawned.map);
}

/**
 * Starts a gofer that serves `mounts`. The thread that calls this must live as long as the gofer should: Linux sends the
 * parent-death signal when the thread ends.
 *
 * Errors: WvisorError; then nothing stays open.
 */
export function startGofer(
  native: Native,
  mounts: readonly GoferMount[],
  options: GoferOptions = {},
): GoferProcess {
  const { pid, sockets, map } = takeGofer(native, mounts.length, options);
  const config = sockets.pop()!;
  const unused = sockets.splice(mounts.length);
  try {
    const windowFds = map === undefined ? undefined : windowsAfter(sockets.length + unused.length);
    sendConfig(native, config, mounts, { ...options, windowFds });
    return { sockets, pid, map, windows: map === undefined ? [] : openWindows(native, map, sockets) };
  } catch (error) {
    closeAll(native, sockets);
    unmap(native, map);
    if (!isBrokenPipe(error)) throw error;
    const message = `the gofer ${reapGofer(native, pid)}${confinementHint(options)}`;
    throw new WvisorError("ERR_WVISOR_GOFER", message, undefined, { cause: error });
  } finally {
    native.close(config);
    closeAll(native, unused);
  }
}

/** Closes all connections, of which nobody uses any: the gofer ends. */
export function disconnectGofer(native: Native, { sockets, map }: GoferProcess): void {
  closeAll(native, [...sockets]);
  unmap(native, map);
}

/** What the user may do about a gofer that ended at its start; it has said why itself. */
export function confinementHint({ confinement }: ConfineOptions): string {
  return confinement === "native+ns" ? "; --confine=native does without namespaces" : "";
}

/** The gofer was gone before it was told what to serve. */
export function isBrokenPipe(error: unknown): boolean {
  const cause = error instanceof WvisorError ? error.cause : undefined;
  return cause instanceof ErrnoError && cause.value === EPIPE;
}

function takeGofer(native: Native, mounts: number, options: GoferOptions): SpawnedGofer {
  const { ahead, confinement, jitless = false } = options;
  const fits = ahead !== undefined && mounts < ahead.sockets.length;
  if (fits && ahead.confinement === confinement && ahead.jitless === jitless) return ahead;
  dropGofer(native, ahead);
  return spawnGofer(native, mounts, options);
}

function spawnGofer(native: Native, connections: number, options: GoferOptions): SpawnedGofer {
  const ours: number[] = [];
  const theirs: number[] = [];
  let map: number | undefined;
  try {
    for (let i = 0; i <= connections; i++) {
      const [our, their] = openPair(native);
      ours.push(our);
      theirs.push(their);
    }
    const windows = options.windows ? makeWindows(native, connections) : undefined;
    map = windows?.map;
    theirs.splice(connections, 0, ...(windows?.descriptors ?? []));
    const { confinement, jitless = false } = options;
    return { pid: spawnLauncher(native, theirs, options), sockets: ours, map, confinement, jitless };
  } catch (error) {
    closeAll(native, ours);
    unmap(native, map);
    throw error;
  } finally {
    closeAll(native, theirs);
  }
}

interface MadeWindows {
  readonly map: number;
  /** Of the memory and of the bell: for the gofer. */
  readonly descriptors: readonly [number, number];
}

/** Undefined where there can be none: sockets do as well. */
function makeWindows(native: Native, connections: number): MadeWindows | undefined {
  const descriptors = createWindows(native, connections);
  const map = descriptors === undefined ? -1 : native.windowsMap(...descriptors);
  if (descriptors !== undefined && map >= 0) return { map, descriptors };
  closeAll(native, [...(descriptors ?? [])]);
  return undefined;
}

/** Their memory and their bell, for two processes; undefined where there can be none. The caller's. */
export function createWindows(native: Native, connections: number): readonly [number, number] | undefined {
  const memory = native.windowsCreate(Math.min(connections, WINDOWS_MAX));
  const bell = native.eventfd(0);
  if (memory >= 0 && bell >= 0) return [memory, bell];
  for (const fd of [memory, bell]) if (fd >= 0) native.close(fd);
  return undefined;
}

/** The helper's numbers of the sockets' windows, as far as there are any. Errors: WvisorError. */
export function openWindows(native: Native, map: number, sockets: readonly number[]): number[] {
  return sockets
    .slice(0, WINDOWS_MAX)
    .map((socket, index) => check(native.windowOpen(map, index, socket, 0), "opening a window"));
}

/** Nobody uses any of its windows. */
function unmap(native: Native, map: number | undefined): void {
  if (map !== undefined) native.windowsUnmap(map);
}

/** Two connected sockets. Errors: WvisorError. */
export function openPair(native: Native): [number, number] {
  const ends = new Int32Array(2);
  check(native.registerMemory(SCRATCH_SLOT, new Uint8Array(ends.buffer)), "registering memory");
  check(native.socketpair(SCRATCH_SLOT, 0), "socketpair");
  return [ends[0]!, ends[1]!];
}

/** The pid of a gofer to be, which has `serverEnds` and reads its configuration from the last. Errors: WvisorError. */
export function spawnLauncher(native: Native, serverEnds: readonly number[], options: GoferOptions): number {
  const configFd = FIRST_DONATED_FD + serverEnds.length - 1;
  const { parentRoots, confinement } = options;
  const launcherEnds = parentRoots === undefined ? [] : [parentRoots];
  const flags = [`--pdeathsig=${SIGKILL}`, `--parent=${process.pid}`];
  if (parentRoots !== undefined && confinement !== "none") flags.push(`--parent-roots=${configFd + 1}`);
  const argv = goferCommand(native, configFd + 1, configFd, flags, options);
  return spawnCommand(native, argv, [DEV_NULL, DEV_NULL, STDERR, ...serverEnds, ...launcherEnds]);
}

/** Starts a program with `fds` as its descriptors from 0 on; its pid. Errors: WvisorError. */
export function spawnCommand(native: Native, argv: readonly string[], fds: readonly number[]): number {
  const { length, fdsAt } = putCommand(native, argv, fds);
  return check(native.spawn(SCRATCH_SLOT, 0, length, fdsAt, fds.length), `executing ${argv[0]}`);
}

/**
 * This process becomes the launcher, and the gofer, with the descriptors `fds` as they are and a configuration that names them. It
 * outlives its parent, unless it has asked for a signal. Returns never. Errors: WvisorError.
 */
export function becomeGofer(
  native: Native,
  config: object,
  fds: readonly number[],
  options: GoferOptions,
): never {
  const configFd = check(native.memfd(), "memfd_create");
  writeConfig(native, configFd, config, options);
  check(Number(native.lseek(configFd, 0, SEEK_SET)), "lseek");
  const kept = [...fds, configFd];
  // Linux forgets it in between, where the launcher gains capabilities.
  const signal = native.getParentDeathSignal();
  const flags = signal > 0 ? [`--pdeathsig=${signal}`, `--parent=${process.ppid}`] : [];
  return becomeCommand(native, goferCommand(native, Math.max(...kept) + 1, configFd, flags, options), kept);
}

/** This process becomes another program, which has the descriptors `kept` as they are, and stderr. Errors: WvisorError. */
export function becomeCommand(native: Native, argv: readonly string[], kept: readonly number[]): never {
  const { length, fdsAt } = putCommand(native, argv, kept);
  throw failed(native.exec(SCRATCH_SLOT, 0, length, fdsAt, kept.length), `executing ${argv[0]}`);
}

/** The launcher's arguments, from its own name on; `fds`: one more than the largest descriptor that the gofer has. */
export function goferCommand(
  native: Native,
  fds: number,
  configFd: number,
  flags: readonly string[],
  options: GoferOptions,
): string[] {
  const program = options.program ?? goferProgram();
  return [
    options.launcher ?? launcherPath(),
    `--fds=${fds}`,
    ...flags,
    ...confineArguments(native, program, options),
    "--",
    process.execPath,
    ...NODE_FLAGS,
    ...(options.jitless ? JITLESS_FLAGS : []),
    program,
    `--config-fd=${configFd}`,
  ];
}

/** Puts the strings at the start of the scratch memory, and the descriptors at its end. */
function putCommand(native: Native, argv: readonly string[], fds: readonly number[]) {
  const scratch = new Uint8Array(SCRATCH_BYTES);
  check(native.registerMemory(SCRATCH_SLOT, scratch), "registering memory");
  const strings = new TextEncoder().encode(argv.map((argument) => `${argument}\0`).join(""));
  const numbers = Int32Array.from(fds);
  const fdsAt = SCRATCH_BYTES - numbers.byteLength;
  if (strings.length > fdsAt) {
    throw new WvisorError("ERR_WVISOR_GOFER", "starting the gofer: too many mounts");
  }
  scratch.set(strings);
  scratch.set(new Uint8Array(numbers.buffer), fdsAt);
  return { length: strings.length, fdsAt };
}

/** What the launcher is told about the cage. Errors: WvisorError. */
export function confineArguments(native: Native, program: string, options: ConfineOptions): string[] {
  const { confinement, keepCapabilities } = options;
  if (confinement === "none") return [];
  const capabilities = keepCapabilities ? [] : [`--caps=${GOFER_CAPABILITIES.toString(16)}`];
  if (confinement === "native") return capabilities;
  const files = [process.execPath, ...libraries(native), LIBRARY_CACHE, program, ...companionsOf(program)];
  const shown = [...new Set(files)].map((file) => `--show=${file}`);
  return [...capabilities, `--namespaces=${confinement === undefined ? "try" : "must"}`, ...shown];
}

/** Beside it: where node looks whether it is a module, and what it runs. */
function companionsOf(program: string): string[] {
  const folder = program.slice(0, program.lastIndexOf("/"));
  return ["package.json", "gofer-server.js", codeFile("gofer-server")].map((name) => `${folder}/${name}`);
}

/** This very node's, which are the gofer's too. */
function libraries(native: Native): string[] {
  const names = new Uint8Array(LIBRARIES_BYTES);
  check(native.registerMemory(SCRATCH_SLOT, names), "registering memory");
  const length = check(native.loadedLibraries(SCRATCH_SLOT, 0, names.length), "listing libraries");
  return new TextDecoder().decode(names.subarray(0, length)).split("\0").slice(0, -1);
}

/** The gofer's numbers of what comes behind its connections. */
function windowsAfter(connections: number): { memory: number; bell: number } {
  const memory = FIRST_DONATED_FD + connections;
  return { memory, bell: memory + 1 };
}

/** What the gofer is told about besides its mounts. */
interface Donated {
  readonly control?: ControlOptions;
  readonly windowFds?: { readonly memory: number; readonly bell: number } | undefined;
}

/** Sent after the start, so that a document larger than the socket's buffer is read while it is written. */
export function sendConfig(
  native: Native,
  socket: number,
  mounts: readonly GoferMount[],
  { control, windowFds, ...options }: ConfineOptions & Donated = {},
): void {
  const served = mounts.map((mount, index) => ({
    ...mount,
    fd: FIRST_DONATED_FD + index,
    window: windowFds !== undefined && index < WINDOWS_MAX ? index : undefined,
  }));
  const controlled = control && { fd: FIRST_DONATED_FD + mounts.length, ...control };
  writeConfig(native, socket, { mounts: served, control: controlled, windows: windowFds }, options);
}

/** JSON has no undefined: such keys are left out. */
function writeConfig(
  native: Native,
  fd: number,
  config: object,
  { confinement, report = false, keepCapabilities }: ConfineOptions,
): void {
  const scratch = new Uint8Array(SCRATCH_BYTES);
  check(native.registerMemory(SCRATCH_SLOT, scratch), "registering memory");
  const confine = { level: confinement ?? null, report, capabilities: keepCapabilities };
  const bytes = new TextEncoder().encode(JSON.stringify({ ...config, confine }));
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + scratch.length);
    scratch.set(part);
    at += check(native.write(fd, SCRATCH_SLOT, 0, part.length), "sending its configuration");
  }
}

/** A process closes its sockets a little before it can be reaped; this is longer than that takes. */
const REAP_TRIES = 100;
const REAP_INTERVAL_MS = 2;
const SIGNALLED = 128;
const SIGSYS = 31;
const KILLED_BY_FILTER =
  "was killed by signal 31 (SIGSYS) for a system call that its filter does not allow (--confine-report says which)";

/** How the gofer ended, for the user; undefined while it serves. Reaps it. */
export function goferEnd(native: Native, gofer: GoferProcess): string | undefined {
  const status = native.waitpid(gofer.pid, 0);
  if (status < 0 && !hasHungUp(native, gofer.sockets)) return undefined;
  return reapGofer(native, gofer.pid, status);
}

/** The same for one whose socket has come to its end. `status`: what waitpid() gave already. */
export function reapGofer(native: Native, pid: number, status = -1): string {
  for (let tries = 0; status < 0 && tries < REAP_TRIES; tries++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REAP_INTERVAL_MS);
    status = native.waitpid(pid, 0);
  }
  if (status < 0) return "closed a connection";
  if (status === SIGNALLED + SIGSYS) return KILLED_BY_FILTER;
  return status > SIGNALLED ? `was ended by signal ${status - SIGNALLED}` : `ended with code ${status}`;
}

function hasHungUp(native: Native, sockets: readonly number[]): boolean {
  const polled = new Uint8Array(sockets.length * 8);
  const fields = new DataView(polled.buffer);
  sockets.forEach((socket, index) => {
    fields.setInt32(index * 8, socket, true);
  });
  check(native.registerMemory(SCRATCH_SLOT, polled), "registering memory");
  native.poll(SCRATCH_SLOT, 0, sockets.length, 0, -1);
  return sockets.some((_socket, index) => (fields.getInt16(index * 8 + 6, true) & POLLHUP) !== 0);
}

/** Closes and forgets: a descriptor in the list afterwards would be closed twice. */
function closeAll(native: Native, fds: number[]): void {
  for (const fd of fds.splice(0)) native.close(fd);
}

function check(result: number, what: string): number {
  if (result >= 0) return result;
  throw failed(result, what);
}

function failed(error: number, what: string): WvisorError {
  const cause = new ErrnoError(-error, what);
  return new WvisorError("ERR_WVISOR_GOFER", `starting the gofer: ${cause.message}`, undefined, { cause });
}
