// A tree of files in memory, to be served or to learn from: the file interface in full.
//
// Bounds: the bytes of all files together, and the number of files; running into either is ENOSPC.

import {
  EEXIST,
  EFBIG,
  EINVAL,
  EISDIR,
  EMLINK,
  ENODATA,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
} from "../../assembly/abi/errno.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from "../../assembly/abi/fcntl.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../assembly/abi/stat.ts";
import { XATTR_CREATE, XATTR_REPLACE } from "../../assembly/abi/xattr.ts";
import { ErrnoError } from "../common/errors.ts";
import type {
  AttributeChanges,
  FileAttributes,
  FileOwner,
  FileSystemStatus,
  ServedEntry,
  ServedFile,
} from "./served-file.ts";

const DEFAULT_BYTES = 64 << 20;
const DEFAULT_FILES = 65536;
const BLOCK = 4096;
const PERMISSIONS = 0o7777;
const LINKS_MAX = 65000;
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

export interface MemoryTreeOptions {
  /** What all files together may hold. */
  readonly bytes?: number;
  /** How many files there may be. */
  readonly files?: number;
}

/** What the files of one tree share. */
class Budget {
  readonly bytes: number;
  readonly files: number;
  usedBytes = 0;
  usedFiles = 0;
  lastIno = 0;

  constructor({ bytes = DEFAULT_BYTES, files = DEFAULT_FILES }: MemoryTreeOptions) {
    this.bytes = bytes;
    this.files = files;
  }

  /** Counts a change of size, which may be negative. Throws ENOSPC. */
  take(bytes: number): void {
    if (bytes > 0 && this.usedBytes + bytes > this.bytes) throw new ErrnoError(ENOSPC, "write");
    this.usedBytes += bytes;
  }
}

/** A new, empty tree: its root directory. */
export function makeMemoryTree(options: MemoryTreeOptions = {}): MemoryDirectory {
  const root = new MemoryDirectory(new Budget(options), 0o755, { uid: undefined, gid: undefined });
  root.nlink = 2;
  return root;
}

/** What every file has. One without a name lives on as long as the server refers to it. */
class MemoryFile implements ServedFile {
  readonly ino: number;
  nlink = 0;
  protected mode: number;
  protected mtimeNs: bigint;
  protected ctimeNs: bigint;
  protected readonly budget: Budget;
  private uid: number;
  private gid: number;
  private atimeNs: bigint;
  private readonly btimeNs: bigint;
  private readonly xattrs = new Map<string, Buffer>();
  /** The server's references: fids, open or not. */
  private holders = 0;

  constructor(budget: Budget, mode: number, { uid = 0, gid = 0 }: FileOwner) {
    if (budget.usedFiles >= budget.files) throw new ErrnoError(ENOSPC, "create");
    budget.usedFiles++;
    this.budget = budget;
    this.ino = ++budget.lastIno;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    const now = clock();
    this.atimeNs = now;
    this.mtimeNs = now;
    this.ctimeNs = now;
    this.btimeNs = now;
  }

  get type(): number {
    return this.mode & S_IFMT;
  }

  get size(): number {
    return 0;
  }

  attributes(): FileAttributes {
    const { ino, mode, uid, gid, nlink, size, atimeNs, mtimeNs, ctimeNs, btimeNs } = this;
    return { ino, mode, uid, gid, nlink, size, blksize: BLOCK, atimeNs, mtimeNs, ctimeNs, btimeNs };
  }

  setAttributes(changes: AttributeChanges): void {
    const now = clock();
    if (changes.size !== undefined) this.resize(changes.size);
    if (changes.uid !== undefined) this.uid = changes.uid;
    if (changes.gid !== undefined) this.gid = changes.gid;
    if (changes.mode !== undefined) this.mode = this.type | changes.mode;
    if (changes.atimeNs !== undefined) this.atimeNs = changes.atimeNs === "now" ? now : changes.atimeNs;
    if (changes.mtimeNs !== undefined) this.mtimeNs = changes.mtimeNs === "now" ? now : changes.mtimeNs;
    this.ctimeNs = now;
  }

  statfs(): FileSystemStatus {
    const { bytes, files, usedBytes, usedFiles } = this.budget;
    const blocks = Math.floor(bytes / BLOCK);
    const bfree = Math.floor((bytes - usedBytes) / BLOCK);
    return { bsize: BLOCK, blocks, bfree, files, ffree: files - usedFiles };
  }

  getxattr(name: string): Buffer {
    const value = this.xattrs.get(name);
    if (value === undefined) throw new ErrnoError(ENODATA, "getxattr");
    return value;
  }

  listxattr(): Iterable<string> {
    return this.xattrs.keys();
  }

  setxattr(name: string, value: Buffer, flags: number): void {
    const old = this.xattrs.get(name);
    if (old !== undefined && (flags & XATTR_CREATE) !== 0) throw new ErrnoError(EEXIST, "setxattr");
    if (old === undefined && (flags & XATTR_REPLACE) !== 0) throw new ErrnoError(ENODATA, "setxattr");
    this.budget.take(value.length - (old?.length ?? 0) + (old === undefined ? name.length : 0));
    this.xattrs.set(name, value);
    this.ctimeNs = clock();
  }

  removexattr(name: string): void {
    this.budget.take(-this.getxattr(name).length - name.length);
    this.xattrs.delete(name);
    this.ctimeNs = clock();
  }

  acquire(): void {
    this.holders++;
  }

  release(): void {
    this.holders--;
    this.disposeUnused();
  }

  /** A name has gone. */
  unlinked(): void {
    this.nlink--;
    this.ctimeNs = clock();
    this.disposeUnused();
  }

  /** A name has come, or the file has moved. */
  linked(count: number): void {
    if (this.nlink + count > LINKS_MAX) throw new ErrnoError(EMLINK, "link");
    this.nlink += count;
    this.ctimeNs = clock();
  }

  protected resize(_size: number): void {
    throw new ErrnoError(EINVAL, "truncate");
  }

  /** The bytes that the file has taken of the tree's. */
  protected get usedBytes(): number {
    let used = 0;
    for (const [name, value] of this.xattrs) used += name.length + value.length;
    return used;
  }

  private disposeUnused(): void {
    if (this.nlink > 0 || this.holders > 0) return;
    this.budget.usedFiles--;
    this.budget.take(-this.usedBytes);
  }
}

class MemoryRegular extends MemoryFile {
  /** Longer than the file, so that appending is cheap. Zero behind its end. */
  private data = Buffer.alloc(0);
  private length = 0;

  override get size(): number {
    return this.length;
  }

  read(into: Buffer, offset: number): number {
    if (offset >= this.length) return 0;
    return this.data.copy(into, 0, offset, Math.min(this.length, offset + into.length));
  }

  write(data: Buffer, offset: number): number {
    if (data.length > 0) {
      this.reserve(offset + data.length);
      this.data.set(data, offset);
      this.length = Math.max(this.length, offset + data.length);
    }
    this.mtimeNs = clock();
    this.ctimeNs = this.mtimeNs;
    return data.length;
  }

  protected override get usedBytes(): number {
    return super.usedBytes + this.data.length;
  }

  protected override resize(size: number): void {
    this.reserve(size);
    if (size < this.length) this.data.fill(0, size, this.length);
    this.length = size;
    this.mtimeNs = clock();
  }

  private reserve(size: number): void {
    if (size <= this.data.length) return;
    if (size > this.budget.bytes) throw new ErrnoError(EFBIG, "write");
    const capacity = Math.min(Math.max(size, this.data.length * 2, BLOCK), this.budget.bytes);
    this.budget.take(capacity - this.data.length);
    const larger = Buffer.alloc(capacity);
    larger.set(this.data.subarray(0, this.length));
    this.data = larger;
  }
}

class MemoryLink extends MemoryFile {
  private readonly target: Buffer;

  constructor(budget: Budget, target: Buffer, owner: FileOwner) {
    super(budget, S_IFLNK | 0o777, owner);
    this.target = target;
  }

  override get size(): number {
    return this.target.length;
  }

  readlink(): Buffer {
    return this.target;
  }
}

export class MemoryDirectory extends MemoryFile {
  /** By name, as latin1 so that every byte is kept. */
  private readonly children = new Map<string, MemoryFile>();
  private parent: MemoryDirectory | undefined;

  constructor(budget: Budget, permissions: number, owner: FileOwner) {
    super(budget, S_IFDIR | permissions, owner);
  }

  override get size(): number {
    return BLOCK;
  }

  lookup(name: Buffer): MemoryFile {
    const file = this.children.get(name.toString("latin1"));
    if (file === undefined) throw new ErrnoError(ENOENT, "lookup");
    return file;
  }

  *entries(): Iterable<ServedEntry> {
    for (const [name, file] of this.children) {
      yield { name: Buffer.from(name, "latin1"), ino: file.ino, type: file.type };
    }
  }

  create(name: Buffer, permissions: number, owner: FileOwner): ServedFile {
    return this.add(name, () => new MemoryRegular(this.budget, S_IFREG | permissions, owner));
  }

  mkdir(name: Buffer, permissions: number, owner: FileOwner): MemoryDirectory {
    return this.add(name, () => new MemoryDirectory(this.budget, permissions, owner));
  }

  symlink(name: Buffer, target: Buffer, owner: FileOwner): ServedFile {
    return this.add(name, () => new MemoryLink(this.budget, target, owner));
  }

  mknod(name: Buffer, mode: number, owner: FileOwner): ServedFile {
    if ((mode & S_IFMT) === S_IFREG) return this.create(name, mode & PERMISSIONS, owner);
    return this.add(name, () => new MemoryFile(this.budget, mode, owner));
  }

  link(name: Buffer, file: ServedFile): void {
    if (!(file instanceof MemoryFile) || file instanceof MemoryDirectory) throw new ErrnoError(EPERM, "link");
    if (file.nlink === 0) throw new ErrnoError(ENOENT, "link");
    this.add(name, () => file);
  }

  unlink(name: Buffer, isRmdir: boolean): void {
    this.remove(name, isRmdir);
  }

  rename(name: Buffer, to: ServedFile, newName: Buffer, flags: number): void {
    const file = this.lookup(name);
    if (!(to instanceof MemoryDirectory)) throw new ErrnoError(ENOTDIR, "rename");
    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) throw new ErrnoError(EINVAL, "rename");
    if (file instanceof MemoryDirectory && to.isBelow(file)) throw new ErrnoError(EINVAL, "rename");
    const other = to.children.get(newName.toString("latin1"));
    if (other !== undefined && (flags & RENAME_NOREPLACE) !== 0) throw new ErrnoError(EEXIST, "rename");
    if ((flags & RENAME_EXCHANGE) !== 0) {
      this.exchange(name, file, to, newName, other);
      return;
    }
    if (other === file) return;
    if (other !== undefined) to.checkReplace(file, other);
    if (other !== undefined) to.remove(newName, other instanceof MemoryDirectory);
    this.take(name);
    to.put(newName, file);
  }

  override unlinked(): void {
    // Its own "." goes with its name.
    this.nlink--;
    super.unlinked();
  }

  private remove(name: Buffer, isRmdir: boolean): void {
    const file = this.lookup(name);
    if (file instanceof MemoryDirectory) {
      if (!isRmdir) throw new ErrnoError(EISDIR, "unlink");
      file.checkEmpty();
    } else if (isRmdir) {
      throw new ErrnoError(ENOTDIR, "rmdir");
    }
    this.take(name);
    file.unlinked();
  }

  private exchange(
    name: Buffer,
    file: MemoryFile,
    to: MemoryDirectory,
    newName: Buffer,
    other: MemoryFile | undefined,
  ): void {
    if (other === undefined) throw new ErrnoError(ENOENT, "rename");
    if (other instanceof MemoryDirectory && this.isBelow(other)) throw new ErrnoError(EINVAL, "rename");
    if (other === file) return;
    this.take(name);
    to.take(newName);
    this.put(name, other);
    to.put(newName, file);
  }

  private checkReplace(file: MemoryFile, other: MemoryFile): void {
    const isDirectory = file instanceof MemoryDirectory;
    if (other instanceof MemoryDirectory) {
      if (!isDirectory) throw new ErrnoError(EISDIR, "rename");
      other.checkEmpty();
    } else if (isDirectory) {
      throw new ErrnoError(ENOTDIR, "rename");
    }
  }

  private checkEmpty(): void {
    if (this.children.size > 0) throw new ErrnoError(ENOTEMPTY, "rmdir");
  }

  /** Whether this directory is `ancestor` or lies below it. */
  private isBelow(ancestor: MemoryDirectory): boolean {
    for (let at: MemoryDirectory | undefined = this; at !== undefined; at = at.parent) {
      if (at === ancestor) return true;
    }
    return false;
  }

  private add<F extends MemoryFile>(name: Buffer, make: () => F): F {
    if (this.nlink === 0) throw new ErrnoError(ENOENT, "create");
    if (this.children.has(name.toString("latin1"))) throw new ErrnoError(EEXIST, "create");
    const file = make();
    file.linked(file instanceof MemoryDirectory ? 2 : 1);
    this.put(name, file);
    return file;
  }

  /** Enters a file whose names are counted already. */
  private put(name: Buffer, file: MemoryFile): void {
    this.children.set(name.toString("latin1"), file);
    if (file instanceof MemoryDirectory) {
      file.parent = this;
      this.nlink++;
    }
    this.touched();
  }

  private take(name: Buffer): void {
    const key = name.toString("latin1");
    const file = this.children.get(key);
    this.children.delete(key);
    if (file instanceof MemoryDirectory) this.nlink--;
    this.touched();
  }

  private touched(): void {
    this.mtimeNs = clock();
    this.ctimeNs = this.mtimeNs;
  }
}

function clock(): bigint {
  return BigInt(Date.now()) * NANOSECONDS_PER_MILLISECOND;
}
