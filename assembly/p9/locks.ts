// Locks on ranges of open files.

import { EAGAIN, ENOLCK } from "../abi/errno.ts";
import { F_UNLCK } from "../abi/fcntl.ts";
import { P9_LOCK_BLOCKED, P9_LOCK_SUCCESS, P9_NOFID, P9_TGETLOCK, P9_TLOCK } from "../abi/p9.ts";
import { ByteWriter } from "../lib/byte-writer.ts";
import { Connection } from "./connection.ts";
import { Exchange } from "./exchange.ts";
import { putUserName } from "./messages.ts";

@final
export class LockRequests {
  constructor(private readonly exchange: Exchange) {}

  /** A lock of `process`'s; `type` is F_RDLCK, F_WRLCK or F_UNLCK; length 0: to the end. EAGAIN: another's is in the way. */
  set(fid: u32, type: i32, start: i64, length: i64, process: u32): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TLOCK, P9_NOFID);
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
  get(fid: u32, type: i32, start: i64, length: i64, process: u32, range: usize): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TGETLOCK, P9_NOFID);
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
    putUserName(w);
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
}
