// Extended attributes.

import { E2BIG, EIO, ENFILE } from "../abi/errno.ts";
import {
  P9_NOFID,
  P9_TCLUNK,
  P9_TWRITE,
  P9_TXATTRCREATE,
  P9_TXATTRREMOVE,
  P9_TXATTRWALK,
} from "../abi/p9.ts";
import { XATTR_REPLACE, XATTR_SIZE_MAX } from "../abi/xattr.ts";
import { Connection } from "./connection.ts";
import { Exchange } from "./exchange.ts";
import { putString } from "./messages.ts";

@final
export class XattrRequests {
  constructor(private readonly exchange: Exchange) {}

  /**
   * The value of an extended attribute, or with `nameLength` 0 the names of all, at `data`; returns its length. Errors: what
   * the server says; E2BIG when it is longer than Linux allows.
   */
  get(fid: u32, name: usize, nameLength: u32): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    const valueFid = c.fids.alloc();
    if (valueFid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    const w = this.exchange.start(P9_TXATTRWALK, valueFid);
    w.u32(fid);
    w.u32(valueFid);
    putString(w, name, nameLength);
    c.finish();
    const together = c.extended;
    if (together) this.exchange.startRead(valueFid, 0, XATTR_SIZE_MAX);
    result = this.takeSize(c);
    const isMade = result >= 0;
    if (isMade && !together) this.exchange.startRead(valueFid, 0, result);
    const size = result;
    if (isMade || together) {
      const got = this.exchange.takeData(c, XATTR_SIZE_MAX);
      if (isMade) result = got < 0 ? got : got == size ? size : this.isShort(size) ? -E2BIG : c.fail();
    }
    if (isMade) this.exchange.clunk(valueFid);
    c.end();
    return c.broken ? -EIO : result;
  }

  /** A message of this connection cannot hold so much. */
  private isShort(size: i32): bool {
    return <u32>size > this.exchange.ioSize;
  }

  private takeSize(c: Connection): i32 {
    const result = c.receive();
    if (result < 0) return result;
    const size = c.reader.u64();
    if (!c.reader.isComplete()) return c.fail();
    if (size <= <u64>XATTR_SIZE_MAX) return <i32>size;
    // The fid is there, and nobody wants it.
    return c.fail();
  }

  /** Sets an extended attribute. `flags`: XATTR_CREATE, XATTR_REPLACE. */
  set(fid: u32, name: usize, nameLength: u32, value: usize, length: u32, flags: u32): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    if (length > this.exchange.ioSize) {
      c.end();
      return -E2BIG;
    }
    const valueFid = c.fids.alloc();
    if (valueFid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    this.exchange.startClone(fid, valueFid);
    result = c.extended ? 0 : this.exchange.finishClone();
    if (result == 0) {
      const w = this.exchange.start(P9_TXATTRCREATE, P9_NOFID);
      w.u32(valueFid);
      putString(w, name, nameLength);
      w.u64(length);
      w.u32(flags);
      c.finish();
      if (c.extended) {
        this.startValue(valueFid, value, length);
        const cloned = this.exchange.finishClone();
        const begun = this.exchange.finishEmpty();
        const written = this.finishValue(valueFid, length, begun == 0, cloned == 0);
        result = this.exchange.bothOf(this.exchange.bothOf(cloned, begun), written);
      } else {
        result = this.exchange.finishEmpty();
        if (result == 0) {
          this.startValue(valueFid, value, length);
          result = this.finishValue(valueFid, length, true, true);
        } else {
          this.exchange.clunk(valueFid);
        }
      }
    }
    c.end();
    return result;
  }

  /** The value, and the Tclunk that sets it: its answer is the call's. */
  private startValue(fid: u32, value: usize, length: u32): void {
    const c = this.exchange.connection;
    const w = this.exchange.start(P9_TWRITE, P9_NOFID);
    w.u32(fid);
    w.u64(0);
    w.u32(length);
    w.bytes(value, length);
    c.finish();
    this.exchange.start(P9_TCLUNK, P9_NOFID).u32(fid);
    c.finish();
  }

  private finishValue(fid: u32, length: u32, isBegun: bool, isMade: bool): i32 {
    const c = this.exchange.connection;
    let written = c.receive();
    if (written == 0) {
      const count = c.reader.u32();
      if (!c.reader.isComplete() || (isBegun && count != length)) written = c.fail();
    }
    const clunked = this.exchange.finishEmpty();
    if (isMade) this.exchange.releaseClunked(fid, clunked);
    return this.exchange.bothOf(written, clunked);
  }

  /** Errors: EOPNOTSUPP when the server cannot, ENODATA. */
  remove(fid: u32, name: usize, nameLength: u32): i32 {
    const c = this.exchange.connection;
    // As Linux's client does it: a value of no bytes.
    if (!c.extended) return this.set(fid, name, nameLength, name, 0, XATTR_REPLACE);
    const result = c.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TXATTRREMOVE, P9_NOFID);
    w.u32(fid);
    putString(w, name, nameLength);
    return this.exchange.converse();
  }
}
