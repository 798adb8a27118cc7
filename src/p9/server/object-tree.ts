// A tree of objects (served-file.ts) as one connection sees it.
//
// Every method of an object is called through the request under way (call.ts), since its answer may come later.

import {
  EBADF,
  EEXIST,
  EFBIG,
  EINVAL,
  EIO,
  EISDIR,
  ELOOP,
  EMFILE,
  ENODATA,
  ENOTDIR,
  ENXIO,
  EOPNOTSUPP,
} from "../../../assembly/abi/errno.ts";
import {
  AT_REMOVEDIR,
  O_ACCMODE,
  O_APPEND,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from "../../../assembly/abi/fcntl.ts";
import * as p9 from "../../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../../assembly/abi/stat.ts";
import type { Wide } from "../../common/wide.ts";
import type {
  AttributeChanges,
  Awaitable,
  FileOwner,
  FileSystemStatus,
  OpenFile,
  ServedCall,
  ServedEntry,
  ServedFile,
} from "../served-file.ts";
import { type Call, Calls } from "./call.ts";
import type { Encoder } from "./encoder.ts";
import { END, Memory, NAME_A, PATH, XATTR } from "./memory.ts";
import { bounded, checkEntry, checkStatus, checkValue, listOf } from "./object-answers.ts";
import { checkAttributes, type Described, put64, putAttributes, putQid } from "./object-attributes.ts";
import { ObjectNode } from "./object-node.ts";
import { qidType } from "./qid.ts";
import { OFFSET_END, RangeLocks } from "./range-locks.ts";
import { refusal } from "./refusal.ts";
import type { ChangedFile, Changes, CreatedFile, DirectoryStream, Owner, Tree } from "./tree.ts";

/** Open files of one connection, as RLIMIT_NOFILE bounds them elsewhere. */
const HANDLES_MAX = 4096;
/** qid[13] offset[8] type[1] and the name's length[2]. */
const ENTRY_HEAD = 24;
const NANOSECONDS = 1_000_000_000n;
const NAME_MAX = 255;
const EMPTY: FileSystemStatus = { bsize: 4096, blocks: 0, bfree: 0 };

interface Handle {
  readonly node: ObjectNode;
  readonly file: OpenFile;
  readonly flags: number;
  /** A directory's entries, as they were when it was read from its start. */
  entries: readonly ServedEntry[];
  /** It stands for an owner of locks. */
  readonly isLock: boolean;
}

/** What the connections of one server share. */
export class ObjectTreeState {
  readonly memory = new Memory(new ArrayBuffer(END + p9.P9_MSIZE));
  readonly root: ServedFile;
  readonly readonly: boolean;
  /** Told what was thrown that is no errno. */
  readonly onError: (error: unknown) => void;
  private readonly locks = new Map<string, RangeLocks>();
  /** For the bytes of one read, so that not every one takes new memory. */
  private spare: ArrayBuffer | undefined;

  constructor(root: ServedFile, readonly: boolean, onError: (error: unknown) => void) {
    this.root = root;
    this.readonly = readonly;
    this.onError = onError;
  }

  locksOf(node: ObjectNode): RangeLocks {
    let locks = this.locks.get(node.identity);
    if (locks === undefined) {
      locks = new RangeLocks();
      this.locks.set(node.identity, locks);
    }
    return locks;
  }

  /** A buffer that nobody else has, until giveBuffer(). Preconditions: `size` is at most a message's. */
  takeBuffer(size: number): Buffer {
    const memory = this.spare ?? new ArrayBuffer(p9.P9_MSIZE);
    this.spare = undefined;
    return Buffer.from(memory, 0, size);
  }

  giveBuffer(buffer: Buffer): void {
    this.spare = buffer.buffer as ArrayBuffer;
  }

  releaseLocks(node: ObjectNode, owner: object): void {
    const locks = this.locks.get(node.identity);
    locks?.release(owner);
    if (locks?.isEmpty === true) this.locks.delete(node.identity);
  }
}

export class ObjectTree implements Tree {
  readonly memory: Memory;
  readonly readonly: boolean;
  readonly donates = false;
  readonly calls: Calls;
  private readonly state: ObjectTreeState;
  private readonly handles = new Map<number, Handle>();
  private nextHandle = 0;
  /** Undefined until somebody attaches. */
  private rootNode: ObjectNode | undefined;
  /** What the last call that fills has found. */
  private found: Described | undefined;

  constructor(state: ObjectTreeState) {
    this.state = state;
    this.memory = state.memory;
    this.readonly = state.readonly;
    this.calls = new Calls(state.onError);
  }

  get root(): ObjectNode {
    return this.rootNode!;
  }

  attach(): ObjectNode | number {
    const status = this.attempt((call) => this.fill(call, this.state.root));
    if (status < 0) return status;
    this.rootNode ??= new ObjectNode(
      this.state.root,
      this.found!,
      null,
      new Uint8Array(0),
      this.state.onError,
    );
    this.rootNode.incRef();
    return this.rootNode;
  }

  disconnect(): void {
    this.rootNode?.decRef();
  }

  getattr(node: ObjectNode): number {
    return this.attempt((call) => this.fill(call, node.file));
  }

  putQid(reply: Encoder): void {
    putQid(reply, this.found!);
  }

  putAttributes(reply: Encoder): void {
    putAttributes(reply, this.found!);
  }

  putAcls(): number {
    return -EOPNOTSUPP;
  }

  statfs(node: ObjectNode, reply: Encoder): number {
    return this.attempt((call) => {
      const { root } = this.state;
      const status = call.ask<FileSystemStatus, FileSystemStatus>(
        () => node.file.statfs?.(call) ?? root.statfs?.(call) ?? EMPTY,
        checkStatus,
      );
      reply.u32(status.type ?? 0);
      reply.u32(status.bsize);
      for (const count of [status.blocks, status.bfree, status.bfree, status.files ?? 0, status.ffree ?? 0]) {
        put64(reply, BigInt(count));
      }
      put64(reply, 0n);
      reply.u32(NAME_MAX);
      return 0;
    });
  }

  readlink(node: ObjectNode, to: number, capacity: number): number {
    return this.attempt((call) => {
      const target = call.ask(
        () => node.file.readlink?.(call) ?? "",
        (text) => Buffer.from(text as string),
      );
      return target.copy(this.memory.bytes, to, 0, capacity);
    });
  }

  lookup(dir: ObjectNode, name: number, length: number): ObjectNode | number {
    return this.make(dir, name, length, (file, bytes, call) => {
      if (file.lookup === undefined) throw refusal(ENOTDIR);
      return file.lookup(bytes, call);
    });
  }

  isStillAt(node: ObjectNode, name: number): boolean {
    const { parent } = node;
    if (!(parent instanceof ObjectNode) || parent.file.lookup === undefined) return false;
    const bytes = this.nameAt(name, node.name.length);
    const entry = this.attempt((call) => {
      const file = call.askFile(() => parent.file.lookup!(bytes, call), EIO);
      return this.attributesOf(call, file).ino === node.ino ? 1 : 0;
    });
    return entry === 1;
  }

  open(node: ObjectNode, flags: number): number {
    const access = flags & O_ACCMODE;
    if (access === O_ACCMODE) return -EINVAL;
    const { type } = node;
    if (type === S_IFDIR && (access !== O_RDONLY || (flags & O_TRUNC) !== 0)) return -EISDIR;
    if (type === S_IFLNK) return -ELOOP;
    if (type !== S_IFDIR && (flags & O_DIRECTORY) !== 0) return -ENOTDIR;
    if (type !== S_IFDIR && type !== S_IFREG) return -ENXIO;
    return this.attempt((call) => {
      const { file } = node;
      call.ask(() => this.handles.size, checkHandles);
      if ((flags & O_TRUNC) !== 0) {
        if (file.setAttributes === undefined) throw refusal(EOPNOTSUPP);
        call.ask(() => file.setAttributes!({ size: 0 }, call), ignore);
      }
      this.fill(call, file);
      const open = type === S_IFDIR ? {} : call.askOpen(() => file.open?.(flags, call) ?? file);
      call.claim();
      return this.keep({ node, file: open, flags, entries: [], isLock: false });
    });
  }

  close(number: number): void {
    const handle = this.handles.get(number);
    this.handles.delete(number);
    if (handle === undefined) return;
    if (handle.isLock) this.state.releaseLocks(handle.node, handle);
    else if (handle.file !== handle.node.file) this.calls.current.last(() => handle.file.close?.());
  }

  read(number: number, to: number, count: number, offset: Wide): number {
    return this.attempt((call) => {
      const { file, flags } = this.handle(number);
      if ((flags & O_ACCMODE) === O_WRONLY) throw refusal(EBADF);
      if (file.read === undefined) throw refusal(EOPNOTSUPP);
      // No object is larger than what a number can say, so that beyond it there is only the end.
      if (typeof offset === "bigint") return 0;
      // Not the reply itself: other messages are answered before a promise settles.
      let into: Buffer;
      const data = call.ask(
        () => {
          into = this.state.takeBuffer(count);
          return file.read!(into, offset, call);
        },
        (done) => into.subarray(0, bounded(done, count)),
      );
      this.memory.bytes.set(data, to);
      this.state.giveBuffer(data);
      return data.length;
    });
  }

  write(number: number, from: number, count: number, offset: Wide): number {
    return this.attempt((call) => {
      const { file, flags, node } = this.handle(number);
      if ((flags & O_ACCMODE) === O_RDONLY) throw refusal(EBADF);
      if (file.write === undefined) throw refusal(EOPNOTSUPP);
      const at = (flags & O_APPEND) === 0 ? offset : this.attributesOf(call, node.file).size;
      if (typeof at === "bigint") throw refusal(EFBIG);
      return call.ask(
        () => file.write!(Buffer.from(this.bytesAt(from, count)), at, call),
        (done) => bounded(done, count),
      );
    });
  }

  fsync(number: number, dataOnly: boolean): number {
    return this.attempt((call) => {
      const { file } = this.handle(number);
      call.ask(() => file.fsync?.(dataOnly, call), ignore);
      return 0;
    });
  }

  /** Cookies count the entries of the list that was made when the directory was read from its start. */
  readdir(
    stream: DirectoryStream,
    cookieLow: number,
    cookieHigh: number,
    reply: Encoder,
    limit: number,
  ): number {
    return this.attempt((call) => {
      const handle = this.handle(stream.handle);
      const { node } = handle;
      if (cookieLow === 0 && cookieHigh === 0) {
        handle.entries = call.ask(
          () => listOf(node.file.entries?.(call) ?? []),
          (entries) => [...dots(node), ...Array.from(entries, checkEntry)],
        );
      }
      const start = cookieHigh * 0x1_0000_0000 + cookieLow;
      for (let at = start; at < handle.entries.length; at++) {
        const entry = handle.entries[at]!;
        const name = Buffer.from(entry.name as string);
        if (reply.position + ENTRY_HEAD + name.length > limit) return -EINVAL;
        reply.u8(qidType(entry.type));
        reply.u32(0);
        put64(reply, BigInt.asUintN(64, BigInt(entry.ino)));
        put64(reply, BigInt(at + 1));
        reply.u8(entry.type >>> 12);
        reply.u16(name.length);
        reply.data(name);
      }
      return 0;
    });
  }

  allocate(): number {
    return -EOPNOTSUPP;
  }

  seek(): number {
    return -EOPNOTSUPP;
  }

  copyRange(): number {
    return -EOPNOTSUPP;
  }

  setattr(changed: ChangedFile, changes: Changes): number {
    return this.attempt((call) => {
      const { file } = changed.node as ObjectNode;
      if (file.setAttributes === undefined) throw refusal(EOPNOTSUPP);
      const named = namedChanges(changes);
      call.ask(() => file.setAttributes!(named, call), ignore);
      return 0;
    });
  }

  create(
    dir: ObjectNode,
    name: number,
    length: number,
    flags: number,
    mode: number,
    owner: Owner,
  ): CreatedFile | number {
    if ((flags & O_ACCMODE) === O_ACCMODE || (flags & O_DIRECTORY) !== 0) return -EINVAL;
    let node = this.make(dir, name, length, (file, bytes, call) => {
      if (file.lookup === undefined) throw refusal(ENOTDIR);
      checkHandles(this.handles.size);
      return file.create?.(bytes, mode, ownerOf(owner), call);
    });
    let openFlags = flags & ~O_TRUNC;
    if (node === -EEXIST && (flags & O_EXCL) === 0) {
      node = this.lookup(dir, name, length);
      openFlags = flags;
      if (typeof node !== "number" && node.type === S_IFDIR) {
        node.decRef();
        return -EEXIST;
      }
    }
    if (typeof node === "number") return node;
    const handle = this.open(node, openFlags);
    if (handle >= 0) return { node, handle };
    node.decRef();
    return handle;
  }

  createUnnamed(): number {
    return -EOPNOTSUPP;
  }

  connect(): number {
    return -EOPNOTSUPP;
  }

  mkdir(dir: ObjectNode, name: number, length: number, mode: number, owner: Owner): number {
    return this.add(dir, name, length, (file, bytes, call) =>
      file.mkdir?.(bytes, mode, ownerOf(owner), call),
    );
  }

  symlink(dir: ObjectNode, name: number, length: number, targetLength: number, owner: Owner): number {
    const target = Buffer.from(this.bytesAt(PATH, targetLength));
    return this.add(dir, name, length, (file, bytes, call) =>
      file.symlink?.(bytes, target, ownerOf(owner), call),
    );
  }

  mknod(dir: ObjectNode, name: number, length: number, mode: number, owner: Owner): number {
    return this.add(dir, name, length, (file, bytes, call) =>
      file.mknod?.(bytes, mode, ownerOf(owner), call),
    );
  }

  link(node: ObjectNode, dir: ObjectNode, name: number, length: number): number {
    return this.change(dir, dir.file.link, (call) =>
      dir.file.link!(this.nameAt(name, length), node.file, call),
    );
  }

  rename(
    from: ObjectNode,
    name: number,
    length: number,
    to: ObjectNode,
    newName: number,
    newLength: number,
    flags: number,
  ): number {
    if (to.file.lookup === undefined) return -ENOTDIR;
    return this.change(from, from.file.rename, (call) => {
      const names = [this.nameAt(name, length), this.nameAt(newName, newLength)] as const;
      return from.file.rename!(names[0], to.file, names[1], flags, call);
    });
  }

  unlink(dir: ObjectNode, name: number, length: number, flags: number): number {
    return this.change(dir, dir.file.unlink, (call) =>
      dir.file.unlink!(this.nameAt(name, length), (flags & AT_REMOVEDIR) !== 0, call),
    );
  }

  checkXattrName(): number {
    return 0;
  }

  getxattr(node: ObjectNode, length: number): number {
    return this.attempt((call) => {
      const { file } = node;
      if (file.getxattr === undefined) throw refusal(EOPNOTSUPP);
      return this.putValue(call.ask(() => file.getxattr!(this.xattrName(length), call), checkValue));
    });
  }

  listxattr(node: ObjectNode): number {
    return this.attempt((call) => {
      const names = call.ask(
        () => node.file.listxattr?.(call) ?? [],
        (list) => checkValue(Buffer.from(Array.from(list, (name) => `${name}\0`).join(""))),
      );
      return this.putValue(names);
    });
  }

  setxattr(node: ObjectNode, length: number, size: number, flags: number): number {
    return this.attempt((call) => {
      const { file } = node;
      if (file.setxattr === undefined) throw refusal(EOPNOTSUPP);
      const value = Buffer.from(this.bytesAt(XATTR, size));
      call.ask(() => file.setxattr!(this.xattrName(length), value, flags, call), ignore);
      return 0;
    });
  }

  removexattr(node: ObjectNode, length: number): number {
    return this.attempt((call) => {
      const { file } = node;
      if (file.removexattr === undefined) throw refusal(ENODATA);
      call.ask(() => file.removexattr!(this.xattrName(length), call), ignore);
      return 0;
    });
  }

  openLock(node: ObjectNode): number {
    if (this.handles.size >= HANDLES_MAX) return -EMFILE;
    return this.keep({ node, file: {}, flags: 0, entries: [], isLock: true });
  }

  setLock(number: number, type: number, start: Wide, length: Wide): number {
    return this.attempt(() => {
      const owner = this.handle(number);
      const status = this.state.locksOf(owner.node).set({ owner, type, ...rangeOf(start, length) });
      if (status < 0) throw refusal(-status);
      return 0;
    });
  }

  getLock(number: number, type: number, start: Wide, length: Wide, reply: Encoder): number {
    return this.attempt(() => {
      const owner = this.handle(number);
      const wanted = { owner, type, ...rangeOf(start, length) };
      const lock = this.state.locksOf(owner.node).findConflict(wanted);
      const found = lock ?? wanted;
      reply.u8(lock?.type ?? p9.P9_LOCK_TYPE_UNLCK);
      put64(reply, found.start);
      put64(reply, found.end === OFFSET_END ? 0n : found.end - found.start);
      return 0;
    });
  }

  private keep(handle: Handle): number {
    const number = this.nextHandle++;
    this.handles.set(number, handle);
    return number;
  }

  private handle(number: number): Handle {
    const handle = this.handles.get(number);
    if (handle === undefined) throw refusal(EBADF);
    return handle;
  }

  private bytesAt(at: number, length: number): Buffer {
    const { buffer } = this.memory.bytes;
    return Buffer.from(buffer, at, length);
  }

  /** A copy: whoever gets a name may keep it. */
  private nameAt(at: number, length: number): Buffer {
    return Buffer.from(this.bytesAt(at, length));
  }

  private xattrName(length: number): string {
    return this.bytesAt(NAME_A, length).toString();
  }

  private putValue(value: Uint8Array): number {
    this.memory.bytes.set(value, XATTR);
    return value.length;
  }

  private attributesOf(call: Call, file: ServedFile): Described {
    return call.ask(() => file.attributes(call), checkAttributes);
  }

  /** Finds a file's attributes; returns 0. */
  private fill(call: Call, file: ServedFile): number {
    this.found = this.attributesOf(call, file);
    return 0;
  }

  /** A node for what `get` gives, with its attributes found. */
  private make(dir: ObjectNode, name: number, length: number, get: Maker): ObjectNode | number {
    let node: ObjectNode | undefined;
    const status = this.attempt((call) => {
      const bytes = this.nameAt(name, length);
      const file = call.askFile(() => get(dir.file, bytes, call), EOPNOTSUPP);
      this.fill(call, file);
      node = new ObjectNode(file, this.found!, dir, bytes, this.state.onError);
      return 0;
    });
    return node ?? status;
  }

  /** As make(), when nobody wants a node. */
  private add(dir: ObjectNode, name: number, length: number, get: Maker): number {
    const node = this.make(dir, name, length, (file, bytes, call) => {
      if (file.lookup === undefined) throw refusal(ENOTDIR);
      return get(file, bytes, call);
    });
    if (typeof node === "number") return node;
    node.decRef();
    return 0;
  }

  /** Has a directory change an entry by one of its methods, which it may not have. */
  private change(dir: ObjectNode, method: unknown, get: (call: Call) => Awaitable<void>): number {
    return this.attempt((call) => {
      if (dir.file.lookup === undefined) throw refusal(ENOTDIR);
      if (method === undefined) throw refusal(EOPNOTSUPP);
      call.ask(() => get(call), ignore);
      return 0;
    });
  }

  /** What `run` returns, or -errno for what it throws. */
  private attempt(run: (call: Call) => number): number {
    const call = this.calls.current;
    return call.attempt(() => run(call));
  }
}

type Maker = (file: ServedFile, name: Buffer, call: ServedCall) => Awaitable<ServedFile> | undefined;

function ignore(): void {}

function checkHandles(count: number): void {
  if (count >= HANDLES_MAX) throw refusal(EMFILE);
}

/** "." and ".."; the root is its own parent. */
function dots(node: ObjectNode): ServedEntry[] {
  const parent = (node.parent ?? node) as ObjectNode;
  return [
    { name: ".", ino: node.ino, type: S_IFDIR },
    { name: "..", ino: parent.ino, type: S_IFDIR },
  ];
}

function rangeOf(start: Wide, length: Wide): { readonly start: bigint; readonly end: bigint } {
  const first = BigInt(start);
  return { start: first, end: length === 0 ? OFFSET_END : first + BigInt(length) };
}

function ownerOf({ uid, gid }: Owner): FileOwner {
  const named = (id: number): number | undefined => (id === p9.P9_NONUNAME ? undefined : id);
  return { uid: named(uid), gid: named(gid) };
}

function namedChanges(changes: Changes): AttributeChanges {
  const { valid, size } = changes;
  const has = (bit: number): boolean => (valid & bit) !== 0;
  if (has(p9.P9_SETATTR_SIZE) && typeof size === "bigint") throw refusal(EFBIG);
  const time = (bit: number, setBit: number, seconds: number, nanoseconds: number) => {
    if (!has(bit)) return undefined;
    return has(setBit) ? BigInt(seconds) * NANOSECONDS + BigInt(nanoseconds) : ("now" as const);
  };
  const atimeNs = time(
    p9.P9_SETATTR_ATIME,
    p9.P9_SETATTR_ATIME_SET,
    changes.atimeSeconds,
    changes.atimeNanoseconds,
  );
  const mtimeNs = time(
    p9.P9_SETATTR_MTIME,
    p9.P9_SETATTR_MTIME_SET,
    changes.mtimeSeconds,
    changes.mtimeNanoseconds,
  );
  return {
    ...(has(p9.P9_SETATTR_MODE) ? { mode: changes.mode & 0o7777 } : {}),
    ...(has(p9.P9_SETATTR_UID) ? { uid: changes.uid } : {}),
    ...(has(p9.P9_SETATTR_GID) ? { gid: changes.gid } : {}),
    ...(has(p9.P9_SETATTR_SIZE) ? { size: Number(size) } : {}),
    ...(atimeNs === undefined ? {} : { atimeNs }),
    ...(mtimeNs === undefined ? {} : { mtimeNs }),
  };
}
