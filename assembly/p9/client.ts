// 9P2000.L operations, one conversation each (p9/connection.ts).
//
// All return 0 or a positive result, or -errno; all sleep but clunk(). What an operation found is in fields of the client
// and stays there until the next operation of anybody: the caller uses it before it can sleep again.
//
// With wVisor's extension, requests that build on each other are sent together, since such a server answers in order; any
// other server gets one at a time.

import { EINTR } from "../abi/errno.ts";
import { PATH_MAX } from "../abi/limits.ts";
import {
  P9_IOHDRSZ,
  P9_MSIZE,
  P9_NOFID,
  P9_TATTACH,
  P9_TREADLINK,
  P9_TSETATTR,
  P9_TSTATFS,
  P9_TVERSION,
} from "../abi/p9.ts";
import { free } from "../lib/ref-counted.ts";
import { CLUNK_ROOM, Connection } from "./connection.ts";
import { EntryRequests } from "./entries.ts";
import { Exchange } from "./exchange.ts";
import { FileRequests } from "./files.ts";
import { LockRequests } from "./locks.ts";
import { isText, P9StatFs, putString, putTime, putUserName, putVersion } from "./messages.ts";
import { PathRequests } from "./paths.ts";
import { XattrRequests } from "./xattrs.ts";

const VERSION_PLAIN = "9P2000.L";
const VERSION_WVISOR = "9P2000.L.wvisor.1";
/** Linux's own client refuses less too. */
const MSIZE_MIN: u32 = 4096;
const IO_ALIGNMENT: u32 = 4096;

@final
export class P9Client {
  readonly exchange: Exchange;
  readonly entries: EntryRequests;
  readonly paths: PathRequests;
  readonly files: FileRequests;
  readonly xattrs: XattrRequests;
  readonly locks: LockRequests;
  /** Who attached. */
  private user: u32 = 0;

  constructor(id: i32, donates: bool) {
    const connection = new Connection(id);
    connection.donates = donates;
    const exchange = new Exchange(connection);
    this.exchange = exchange;
    this.entries = new EntryRequests(exchange);
    this.paths = new PathRequests(exchange);
    this.files = new FileRequests(exchange);
    this.xattrs = new XattrRequests(exchange);
    this.locks = new LockRequests(exchange);
  }

  destroy(): void {
    const connection = this.exchange.connection;
    connection.destroy();
    this.paths.destroy();
    this.exchange.destroy();
    free(connection);
    free(this.exchange);
    free(this.entries);
    free(this.paths);
    free(this.files);
    free(this.xattrs);
    free(this.locks);
  }

  /** wVisor's extension is on. */
  get isExtended(): bool {
    return this.exchange.connection.extended;
  }

  get isBroken(): bool {
    return this.exchange.connection.broken;
  }

  /** The server contradicts itself: nothing of it is believed any more. Returns -EIO. */
  distrust(): i32 {
    return this.exchange.connection.fail();
  }

  /** Agrees on a version and message size. Errors: EIO when the server does not speak 9P2000.L. */
  version(): i32 {
    let result = this.negotiate(VERSION_WVISOR);
    // A server that knows no extensions may answer "unknown" rather than what it knows.
    if (result == 0) result = this.negotiate(VERSION_PLAIN);
    if (result < 0) return result;
    return result ? 0 : this.exchange.connection.fail();
  }

  /** 1: agreed; 0: the server did not like it; -errno. */
  private negotiate(version: string): i32 {
    const c = this.exchange.connection;
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
    this.exchange.ioSize = room > IO_ALIGNMENT ? room & ~(IO_ALIGNMENT - 1) : room;
    return 1;
  }

  /** Attaches the tree that the server calls `name`, as user `uid`: its root is `fid`, with `attributes`. */
  attach(uid: u32, name: usize, nameLength: u32): i32 {
    this.user = uid;
    const c = this.exchange.connection;
    const result = c.begin();
    return result < 0 ? result : this.attachAs(c.fids.alloc(), name, nameLength);
  }

  /**
   * Begins again, with a server that may be another one, which has the tree whose root is `fid` and nothing else of ours. Errors: EIO;
   * then the connection is broken.
   */
  reattach(fid: u32): i32 {
    let result = this.version();
    if (result == 0) result = this.exchange.connection.begin();
    if (result == 0) result = this.attachAs(fid, 0, 0);
    return result < 0 ? this.distrust() : 0;
  }

  /** In a conversation that has begun, which ends. */
  private attachAs(fid: u32, name: usize, nameLength: u32): i32 {
    const c = this.exchange.connection;
    const w = this.exchange.start(P9_TATTACH, fid);
    w.u32(fid);
    w.u32(P9_NOFID);
    putUserName(w);
    putString(w, name, nameLength);
    w.u32(this.user);
    c.finish();
    let result = c.receive();
    if (result == 0) {
      result = this.exchange.checkQid();
      if (result == 0) result = this.exchange.fetchAttributes(fid);
      if (result < 0) this.exchange.clunk(fid);
    }
    this.exchange.fid = fid;
    c.end();
    return result;
  }

  getattr(fid: u32): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    result = this.exchange.fetchAttributes(fid);
    c.end();
    return result;
  }

  /** `valid` are P9_SETATTR_* bits. Times in nanoseconds. */
  setattr(fid: u32, valid: u32, mode: u32, uid: u32, gid: u32, size: i64, atime: i64, mtime: i64): i32 {
    const c = this.exchange.connection;
    const result = c.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TSETATTR, P9_NOFID);
    w.u32(fid);
    w.u32(valid);
    w.u32(mode);
    w.u32(uid);
    w.u32(gid);
    w.u64(<u64>size);
    putTime(w, atime);
    putTime(w, mtime);
    return this.exchange.converse();
  }

  /** Copies a link's text to `out` (room for PATH_MAX bytes); returns its length, at least 1. */
  readlink(fid: u32, out: usize): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    this.exchange.start(P9_TREADLINK, P9_NOFID).u32(fid);
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
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    this.exchange.start(P9_TSTATFS, P9_NOFID).u32(fid);
    c.finish();
    result = c.receive();
    if (result == 0 && !out.decode(c.reader)) result = c.fail();
    c.end();
    return result;
  }
}
