// The gofer process: parse, receive descriptors, open roots, serve, in this order.
//
// It serves 9P2000.L on inherited blocking stream sockets, one per mount, and ends with exit 0 when all are closed; and to
// everybody who connects to an inherited socket that listens.
// It reads no standard input and writes nothing but one line to standard error when it cannot start or go on.

import { fstatSync } from "node:fs";
import { EINVAL } from "../../assembly/abi/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../assembly/abi/fcntl.ts";
import { errnoName, WvisorError } from "../common/errors.ts";
import { loadNative } from "../native/index.ts";
import type { Native } from "../native/interface.ts";
import { PATH } from "../p9/server/memory.ts";
import { Session } from "../p9/server/session.ts";
import { Arena, SLOT } from "./arena.ts";
import { EXIT_FAILED, type MountConfig, parseArguments, readConfig } from "./config.ts";
import { raiseDescriptorLimit, readIdentity } from "./confine/process.ts";
import { Connection } from "./connection.ts";
import { openRoot } from "./host-fs/attach-point.ts";
import { HostFs } from "./host-fs/host-fs.ts";
import type { HostNode } from "./host-fs/host-node.ts";
import { HostTree } from "./host-fs/host-tree.ts";
import { CLIENTS_MAX, Listener } from "./listener.ts";
import { Server } from "./server.ts";

/** What Node itself, the roots and a moment's extra descriptor need. */
const DESCRIPTOR_RESERVE = 64;
/** A limit of less per connection could not walk a single deep path. */
const DESCRIPTORS_MIN = 32;

function main(): void {
  const configFd = parseArguments(process.argv.slice(2));
  const mounts = readConfig(configFd);
  if (mounts.length === 0) return;
  for (const mount of mounts) checkSocket(mount.fd);

  const native = loadNative();
  if (native === undefined) throw failure("the native helper is missing: run npm run build:native");
  native.close(configFd);
  process.umask(0);
  native.setNoNewPrivs();
  const descriptors = raiseDescriptorLimit(native) - DESCRIPTOR_RESERVE - mounts.length;
  const clients = Math.max(1, Math.min(CLIENTS_MAX, Math.floor(descriptors / DESCRIPTORS_MIN)));
  const connections = mounts.reduce((sum, { listen }) => sum + (listen ? clients : 1), 0);
  const limit = Math.max(Math.floor(descriptors / connections), DESCRIPTORS_MIN);

  const host = openHost(native, connections);
  const server = new Server(host, succeed(native.epollCreate(), "epoll_create1"));
  // All roots before the first connection: a mount that cannot be served is known before anything is answered.
  const roots = mounts.map((mount) => openMount(host, mount));
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
  succeed(server.run(), "epoll_wait");
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

function openHost(native: Native, connections: number): HostFs {
  const arena = new Arena(connections);
  succeed(native.registerMemory(SLOT, arena.bytes), "arena");
  arena.putPath("/proc/self/fd");
  const procSelfFd = native.openat(AT_FDCWD, SLOT, PATH, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  return new HostFs(native, arena, succeed(procSelfFd, "/proc/self/fd"), readIdentity());
}

function openMount(host: HostFs, mount: MountConfig): HostNode {
  const root = openRoot(host, mount.source);
  if (typeof root !== "number") return root;
  throw failure(`mount source ${mount.source}: ${describe(root)}`);
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
  process.stderr.write(`wvisor gofer: ${message.replaceAll("\n", " ")}\n`);
  process.exitCode = EXIT_FAILED;
}
