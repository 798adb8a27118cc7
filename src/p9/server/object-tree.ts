// A tree of objects (served-file.ts) as one connection sees it.

import * as errnoValues from "../../../assembly/abi/errno.ts";
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
  ERANGE,
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
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../../assembly/abi/stat.ts";
import { XATTR_SIZE_MAX } from "../../../assembly/abi/xattr.ts";
import type { Wide } from "../../common/wide.ts";
import type {
  AttributeChanges,
  FileOwner,
  FileSystemStatus,
  OpenFile,
  ServedEntry,
  ServedFile,
} from "../served-file.ts";
import type { Encoder } from "./encoder.ts";
import { END, Memory, NAME_A, PATH, XATTR } from "./memory.ts";
import { type Described, describe, put64, putAttributes, putQid } from "./object-attributes.ts";
import { ObjectNode } from "./object-node.ts";
import { qidType } from "./qid.ts";
import { OFFSET_END, RangeLocks } from "./range-locks.ts";
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

  releaseLocks(node: ObjectNode, owner: object): void {
    const locks = this.locks.get(node.identity);
    locks?.release(owner);
    if (locks?.isEmpty === true) this.locks.delete(node.identity);
  }
}

export class ObjectTree implements Tree {
  readonly memory: Memory;
  readonly root: ObjectNode;
  readonly readonly: boolean;
  readonly donates = false;
  private readonly state: ObjectTreeState;
  private readonly handles = new Map<number, Handle>();
  private nextHandle = 0;
  /** What the last call that fills has found. */
  private found: Described;

  constructor(state: ObjectTreeState) {
    this.state = state;
    this.memory = state.memory;
    this.readonly = state.readonly;
    this.found = describe(state.root);
    this.root = new ObjectNode(state.root, this.found, null, new Uint8Array(0), state.onError);
  }

  disconnect(): void {
    this.root.decRef();
  }

  getattr(node: ObjectNode): number {
    return this.attempt(() => {
      this.found = describe(node.file);
      return 0;
    });
  }

  putQid(reply: Encoder): void {
    putQid(reply, this.found);
  }

  putAttributes(reply: Encoder): void {
    putAttributes(reply, this.found);
  }

  putAcls(): number {
    return -EOPNOTSUPP;
  }

  statfs(node: ObjectNode, reply: Encoder): number {
    return this.attempt(() => {
      const status = node.file.statfs?.() ?? this.state.root.statfs?.() ?? EMPTY;
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
    return this.attempt(() => {
      const target = Buffer.from((node.file.readlink?.() ?? "") as string);
      return target.copy(this.memory.bytes, to, 0, capacity);
    });
  }

  lookup(dir: ObjectNode, name: number, length: number): ObjectNode | number {
    return this.make(dir, name, length, (file, bytes) => {
      if (file.lookup === undefined) throw refusal(ENOTDIR);
      return file.lookup(bytes);
    });
  }

  isStillAt(node: ObjectNode, name: number): boolean {
    const { parent } = node;
    if (!(parent instanceof ObjectNode)) return false;
    const entry = this.attempt(() => {
      const file = parent.file.lookup?.(this.bytesAt(name, node.name.length));
      return file !== undefined && BigInt(file.attributes().ino) === node.ino ? 1 : 0;
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
    return this.attempt(() => {
      if (this.handles.size >= HANDLES_MAX) throw refusal(EMFILE);
      if ((flags & O_TRUNC) !== 0) {
        if (node.file.setAttributes === undefined) throw refusal(EOPNOTSUPP);
        node.file.setAttributes({ size: 0 });
      }
      const file = type === S_IFDIR ? {} : (node.file.open?.(flags) ?? node.file);
      this.found = describe(node.file);
      return this.keep({ node, file, flags, entries: [], isLock: false });
    });
  }

  close(number: number): void {
    const handle = this.handles.get(number);
    this.handles.delete(number);
    if (handle === undefined) return;
    if (handle.isLock) this.state.releaseLocks(handle.node, handle);
    else if (handle.file !== handle.node.file) this.attempt(() => handle.file.close?.() ?? 0);
  }

  read(number: number, to: number, count: number, offset: Wide): number {
    return this.attempt(() => {
      const { file, flags } = this.handle(number);
      if ((flags & O_ACCMODE) === O_WRONLY) throw refusal(EBADF);
      if (file.read === undefined) throw refusal(EOPNOTSUPP);
      // No object is larger than what a number can say, so that beyond it there is only the end.
      if (typeof offset === "bigint") return 0;
      return bounded(file.read(this.bytesAt(to, count), offset), count);
    });
  }

  write(number: number, from: number, count: number, offset: Wide): number {
    return this.attempt(() => {
      const { file, flags, node } = this.handle(number);
      if ((flags & O_ACCMODE) === O_RDONLY) throw refusal(EBADF);
      if (file.write === undefined) throw refusal(EOPNOTSUPP);
      const at = (flags & O_APPEND) === 0 ? offset : node.file.attributes().size;
      if (typeof at === "bigint") throw refusal(EFBIG);
      return bounded(file.write(this.bytesAt(from, count), at), count);
    });
  }

  fsync(number: number, dataOnly: boolean): number {
    return this.attempt(() => {
      this.handle(number).file.fsync?.(dataOnly);
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
    return this.attempt(() => {
      const handle = this.handle(stream.handle);
      const { node } = handle;
      if (cookieLow === 0 && cookieHigh === 0) {
        handle.entries = [...dots(node), ...Array.from(node.file.entries?.() ?? [], checkEntry)];
      }
      const start = cookieHigh * 0x1_0000_0000 + cookieLow;
      for (let at = start; at < handle.entries.length; at++) {
        const entry = handle.entries[at]!;
        const name = Buffer.from(entry.name as string);
        if (name.length === 0 || name.length > NAME_MAX)
          throw new Error("an entry has no name of 1 to 255 bytes");
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

  setattr(file: ChangedFile, changes: Changes): number {
    return this.attempt(() => {
      const served = (file.node as ObjectNode).file;
      if (served.setAttributes === undefined) throw refusal(EOPNOTSUPP);
      served.setAttributes(namedChanges(changes));
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
    if (this.handles.size >= HANDLES_MAX) return -EMFILE;
    let node = this.make(dir, name, length, (file, bytes) => {
      if (file.lookup === undefined) throw refusal(ENOTDIR);
      if (file.create === undefined) throw refusal(EOPNOTSUPP);
      return file.create(bytes, mode, ownerOf(owner));
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

  mkdir(dir: ObjectNode, name: number, length: number, mode: number, owner: Owner): number {
    return this.add(dir, name, length, (file, bytes) => file.mkdir?.(bytes, mode, ownerOf(owner)));
  }

  symlink(dir: ObjectNode, name: number, length: number, targetLength: number, owner: Owner): number {
    const target = Buffer.from(this.bytesAt(PATH, targetLength));
    return this.add(dir, name, length, (file, bytes) => file.symlink?.(bytes, target, ownerOf(owner)));
  }

  mknod(dir: ObjectNode, name: number, length: number, mode: number, owner: Owner): number {
    return this.add(dir, name, length, (file, bytes) => file.mknod?.(bytes, mode, ownerOf(owner)));
  }

  link(node: ObjectNode, dir: ObjectNode, name: number, length: number): number {
    return this.attempt(() => {
      if (dir.file.lookup === undefined) throw refusal(ENOTDIR);
      if (dir.file.link === undefined) throw refusal(EOPNOTSUPP);
      dir.file.link(this.nameAt(name, length), node.file);
      return 0;
    });
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
    return this.attempt(() => {
      if (from.file.lookup === undefined || to.file.lookup === undefined) throw refusal(ENOTDIR);
      if (from.file.rename === undefined) throw refusal(EOPNOTSUPP);
      from.file.rename(this.nameAt(name, length), to.file, this.nameAt(newName, newLength), flags);
      return 0;
    });
  }

  unlink(dir: ObjectNode, name: number, length: number, flags: number): number {
    return this.attempt(() => {
      if (dir.file.lookup === undefined) throw refusal(ENOTDIR);
      if (dir.file.unlink === undefined) throw refusal(EOPNOTSUPP);
      dir.file.unlink(this.nameAt(name, length), (flags & AT_REMOVEDIR) !== 0);
      return 0;
    });
  }

  checkXattrName(): number {
    return 0;
  }

  getxattr(node: ObjectNode, length: number): number {
    return this.attempt(() => {
      if (node.file.getxattr === undefined) throw refusal(EOPNOTSUPP);
      return this.putValue(node.file.getxattr(this.xattrName(length)));
    });
  }

  listxattr(node: ObjectNode): number {
    return this.attempt(() => {
      const names = [...(node.file.listxattr?.() ?? [])];
      return this.putValue(Buffer.from(names.map((name) => `${name}\0`).join("")));
    });
  }

  setxattr(node: ObjectNode, length: number, size: number, flags: number): number {
    return this.attempt(() => {
      if (node.file.setxattr === undefined) throw refusal(EOPNOTSUPP);
      node.file.setxattr(this.xattrName(length), Buffer.from(this.bytesAt(XATTR, size)), flags);
      return 0;
    });
  }

  removexattr(node: ObjectNode, length: number): number {
    return this.attempt(() => {
      if (node.file.removexattr === undefined) throw refusal(ENODATA);
      node.file.removexattr(this.xattrName(length));
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
    if (value.length > XATTR_SIZE_MAX) throw refusal(ERANGE);
    this.memory.bytes.set(value, XATTR);
    return value.length;
  }

  /** A node for what `get` gives, with its attributes found. */
  private make(
    dir: ObjectNode,
    name: number,
    length: number,
    get: (file: ServedFile, name: Buffer) => ServedFile | undefined,
  ): ObjectNode | number {
    let node: ObjectNode | undefined;
    const status = this.attempt(() => {
      const bytes = this.nameAt(name, length);
      const file = get(dir.file, bytes);
      if (file === undefined) throw refusal(EOPNOTSUPP);
      this.found = describe(file);
      node = new ObjectNode(file, this.found, dir, bytes, this.state.onError);
      return 0;
    });
    return node ?? status;
  }

  /** As make(), when nobody wants a node. */
  private add(
    dir: ObjectNode,
    name: number,
    length: number,
    get: (file: ServedFile, name: Buffer) => ServedFile | undefined,
  ): number {
    const node = this.make(dir, name, length, (file, bytes) => {
      if (file.lookup === undefined) throw refusal(ENOTDIR);
      return get(file, bytes);
    });
    if (typeof node === "number") return node;
    node.decRef();
    return 0;
  }

  /** What `call` returns, or -errno for what it throws. */
  private attempt(call: () => number): number {
    try {
      return call();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) this.state.onError(error);
      return -(errno ?? EIO);
    }
  }
}

/** Thrown and caught in this file: cheaper than an error, since nobody asks where it came from. */
class Refusal {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

function refusal(value: number): Refusal {
  return new Refusal(value);
}

const ERRNO_END = 512;

/** The errno that a thrown value carries: an ErrnoError's, or that of an error of Node. */
function errnoOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { value, errno, code } = error as { value?: unknown; errno?: unknown; code?: unknown };
  const named = typeof code === "string" ? (errnoValues as Record<string, number>)[code] : undefined;
  const number =
    typeof value === "number" ? value : (named ?? (typeof errno === "number" ? Math.abs(errno) : 0));
  return Number.isInteger(number) && number > 0 && number < ERRNO_END ? number : undefined;
}

/** Throws for an entry that no directory has. */
function checkEntry(entry: ServedEntry): ServedEntry {
  const name = Buffer.from(entry.name as string);
  const isName = name.length > 0 && name.length <= NAME_MAX && !name.includes(0) && !name.includes("/");
  if (!isName || (entry.type & ~S_IFMT) !== 0) throw new Error("an entry has no name, or no type");
  return { name, ino: BigInt(entry.ino), type: entry.type };
}

/** "." and ".."; the root is its own parent. */
function dots(node: ObjectNode): ServedEntry[] {
  const parent = (node.parent ?? node) as ObjectNode;
  return [
    { name: ".", ino: node.ino, type: S_IFDIR },
    { name: "..", ino: parent.ino, type: S_IFDIR },
  ];
}

/** A count that an object gave, no larger than what was asked for. */
function bounded(count: number, limit: number): number {
  if (!Number.isInteger(count) || count < 0 || count > limit)
    throw new Error(`read or wrote ${count} of ${limit} bytes`);
  return count;
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
