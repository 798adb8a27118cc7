// A file of the server, by a fid of its own. Whoever gets one gives it back by clunk() (or remove()).
//
// Names are strings, taken as UTF-8, or bytes.

import { EINVAL, EIO, EISDIR, ENOENT, ENOTDIR, EOPNOTSUPP } from "../../../assembly/abi/errno.ts";
import { AT_REMOVEDIR, O_RDONLY } from "../../../assembly/abi/fcntl.ts";
import * as p9 from "../../../assembly/abi/p9.ts";
import { XATTR_REPLACE } from "../../../assembly/abi/xattr.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Attributes, DirectoryEntry, FieldsOf, Qid } from "../messages.ts";
import type { ClientConnection } from "./connection.ts";
import type { FidNumbers } from "./fid-numbers.ts";

export type Name = string | Uint8Array;

/** What a file needs of its client. */
export interface RemoteSession {
  readonly connection: ClientConnection;
  readonly fids: FidNumbers;
  readonly extended: boolean;
}

export interface RemoteLock {
  /** P9_LOCK_TYPE_*. */
  readonly type: number;
  readonly start: bigint;
  /** 0: to the end of any file. */
  readonly length: bigint;
  readonly processId: number;
  readonly clientId: string;
}

/** What of setattr(2)'s family to change; a field that is not there stays. */
export interface RemoteChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: bigint;
  readonly atimeNs?: bigint | "now";
  readonly mtimeNs?: bigint | "now";
}

export interface Walked {
  /** Of each component that was reached. */
  readonly attributes: readonly Attributes[];
  /** Where all were reached. */
  readonly file: RemoteFile | undefined;
  /** The errno that the next component gave, or 0. */
  readonly status: number;
}

const NANOSECONDS = 1_000_000_000n;
/** What Linux's client keeps free in a message of data (P9_IOHDRSZ). */
const HEADROOM = p9.P9_IOHDRSZ;

export class RemoteFile {
  readonly fid: number;
  /** Whether the fid is an open file. */
  isOpen = false;
  private current: Qid;
  private readonly session: RemoteSession;

  constructor(session: RemoteSession, fid: number, qid: Qid) {
    this.session = session;
    this.fid = fid;
    this.current = qid;
  }

  /** As the server described the file when the fid came to be what it is. */
  get qid(): Qid {
    return this.current;
  }

  // ---- walking
  /** Another fid for the file that is reached through `names`, which may be many; without names for this one. */
  async walk(...names: Name[]): Promise<RemoteFile> {
    let file = await this.walkOnce(names.slice(0, p9.P9_MAXWELEM));
    for (let at = p9.P9_MAXWELEM; at < names.length; at += p9.P9_MAXWELEM) {
      const previous = file;
      try {
        file = await previous.walkOnce(names.slice(at, at + p9.P9_MAXWELEM));
      } finally {
        await previous.clunk();
      }
    }
    return file;
  }

  /**
   * As walk() for up to 16 names, with the attributes of all that was reached, also when not all was. One round trip with
   * wVisor's extension.
   */
  async walkAttributes(...names: Name[]): Promise<Walked> {
    if (names.length > p9.P9_MAXWELEM) throw new RangeError(`a walk of ${names.length} names`);
    if (this.session.extended) return this.walkExtended(names);
    const attributes: Attributes[] = [];
    let file: RemoteFile = this;
    try {
      for (const name of names) {
        const next = await file.walk(name);
        if (file !== this) await file.clunk();
        file = next;
        attributes.push(await file.getattr());
      }
      if (file === this) file = await this.walk();
      if (names.length === 0) attributes.push(await file.getattr());
      return { attributes, file, status: 0 };
    } catch (error) {
      if (file !== this) await file.clunk();
      if (error instanceof ErrnoError) return { attributes, file: undefined, status: error.value };
      throw error;
    }
  }

  // ---- what it is
  async getattr(mask: number = p9.P9_GETATTR_ALL): Promise<Attributes> {
    const { attributes } = await this.call("getattr", { fid: this.fid, mask: BigInt(mask) });
    return attributes;
  }

  async setattr(changes: RemoteChanges): Promise<void> {
    const { mode, uid, gid, size, atimeNs, mtimeNs } = changes;
    let valid = 0;
    if (mode !== undefined) valid |= p9.P9_SETATTR_MODE;
    if (uid !== undefined) valid |= p9.P9_SETATTR_UID;
    if (gid !== undefined) valid |= p9.P9_SETATTR_GID;
    if (size !== undefined) valid |= p9.P9_SETATTR_SIZE;
    if (atimeNs !== undefined) valid |= p9.P9_SETATTR_ATIME;
    if (mtimeNs !== undefined) valid |= p9.P9_SETATTR_MTIME;
    if (typeof atimeNs === "bigint") valid |= p9.P9_SETATTR_ATIME_SET;
    if (typeof mtimeNs === "bigint") valid |= p9.P9_SETATTR_MTIME_SET;
    const atime = split(atimeNs);
    const mtime = split(mtimeNs);
    await this.call("setattr", {
      fid: this.fid,
      valid,
      mode: mode ?? 0,
      uid: uid ?? 0,
      gid: gid ?? 0,
      size: size ?? 0n,
      atimeSeconds: atime.seconds,
      atimeNanoseconds: atime.nanoseconds,
      mtimeSeconds: mtime.seconds,
      mtimeNanoseconds: mtime.nanoseconds,
    });
  }

  async statfs(): Promise<FieldsOf<"Rstatfs">> {
    return this.call("statfs", { fid: this.fid });
  }

  async readlink(): Promise<Buffer> {
    const { target } = await this.call("readlink", { fid: this.fid });
    return target as Buffer;
  }

  // ---- open files
  async open(flags: number = O_RDONLY): Promise<this> {
    const { qid } = await this.call("lopen", { fid: this.fid, flags });
    this.current = qid;
    this.isOpen = true;
    return this;
  }

  /** Makes a regular file in this directory and opens it: this fid is the new file from then on. */
  async create(name: Name, flags: number, mode: number, gid: number = p9.P9_NONUNAME): Promise<this> {
    const { qid } = await this.call("lcreate", { fid: this.fid, name: toBytes(name), flags, mode, gid });
    this.current = qid;
    this.isOpen = true;
    return this;
  }

  /** Up to `count` bytes, at most what one message holds; none at the end. */
  async read(offset: bigint | number, count: number, signal?: AbortSignal): Promise<Buffer> {
    const wanted = Math.min(count, this.session.connection.messageSize - HEADROOM);
    const fields = { fid: this.fid, offset: BigInt(offset), count: wanted };
    const { data } = await this.session.connection.call("read", fields, signal);
    if (data.length > wanted) throw protocolError("more than was asked for");
    return data as Buffer;
  }

  /** Writes what one message holds, at most; returns how much was written. */
  async write(offset: bigint | number, data: Uint8Array): Promise<number> {
    const part = data.subarray(0, this.session.connection.messageSize - HEADROOM);
    const { count } = await this.call("write", { fid: this.fid, offset: BigInt(offset), data: part });
    if (count > part.length) throw protocolError("more was written than was sent");
    return count;
  }

  async fsync(dataOnly = false): Promise<void> {
    await this.call("fsync", { fid: this.fid, datasync: dataOnly ? 1 : 0 });
  }

  /** The entries behind a cookie (0: from the start) that one message holds; none at the end. */
  async readdir(offset: bigint): Promise<readonly DirectoryEntry[]> {
    const count = this.session.connection.messageSize - HEADROOM;
    const { entries } = await this.call("readdir", { fid: this.fid, offset, count });
    return entries;
  }

  /** All entries of an open directory, "." and ".." among them. */
  async *entries(): AsyncGenerator<DirectoryEntry> {
    let offset = 0n;
    for (;;) {
      const part = await this.readdir(offset);
      if (part.length === 0) return;
      yield* part;
      offset = part.at(-1)!.offset;
    }
  }

  // ---- entries of a directory
  async mkdir(name: Name, mode: number, gid: number = p9.P9_NONUNAME): Promise<Qid> {
    const { qid } = await this.call("mkdir", { dfid: this.fid, name: toBytes(name), mode, gid });
    return qid;
  }

  async symlink(name: Name, target: Name, gid: number = p9.P9_NONUNAME): Promise<Qid> {
    const fields = { dfid: this.fid, name: toBytes(name), target: toBytes(target), gid };
    const { qid } = await this.call("symlink", fields);
    return qid;
  }

  async mknod(name: Name, mode: number, major = 0, minor = 0, gid: number = p9.P9_NONUNAME): Promise<Qid> {
    const fields = { dfid: this.fid, name: toBytes(name), mode, major, minor, gid };
    const { qid } = await this.call("mknod", fields);
    return qid;
  }

  /** Gives `file` a name in this directory. */
  async link(name: Name, file: RemoteFile): Promise<void> {
    await this.call("link", { dfid: this.fid, fid: file.fid, name: toBytes(name) });
  }

  /** renameat2(2) from this directory; flags need wVisor's extension. */
  async rename(name: Name, to: RemoteFile, newName: Name, flags = 0): Promise<void> {
    const names = { oldname: toBytes(name), newname: toBytes(newName) };
    const fields = { olddfid: this.fid, newdfid: to.fid, ...names };
    if (flags === 0) {
      await this.orElse(this.call("renameat", fields), async () => {
        const file = await this.walk(name);
        const request = this.call("rename", { fid: file.fid, dfid: to.fid, name: names.newname });
        await request.finally(() => file.clunk());
      });
    } else if (this.session.extended) await this.call("renameat2", { ...fields, flags });
    else throw new ErrnoError(EINVAL, "renameat2");
  }

  /** `flags`: AT_REMOVEDIR for a directory. */
  async unlink(name: Name, flags = 0): Promise<void> {
    await this.orElse(this.call("unlinkat", { dfid: this.fid, name: toBytes(name), flags }), async () => {
      const file = await this.walk(name);
      const isDirectory = (file.qid.type & p9.P9_QTDIR) !== 0;
      if (isDirectory === (flags === AT_REMOVEDIR)) return file.remove();
      await file.clunk();
      throw new ErrnoError(isDirectory ? EISDIR : ENOTDIR, "unlink");
    });
  }

  /** Removes the file, and gives the fid back whatever comes of it. */
  async remove(): Promise<void> {
    try {
      await this.call("remove", { fid: this.fid });
    } finally {
      this.session.fids.release(this.fid);
    }
  }

  // ---- ranges of open files, with wVisor's extension
  async allocate(mode: number, offset: bigint, length: bigint): Promise<void> {
    this.requireExtension("fallocate");
    await this.call("allocate", { fid: this.fid, mode, offset, length });
  }

  /** `whence`: SEEK_DATA or SEEK_HOLE. */
  async seek(offset: bigint, whence: number): Promise<bigint> {
    this.requireExtension("lseek");
    const found = await this.call("seek", { fid: this.fid, whence, offset });
    return found.offset;
  }

  async copyRange(offset: bigint, to: RemoteFile, toOffset: bigint, length: bigint): Promise<bigint> {
    this.requireExtension("copy_file_range");
    const fields = { fid: this.fid, offset, tofid: to.fid, tooffset: toOffset, length };
    const { count } = await this.call("copyrange", fields);
    return count;
  }

  // ---- extended attributes
  async getxattr(name: string): Promise<Buffer> {
    return this.readAttribute(name);
  }

  async listxattr(): Promise<string[]> {
    const names = await this.readAttribute("");
    return names.toString().split("\0").slice(0, -1);
  }

  /** `flags`: XATTR_CREATE, XATTR_REPLACE or 0. Plain 9P2000.L cannot set an empty value: it would remove the attribute. */
  async setxattr(name: string, value: Uint8Array, flags = 0): Promise<void> {
    if (value.length === 0 && !this.session.extended) throw new ErrnoError(EOPNOTSUPP, "setxattr");
    await this.writeAttribute(name, value, flags);
  }

  async removexattr(name: string): Promise<void> {
    if (this.session.extended) await this.call("xattrremove", { fid: this.fid, name: Buffer.from(name) });
    else await this.writeAttribute(name, new Uint8Array(0), XATTR_REPLACE);
  }

  // ---- locks
  /** False when somebody else has a lock in the way: the caller may ask again. */
  async lock(lock: RemoteLock): Promise<boolean> {
    const { status } = await this.call("lock", { fid: this.fid, flags: 0, ...lock });
    if (status > p9.P9_LOCK_BLOCKED) throw new ErrnoError(EIO, "lock");
    return status === p9.P9_LOCK_SUCCESS;
  }

  /** The first lock in the way, or one of type P9_LOCK_TYPE_UNLCK. */
  async getlock(lock: RemoteLock): Promise<RemoteLock> {
    return this.call("getlock", { fid: this.fid, ...lock });
  }

  /** Gives the fid back. */
  async clunk(): Promise<void> {
    try {
      await this.call("clunk", { fid: this.fid });
    } finally {
      // A clunk that fails is a clunk.
      this.session.fids.release(this.fid);
    }
  }

  private call: ClientConnection["call"] = (call, fields, signal) =>
    this.session.connection.call(call, fields, signal);

  /** Older servers know only the messages that came before some others: `older` makes do with these. */
  private async orElse(request: Promise<unknown>, older: () => Promise<void>): Promise<void> {
    try {
      await request;
    } catch (error) {
      if (!(error instanceof ErrnoError) || error.value !== EOPNOTSUPP) throw error;
      await older();
    }
  }

  private async walkOnce(names: readonly Name[]): Promise<RemoteFile> {
    const newfid = this.session.fids.take();
    try {
      const { qids } = await this.call("walk", { fid: this.fid, newfid, names: names.map(toBytes) });
      if (qids.length === names.length)
        return new RemoteFile(this.session, newfid, qids.at(-1) ?? this.current);
      if (qids.length > names.length) throw protocolError("more was walked than was asked for");
      // A server does not say why it stopped: where, it does.
      const isDirectory = ((qids.at(-1) ?? this.current).type & p9.P9_QTDIR) !== 0;
      throw new ErrnoError(isDirectory ? ENOENT : ENOTDIR, "walk");
    } catch (error) {
      this.session.fids.release(newfid);
      throw error;
    }
  }

  private async walkExtended(names: readonly Name[]): Promise<Walked> {
    const newfid = this.session.fids.take();
    let isMade = false;
    try {
      const fields = { fid: this.fid, newfid, names: names.map(toBytes) };
      const { status, attributes } = await this.call("walkattr", fields);
      if (status !== 0) return { attributes, file: undefined, status };
      if (attributes.length !== Math.max(names.length, 1))
        throw protocolError("a walk with another number of attributes");
      isMade = true;
      return { attributes, file: new RemoteFile(this.session, newfid, attributes.at(-1)!.qid), status };
    } finally {
      if (!isMade) this.session.fids.release(newfid);
    }
  }

  private async readAttribute(name: string): Promise<Buffer> {
    const newfid = this.session.fids.take();
    let size: bigint;
    try {
      ({ size } = await this.call("xattrwalk", { fid: this.fid, newfid, name: Buffer.from(name) }));
    } catch (error) {
      this.session.fids.release(newfid);
      throw error;
    }
    const value = new RemoteFile(this.session, newfid, this.current);
    try {
      if (size > ATTRIBUTE_MAX) throw protocolError(`an attribute of ${size} bytes`);
      const parts: Buffer[] = [];
      for (let read = 0; read < size; ) {
        const part = await value.read(read, Number(size) - read);
        if (part.length === 0) throw protocolError("an attribute that ends early");
        parts.push(part);
        read += part.length;
      }
      return Buffer.concat(parts);
    } finally {
      await value.clunk();
    }
  }

  private async writeAttribute(name: string, value: Uint8Array, flags: number): Promise<void> {
    const file = await this.walk();
    try {
      const size = BigInt(value.length);
      await this.call("xattrcreate", { fid: file.fid, name: Buffer.from(name), size, flags });
      for (let written = 0; written < value.length; ) {
        const count = await file.write(written, value.subarray(written));
        if (count === 0) throw protocolError("an attribute that cannot be written on");
        written += count;
      }
    } catch (error) {
      await file.clunk().catch(() => {});
      throw error;
    }
    // The server sets the attribute now.
    await file.clunk();
  }

  private requireExtension(syscall: string): void {
    if (!this.session.extended) throw new ErrnoError(EOPNOTSUPP, syscall);
  }
}

/** Linux's XATTR_SIZE_MAX; a list of names is no longer either. */
const ATTRIBUTE_MAX = 65536n;

function toBytes(name: Name): Uint8Array {
  return typeof name === "string" ? Buffer.from(name) : name;
}

function split(time: bigint | "now" | undefined): { seconds: bigint; nanoseconds: bigint } {
  if (typeof time !== "bigint") return { seconds: 0n, nanoseconds: 0n };
  const nanoseconds = ((time % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return { seconds: (time - nanoseconds) / NANOSECONDS, nanoseconds };
}

function protocolError(what: string): ErrnoError {
  return new ErrnoError(EIO, what);
}
