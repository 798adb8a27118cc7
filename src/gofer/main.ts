// The gofer process: parse, receive descriptors, open roots, confine itself, serve, in this order.
//
// It serves 9P2000.L on inherited blocking stream sockets, one per mount, and ends with exit 0 when all are closed; and to
// everybody who connects to an inherited socket that listens.
// It reads no standard input and writes nothing but one line to standard error when it cannot start or go on.

import { fstatSync, writeSync } from "node:fs";
import { EINVAL } from "../../assembly/abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../assembly/abi/fcntl.ts";
import { errnoName, WvisorError } from "../common/errors.ts";
import { loadNative } from "../native/index.ts";
import type { Native } from "../native/interface.ts";
import { PATH } from "../p9/server/memory.ts";
import { Session } from "../p9/server/session.ts";
import { Arena, SLOT } from "./arena.ts";
import { EXIT_FAILED, type MountConfig, parseArguments, readConfig } from "./config.ts";
import { askForRoot, type Cage, leaveLauncher } from "./confine/cage.ts";
import { beginFiles, confineCalls, finishFiles, type ServedRoot } from "./confine/confinement.ts";
import { raiseDescriptorLimit, readIdentity } from "./confine/process.ts";
import { Connection } from "./connection.ts";
import { makeRoot, openSource } from "./host-fs/attach-point.ts";
import { HostFs } from "./host-fs/host-fs.ts";
import type { HostNode } from "./host-fs/host-node.ts";
import { HostTree } from "./host-fs/host-tree.ts";
import { CLIENTS_MAX, Listener } from "./listener.ts";
import { Server } from "./server.ts";

/** What Node itself, the roots and a moment's extra descriptor need. */
const DESCRIPTOR_RESERVE = 64;
/** A limit of less per connection could not walk a single deep path. */
const DESCRIPTORS_MIN = 32;
const STDERR = 2;

function main(): void {
  const { configFd, cage } = parseArguments(process.argv.slice(2));
  const { mounts, confine } = readConfig(configFd);
  if (mounts.length === 0) return;
  for (const mount of mounts) checkSocket(mount.fd);
  if (confine.level === "native+ns" && cage === undefined) throw failure("the launcher made no namespaces");

  const native = loadNative();
  if (native === undefined) throw failure("the native helper is missing: run npm run build:native");
  native.close(configFd);
  process.umask(0);
  native.setNoNewPrivs();
  const descriptors = raiseDescriptorLimit(native) - DESCRIPTOR_RESERVE - mounts.length;
  const clients = Math.max(1, Math.min(CLIENTS_MAX, Math.floor(descriptors / DESCRIPTORS_MIN)));
  const connections = mounts.reduce((sum, { listen }) => sum + (listen ? clients : 1), 0);
  const limit = Math.max(Math.floor(descriptors / connections), DESCRIPTORS_MIN);

  const host = openHost(native, connections, cage);
  const server = new Server(host, succeed(native.epollCreate(), "epoll_create1"));
  // All roots before the first connection: a mount that cannot be served is known before anything is answered.
  const roots = mounts.map((mount) => openMount(host, mount, cage));
  const served = mounts.map(({ readonly }, index) => ({ fd: roots[index]!.fd, readonly }));
  const finish = confine.level === "none" ? undefined : beginConfinement(host, served, cage, confine.report);
  let input = 0;
  for (const [index, { fd, readonly, donate, listen, name }] of mounts.entries()) {
    const options = { readonly, donates: donate, descriptors: limit };
    const makeTree = () => new HostTree(host, roots[index]!, options);
    const { arena } = host;
    if (listen) {
      const listener = new Listener(fd, native, arena, makeTree, name, input, clients);
      succeed(server.listen(listener), `listening socket ${fd}`);
    } else {
      const connection = new Connection(fd, new Session(makeTree()), native, arena, arena.input(input));
      succeed(server.add(connection), `mount socket ${fd}`);
    }
    input += listen ? clients : 1;
  }
  finish?.();
  succeed(server.run(), "epoll_wait");
}

/** Everything is open that ever will be by name. Returns what finishes it. */
function beginConfinement(
  host: HostFs,
  roots: readonly ServedRoot[],
  cage: Cage | undefined,
  report: boolean,
): () => void {
  const { native, arena } = host;
  const begun = succeed(beginFiles(native, roots), "confinement: capabilities and Landlock");
  return () => {
    succeed(native.enterDescriptorDirectory(host.procSelfFd), "confinement: entering /proc/self/fd");
    succeed(finishFiles(native, begun), "confinement: capabilities and Landlock");
    if (cage !== undefined) succeed(leaveLauncher(native, arena, cage), "confinement: removing /proc");
    succeed(confineCalls(native, report), "confinement: seccomp");
  };
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

try {
  main();
} catch (error) {
  const message = error instanceof WvisorError ? error.message : ((error as Error).stack ?? String(error));
  // process.stderr would look at what kind of file it is, which a confined process may not.
  writeSync(STDERR, `wvisor gofer: ${message.replaceAll("\n", " ")}\n`);
  process.exitCode = EXIT_FAILED;
}
