// The steps that requests to a 9P server are made of, and what the last one has found.
//
// Preconditions of the steps: a conversation (p9/connection.ts), except of clunk(). What was found stays until the next operation of
// anybody: whoever asked uses it before it can sleep again.

import { EINTR, EIO, ENOENT, ENOSYS, EOPNOTSUPP } from "../abi/errno.ts";
import {
  P9_GETATTR_ACLS,
  P9_GETATTR_BASIC,
  P9_GETATTR_BTIME,
  P9_NOFID,
  P9_TGETATTR,
  P9_TREAD,
  P9_TWALK,
  P9_TWALKATTR,
} from "../abi/p9.ts";
import { closeHandle } from "../host.ts";
import { ByteWriter } from "../lib/byte-writer.ts";
import { free } from "../lib/ref-counted.ts";
import { Connection } from "./connection.ts";
import { P9Attributes, putWalk, takeQidPath } from "./messages.ts";

/** Whether a server has never heard of a message, or cannot do what it says: gVisor's older one says ENOSYS. */
export function isUnsupported(result: i32): bool {
  return result == -EOPNOTSUPP || result == -ENOSYS;
}

@final
export class Exchange {
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
  /** Largest payload of Tread, Twrite and Treaddir. */
  ioSize: u32 = 0;

  /** Ownership: borrows `connection`. */
  constructor(readonly connection: Connection) {}

  destroy(): void {
    free(this.attributes);
  }

  /** Gives a fid back. Never sleeps: the Tclunk goes with the next request. */
  clunk(fid: u32): void {
    if (!this.connection.broken) this.connection.fids.queue(fid);
  }

  /** Begins a request; returns where its fields go. */
  start(type: u32, newFid: u32): ByteWriter {
    this.connection.start(type, newFid);
    return this.connection.writer;
  }

  /** Ends a request whose answer has no fields, and the conversation. */
  converse(): i32 {
    const c = this.connection;
    c.finish();
    let result = c.receive();
    if (result == 0 && !c.reader.isComplete()) result = c.fail();
    c.end();
    return result;
  }

  /** The end of a conversation whose answer is a number of 0 to `most`. */
  converseNumber(most: i64): i64 {
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

  /** An answer without fields. */
  finishEmpty(): i32 {
    const c = this.connection;
    const result = c.receive();
    return result == 0 && !c.reader.isComplete() ? c.fail() : result;
  }

  startClone(fid: u32, newFid: u32): void {
    putWalk(this.start(P9_TWALK, newFid), fid, newFid, 0, 0);
    this.connection.finish();
  }

  finishClone(): i32 {
    const c = this.connection;
    const result = c.receive();
    if (result < 0) return result;
    const count = c.reader.u16();
    return count == 0 && c.reader.isComplete() ? 0 : c.fail();
  }

  startWalk(directory: u32, newFid: u32, name: usize, length: u32): void {
    const type: u32 = this.connection.extended ? P9_TWALKATTR : P9_TWALK;
    putWalk(this.start(type, newFid), directory, newFid, name, length);
    this.connection.finish();
  }

  /** The answer to startWalk(), and `attributes`. On failure `newFid` is not in use. */
  finishWalk(newFid: u32): i32 {
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
  fetchAttributes(fid: u32): i32 {
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
  finishOpen(): i32 {
    const c = this.connection;
    const result = c.receive();
    if (result < 0) return result;
    this.openQidPath = takeQidPath(c.reader);
    c.reader.u32();
    return c.reader.isComplete() ? 0 : c.fail();
  }

  takeOpened(openFid: u32, result: i32): void {
    this.openFid = result == 0 ? openFid : P9_NOFID;
    this.descriptor = this.connection.takeDescriptor();
    if (result == 0 || this.descriptor < 0) return;
    closeHandle(this.descriptor);
    this.descriptor = -1;
  }

  startTransfer(type: u32, fid: u32, offset: u64, count: u32): void {
    const w = this.start(type, P9_NOFID);
    w.u32(fid);
    w.u64(offset);
    w.u32(count);
    this.connection.finish();
  }

  startRead(fid: u32, offset: u64, count: u32): void {
    this.startTransfer(P9_TREAD, fid, offset, min(count, this.ioSize));
  }

  /** The bytes of Rread or Rreaddir at `data`; returns how many, at most `asked`. */
  takeData(c: Connection, asked: u32): i32 {
    const result = c.receive();
    if (result < 0) return result;
    const got = c.reader.u32();
    this.data = c.reader.take(got);
    return c.reader.isComplete() && got <= asked ? got : c.fail();
  }

  /** An answer that is a qid. */
  checkedQid(): i32 {
    const result = this.connection.receive();
    return result < 0 ? result : this.checkQid();
  }

  checkQid(): i32 {
    takeQidPath(this.connection.reader);
    return this.connection.reader.isComplete() ? 0 : this.connection.fail();
  }

  /** The first error of two; -EIO once the connection is broken. */
  bothOf(first: i32, second: i32): i32 {
    if (this.connection.broken) return -EIO;
    return first < 0 ? first : second;
  }

  /** A fid that a message has freed whatever it was answered. */
  releaseClunked(fid: u32, result: i32): void {
    if (this.connection.broken) return;
    // Nobody waits for an answer that a killed thread left behind: a second clunk, which finds nothing, brings the number back then.
    if (result == -EINTR) this.connection.fids.queue(fid);
    else this.connection.fids.release(fid);
  }
}
