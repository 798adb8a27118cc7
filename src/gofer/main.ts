// The gofer process: parse, receive descriptors, open roots, confine itself, serve, in this order.
//
// It serves 9P2000.L on inherited blocking stream sockets, one per mount, and ends with exit 0 when all are closed; and to
// everybody who connects to an inherited socket that listens. Over a control connection others are added and removed meanwhile.
// It reads no standard input and writes nothing but one line to standard error when it cannot start or go on.

import { fstatSync, writeSync } from "node:fs";
import { EINVAL } from "../../assembly/abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../assembly/abi/fcntl.ts";
import { errnoName, WvisorError } from "../common/errors.ts";
import { loadNative, NATIVE_REMEDY, nativeProblem } from "../native/index.ts";
import type { Native } from "../native/interface.ts";
import { PATH } from "../p9/server/memory.ts";
import { Session } from "../p9/server/session.ts";
import { Arena, FreeInputs, SLOT } from "./arena.ts";
import { Background } from "./background.ts";
import { Capacity } from "./capacity.ts";
import { type Channel, SocketChannel, WindowChannel } from "./channel.ts";
import { EXIT_FAILED } from "./checked-json.ts";
import {
  type ControlConfig,
  type GoferConfig,
  type MountConfig,
  parseArguments,
  readConfig,
  type WindowsConfig,
} from "./config.ts";
import { askForRoot, type Cage, leaveLauncher } from "./confine/cage.ts";
import { beginFiles, confineCalls, finishFiles, type ServedRoot } from "./confine/confinement.ts";
import { limitDescriptors, readIdentity } from "./confine/process.ts";
import { Connection } from "./connection.ts";
import { AttachPoints } from "./control/attach-points.ts";
import { ControlEndpoint } from "./control/endpoint.ts";
import { makeDispatcher } from "./control/methods.ts";
import { makeRoot, openSource } from "./host-fs/attach-point.ts";
import { HostFs } from "./host-fs/host-fs.ts";
import type { HostNode } from "./host-fs/host-node.ts";
import { HostTree } from "./host-fs/host-tree.ts";
import { Listener } from "./listener.ts";
import { resolveMounts, sendMounts, writeAll } from "./mounts/mount-list.ts";
import { Server } from "./server.ts";
import { Windows } from "./windows.ts";

const STDERR = 2;

function main(): void {
  const { configFd, cage } = parseArguments(process.argv.slice(2));
  const config = readConfig(configFd);
  const { mounts, confine, control } = config;
  if (mounts.length === 0 && control === undefined) return;
  for (const mount of mounts) checkSocket(mount.fd);
  if (control !== undefined) checkSocket(control.fd);
  if (confine.level === "native+ns" && cage === undefined) throw failure("the launcher made no namespaces");

  const native = loadNative();
  if (native === undefined) throw failure(`no native helper: ${nativeProblem()}; needed: ${NATIVE_REMEDY}`);
  native.close(configFd);
  for (const { fd, listen } of mounts) {
    if (!listen)
      succeed(native.checkUnixStream(fd), `starting connection on FD ${fd} for gofer mount failed`);
  }
  process.umask(0);
  native.setNoNewPrivs();
  const capacity = makeCapacity(native, config);
  const host = openHost(native, capacity.connections, cage);
  if (capacity.connections > 1) host.background = startBackground(native, capacity.connections);
  const windows = config.windows === undefined ? undefined : mapWindows(native, config.windows);
  const server = new Server(host, succeed(native.epollCreate(), "epoll_create1"), windows);
  // All roots before the first connection: a mount that cannot be served is known before anything is answered.
  const roots = mounts.map((mount) => openMount(host, mount, cage));
  const finish = confine.level === "none" ? undefined : beginConfinement(host, config, roots, cage);
  const inputs = new FreeInputs(host.arena, capacity.connections);
  for (const [index, mount] of mounts.entries())
    serve(host, server, inputs, capacity, config, mount, roots[index]!);
  if (control !== undefined) {
    const points = new AttachPoints(host, server, inputs, capacity, cage !== undefined);
    serveControl(host, server, points, control);
  }
  finish?.();
  tellOthers(host, config, roots, capacity);
  succeed(server.run(), "epoll_wait");
}

/** What there is for connections, once the limit of descriptors is what it was told to be. */
function makeCapacity(native: Native, { mounts, control, descriptors }: GoferConfig): Capacity {
  const limit = limitDescriptors(native, descriptors);
  if (descriptors !== undefined && limit !== descriptors) {
    warn(`RLIMIT_NOFILE stays ${limit}: it may not become ${descriptors}`);
  }
  const capacity = new Capacity(limit, mounts, control !== undefined);
  if (descriptors !== undefined && !capacity.isEnough) {
    throw failure(`${limit} descriptors are not enough for ${capacity.connections} connections`);
  }
  return capacity;
}

function startBackground(native: Native, calls: number): Background {
  const background = Background.start(native, calls);
  if (typeof background === "number") throw failure(`background threads: ${errnoName(-background)}`);
  return background;
}

/** The list of mounts comes when the gofer is confined and as good as serving: its reader need wait for nothing else. */
function tellOthers(
  host: HostFs,
  { list, procSyncFd }: GoferConfig,
  roots: readonly HostNode[],
  capacity: Capacity,
): void {
  const { native, arena } = host;
  if (procSyncFd !== undefined) {
    const status = writeAll(native, arena, procSyncFd, new Uint8Array(1));
    succeed(status, "unable to write into the proc umounter descriptor");
    native.close(procSyncFd);
  }
  if (list === undefined) return;
  const mounts = resolveMounts(host, list.mounts, roots, capacity.budget());
  succeed(sendMounts(native, arena, list.fd, mounts), "sending the list of mounts");
}

function serve(
  host: HostFs,
  server: Server,
  inputs: FreeInputs,
  capacity: Capacity,
  { host: policy }: GoferConfig,
  { fd, readonly, donate, listen, name, window }: MountConfig,
  root: HostNode,
): void {
  const { native, arena } = host;
  const makeTree = () =>
    new HostTree(host, root, { readonly, donates: donate, budget: capacity.budget(), policy });
  if (listen) {
    const offer = { makeTree, treeName: name, clients: capacity.clients };
    succeed(server.listen(new Listener(fd, native, arena, inputs, server, offer)), `listening socket ${fd}`);
  } else {
    const input = inputs.take()!;
    const released = () => inputs.give(input);
    const channel = openChannel(host, fd, server.windows, window);
    const connection = new Connection(channel, new Session(makeTree()), arena, input, released);
    succeed(server.add(connection), `mount socket ${fd}`);
  }
}

function mapWindows(native: Native, { memory, bell }: WindowsConfig): Windows {
  const map = succeed(native.windowsMap(memory, bell), `windows ${memory}`);
  native.close(memory);
  return new Windows(native, map, bell);
}

function openChannel(host: HostFs, fd: number, windows: Windows | undefined, window?: number): Channel {
  const { native, arena } = host;
  if (windows === undefined || window === undefined) return new SocketChannel(fd, native, arena);
  return new WindowChannel(succeed(windows.open(window, fd), `window ${window}`), fd, native);
}

function serveControl(
  host: HostFs,
  server: Server,
  points: AttachPoints,
  { fd, listen }: ControlConfig,
): void {
  const { native, arena, identity } = host;
  const endpoint = new ControlEndpoint(fd, native, arena, server, makeDispatcher(points), identity.uid);
  succeed(listen ? server.listen(endpoint) : endpoint.connect(), `control socket ${fd}`);
}

/** Everything is open that ever will be by name. Returns what finishes it. */
function beginConfinement(
  host: HostFs,
  { mounts, confine, control, host: { uds } }: GoferConfig,
  roots: readonly HostNode[],
  cage: Cage | undefined,
): () => void {
  const { native, arena } = host;
  const served = mounts.map(({ readonly }, index) => ({ fd: roots[index]!.fd, readonly }));
  const isOpen = control !== undefined && cage !== undefined;
  const beneath = isOpen ? [] : openBeneath(host, control);
  // What comes later to a gofer in namespaces is a mount of its own, which lies beneath nothing that could be named now; and besides
  // such mounts it has no files.
  const begun = succeed(
    beginFiles(native, isOpen ? undefined : [...served, ...beneath], confine),
    "confinement: capabilities and Landlock",
  );
  for (const { fd } of beneath) native.close(fd);
  return () => {
    succeed(native.enterDescriptorDirectory(host.procSelfFd), "confinement: entering /proc/self/fd");
    succeed(finishFiles(native, begun), "confinement: capabilities and Landlock");
    if (cage !== undefined) succeed(leaveLauncher(native, arena, cage), "confinement: removing /proc");
    succeed(confineCalls(native, confine, uds !== "none"), "confinement: seccomp");
  };
}

/** Where later roots may lie. */
function openBeneath(host: HostFs, control: ControlConfig | undefined): ServedRoot[] {
  const paths = control?.beneath ?? [];
  return paths.map((path) => {
    return { fd: succeed(openSource(host, path), `control: beneath ${path}`), readonly: false };
  });
}

function checkSocket(fd: number): void {
  let isSocket = false;
  try {
    isSocket = fstatSync(fd).isSocket();
  } catch {
    // Not open at all: the same complaint.
  }
  if (!isSocket) throw failure(`config: descriptor ${fd} is not a socket`);
}

function openHost(native: Native, connections: number, cage: Cage | undefined): HostFs {
  const arena = new Arena(connections);
  succeed(native.registerMemory(SLOT, arena.bytes), "arena");
  return new HostFs(native, arena, cage?.procFd ?? openProcSelfFd(native, arena), readIdentity());
}

function openProcSelfFd(native: Native, arena: Arena): number {
  arena.putPath("/proc/self/fd");
  const fd = native.openat(AT_FDCWD, SLOT, PATH, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  return succeed(fd, "/proc/self/fd");
}

function openMount(host: HostFs, { source, readonly }: MountConfig, cage: Cage | undefined): HostNode {
  const { native, arena } = host;
  const fd =
    cage === undefined ? openSource(host, source) : askForRoot(native, arena, cage, source, readonly);
  const root = fd < 0 ? fd : makeRoot(host, fd);
  if (typeof root !== "number") return root;
  throw failure(`mount source ${source}: ${describe(root)}`);
}

function describe(error: number): string {
  const reason = error === -EINVAL ? "neither a directory nor a regular file" : "cannot be opened";
  return `${errnoName(-error)}: ${reason}`;
}

function succeed(result: number, what: string): number {
  if (result < 0) throw failure(`${what}: ${errnoName(-result)}`);
  return result;
}

function failure(message: string): WvisorError {
  return new WvisorError("ERR_WVISOR_GOFER", message, EXIT_FAILED);
}

function warn(message: string): void {
  // process.stderr would look at what kind of file it is, which a confined process may not.
  writeSync(STDERR, `wvisor gofer: warning: ${message}\n`);
}

try {
  main();
} catch (error) {
  const message = error instanceof WvisorError ? error.message : ((error as Error).stack ?? String(error));
  writeSync(STDERR, `wvisor gofer: ${message.replaceAll("\n", " ")}\n`);
  process.exitCode = EXIT_FAILED;
}
