// A directory of the host, or one regular file, as one connection sees it: Tree's calls in terms of host descriptors.
//
// A handle is an open descriptor. Every descriptor that the connection holds counts against its budget.

import { EMFILE, EPERM } from "../../../assembly/abi/errno.ts";
import { AT_SYMLINK_FOLLOW, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { S_IFDIR, S_IFLNK, S_IFMT } from "../../../assembly/abi/stat.ts";
import { XATTR_SIZE_MAX } from "../../../assembly/abi/xattr.ts";
import { FILES_ONLY, type HostPolicy } from "../../common/host-policy.ts";
import type { Wide } from "../../common/wide.ts";
import type { Native } from "../../native/interface.ts";
import type { Encoder } from "../../p9/server/encoder.ts";
import { NAME_A, PATH, XATTR } from "../../p9/server/memory.ts";
import type { Changes, Owner, Tree } from "../../p9/server/tree.ts";
import { type Arena, LOCK, SLOT, STATFS } from "../arena.ts";
import { putAcls } from "./acl.ts";
import { putAttributes, putQid } from "./attributes.ts";
import type { DescriptorBudget } from "./budget.ts";
import { createFile, createUnnamed, type OpenedFile, settle } from "./create.ts";
import type { HostFs } from "./host-fs.ts";
import type { HostFile, HostNode, HostStream } from "./host-node.ts";
import { openNode } from "./open.ts";
import { readDirectory } from "./readdir.ts";
import { applyChanges } from "./setattr.ts";
import { checkName } from "./xattr.ts";

export interface HostTreeOptions {
  readonly readonly: boolean;
  /** Descriptors of regular files may go to the client. */
  readonly donates: boolean;
  /** Of the descriptors that the connection may hold: its own. */
  readonly budget: DescriptorBudget;
  /** What may be reached besides files and directories: nothing when absent. */
  readonly policy?: HostPolicy;
}

export class HostTree implements Tree {
  readonly memory: Arena;
  readonly root: HostNode;
  readonly readonly: boolean;
  readonly donates: boolean;
  private readonly host: HostFs;
  private readonly native: Native;
  private readonly budget: DescriptorBudget;
  private readonly policy: HostPolicy;

  /** Ownership: borrows `root`, which must outlive the tree. */
  constructor(host: HostFs, root: HostNode, options: HostTreeOptions) {
    this.memory = host.arena;
    this.host = host;
    this.native = host.native;
    this.root = root;
    this.readonly = options.readonly;
    this.donates = options.donates;
    this.budget = options.budget;
    this.policy = options.policy ?? FILES_ONLY;
  }

  attach(): HostNode | number {
    const status = this.getattr(this.root);
    if (status < 0) return status;
    this.root.incRef();
    return this.root;
  }

  disconnect(): void {
    // The root is whoever's who opened it.
  }

  getattr(node: HostNode): number {
    return this.host.statNode(node);
  }

  putQid(reply: Encoder): void {
    putQid(reply, this.host.stat, this.host.qids);
  }

  putAttributes(reply: Encoder): void {
    putAttributes(reply, this.host.stat, this.host.qids);
  }

  putAcls(node: HostNode, reply: Encoder, limit: number): number {
    return putAcls(this.host, node, reply, limit);
  }

  statfs(node: HostNode, reply: Encoder): number {
    const status = this.native.fstatfs(node.fd, SLOT, STATFS);
    if (status < 0) return status;
    const { view } = this.memory;
    // From eight u64: type, bsize, blocks, bfree, bavail, files, ffree, namelen.
    reply.u32(view.getUint32(STATFS, true));
    reply.u32(view.getUint32(STATFS + 8, true));
    reply.copy64(STATFS + 16, 5);
    // No fsid: the client knows the mount, and the host's number means nothing to it.
    reply.u64(0, 0);
    reply.u32(view.getUint32(STATFS + 56, true));
    return 0;
  }

  readlink(node: HostNode, to: number, capacity: number): number {
    return this.native.readlinkat(node.fd, SLOT, -1, to, capacity);
  }

  lookup(dir: HostNode, name: number, length: number): HostNode | number {
    return this.host.openChild(dir, name, length, this.budget);
  }

  isStillAt(node: HostNode, name: number): boolean {
    return this.host.isStillAt(node, name);
  }

  open(node: HostNode, flags: number): number {
    if (!this.budget.allowsOpen(1)) return -EMFILE;
    const fd = openNode(this.host, node, flags, this.policy.fifo === "open");
    if (fd < 0) return fd;
    const status = this.host.statFd(fd);
    if (status < 0) {
      this.native.close(fd);
      return status;
    }
    this.budget.take();
    return fd;
  }

  connect(node: HostNode, type: number): number {
    if (this.policy.uds === "none") return -EPERM;
    if (!this.budget.allowsOpen(1)) return -EMFILE;
    const fd = this.native.connectUnix(node.fd, type);
    if (fd >= 0) this.budget.take();
    return fd;
  }

  close(handle: number): void {
    this.native.close(handle);
    this.budget.release();
  }

  read(handle: number, to: number, count: number, offset: Wide): number {
    return this.native.pread(handle, SLOT, to, count, offset);
  }

  write(handle: number, from: number, count: number, offset: Wide): number {
    return this.native.pwrite(handle, SLOT, from, count, offset);
  }

  fsync(handle: number, dataOnly: boolean): number {
    const { background } = this.host;
    return background?.fsync(handle, dataOnly) ?? this.native.fsync(handle, Number(dataOnly));
  }

  readdir(stream: HostStream, cookieLow: number, cookieHigh: number, reply: Encoder, limit: number): number {
    return readDirectory(this.host, stream, cookieLow, cookieHigh, reply, limit);
  }

  allocate(handle: number, mode: number, offset: Wide, length: Wide): number {
    const { background } = this.host;
    return (
      background?.fallocate(handle, mode, offset, length) ??
      this.native.fallocate(handle, mode, offset, length)
    );
  }

  seek(handle: number, offset: Wide, whence: number): Wide {
    return this.native.lseek(handle, offset, whence);
  }

  copyRange(from: number, fromOffset: Wide, to: number, toOffset: Wide, length: Wide): number {
    return this.native.copyFileRange(from, fromOffset, to, toOffset, length);
  }

  setattr(file: HostFile, changes: Changes): number {
    return applyChanges(this.host, file, changes);
  }

  create(
    dir: HostNode,
    name: number,
    length: number,
    flags: number,
    mode: number,
    owner: Owner,
  ): OpenedFile | number {
    const file = createFile(this.host, dir, name, length, flags, mode, owner, this.budget);
    if (typeof file !== "number") this.budget.take();
    return file;
  }

  createUnnamed(dir: HostNode, mode: number, owner: Owner): HostNode | number {
    return createUnnamed(this.host, dir, mode, owner, this.budget);
  }

  mkdir(dir: HostNode, name: number, length: number, mode: number, owner: Owner): number {
    // What was made is opened then: it must not turn out that it may not.
    if (this.budget.exhausted) return -EMFILE;
    const status = this.native.mkdirat(dir.fd, SLOT, name, mode);
    return status < 0 ? status : this.settle(dir, name, length, S_IFDIR, mode, owner);
  }

  symlink(dir: HostNode, name: number, length: number, _targetLength: number, owner: Owner): number {
    if (this.budget.exhausted) return -EMFILE;
    const status = this.native.symlinkat(SLOT, PATH, dir.fd, name);
    return status < 0 ? status : this.settle(dir, name, length, S_IFLNK, 0, owner);
  }

  mknod(dir: HostNode, name: number, length: number, mode: number, owner: Owner): number {
    if (this.budget.exhausted) return -EMFILE;
    const status = this.native.mknodat(dir.fd, SLOT, name, mode, 0, 0);
    return status < 0 ? status : this.settle(dir, name, length, mode & S_IFMT, mode, owner);
  }

  link(node: HostNode, dir: HostNode, name: number): number {
    // linkat(AT_EMPTY_PATH) wants CAP_DAC_READ_SEARCH; the way through /proc works for everybody.
    this.host.putFdName(node.fd);
    return this.native.linkat(this.host.procSelfFd, SLOT, PATH, dir.fd, name, AT_SYMLINK_FOLLOW);
  }

  rename(
    from: HostNode,
    name: number,
    _length: number,
    to: HostNode,
    newName: number,
    _newLength: number,
    flags: number,
  ): number {
    return this.native.renameat2(from.fd, SLOT, name, to.fd, newName, flags);
  }

  unlink(dir: HostNode, name: number, _length: number, flags: number): number {
    return this.native.unlinkat(dir.fd, SLOT, name, flags);
  }

  checkXattrName(length: number): number {
    return checkName(this.memory.bytes.subarray(NAME_A, NAME_A + length));
  }

  getxattr(node: HostNode): number {
    return this.native.getxattr(this.host.procSelfFd, node.fd, SLOT, NAME_A, XATTR, XATTR_SIZE_MAX);
  }

  listxattr(node: HostNode): number {
    return this.native.listxattr(this.host.procSelfFd, node.fd, SLOT, XATTR, XATTR_SIZE_MAX);
  }

  setxattr(node: HostNode, _length: number, size: number, flags: number): number {
    return this.native.setxattr(this.host.procSelfFd, node.fd, SLOT, NAME_A, XATTR, size, flags);
  }

  removexattr(node: HostNode): number {
    return this.native.removexattr(this.host.procSelfFd, node.fd, SLOT, NAME_A);
  }

  /** An open file description of the owner's own. */
  openLock(node: HostNode, access: number): number {
    if (this.budget.exhausted) return -EMFILE;
    // For both kinds of lock where the gofer may, else for what the fid can do itself.
    let fd = openNode(this.host, node, O_RDWR);
    if (fd < 0) fd = openNode(this.host, node, access);
    if (fd >= 0) this.budget.take();
    return fd;
  }

  setLock(handle: number, type: number, start: Wide, length: Wide): number {
    return this.native.ofdSetLock(handle, type, start, length);
  }

  getLock(handle: number, type: number, start: Wide, length: Wide, reply: Encoder): number {
    const { view } = this.memory;
    view.setInt32(LOCK, type, true);
    view.setInt32(LOCK + 4, 0, true);
    view.setBigInt64(LOCK + 8, BigInt(start), true);
    view.setBigInt64(LOCK + 16, BigInt(length), true);
    const status = this.native.ofdGetLock(handle, SLOT, LOCK);
    if (status < 0) return status;
    reply.u8(view.getInt32(LOCK, true));
    reply.copy64(LOCK + 8, 2);
    return 0;
  }

  private settle(
    dir: HostNode,
    name: number,
    length: number,
    type: number,
    mode: number,
    owner: Owner,
  ): number {
    return settle(this.host, dir, name, length, type, mode, owner, this.budget);
  }
}
