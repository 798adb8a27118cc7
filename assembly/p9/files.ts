// Open files and directories, and what is in them.

import { ENFILE, EOPNOTSUPP } from "../abi/errno.ts";
import {
  P9_NOFID,
  P9_TALLOCATE,
  P9_TCOPYRANGE,
  P9_TFSYNC,
  P9_TLOPEN,
  P9_TREAD,
  P9_TREADDIR,
  P9_TSEEK,
  P9_TWRITE,
} from "../abi/p9.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { Exchange } from "./exchange.ts";

@final
export class FileRequests {
  constructor(private readonly exchange: Exchange) {}

  /** Opens a clone of `fid`: `openFid`, and `descriptor` when the server gave one. */
  open(fid: u32, flags: u32): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    const openFid = c.fids.alloc();
    if (openFid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    this.exchange.startClone(fid, openFid);
    result = c.extended ? 0 : this.exchange.finishClone();
    if (result == 0) {
      const w = this.exchange.start(P9_TLOPEN, P9_NOFID);
      w.u32(openFid);
      w.u32(flags);
      c.finish();
      if (c.extended) result = this.exchange.finishClone();
      const opened = this.exchange.finishOpen();
      if (result == 0 && opened < 0) this.exchange.clunk(openFid);
      result = this.exchange.bothOf(result, opened);
    }
    this.exchange.takeOpened(openFid, result);
    c.end();
    return result;
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
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    const asked = min(count, this.exchange.ioSize);
    this.exchange.startTransfer(type, fid, offset, asked);
    result = this.exchange.takeData(c, asked);
    c.end();
    return result;
  }

  /** The next bytes of `from`, as many as fit into a message and at most `most`, to `offset`; returns how many the server took. */
  write(fid: u32, offset: i64, from: IovIter, most: i64): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    const count = <u32>min<i64>(min(from.remaining, this.exchange.ioSize), most);
    const w = this.exchange.start(P9_TWRITE, P9_NOFID);
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

  fsync(fid: u32, dataOnly: bool): i32 {
    const result = this.exchange.connection.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TFSYNC, P9_NOFID);
    w.u32(fid);
    w.u32(dataOnly ? 1 : 0);
    return this.exchange.converse();
  }

  /** fallocate(2). EOPNOTSUPP when the server does not know it. */
  allocate(fid: u32, mode: u32, offset: i64, length: i64): i32 {
    const c = this.exchange.connection;
    if (!c.extended) return -EOPNOTSUPP;
    const result = c.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TALLOCATE, P9_NOFID);
    w.u32(fid);
    w.u32(mode);
    w.u64(<u64>offset);
    w.u64(<u64>length);
    return this.exchange.converse();
  }

  /** lseek(2) with SEEK_DATA or SEEK_HOLE. Preconditions: a server with the extension. */
  seek(fid: u32, offset: i64, whence: u32): i64 {
    const c = this.exchange.connection;
    const result = c.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TSEEK, P9_NOFID);
    w.u32(fid);
    w.u32(whence);
    w.u64(<u64>offset);
    return this.exchange.converseNumber(i64.MAX_VALUE);
  }

  /** copy_file_range(2): the number of bytes. Preconditions: a server with the extension. */
  copyRange(from: u32, offset: i64, to: u32, toOffset: i64, length: i64): i64 {
    const c = this.exchange.connection;
    const result = c.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TCOPYRANGE, P9_NOFID);
    w.u32(from);
    w.u64(<u64>offset);
    w.u32(to);
    w.u64(<u64>toOffset);
    w.u64(<u64>length);
    return this.exchange.converseNumber(length);
  }
}
