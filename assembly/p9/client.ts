// 9P2000.L operations, one conversation each (p9/connection.ts).
//
// All return 0 or a positive result, or -errno; all sleep but clunk(). What an operation found is in fields of the client
// and stays there until the next operation of anybody: the caller uses it before it can sleep again.
//
// With wVisor's extension, requests that build on each other are sent together, since such a server answers in order; any
// other server gets one at a time.

import {
  E2BIG,
  EAGAIN,
  EINTR,
  EINVAL,
  EIO,
  EISDIR,
  ENFILE,
  ENOENT,
  ENOLCK,
  ENOSYS,
  ENOTDIR,
  EOPNOTSUPP,
} from "../abi/errno.ts";
import { AT_REMOVEDIR, F_UNLCK, O_CREAT, O_EXCL, O_RDWR } from "../abi/fcntl.ts";
import { PATH_MAX } from "../abi/limits.ts";
import {
  P9_ATTR_SIZE,
  P9_GETATTR_ACLS,
  P9_GETATTR_BASIC,
  P9_GETATTR_BTIME,
  P9_IOHDRSZ,
  P9_LOCK_BLOCKED,
  P9_LOCK_SUCCESS,
  P9_MSIZE,
  P9_NOFID,
  P9_TALLOCATE,
  P9_TATTACH,
  P9_TCLUNK,
  P9_TCOPYRANGE,
  P9_TCREATEATTR,
  P9_TFSYNC,
  P9_TGETATTR,
  P9_TGETLOCK,
  P9_TLCREATE,
  P9_TLINK,
  P9_TLOCK,
  P9_TLOPEN,
  P9_TMKDIR,
  P9_TMKNOD,
  P9_TMULTIGETATTR,
  P9_TREAD,
  P9_TREADDIR,
  P9_TREADLINK,
  P9_TREMOVE,
  P9_TRENAME,
  P9_TRENAMEAT,
  P9_TRENAMEAT2,
  P9_TSEEK,
  P9_TSETATTR,
  P9_TSTATFS,
  P9_TSYMLINK,
  P9_TTMPFILE,
  P9_TUNLINKAT,
  P9_TVERSION,
  P9_TWALK,
  P9_TWALKATTR,
  P9_TWALKFIDS,
  P9_TWRITE,
  P9_TXATTRCREATE,
  P9_TXATTRREMOVE,
  P9_TXATTRWALK,
} from "../abi/p9.ts";
import { S_IFDIR, S_IFMT } from "../abi/stat.ts";
import { XATTR_REPLACE, XATTR_SIZE_MAX } from "../abi/xattr.ts";
import { closeHandle } from "../host.ts";
import { ByteWriter } from "../lib/byte-writer.ts";
import { free } from "../lib/ref-counted.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { Connection } from "./connection.ts";
import {
  isText,
  P9Attributes,
  P9StatFs,
  putString,
  putTime,
  putVersion,
  putWalk,
  takeQidPath,
} from "./messages.ts";
import { PathNames, putNames } from "./path-names.ts";

const VERSION_PLAIN = "9P2000.L";
const VERSION_WVISOR = "9P2000.L.wvisor.1";
/** Linux's own client refuses less too. */
const MSIZE_MIN: u32 = 4096;
/** The user name of Tattach, which nobody looks at. */
const USER_NAME = "root";
const IO_ALIGNMENT: u32 = 4096;
/** What of a message buffer's request half Tclunks may take: see Connection. */
const CLUNK_ROOM: u32 = 1024;
/** What a name takes in a request besides itself: its length and its fid. */
export const NAME_COST: u32 = 6;

/** Whether a server has never heard of a message, or cannot do what it says: gVisor's older one says ENOSYS. */
export function isUnsupported(result: i32): bool {
  return result == -EOPNOTSUPP || result == -ENOSYS;
}

@final
export class P9Client {
  readonly attributes: P9Attributes = new P9Attributes();
  /** The fid that the operation made, in use and the caller's; or P9_NOFID. */
  fid: u32 = P9_NOFID;
  /** What open() and create() opened, the caller's too, and which file that is. */
  openFid: u32 = P9_NOFID;
  openQidPath: u64 = 0;
  /** The handle of the descriptor that came with an open file, the caller's; or -1. */
  descriptor: i32 = -1;
  /** Whether create(), mkdir(), mknod() or symlink() made the file: one that fails may have, and only have got no fid on it. */
  made: bool = false;
  /** The bytes that read() got, or the entries that readdir() got, in the thread's message buffer. */
  data: usize = 0;

  /** What walkPath() reached: how many components, and why it went no further (0 or -errno). */
  walked: u32 = 0;
  walkStatus: i32 = 0;

  private readonly connection: Connection;
  private readonly names: PathNames = new PathNames();
  /** The fids that walkPath() made and nobody has taken. */
  private pathFids: u32 = P9_NOFID;
  /** Largest payload of Tread, Twrite and Treaddir. */
  private ioSize: u32 = 0;

  constructor(id: i32, donates: bool) {
    this.connection = new Connection(id);
    this.connection.donates = donates;
  }

  destroy(): void {
    this.connection.destroy();
    free(this.connection);
    free(this.attributes);
    free(this.names);
  }

  /** wVisor's extension is on. */
  get isExtended(): bool {
    return this.connection.extended;
  }

  get isBroken(): bool {
    return this.connection.broken;
  }

  /** The server contradicts itself: nothing of it is believed any more. Returns -EIO. */
  distrust(): i32 {
    return this.connection.fail();
  }

  /** Gives a fid back. Never sleeps: the Tclunk goes with the next request. */
  clunk(fid: u32): void {
    if (!this.connection.broken) this.connection.fids.queue(fid);
  }

  /** Agrees on a version and message size. Errors: EIO when the server does not speak 9P2000.L. */
  version(): i32 {
    let result = this.negotiate(VERSION_WVISOR);
    // A server that knows no extensions may answer "unknown" rather than what it knows.
    if (result == 0) result = this.negotiate(VERSION_PLAIN);
    if (result < 0) return result;
    return result ? 0 : this.connection.fail();
  }

  /** 1: agreed; 0: the server did not like it; -errno. */
  private negotiate(version: string): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    c.start(P9_TVERSION, P9_NOFID);
    putVersion(c.writer, P9_MSIZE, version);
    c.finish();
    result = c.receive();
    if (result == 0) result = this.agree(c);
    // diod answers a version that it does not know by an error.
    else if (!c.broken && result != -EINTR) result = 0;
    c.end();
    return result;
  }

  private agree(c: Connection): i32 {
    const msize = c.reader.u32();
    const length = c.reader.u16();
    const text = c.reader.take(length);
    if (!c.reader.isComplete()) return c.fail();
    const extended = isText(text, length, VERSION_WVISOR);
    if (!extended && !isText(text, length, VERSION_PLAIN)) return 0;
    if (msize < MSIZE_MIN || msize > <u32>P9_MSIZE) return c.fail();
    c.msize = msize;
    c.extended = extended;
    if (!extended) c.donates = false;
    // Aligned, so that the server's reads and writes are too.
    const room = min(msize - P9_IOHDRSZ, <u32>P9_MSIZE - CLUNK_ROOM - P9_IOHDRSZ);
    this.ioSize = room > IO_ALIGNMENT ? room & ~(IO_ALIGNMENT - 1) : room;
    return 1;
  }

  /** Attaches the tree that the server calls `name`, as user `uid`: its root is `fid`, with `attributes`. */
  attach(uid: u32, name: usize, nameLength: u32): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    const fid = c.fids.alloc();
    const w = this.start(P9_TATTACH, fid);
    w.u32(fid);
    w.u32(P9_NOFID);
    w.u16(USER_NAME.length);
    for (let i = 0; i < USER_NAME.length; i++) w.u8(USER_NAME.charCodeAt(i));
    putString(w, name, nameLength);
    w.u32(uid);
    c.finish();
    result = c.receive();
    if (result == 0) {
      result = this.checkQid();
      if (result == 0) result = this.fetchAttributes(fid);
      if (result < 0) this.clunk(fid);
    }
    this.fid = fid;
    c.end();
    return result;
  }

  /**
   * Looks a name up in a directory: `attributes`, and with `keep` a `fid` on it. Errors: ENOENT, what the server says, ENFILE
   * when there are no more fids.
   */
  walk(directory: u32, name: usize, length: u32, keep: bool): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    // Plain 9P tells attributes of fids only.
    const needsFid = keep || !c.extended;
    const fid = needsFid ? c.fids.alloc() : P9_NOFID;
    if (needsFid && fid == P9_NOFID) {
      result = -ENFILE;
    } else {
      this.startWalk(directory, fid, name, length);
      result = this.finishWalk(fid);
      if (result == 0 && !keep && needsFid) this.clunk(fid);
    }
    this.fid = result == 0 && keep ? fid : P9_NOFID;
    c.end();
    return result;
  }

  /** Begins a conversation that walkPath() ends: what the caller notes in between is as old as the request. */
  beginPath(): i32 {
    return this.connection.begin();
  }

  /**
   * Walks the first `count` names of the text [path, end) at once, and makes a fid on each but the first `skip`: `walked`
   * and `walkStatus`. Then nextAttributes() and takePathFid() give what was reached, one by one, and dropPathFids() ends it;
   * the caller does not sleep before. Preconditions: beginPath(), and a server with the extension.
   */
  walkPath(directory: u32, path: usize, end: usize, skip: u32, count: u32): i32 {
    const c = this.connection;
    this.pathFids = P9_NOFID;
    const made = count - skip;
    const fids = c.fids.allocChain(made);
    if (made > 0 && fids == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    c.startChain(P9_TWALKFIDS, fids, skip);
    const w = c.writer;
    w.u32(directory);
    w.u16(skip);
    w.u16(count);
    putNames(w, this.names, path, end, count);
    for (let fid = fids; fid != P9_NOFID; fid = c.fids.nextInChain(fid)) w.u32(fid);
    c.finish();
    let result = c.receive();
    if (result == 0) result = this.takePath(c, fids, skip, count);
    c.end();
    return result;
  }

  /** Ends what beginPath() began without asking. */
  endPath(): void {
    this.connection.end();
  }

  private takePath(c: Connection, fids: u32, skip: u32, count: u32): i32 {
    const status = c.reader.u32();
    const walked = c.reader.u16();
    const isWhole = walked == count;
    if (walked > count || isWhole != (status == 0)) return c.fail();
    if (c.reader.overrun || c.reader.remaining < walked * <u32>P9_ATTR_SIZE) return c.fail();
    this.walked = walked;
    this.walkStatus = isWhole ? 0 : c.errorOf(status);
    this.pathFids = fids;
    // Those behind the last component that was reached were not made.
    if (walked > skip) {
      this.cutPathFids(walked - skip);
    } else {
      this.pathFids = P9_NOFID;
      c.fids.releaseChain(fids);
    }
    return 0;
  }

  /** The next component's `attributes`. False when they cannot be true: the connection is given up then. */
  nextAttributes(): bool {
    if (this.attributes.decode(this.connection.reader, true)) return true;
    this.connection.fail();
    return false;
  }

  /** The fid on the next component that has one; from now on the caller's. */
  takePathFid(): u32 {
    const fid = this.pathFids;
    this.pathFids = this.connection.fids.nextInChain(fid);
    return fid;
  }

  /** The number of the next component's fid is free: there is no such fid. */
  forgetPathFid(): void {
    const fid = this.takePathFid();
    if (!this.connection.broken) this.connection.fids.release(fid);
  }

  /** Bytes that the names of a multiGetattr() may take in its request, each with NAME_COST more. */
  get namesRoom(): u32 {
    return this.connection.msize - CLUNK_ROOM - P9_IOHDRSZ;
  }

  /**
   * Begins a request about `count` names of one directory, which putName() then tells and finishNames() sends: a fid and the
   * attributes of each. Then nextAnswer() gives what came, one by one, each followed by takePathFid() or forgetPathFid(), and
   * dropPathFids() ends it; the caller does not sleep before. Preconditions: beginPath(), and a server with the extension; or
   * ENFILE, and the conversation has ended.
   */
  startNames(directory: u32, count: u32): i32 {
    const c = this.connection;
    this.pathFids = c.fids.allocChain(count);
    if (this.pathFids == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    c.startChain(P9_TMULTIGETATTR, this.pathFids, 0);
    c.writer.u32(directory);
    c.writer.u16(count);
    return 0;
  }

  putName(name: usize, length: u32): void {
    putString(this.connection.writer, name, length);
  }

  /** How many names were answered, those at the front; or -errno, and nothing is left to be ended. */
  finishNames(count: u32): i32 {
    const c = this.connection;
    const fids = this.pathFids;
    for (let fid = fids; fid != P9_NOFID; fid = c.fids.nextInChain(fid)) c.writer.u32(fid);
    c.finish();
    let result = c.receive();
    if (result == 0) {
      result = c.reader.u16();
      if (c.reader.overrun || <u32>result > count || result == 0) result = c.fail();
      else this.cutPathFids(result);
    }
    if (result < 0) this.pathFids = P9_NOFID;
    c.end();
    return result;
  }

  /** Those behind the first `count` were not made. Preconditions: `count` is not 0. */
  private cutPathFids(count: u32): void {
    const fids = this.connection.fids;
    let last = this.pathFids;
    while (--count > 0) last = fids.nextInChain(last);
    fids.releaseChain(fids.cutChain(last));
  }

  /** What the next name gave: 0 with `attributes`, or -errno. `isLast`: nothing may follow. Check `isBroken` behind the last one. */
  nextAnswer(isLast: bool): i32 {
    const c = this.connection;
    if (c.broken) return -EIO;
    const status = c.reader.u32();
    const isWhole = status != 0 || this.attributes.decode(c.reader, true);
    if (!isWhole || c.reader.overrun || (isLast && !c.reader.isComplete())) return c.fail();
    return status == 0 ? 0 : c.errorOf(status);
  }

  /** Gives back those that nobody has taken. */
  dropPathFids(): void {
    if (!this.connection.broken) this.connection.fids.queueChain(this.pathFids);
    this.pathFids = P9_NOFID;
  }

  getattr(fid: u32): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    result = this.fetchAttributes(fid);
    c.end();
    return result;
  }

  /** `valid` are P9_SETATTR_* bits. Times in nanoseconds. */
  setattr(fid: u32, valid: u32, mode: u32, uid: u32, gid: u32, size: i64, atime: i64, mtime: i64): i32 {
    const c = this.connection;
    const result = c.begin();
    if (result < 0) return result;
    const w = this.start(P9_TSETATTR, P9_NOFID);
    w.u32(fid);
    w.u32(valid);
    w.u32(mode);
    w.u32(uid);
    w.u32(gid);
    w.u64(<u64>size);
    putTime(w, atime);
    putTime(w, mtime);
    return this.converse();
  }

  /** Opens a clone of `fid`: `openFid`, and `descriptor` when the server gave one. */
  open(fid: u32, flags: u32): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    const openFid = c.fids.alloc();
    if (openFid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    this.startClone(fid, openFid);
    result = c.extended ? 0 : this.finishClone();
    if (result == 0) {
      const w = this.start(P9_TLOPEN, P9_NOFID);
      w.u32(openFid);
      w.u32(flags);
      c.finish();
      if (c.extended) result = this.finishClone();
      const opened = this.finishOpen();
      if (result == 0 && opened < 0) this.clunk(openFid);
      result = this.bothOf(result, opened);
    }
    this.takeOpened(openFid, result);
    c.end();
    return result;
  }

  /**
   * Makes a regular file, exclusively, and opens it for reading and writing: `openFid` and `descriptor`; and a `fid` on it
   * with `attributes`.
   */
  create(directory: u32, name: usize, length: u32, mode: u32, uid: u32, gid: u32): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    this.made = false;
    if (c.extended) {
      result = this.createTogether(directory, name, length, mode, uid, gid);
      c.end();
      return result;
    }
    const openFid = c.fids.alloc();
    const fid = c.fids.alloc();
    if (openFid == P9_NOFID || fid == P9_NOFID) {
      if (openFid != P9_NOFID) c.fids.release(openFid);
      c.end();
      return -ENFILE;
    }
    this.startClone(directory, openFid);
    result = this.finishClone();
    if (result < 0) {
      c.fids.release(fid);
      c.end();
      return result;
    }
    const w = this.start(P9_TLCREATE, P9_NOFID);
    w.u32(openFid);
    putString(w, name, length);
    w.u32(<u32>(O_RDWR | O_CREAT | O_EXCL));
    w.u32(mode);
    w.u32(gid);
    c.finish();
    result = this.createStepwise(directory, fid, name, length, openFid);
    this.fid = result == 0 ? fid : P9_NOFID;
    this.takeOpened(openFid, result);
    c.end();
    return result;
  }

  /** Tcreateattr: all of create() in one message. */
  private createTogether(directory: u32, name: usize, length: u32, mode: u32, uid: u32, gid: u32): i32 {
    const c = this.connection;
    const chain = c.fids.allocChain(2);
    if (chain == P9_NOFID) return -ENFILE;
    const openFid = chain;
    const fid = c.fids.nextInChain(chain);
    c.startChain(P9_TCREATEATTR, chain, 0);
    const w = c.writer;
    w.u32(directory);
    w.u32(openFid);
    w.u32(fid);
    putString(w, name, length);
    w.u32(mode);
    w.u32(uid);
    w.u32(gid);
    c.finish();
    let result = c.receive();
    if (result == 0) {
      this.made = true;
      result = this.attributes.decode(c.reader, c.extended) && c.reader.isComplete() ? 0 : c.fail();
      this.openQidPath = this.attributes.qidPath;
    }
    this.fid = result == 0 ? fid : P9_NOFID;
    this.takeOpened(openFid, result);
    return result;
  }

  private createStepwise(directory: u32, fid: u32, name: usize, length: u32, openFid: u32): i32 {
    let result = this.finishOpen();
    if (result == 0) {
      this.made = true;
      this.startWalk(directory, fid, name, length);
      result = this.finishWalk(fid);
    } else {
      this.connection.fids.release(fid);
    }
    if (result < 0) this.clunk(openFid);
    return result;
  }

  /** Makes a regular file without a name: a `fid` on it with `attributes`. Errors: EOPNOTSUPP, and the server's. */
  tmpfile(directory: u32, mode: u32, uid: u32, gid: u32): i32 {
    const c = this.connection;
    if (!c.extended) return -EOPNOTSUPP;
    let result = c.begin();
    if (result < 0) return result;
    const fid = c.fids.alloc();
    if (fid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    const w = this.start(P9_TTMPFILE, fid);
    w.u32(directory);
    w.u32(fid);
    w.u32(mode);
    w.u32(uid);
    w.u32(gid);
    c.finish();
    result = c.receive();
    if (result == 0 && !(this.attributes.decode(c.reader, c.extended) && c.reader.isComplete()))
      result = c.fail();
    this.fid = result == 0 ? fid : P9_NOFID;
    c.end();
    return result;
  }

  /** Makes a directory: a `fid` on it with `attributes`. */
  mkdir(directory: u32, name: usize, length: u32, mode: u32, gid: u32): i32 {
    const result = this.beginMake(P9_TMKDIR, directory, name, length);
    if (result < 0) return result;
    const w = this.connection.writer;
    w.u32(mode);
    w.u32(gid);
    return this.finishMake(directory, name, length);
  }

  /** As mkdir(); `mode` has the type. */
  mknod(directory: u32, name: usize, length: u32, mode: u32, major: u32, minor: u32, gid: u32): i32 {
    const result = this.beginMake(P9_TMKNOD, directory, name, length);
    if (result < 0) return result;
    const w = this.connection.writer;
    w.u32(mode);
    w.u32(major);
    w.u32(minor);
    w.u32(gid);
    return this.finishMake(directory, name, length);
  }

  symlink(directory: u32, name: usize, length: u32, target: usize, targetLength: u32, gid: u32): i32 {
    const result = this.beginMake(P9_TSYMLINK, directory, name, length);
    if (result < 0) return result;
    const w = this.connection.writer;
    putString(w, target, targetLength);
    w.u32(gid);
    return this.finishMake(directory, name, length);
  }

  link(directory: u32, file: u32, name: usize, length: u32): i32 {
    const result = this.connection.begin();
    if (result < 0) return result;
    const w = this.start(P9_TLINK, P9_NOFID);
    w.u32(directory);
    w.u32(file);
    putString(w, name, length);
    return this.converse();
  }

  /** `flags`: AT_REMOVEDIR or 0. */
  unlinkat(directory: u32, name: usize, length: u32, flags: u32): i32 {
    let result = this.connection.begin();
    if (result < 0) return result;
    const w = this.start(P9_TUNLINKAT, P9_NOFID);
    w.u32(directory);
    putString(w, name, length);
    w.u32(flags);
    result = this.converse();
    return this.isOlder(result) ? this.remove(directory, name, length, flags) : result;
  }

  /** Whether a server that knows only the older messages has said so. */
  private isOlder(result: i32): bool {
    return !this.connection.extended && isUnsupported(result);
  }

  /** unlinkat() by Tremove, as Linux's client does it: by a fid on the file, which goes with it. */
  private remove(directory: u32, name: usize, length: u32, flags: u32): i32 {
    let result = this.walk(directory, name, length, true);
    if (result < 0) return result;
    const fid = this.fid;
    const isDirectory = (this.attributes.mode & <u32>S_IFMT) == <u32>S_IFDIR;
    if (isDirectory != ((flags & <u32>AT_REMOVEDIR) != 0)) {
      this.clunk(fid);
      return isDirectory ? -EISDIR : -ENOTDIR;
    }
    const c = this.connection;
    result = c.begin();
    if (result < 0) {
      this.clunk(fid);
      return result;
    }
    this.start(P9_TREMOVE, P9_NOFID).u32(fid);
    c.finish();
    result = this.finishEmpty();
    this.releaseClunked(fid, result);
    c.end();
    return result;
  }

  /** A fid that a message has freed whatever it was answered. */
  private releaseClunked(fid: u32, result: i32): void {
    if (this.connection.broken) return;
    // Nobody waits for an answer that a killed thread left behind: a second clunk, which finds nothing, brings the number back then.
    if (result == -EINTR) this.connection.fids.queue(fid);
    else this.connection.fids.release(fid);
  }

  /** `flags`: RENAME_*. EINVAL when the server knows none and there are some. */
  renameat(from: u32, name: usize, length: u32, to: u32, newName: usize, newLength: u32, flags: u32): i32 {
    const c = this.connection;
    if (flags != 0 && !c.extended) return -EINVAL;
    let result = c.begin();
    if (result < 0) return result;
    const w = this.start(flags != 0 ? P9_TRENAMEAT2 : P9_TRENAMEAT, P9_NOFID);
    w.u32(from);
    putString(w, name, length);
    w.u32(to);
    putString(w, newName, newLength);
    if (flags != 0) w.u32(flags);
    result = this.converse();
    return this.isOlder(result) ? this.rename(from, name, length, to, newName, newLength) : result;
  }

  /** renameat() by Trename: by a fid on the file. */
  private rename(from: u32, name: usize, length: u32, to: u32, newName: usize, newLength: u32): i32 {
    let result = this.walk(from, name, length, true);
    if (result < 0) return result;
    const fid = this.fid;
    result = this.connection.begin();
    if (result == 0) {
      const w = this.start(P9_TRENAME, P9_NOFID);
      w.u32(fid);
      w.u32(to);
      putString(w, newName, newLength);
      result = this.converse();
    }
    this.clunk(fid);
    return result;
  }

  /** fallocate(2). EOPNOTSUPP when the server does not know it. */
  allocate(fid: u32, mode: u32, offset: i64, length: i64): i32 {
    const c = this.connection;
    if (!c.extended) return -EOPNOTSUPP;
    const result = c.begin();
    if (result < 0) return result;
    const w = this.start(P9_TALLOCATE, P9_NOFID);
    w.u32(fid);
    w.u32(mode);
    w.u64(<u64>offset);
    w.u64(<u64>length);
    return this.converse();
  }

  /** lseek(2) with SEEK_DATA or SEEK_HOLE. Preconditions: a server with the extension. */
  seek(fid: u32, offset: i64, whence: u32): i64 {
    const c = this.connection;
    const result = c.begin();
    if (result < 0) return result;
    const w = this.start(P9_TSEEK, P9_NOFID);
    w.u32(fid);
    w.u32(whence);
    w.u64(<u64>offset);
    return this.converseNumber(i64.MAX_VALUE);
  }

  /** copy_file_range(2): the number of bytes. Preconditions: a server with the extension. */
  copyRange(from: u32, offset: i64, to: u32, toOffset: i64, length: i64): i64 {
    const c = this.connection;
    const result = c.begin();
    if (result < 0) return result;
    const w = this.start(P9_TCOPYRANGE, P9_NOFID);
    w.u32(from);
    w.u64(<u64>offset);
    w.u32(to);
    w.u64(<u64>toOffset);
    w.u64(<u64>length);
    return this.converseNumber(length);
  }

  /** The end of a conversation whose answer is a number of 0 to `most`. */
  private converseNumber(most: i64): i64 {
    const c = this.connection;
    c.finish();
    let result: i64 = c.receive();
    if (result == 0) {
      result = <i64>c.reader.u64();
      if (!c.reader.isComplete() || result < 0 || result > most) result = c.fail();
    }
    c.end();
    return result;
  }

  /**
   * The value of an extended attribute, or with `nameLength` 0 the names of all, at `data`; returns its length. Errors: what
   * the server says; E2BIG when it is longer than Linux allows.
   */
  getXattr(fid: u32, name: usize, nameLength: u32): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    const valueFid = c.fids.alloc();
    if (valueFid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    const w = this.start(P9_TXATTRWALK, valueFid);
    w.u32(fid);
    w.u32(valueFid);
    putString(w, name, nameLength);
    c.finish();
    const together = c.extended;
    if (together) this.startRead(valueFid, 0, XATTR_SIZE_MAX);
    result = this.takeXattrSize(c);
    const isMade = result >= 0;
    if (isMade && !together) this.startRead(valueFid, 0, result);
    const size = result;
    if (isMade || together) {
      const got = this.takeData(c, XATTR_SIZE_MAX);
      if (isMade) result = got < 0 ? got : got == size ? size : this.isShort(size) ? -E2BIG : c.fail();
    }
    if (isMade) this.clunk(valueFid);
    c.end();
    return c.broken ? -EIO : result;
  }

  /** A message of this connection cannot hold so much. */
  private isShort(size: i32): bool {
    return <u32>size > this.ioSize;
  }

  private takeXattrSize(c: Connection): i32 {
    const result = c.receive();
    if (result < 0) return result;
    const size = c.reader.u64();
    if (!c.reader.isComplete()) return c.fail();
    if (size <= <u64>XATTR_SIZE_MAX) return <i32>size;
    // The fid is there, and nobody wants it.
    return c.fail();
  }

  /** Sets an extended attribute. `flags`: XATTR_CREATE, XATTR_REPLACE. */
  setXattr(fid: u32, name: usize, nameLength: u32, value: usize, length: u32, flags: u32): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    if (length > this.ioSize) {
      c.end();
      return -E2BIG;
    }
    const valueFid = c.fids.alloc();
    if (valueFid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    this.startClone(fid, valueFid);
    result = c.extended ? 0 : this.finishClone();
    if (result == 0) {
      const w = this.start(P9_TXATTRCREATE, P9_NOFID);
      w.u32(valueFid);
      putString(w, name, nameLength);
      w.u64(length);
      w.u32(flags);
      c.finish();
      if (c.extended) {
        this.startXattrValue(valueFid, value, length);
        const cloned = this.finishClone();
        const begun = this.finishEmpty();
        const written = this.finishXattrValue(valueFid, length, begun == 0, cloned == 0);
        result = this.bothOf(this.bothOf(cloned, begun), written);
      } else {
        result = this.finishEmpty();
        if (result == 0) {
          this.startXattrValue(valueFid, value, length);
          result = this.finishXattrValue(valueFid, length, true, true);
        } else {
          this.clunk(valueFid);
        }
      }
    }
    c.end();
    return result;
  }

  /** The value, and the Tclunk that sets it: its answer is the call's. */
  private startXattrValue(fid: u32, value: usize, length: u32): void {
    const c = this.connection;
    const w = this.start(P9_TWRITE, P9_NOFID);
    w.u32(fid);
    w.u64(0);
    w.u32(length);
    w.bytes(value, length);
    c.finish();
    this.start(P9_TCLUNK, P9_NOFID).u32(fid);
    c.finish();
  }

  private finishXattrValue(fid: u32, length: u32, isBegun: bool, isMade: bool): i32 {
    const c = this.connection;
    let written = c.receive();
    if (written == 0) {
      const count = c.reader.u32();
      if (!c.reader.isComplete() || (isBegun && count != length)) written = c.fail();
    }
    const clunked = this.finishEmpty();
    if (isMade) this.releaseClunked(fid, clunked);
    return this.bothOf(written, clunked);
  }

  /** Errors: EOPNOTSUPP when the server cannot, ENODATA. */
  removeXattr(fid: u32, name: usize, nameLength: u32): i32 {
    const c = this.connection;
    // As Linux's client does it: a value of no bytes.
    if (!c.extended) return this.setXattr(fid, name, nameLength, name, 0, XATTR_REPLACE);
    const result = c.begin();
    if (result < 0) return result;
    const w = this.start(P9_TXATTRREMOVE, P9_NOFID);
    w.u32(fid);
    putString(w, name, nameLength);
    return this.converse();
  }

  /** A lock of `process`'s; `type` is F_RDLCK, F_WRLCK or F_UNLCK; length 0: to the end. EAGAIN: another's is in the way. */
  lock(fid: u32, type: i32, start: i64, length: i64, process: u32): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    const w = this.start(P9_TLOCK, P9_NOFID);
    w.u32(fid);
    w.u8(type);
    w.u32(0);
    this.putLock(w, start, length, process);
    c.finish();
    result = c.receive();
    if (result == 0) {
      const status = c.reader.u8();
      if (!c.reader.isComplete()) result = c.fail();
      else if (status != <u32>P9_LOCK_SUCCESS) result = status == <u32>P9_LOCK_BLOCKED ? -EAGAIN : -ENOLCK;
    }
    c.end();
    return result;
  }

  /** The type of the first lock in the way, whose first and last byte go to `range`; F_UNLCK: there is none. */
  getlock(fid: u32, type: i32, start: i64, length: i64, process: u32, range: usize): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    const w = this.start(P9_TGETLOCK, P9_NOFID);
    w.u32(fid);
    w.u8(type);
    this.putLock(w, start, length, process);
    c.finish();
    result = c.receive();
    if (result == 0) result = this.takeLock(c, range);
    c.end();
    return result;
  }

  private putLock(w: ByteWriter, start: i64, length: i64, process: u32): void {
    w.u64(<u64>start);
    w.u64(<u64>length);
    w.u32(process);
    w.u16(USER_NAME.length);
    for (let i = 0; i < USER_NAME.length; i++) w.u8(USER_NAME.charCodeAt(i));
  }

  private takeLock(c: Connection, range: usize): i32 {
    const type = c.reader.u8();
    const start = <i64>c.reader.u64();
    const length = <i64>c.reader.u64();
    c.reader.u32();
    c.reader.take(c.reader.u16());
    if (!c.reader.isComplete() || type > <u32>F_UNLCK) return c.fail();
    if (type == <u32>F_UNLCK) return type;
    if (start < 0 || length < 0 || (length > 0 && length - 1 > i64.MAX_VALUE - start)) return c.fail();
    store<i64>(range, start);
    store<i64>(range, length == 0 ? i64.MAX_VALUE : start + (length - 1), 8);
    return type;
  }

  /** An answer without fields. */
  private finishEmpty(): i32 {
    const c = this.connection;
    const result = c.receive();
    return result == 0 && !c.reader.isComplete() ? c.fail() : result;
  }

  /** Copies a link's text to `out` (room for PATH_MAX bytes); returns its length, at least 1. */
  readlink(fid: u32, out: usize): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    this.start(P9_TREADLINK, P9_NOFID).u32(fid);
    c.finish();
    result = c.receive();
    if (result == 0) result = this.takeLink(c, out);
    c.end();
    return result;
  }

  private takeLink(c: Connection, out: usize): i32 {
    const length = c.reader.u16();
    const at = c.reader.take(length);
    if (!c.reader.isComplete() || length == 0 || length >= <u32>PATH_MAX) return c.fail();
    for (let i: u32 = 0; i < length; i++) {
      if (load<u8>(at + i) == 0) return c.fail();
    }
    memory.copy(out, at, length);
    return length;
  }

  statfs(fid: u32, out: P9StatFs): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    this.start(P9_TSTATFS, P9_NOFID).u32(fid);
    c.finish();
    result = c.receive();
    if (result == 0 && !out.decode(c.reader)) result = c.fail();
    c.end();
    return result;
  }

  fsync(fid: u32, dataOnly: bool): i32 {
    const result = this.connection.begin();
    if (result < 0) return result;
    const w = this.start(P9_TFSYNC, P9_NOFID);
    w.u32(fid);
    w.u32(dataOnly ? 1 : 0);
    return this.converse();
  }

  /** Up to `count` bytes of an open file at `data`; returns how many, fewer only at the end of the file. */
  read(fid: u32, offset: i64, count: u32): i32 {
    return this.fetchData(P9_TREAD, fid, <u64>offset, count);
  }

  /** Up to `count` bytes of an open directory's entries behind `cookie`, whole ones, at `data`; returns how many. */
  readdir(fid: u32, cookie: u64, count: u32): i32 {
    return this.fetchData(P9_TREADDIR, fid, cookie, count);
  }

  private fetchData(type: u32, fid: u32, offset: u64, count: u32): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    const asked = min(count, this.ioSize);
    this.startTransfer(type, fid, offset, asked);
    result = this.takeData(c, asked);
    c.end();
    return result;
  }

  private startTransfer(type: u32, fid: u32, offset: u64, count: u32): void {
    const w = this.start(type, P9_NOFID);
    w.u32(fid);
    w.u64(offset);
    w.u32(count);
    this.connection.finish();
  }

  private startRead(fid: u32, offset: u64, count: u32): void {
    this.startTransfer(P9_TREAD, fid, offset, min(count, this.ioSize));
  }

  /** The bytes of Rread or Rreaddir at `data`; returns how many, at most `asked`. */
  private takeData(c: Connection, asked: u32): i32 {
    const result = c.receive();
    if (result < 0) return result;
    const got = c.reader.u32();
    this.data = c.reader.take(got);
    return c.reader.isComplete() && got <= asked ? got : c.fail();
  }

  /** The next bytes of `from`, as many as fit into a message and at most `most`, to `offset`; returns how many the server took. */
  write(fid: u32, offset: i64, from: IovIter, most: i64): i32 {
    const c = this.connection;
    let result = c.begin();
    if (result < 0) return result;
    const count = <u32>min<i64>(min(from.remaining, this.ioSize), most);
    const w = this.start(P9_TWRITE, P9_NOFID);
    w.u32(fid);
    w.u64(<u64>offset);
    w.u32(count);
    const at = w.take(count);
    if (at) from.take(at, count);
    c.finish();
    result = c.receive();
    if (result == 0) {
      const done = c.reader.u32();
      if (!c.reader.isComplete() || done > count) result = c.fail();
      else result = done;
    }
    c.end();
    return result;
  }

  /** Begins a request; returns where its fields go. */
  private start(type: u32, newFid: u32): ByteWriter {
    this.connection.start(type, newFid);
    return this.connection.writer;
  }

  /** Ends a request whose answer has no fields, and the conversation. */
  private converse(): i32 {
    const c = this.connection;
    c.finish();
    let result = c.receive();
    if (result == 0 && !c.reader.isComplete()) result = c.fail();
    c.end();
    return result;
  }

  private startClone(fid: u32, newFid: u32): void {
    putWalk(this.start(P9_TWALK, newFid), fid, newFid, 0, 0);
    this.connection.finish();
  }

  private finishClone(): i32 {
    const c = this.connection;
    const result = c.receive();
    if (result < 0) return result;
    const count = c.reader.u16();
    return count == 0 && c.reader.isComplete() ? 0 : c.fail();
  }

  private startWalk(directory: u32, newFid: u32, name: usize, length: u32): void {
    const type: u32 = this.connection.extended ? P9_TWALKATTR : P9_TWALK;
    putWalk(this.start(type, newFid), directory, newFid, name, length);
    this.connection.finish();
  }

  /** The answer to startWalk(), and `attributes`. On failure `newFid` is not in use. */
  private finishWalk(newFid: u32): i32 {
    const c = this.connection;
    const received = c.receive();
    if (received < 0) return received;
    if (c.extended) return this.takeWalkAttributes(newFid);
    const count = c.reader.u16();
    // Some servers end a walk without a word where its first name is missing (Linux: p9_client_walk()).
    if (count == 0 && c.reader.isComplete()) {
      this.clunk(newFid);
      return -ENOENT;
    }
    takeQidPath(c.reader);
    if (count != 1 || !c.reader.isComplete()) return c.fail();
    const result = this.fetchAttributes(newFid);
    if (result < 0) this.clunk(newFid);
    return result;
  }

  private takeWalkAttributes(newFid: u32): i32 {
    const c = this.connection;
    const r = c.reader;
    const status = r.u32();
    const count = r.u16();
    if (status != 0) {
      if (count != 0 || !r.isComplete()) return c.fail();
      if (newFid != P9_NOFID) c.fids.release(newFid);
      return c.errorOf(status);
    }
    if (count != 1 || !this.attributes.decode(r, true) || !r.isComplete()) return c.fail();
    return 0;
  }

  /** Tgetattr within a conversation. */
  private fetchAttributes(fid: u32): i32 {
    const c = this.connection;
    const w = this.start(P9_TGETATTR, P9_NOFID);
    w.u32(fid);
    w.u64(P9_GETATTR_BASIC | P9_GETATTR_BTIME | (c.extended ? P9_GETATTR_ACLS : 0));
    c.finish();
    const result = c.receive();
    if (result < 0) return result;
    return this.attributes.decode(c.reader, c.extended) && c.reader.isComplete() ? 0 : c.fail();
  }

  /** Rlopen and Rlcreate: a qid and iounit, which tells nothing that msize does not. */
  private finishOpen(): i32 {
    const c = this.connection;
    const result = c.receive();
    if (result < 0) return result;
    this.openQidPath = takeQidPath(c.reader);
    c.reader.u32();
    return c.reader.isComplete() ? 0 : c.fail();
  }

  private takeOpened(openFid: u32, result: i32): void {
    this.openFid = result == 0 ? openFid : P9_NOFID;
    this.descriptor = this.connection.takeDescriptor();
    if (result == 0 || this.descriptor < 0) return;
    closeHandle(this.descriptor);
    this.descriptor = -1;
  }

  private beginMake(type: u32, directory: u32, name: usize, length: u32): i32 {
    const c = this.connection;
    const result = c.begin();
    if (result < 0) return result;
    this.made = false;
    this.fid = c.fids.alloc();
    if (this.fid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    const w = this.start(type, P9_NOFID);
    w.u32(directory);
    // Tsymlink, Tmkdir and Tmknod begin alike.
    putString(w, name, length);
    return 0;
  }

  /** Sends what beginMake() began, with a walk to what it makes. */
  private finishMake(directory: u32, name: usize, length: u32): i32 {
    const c = this.connection;
    const fid = this.fid;
    c.finish();
    let made = 0;
    let walked = 0;
    if (c.extended) {
      this.startWalk(directory, fid, name, length);
      made = this.checkedQid();
      walked = this.finishWalk(fid);
      if (made < 0 && walked == 0) this.clunk(fid);
    } else {
      made = this.checkedQid();
      if (made == 0) {
        this.startWalk(directory, fid, name, length);
        walked = this.finishWalk(fid);
      } else {
        c.fids.release(fid);
      }
    }
    this.made = made == 0;
    const result = this.bothOf(made, walked);
    this.fid = result == 0 ? fid : P9_NOFID;
    c.end();
    return result;
  }

  /** An answer that is a qid. */
  private checkedQid(): i32 {
    const result = this.connection.receive();
    return result < 0 ? result : this.checkQid();
  }

  private checkQid(): i32 {
    takeQidPath(this.connection.reader);
    return this.connection.reader.isComplete() ? 0 : this.connection.fail();
  }

  /** The first error of two; -EIO once the connection is broken. */
  private bothOf(first: i32, second: i32): i32 {
    if (this.connection.broken) return -EIO;
    return first < 0 ? first : second;
  }
}
