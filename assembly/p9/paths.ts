// Many names in one request, with fids and attributes on what they lead to: wVisor's extension.

import { EIO, ENFILE } from "../abi/errno.ts";
import { P9_ATTR_SIZE, P9_IOHDRSZ, P9_NOFID, P9_TMULTIGETATTR, P9_TWALKFIDS } from "../abi/p9.ts";
import { free } from "../lib/ref-counted.ts";
import { CLUNK_ROOM, Connection } from "./connection.ts";
import { Exchange } from "./exchange.ts";
import { putString } from "./messages.ts";
import { PathNames, putNames } from "./path-names.ts";

/** What a name takes in a request besides itself: its length and its fid. */
export const NAME_COST: u32 = 6;

@final
export class PathRequests {
  /** What walk() reached: how many components, and why it went no further (0 or -errno). */
  walked: u32 = 0;
  walkStatus: i32 = 0;

  private readonly names: PathNames = new PathNames();
  /** The fids that a request made and nobody has taken. */
  private fids: u32 = P9_NOFID;

  constructor(private readonly exchange: Exchange) {}

  destroy(): void {
    free(this.names);
  }

  /** Begins a conversation that walk() ends: what the caller notes in between is as old as the request. */
  begin(): i32 {
    return this.exchange.connection.begin();
  }

  /**
   * Walks the first `count` names of the text [path, end) at once, and makes a fid on each but the first `skip`: `walked`
   * and `walkStatus`. Then nextAttributes() and takeFid() give what was reached, one by one, and dropFids() ends it;
   * the caller does not sleep before. Preconditions: begin(), and a server with the extension.
   */
  walk(directory: u32, path: usize, end: usize, skip: u32, count: u32): i32 {
    const c = this.exchange.connection;
    this.fids = P9_NOFID;
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

  /** Ends what begin() began without asking. */
  end(): void {
    this.exchange.connection.end();
  }

  private takePath(c: Connection, fids: u32, skip: u32, count: u32): i32 {
    const status = c.reader.u32();
    const walked = c.reader.u16();
    const isWhole = walked == count;
    if (walked > count || isWhole != (status == 0)) return c.fail();
    if (c.reader.overrun || c.reader.remaining < walked * <u32>P9_ATTR_SIZE) return c.fail();
    this.walked = walked;
    this.walkStatus = isWhole ? 0 : c.errorOf(status);
    this.fids = fids;
    // Those behind the last component that was reached were not made.
    if (walked > skip) {
      this.cutFids(walked - skip);
    } else {
      this.fids = P9_NOFID;
      c.fids.releaseChain(fids);
    }
    return 0;
  }

  /** The next component's `attributes`. False when they cannot be true: the connection is given up then. */
  nextAttributes(): bool {
    if (this.exchange.attributes.decode(this.exchange.connection.reader, true)) return true;
    this.exchange.connection.fail();
    return false;
  }

  /** The fid on the next component that has one; from now on the caller's. */
  takeFid(): u32 {
    const fid = this.fids;
    this.fids = this.exchange.connection.fids.nextInChain(fid);
    return fid;
  }

  /** The number of the next component's fid is free: there is no such fid. */
  forgetFid(): void {
    const fid = this.takeFid();
    if (!this.exchange.connection.broken) this.exchange.connection.fids.release(fid);
  }

  /** Bytes that the names of a multiGetattr() may take in its request, each with NAME_COST more. */
  get namesRoom(): u32 {
    return this.exchange.connection.msize - CLUNK_ROOM - P9_IOHDRSZ;
  }

  /**
   * Begins a request about `count` names of one directory, which putName() then tells and finishNames() sends: a fid and the
   * attributes of each. Then nextAnswer() gives what came, one by one, each followed by takeFid() or forgetFid(), and
   * dropFids() ends it; the caller does not sleep before. Preconditions: begin(), and a server with the extension; or
   * ENFILE, and the conversation has ended.
   */
  startNames(directory: u32, count: u32): i32 {
    const c = this.exchange.connection;
    this.fids = c.fids.allocChain(count);
    if (this.fids == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    c.startChain(P9_TMULTIGETATTR, this.fids, 0);
    c.writer.u32(directory);
    c.writer.u16(count);
    return 0;
  }

  putName(name: usize, length: u32): void {
    putString(this.exchange.connection.writer, name, length);
  }

  /** How many names were answered, those at the front; or -errno, and nothing is left to be ended. */
  finishNames(count: u32): i32 {
    const c = this.exchange.connection;
    const fids = this.fids;
    for (let fid = fids; fid != P9_NOFID; fid = c.fids.nextInChain(fid)) c.writer.u32(fid);
    c.finish();
    let result = c.receive();
    if (result == 0) {
      result = c.reader.u16();
      if (c.reader.overrun || <u32>result > count || result == 0) result = c.fail();
      else this.cutFids(result);
    }
    if (result < 0) this.fids = P9_NOFID;
    c.end();
    return result;
  }

  /** Those behind the first `count` were not made. Preconditions: `count` is not 0. */
  private cutFids(count: u32): void {
    const fids = this.exchange.connection.fids;
    let last = this.fids;
    while (--count > 0) last = fids.nextInChain(last);
    fids.releaseChain(fids.cutChain(last));
  }

  /** What the next name gave: 0 with `attributes`, or -errno. `isLast`: nothing may follow. Check `isBroken` behind the last one. */
  nextAnswer(isLast: bool): i32 {
    const c = this.exchange.connection;
    if (c.broken) return -EIO;
    const status = c.reader.u32();
    const isWhole = status != 0 || this.exchange.attributes.decode(c.reader, true);
    if (!isWhole || c.reader.overrun || (isLast && !c.reader.isComplete())) return c.fail();
    return status == 0 ? 0 : c.errorOf(status);
  }

  /** Gives back those that nobody has taken. */
  dropFids(): void {
    if (!this.exchange.connection.broken) this.exchange.connection.fids.queueChain(this.fids);
    this.fids = P9_NOFID;
  }
}
