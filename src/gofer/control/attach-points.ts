// What the gofer serves besides its mounts: trees that came as descriptors over a control connection while it ran.
//
// Ownership
//   An attach point is a connection and its root. Both end together, when the client closes its end or when it is removed.

import { EEXIST, EINVAL, ENFILE, ENOENT, EXDEV } from "../../../assembly/abi/errno.ts";
import { O_CLOEXEC, O_NONBLOCK, O_PATH, O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import { S_IFDIR } from "../../../assembly/abi/stat.ts";
import { errnoName } from "../../common/errors.ts";
import { PATH } from "../../p9/server/memory.ts";
import { Session } from "../../p9/server/session.ts";
import type { PassedFiles } from "../../urpc/passed-files.ts";
import { type FreeInputs, SLOT } from "../arena.ts";
import type { Capacity } from "../capacity.ts";
import { SocketChannel } from "../channel.ts";
import { Connection } from "../connection.ts";
import { makeRoot } from "../host-fs/attach-point.ts";
import type { HostFs } from "../host-fs/host-fs.ts";
import type { HostNode } from "../host-fs/host-node.ts";
import { HostTree } from "../host-fs/host-tree.ts";
import { SAFE_FLAGS } from "../host-fs/open.ts";
import type { Server } from "../server.ts";

export interface AttachPointOptions {
  /** Unlike all others, and what clients may call the tree. */
  readonly name: string;
  readonly readonly: boolean;
  /** Whether open descriptors of regular files may go to the client. */
  readonly donate: boolean;
}

interface AttachPoint {
  readonly options: AttachPointOptions;
  readonly connection: Connection;
}

// The descriptors of a new attach point, in this order.
const SOCKET = 0;
const ROOT = 1;
const FILES = 2;

export class AttachPoints {
  private readonly host: HostFs;
  private readonly server: Server;
  private readonly inputs: FreeInputs;
  private readonly capacity: Capacity;
  /** The process has no file system of its own: a root that leads to anything above would be a way out. */
  readonly isCaged: boolean;
  private readonly points = new Map<string, AttachPoint>();

  constructor(host: HostFs, server: Server, inputs: FreeInputs, capacity: Capacity, isCaged: boolean) {
    this.host = host;
    this.server = server;
    this.inputs = inputs;
    this.capacity = capacity;
    this.isCaged = isCaged;
  }

  /** Serves the tree of one descriptor on the socket that the other is. Throws what the caller is told. */
  add(options: AttachPointOptions, files: PassedFiles): void {
    if (files.count !== FILES) {
      throw refusal(EINVAL, `expected two descriptors, a socket and a root, but ${files.count} came`);
    }
    if (this.points.has(options.name)) {
      throw refusal(EEXIST, `${JSON.stringify(options.name)} is an attach point already`);
    }
    if (this.points.size >= this.capacity.attachPoints) {
      throw refusal(ENFILE, `there are ${this.points.size} attach points already`);
    }
    check(this.host.native.checkUnixStream(files.get(SOCKET)), "the socket is no unix stream connection");
    const root = this.openRoot(files);
    // Each attach point has one, and no more clients than connections that listeners may have are there at a time.
    const input = this.inputs.take()!;
    this.serve(options, files.take(SOCKET), root, input);
  }

  remove(name: string): void {
    const point = this.points.get(name);
    if (point === undefined) throw refusal(ENOENT, `${JSON.stringify(name)} is no attach point`);
    this.server.end(point.connection);
  }

  list(): AttachPointOptions[] {
    return Array.from(this.points.values(), ({ options }) => options);
  }

  private openRoot(files: PassedFiles): HostNode {
    const { host } = this;
    const root = makeRoot(host, files.take(ROOT));
    if (typeof root === "number") throw refusal(-root, "the root is neither a directory nor a regular file");
    try {
      this.checkRoot(root);
    } catch (error) {
      root.decRef();
      throw error;
    }
    // A number that stood for one file system may stand for another by now.
    host.withoutAcls.clear();
    return root;
  }

  private checkRoot(root: HostNode): void {
    const { native, procSelfFd } = this.host;
    const fd = native.reopen(procSelfFd, root.fd, O_RDONLY | SAFE_FLAGS);
    check(fd, "the root cannot be opened: its mode forbids it, or it is not where this gofer may open files");
    native.close(fd);
    if (this.isCaged && root.type === S_IFDIR && this.leadsOut(root)) {
      throw refusal(EXDEV, "the root has a directory above it: it is no mount of its own");
    }
  }

  private leadsOut(root: HostNode): boolean {
    const { host } = this;
    host.arena.putPath("..");
    const above = host.native.openat(root.fd, SLOT, PATH, O_PATH | O_CLOEXEC, 0);
    if (above < 0) return true;
    const status = host.statFd(above);
    host.native.close(above);
    return status < 0 || !root.isDescribedBy(host.stat);
  }

  private serve(options: AttachPointOptions, socket: number, root: HostNode, input: number): void {
    const { host, capacity } = this;
    const { native, arena } = host;
    const { name, readonly, donate } = options;
    // Nothing that others do with the socket can hold up the gofer then.
    native.fcntlSetFlags(socket, native.fcntlGetFlags(socket) | O_NONBLOCK);
    const tree = new HostTree(host, root, { readonly, donates: donate, budget: capacity.budget() });
    const channel = new SocketChannel(socket, native, arena);
    const connection = new Connection(channel, new Session(tree, name), arena, input, () => {
      this.points.delete(name);
      root.decRef();
      this.inputs.give(input);
    });
    this.points.set(name, { options, connection });
    check(this.server.add(connection), "epoll_ctl");
  }
}

function check(status: number, what: string): void {
  if (status < 0) throw refusal(-status, what);
}

function refusal(errno: number, what: string): Error {
  return new Error(`${errnoName(errno)}: ${what}`);
}
