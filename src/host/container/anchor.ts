// Starts the processes of a container: the anchor, and by it sentry and gofer.
//
// Descriptors of the anchor: the streams, the starter's socket, those of the sentry, those of the gofer, the list of its own mounts
// (src/native/anchor/main.c).

import { builtFile } from "../../common/build-folder.ts";
import { anchorPath, launcherPath, type Native } from "../../native/index.ts";
import {
  type ConfineOptions,
  createWindows,
  type GoferMount,
  goferCommand,
  isBrokenPipe,
  NODE_FLAGS,
  openPair,
  sendConfig,
  spawnCommand,
} from "../sandbox/gofer-process.ts";
import { failed } from "./errors.ts";
import { awaitEnd, identify } from "./process-id.ts";

/** The helper's slot for what the anchor says. */
const REPORT_SLOT = 14;
const REPORT_BYTES = 1024;
const STREAMS = [0, 1, 2];
const DEV_NULL = -1;
/** Of the sentry's: behind its streams and its session's socket. */
const SESSION_FD = 3;
const FIRST_SENTRY_FD = 4;
const FIRST_GOFER_FD = 3;
const SIGKILL = 9;
/** CAP_DAC_READ_SEARCH: until it confines itself the sentry reads its own program, which may lie in somebody's home directory. */
const SENTRY_CAPABILITIES = 1n << 2n;
/** What `podman top` shows of a program, in characters. */
const TITLE_MAX = 512;
const HEXADECIMAL = 16;
/** Of sentry and gofer where containers may be added: the gofer has 34 at least for each tree, and half of them at most for all. */
const POD_DESCRIPTORS = 1 << 17;
/** For processes that were killed. */
const END_TIMEOUT_MS = 10_000;

export interface Namespace {
  readonly type: string;
  /** Of one to join; a new one without. */
  readonly path: string;
}

/** Where an anchor is. */
export interface Place {
  readonly namespaces: readonly Namespace[];
  readonly rootfs: string;
  readonly hostname: string;
  /** The program that it stands for, and its arguments. */
  readonly args: readonly string[];
  /** The container's own, instead of our streams; it stays the caller's. */
  readonly terminal: number | undefined;
  /** The files that a process enters the container's cgroup by. */
  readonly cgroupFiles: readonly string[];
  /** As /proc/PID/oom_score_adj takes it; the starter's own when absent. */
  readonly oomScoreAdj?: number | undefined;
  /** What its root has mounted (anchor-mounts.ts). */
  readonly mounts: string;
  /** Nothing is changed in the root by way of the anchor. */
  readonly readonlyRoot: boolean;
  /** Called when the namespaces are there and nothing runs in them yet, with the anchor's pid. */
  readonly prepare?: ((pid: number) => void) | undefined;
}

export interface AnchorOptions extends ConfineOptions, Place {
  readonly bundle: string;
  /** What the gofer serves. */
  readonly served: readonly GoferMount[];
  /** For the program, behind its standard streams; they stay the caller's. */
  readonly preserved: readonly number[];
  /** Descriptors for the sentry; they stay the caller's. */
  readonly controller: number;
  /** The same for the gofer: a socket that listens, over which it is told to serve more. */
  readonly goferControl: number | undefined;
  readonly config: number;
  readonly phase: number;
}

export interface Anchor {
  readonly pid: number;
  /** The container goes on when a byte is written here, and ends if it is closed without. The caller's. */
  readonly starter: number;
}

/** Namespaces that a spec may name, as wv-anchor does. */
export const NAMESPACES: readonly string[] = ["cgroup", "ipc", "mount", "network", "pid", "uts"];

/** Errors: WvisorError; then nothing runs and nothing stays open. */
export function startAnchor(native: Native, options: AnchorOptions): Anchor {
  const { served } = options;
  const ours: number[] = [];
  const theirs: number[] = [];
  let child = 0;
  const pair = (): { our: number; their: number } => {
    const [our, their] = openPair(native);
    ours.push(our);
    theirs.push(their);
    return { our, their };
  };
  try {
    const starter = pair();
    const connections = served.map(() => pair());
    const config = served.length === 0 ? undefined : pair();
    const windows = (served.length === 0 ? undefined : createWindows(native, served.length)) ?? [];
    theirs.push(...windows);
    const io = connections.map(({ our }) => our);
    const own = [options.controller, options.config, options.phase];
    const sentry = [...own, ...windows, ...io, ...options.preserved];
    const control = options.goferControl === undefined ? [] : [options.goferControl];
    const gofer =
      config === undefined
        ? []
        : [...connections.map(({ their }) => their), ...control, ...windows, config.their];
    const command = anchorCommand(native, options, sentry.length, gofer.length);
    const streams = STREAMS.map((stream) => options.terminal ?? stream);
    const mounts = memoryFile(native, options.mounts);
    theirs.push(mounts);
    const handed = [...sentry, ...gofer, mounts];
    child = spawnCommand(native, command, [...streams, starter.their, ...handed]);
    for (const fd of theirs.splice(0)) native.close(fd);
    const hasWindows = windows.length > 0;
    if (config !== undefined) tellGofer(native, config.our, options, hasWindows);
    const pid = awaitAnchor(native, child, starter.our, options.prepare);
    for (const fd of ours.splice(1)) native.close(fd);
    return { pid, starter: starter.our };
  } catch (error) {
    for (const fd of ours) native.close(fd);
    if (child > 0) native.waitpid(child, 1);
    throw error;
  } finally {
    for (const fd of theirs) native.close(fd);
  }
}

/** A gofer that is not there to hear it has an anchor that says why. */
function tellGofer(native: Native, socket: number, options: AnchorOptions, hasWindows: boolean): void {
  const { served, goferControl } = options;
  try {
    const control = goferControl === undefined ? {} : { control: { listen: true } };
    const memory = FIRST_GOFER_FD + served.length + Number(goferControl !== undefined);
    const windows = hasWindows ? { windowFds: { memory, bell: memory + 1 } } : {};
    sendConfig(native, socket, served, { ...options, ...control, ...windows });
  } catch (error) {
    if (!isBrokenPipe(error)) throw error;
  }
}

function anchorCommand(
  native: Native,
  options: AnchorOptions,
  sentryFds: number,
  goferFds: number,
): string[] {
  const sentry = sentryCommand(options, sentryFds);
  const gofer =
    goferFds === 0
      ? []
      : goferCommand(
          native,
          FIRST_GOFER_FD + goferFds,
          FIRST_GOFER_FD + goferFds - 1,
          [`--pdeathsig=${SIGKILL}`],
          options,
        );
  return [
    anchorPath(),
    ...placeArguments(options),
    ...(options.goferControl === undefined ? [] : [`--descriptors=${POD_DESCRIPTORS}`]),
    `--sentry-fds=${sentryFds}`,
    `--gofer-fds=${goferFds}`,
    `--sentry-args=${sentry.length}`,
    "--",
    ...sentry,
    ...gofer,
  ];
}

/** Of wv-anchor. */
export function cgroupArguments(files: readonly string[]): string[] {
  return files.map((file) => `--cgroup=${file}`);
}

/** What a process looks like that stands for this program. */
export function titleArgument(args: readonly string[]): string {
  return `--title=${args.join(" ").slice(0, TITLE_MAX)}`;
}

function placeArguments(place: Place): string[] {
  const { cgroupFiles, oomScoreAdj, namespaces, rootfs, readonlyRoot, hostname, args, terminal, prepare } =
    place;
  return [
    ...cgroupArguments(cgroupFiles),
    ...(oomScoreAdj === undefined ? [] : [`--oom-score-adj=${oomScoreAdj}`]),
    ...namespaces.map(namespaceArgument),
    `--root=${rootfs}`,
    ...(readonlyRoot ? ["--read-only"] : []),
    `--hostname=${hostname}`,
    titleArgument(args),
    ...(terminal === undefined ? [] : ["--terminal"]),
    ...(prepare === undefined ? [] : ["--hooks"]),
  ];
}

function namespaceArgument({ type, path }: Namespace): string {
  if (!NAMESPACES.includes(type)) throw failed(`linux.namespaces: ${type} is not supported`);
  if (path === "") return `--new=${type}`;
  if (type === "mount") throw failed("linux.namespaces: a mount namespace cannot be joined");
  return `--join=${type}:${path}`;
}

function sentryCommand(options: AnchorOptions, fds: number): string[] {
  const count = options.served.length;
  const firstPreserved = FIRST_SENTRY_FD + fds - options.preserved.length;
  const firstIo = firstPreserved - count;
  const io = Array.from({ length: count }, (_, index) => firstIo + index);
  const preserved = options.preserved.map((_, index) => firstPreserved + index);
  const windows = FIRST_SENTRY_FD + 3;
  return [
    launcherPath(),
    `--fds=${FIRST_SENTRY_FD + fds}`,
    `--pdeathsig=${SIGKILL}`,
    `--caps=${SENTRY_CAPABILITIES.toString(HEXADECIMAL)}`,
    "--",
    process.execPath,
    ...NODE_FLAGS,
    builtFile("cli.js"),
    "boot",
    `--bundle=${options.bundle}`,
    `--session-fd=${SESSION_FD}`,
    `--controller-fd=${FIRST_SENTRY_FD}`,
    `--config-fd=${FIRST_SENTRY_FD + 1}`,
    `--phase-fd=${FIRST_SENTRY_FD + 2}`,
    ...(firstIo > windows ? [`--windows-fds=${windows},${windows + 1}`] : []),
    ...(io.length === 0 ? [] : [`--io-fds=${io.join(",")}`]),
    ...(preserved.length === 0 ? [] : [`--preserved-fds=${preserved.join(",")}`]),
    ...(options.terminal === undefined ? [] : ["--console"]),
    ...(options.confinement === "none" ? ["--confine=none"] : []),
    ...(options.report ? ["--confine-report"] : []),
  ];
}

/** (blocks) The pid of the anchor, once it stands. */
function awaitAnchor(
  native: Native,
  child: number,
  starter: number,
  prepare: ((pid: number) => void) | undefined,
): number {
  if (prepare !== undefined) awaitPrepared(native, starter, prepare);
  const status = native.waitpid(child, 1);
  // The anchor itself has the other end too: there is an end of stream only when it is gone.
  const text = native.readable(starter) > 0 ? readReport(native, starter) : "";
  if (status === 0 && /^\d+$/.test(text)) return Number(text);
  throw failed(`starting the container: ${text === "" ? `wv-anchor ended with ${status}` : text}`);
}

/** (blocks) The anchor waits meanwhile. It ends when this fails and its starter closes the socket. */
function awaitPrepared(native: Native, starter: number, prepare: (pid: number) => void): void {
  const text = readReport(native, starter);
  if (!/^\d+\n$/.test(text)) throw failed(`starting the container: ${text}`);
  prepare(Number(text));
  goOn(native, starter);
}

/** (blocks) What comes next; nothing when the other end is gone. */
function readReport(native: Native, starter: number): string {
  const report = new Uint8Array(REPORT_BYTES);
  native.registerMemory(REPORT_SLOT, report);
  const length = native.read(starter, REPORT_SLOT, 0, REPORT_BYTES);
  return new TextDecoder().decode(report.subarray(0, Math.max(length, 0)));
}

/**
 * Of a container in a sandbox that has an anchor already. `session`: its end of the socket to the sentry; it stays the caller's.
 * Errors: WvisorError; then nothing runs.
 */
export function startMemberAnchor(native: Native, place: Place, session: number): Anchor {
  const [starter, end] = openPair(native);
  const theirs = [end];
  try {
    const mounts = memoryFile(native, place.mounts);
    theirs.push(mounts);
    const command = [anchorPath(), "--member", ...placeArguments(place)];
    const streams = STREAMS.map(() => place.terminal ?? DEV_NULL);
    const child = spawnCommand(native, command, [...streams, end, session, mounts]);
    return { pid: awaitAnchor(native, child, starter, place.prepare), starter };
  } catch (error) {
    native.close(starter);
    throw error;
  } finally {
    for (const fd of theirs) native.close(fd);
  }
}

/** A descriptor of a file without a name that holds `text`. Errors: WvisorError. */
function memoryFile(native: Native, text: string): number {
  const fd = native.memfd();
  if (fd < 0) throw failed(`memfd_create: errno ${-fd}`);
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === 0) return fd;
  native.registerMemory(REPORT_SLOT, bytes);
  if (native.pwrite(fd, REPORT_SLOT, 0, bytes.length, 0) === bytes.length) return fd;
  native.close(fd);
  throw failed("the list of mounts cannot be passed on");
}

/** The anchor, and all that runs under it, is gone when this returns. */
export function callOffAnchor(native: Native, { pid, starter }: Anchor): void {
  const anchor = identify(pid);
  native.close(starter);
  if (anchor !== undefined) awaitEnd(anchor, END_TIMEOUT_MS);
}

function goOn(native: Native, starter: number): void {
  native.registerMemory(REPORT_SLOT, new Uint8Array([1]));
  // As long as it can be told it lives, and its pid is nobody else's.
  if (native.write(starter, REPORT_SLOT, 0, 1) < 0) throw failed("the container ended at its start");
}

/** Lets the container live on without us. Errors: WvisorError; then it stays the caller's. */
export function commitAnchor(native: Native, { starter }: Anchor): void {
  goOn(native, starter);
  native.close(starter);
}
