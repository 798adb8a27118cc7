// A file of a host's tree, reached from its directory by one name: nothing here follows a symbolic link, and ".." is no name.
//
// Names are bytes, as Linux has them. Whoever gets a file gives it back by close().

import { EINVAL, EIO, ENODATA, ENOENT, EOPNOTSUPP } from "../../../assembly/abi/errno.ts";
import { AT_REMOVEDIR, O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import * as p9 from "../../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFMT } from "../../../assembly/abi/stat.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Attributes, DirectoryEntry } from "../../p9/messages.ts";
import type { TreeConnection } from "./tree-connection.ts";
import { splitPath } from "./tree-path.ts";

/** What of setattr(2)'s family to change; a field that is not there stays. */
export interface TreeChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: bigint;
  readonly atimeNs?: bigint;
  readonly mtimeNs?: bigint;
}

/** A name that was looked up: its file, or the errno that it gave. */
export type Looked = { readonly name: Buffer; readonly status: number; readonly attributes?: Attributes };

const NANOSECONDS = 1_000_000_000n;
/** Linux's XATTR_SIZE_MAX, and that of a list of names. */
const XATTR_MAX = 65_536n;
/** The largest part of a file that one message holds. */
const DATA_MAX = p9.P9_MSIZE - p9.P9_IOHDRSZ;
const NAME_MAX = 255;

export class TreeFile {
  readonly fid: number;
  /** As they were when the file was reached. */
  readonly attributes: Attributes;
  readonly #connection: TreeConnection;

  constructor(connection: TreeConnection, fid: number, attributes: Attributes) {
    this.#connection = connection;
    this.fid = fid;
    this.attributes = attributes;
  }

  get isDirectory(): boolean {
    return (this.attributes.mode & S_IFMT) === S_IFDIR;
  }

  // ---- reaching other files
  /** A file of its own for what is reached through the names, at most 16; for this file itself without any. Errors: ErrnoError. */
  walk(...names: readonly Uint8Array[]): TreeFile {
    const newfid = this.#connection.takeFid();
    try {
      const fields = { fid: this.fid, newfid, names: names.map(checked) };
      const { status, attributes } = this.#connection.call("walkattr", fields);
      if (status !== 0) throw new ErrnoError(status, "walk");
      const reached = attributes.at(-1);
      const isWhole = attributes.length === Math.max(names.length, 1);
      if (reached === undefined || !isWhole) throw new ErrnoError(EIO, "walk");
      return new TreeFile(this.#connection, newfid, reached);
    } catch (error) {
      this.#connection.giveFid(newfid);
      throw error;
    }
  }

  /** walk() along a path of this tree, "" for this file itself. A symbolic link on the way is ENOTDIR. Errors: ErrnoError. */
  reach(path: Uint8Array): TreeFile {
    const names = splitPath(path);
    let file = this.walk(...names.slice(0, p9.P9_MAXWELEM));
    for (let at = p9.P9_MAXWELEM; at < names.length; at += p9.P9_MAXWELEM) {
      const parent = file;
      try {
        file = parent.walk(...names.slice(at, at + p9.P9_MAXWELEM));
      } finally {
        parent.close();
      }
    }
    return file;
  }

  /** As walk(), but undefined where there is no such name. */
  find(name: Uint8Array): TreeFile | undefined {
    try {
      return this.walk(name);
    } catch (error) {
      if (error instanceof ErrnoError && error.value === ENOENT) return undefined;
      throw error;
    }
  }

  /** What this directory's entries of these names are, in their order. Any number of names; no files come of it. */
  *lookUp(names: readonly Buffer[]): Generator<Looked> {
    for (let at = 0; at < names.length; ) {
      const part = names.slice(at, at + p9.P9_NAMES_MAX);
      const newfids = part.map(() => p9.P9_NOFID);
      const { answers } = this.#connection.call("multigetattr", {
        dfid: this.fid,
        names: part.map(checked),
        newfids,
      });
      if (answers.length === 0 || answers.length > part.length) throw new ErrnoError(EIO, "multigetattr");
      for (const [index, answer] of answers.entries()) yield { name: part[index]!, ...answer };
      at += answers.length;
    }
  }

  // ---- reading
  getattr(): Attributes {
    const mask = BigInt(p9.P9_GETATTR_ALL);
    return this.#connection.call("getattr", { fid: this.fid, mask }).attributes;
  }

  readlink(): Buffer {
    return this.#connection.call("readlink", { fid: this.fid }).target as Buffer;
  }

  /** Makes this file one that can be read and written by, as `flags` (O_*) say. */
  open(flags: number = O_RDONLY): this {
    this.#connection.call("lopen", { fid: this.fid, flags });
    return this;
  }

  /** Up to `length` bytes at `offset`; none at the end. */
  read(offset: number | bigint, length: number): Buffer {
    const count = Math.min(length, DATA_MAX);
    const { data } = this.#connection.call("read", { fid: this.fid, offset: BigInt(offset), count });
    if (data.length > count) throw new ErrnoError(EIO, "read");
    return data as Buffer;
  }

  /** The whole of an open file in pieces, at most `length` bytes of it. */
  *pieces(length: bigint): Generator<Buffer> {
    for (let at = 0n; at < length; ) {
      const left = length - at;
      const piece = this.read(at, left < DATA_MAX ? Number(left) : DATA_MAX);
      if (piece.length === 0) return;
      yield piece;
      at += BigInt(piece.length);
    }
  }

  /** The entries of an open directory, without "." and "..". */
  *entries(): Generator<DirectoryEntry> {
    for (let offset = 0n; ; ) {
      const { entries } = this.#connection.call("readdir", { fid: this.fid, offset, count: DATA_MAX });
      if (entries.length === 0) return;
      for (const entry of entries) if (!isDots(entry.name)) yield entry;
      offset = entries.at(-1)!.offset;
    }
  }

  /** The names in this directory, which need not be open, in the order of their bytes. */
  names(): Buffer[] {
    const opened = this.walk();
    try {
      opened.open();
      return [...opened.entries()].map(({ name }) => name as Buffer).sort(Buffer.compare);
    } finally {
      opened.close();
    }
  }

  // ---- extended attributes
  /** Undefined when there is none of this name, or the file system has none at all. */
  getxattr(name: string): Buffer | undefined {
    try {
      return this.#readXattr(name);
    } catch (error) {
      if (error instanceof ErrnoError && (error.value === ENODATA || error.value === EOPNOTSUPP))
        return undefined;
      throw error;
    }
  }

  /** In the order of their bytes; none where the file system has no attributes. */
  listxattr(): string[] {
    try {
      return this.#readXattr("").toString("latin1").split("\0").slice(0, -1).sort();
    } catch (error) {
      if (error instanceof ErrnoError && error.value === EOPNOTSUPP) return [];
      throw error;
    }
  }

  setxattr(name: string, value: Uint8Array, flags = 0): void {
    const file = this.walk();
    try {
      const size = BigInt(value.length);
      this.#connection.call("xattrcreate", { fid: file.fid, name: Buffer.from(name, "latin1"), size, flags });
      file.writeAll(0, value);
    } finally {
      // The attribute is set now; a refusal comes with this.
      file.close();
    }
  }

  removexattr(name: string): void {
    this.#connection.call("xattrremove", { fid: this.fid, name: Buffer.from(name, "latin1") });
  }

  #readXattr(name: string): Buffer {
    const newfid = this.#connection.takeFid();
    let size: bigint;
    try {
      ({ size } = this.#connection.call("xattrwalk", {
        fid: this.fid,
        newfid,
        name: Buffer.from(name, "latin1"),
      }));
    } catch (error) {
      this.#connection.giveFid(newfid);
      throw error;
    }
    const value = new TreeFile(this.#connection, newfid, this.attributes);
    try {
      if (size > XATTR_MAX) throw new ErrnoError(EIO, "getxattr");
      const bytes = Buffer.concat([...value.pieces(size)]);
      if (BigInt(bytes.length) !== size) throw new ErrnoError(EIO, "getxattr");
      return bytes;
    } finally {
      value.close();
    }
  }

  // ---- changing
  /** Writes all of `data` to an open file. */
  writeAll(offset: number | bigint, data: Uint8Array): void {
    for (let at = 0; at < data.length; ) {
      const part = data.subarray(at, at + DATA_MAX);
      const { count } = this.#connection.call("write", {
        fid: this.fid,
        offset: BigInt(offset) + BigInt(at),
        data: part,
      });
      if (count === 0 || count > part.length) throw new ErrnoError(EIO, "write");
      at += count;
    }
  }

  fsync(): void {
    this.#connection.call("fsync", { fid: this.fid, datasync: 0 });
  }

  setattr(changes: TreeChanges): void {
    const { mode, uid, gid, size, atimeNs, mtimeNs } = changes;
    let valid = 0;
    if (mode !== undefined) valid |= p9.P9_SETATTR_MODE;
    if (uid !== undefined) valid |= p9.P9_SETATTR_UID;
    if (gid !== undefined) valid |= p9.P9_SETATTR_GID;
    if (size !== undefined) valid |= p9.P9_SETATTR_SIZE;
    if (atimeNs !== undefined) valid |= p9.P9_SETATTR_ATIME | p9.P9_SETATTR_ATIME_SET;
    if (mtimeNs !== undefined) valid |= p9.P9_SETATTR_MTIME | p9.P9_SETATTR_MTIME_SET;
    const [atimeSeconds, atimeNanoseconds] = split(atimeNs ?? 0n);
    const [mtimeSeconds, mtimeNanoseconds] = split(mtimeNs ?? 0n);
    this.#connection.call("setattr", {
      fid: this.fid,
      valid,
      mode: mode ?? 0,
      uid: uid ?? 0,
      gid: gid ?? 0,
      size: size ?? 0n,
      atimeSeconds,
      atimeNanoseconds,
      mtimeSeconds,
      mtimeNanoseconds,
    });
  }

  /** Makes a regular file of a name that is free, open to be written: a file of its own. */
  create(name: Uint8Array, mode: number, flags: number): TreeFile {
    const file = this.walk();
    try {
      const fields = { fid: file.fid, name: checked(name), flags, mode, gid: p9.P9_NONUNAME };
      this.#connection.call("lcreate", fields);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  mkdir(name: Uint8Array, mode: number): void {
    this.#connection.call("mkdir", { dfid: this.fid, name: checked(name), mode, gid: p9.P9_NONUNAME });
  }

  symlink(name: Uint8Array, target: Uint8Array): void {
    this.#connection.call("symlink", { dfid: this.fid, name: checked(name), target, gid: p9.P9_NONUNAME });
  }

  mknod(name: Uint8Array, mode: number, major = 0, minor = 0): void {
    const fields = { dfid: this.fid, name: checked(name), mode, major, minor, gid: p9.P9_NONUNAME };
    this.#connection.call("mknod", fields);
  }

  /** Gives `file`, of the same tree, another name. */
  link(name: Uint8Array, file: TreeFile): void {
    this.#connection.call("link", { dfid: this.fid, fid: file.fid, name: checked(name) });
  }

  /** renameat2(2) within the tree. */
  rename(name: Uint8Array, to: TreeFile, newName: Uint8Array, flags = 0): void {
    const fields = {
      olddfid: this.fid,
      newdfid: to.fid,
      oldname: checked(name),
      newname: checked(newName),
      flags,
    };
    this.#connection.call("renameat2", fields);
  }

  unlink(name: Uint8Array, isDirectory = false): void {
    const flags = isDirectory ? AT_REMOVEDIR : 0;
    this.#connection.call("unlinkat", { dfid: this.fid, name: checked(name), flags });
  }

  /** Gives the file back. Errors: those that only show now, as of setxattr(). */
  close(): void {
    try {
      this.#connection.call("clunk", { fid: this.fid });
    } finally {
      this.#connection.giveFid(this.fid);
    }
  }
}

const SLASH = 0x2f;

function isDots(name: Uint8Array): boolean {
  return (name.length === 1 || (name.length === 2 && name[1] === 0x2e)) && name[0] === 0x2e;
}

/** One name of a directory, and no path. */
function checked(name: Uint8Array): Uint8Array {
  const plain =
    name.length > 0 && name.length <= NAME_MAX && !isDots(name) && !name.includes(SLASH) && !name.includes(0);
  if (!plain) throw new ErrnoError(EINVAL, "name");
  return name;
}

function split(time: bigint): [seconds: bigint, nanoseconds: bigint] {
  const nanoseconds = ((time % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return [(time - nanoseconds) / NANOSECONDS, nanoseconds];
}
