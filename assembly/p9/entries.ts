// The entries of a directory: looked up, made, linked, removed, renamed.

import { EINVAL, EISDIR, ENFILE, ENOTDIR, EOPNOTSUPP } from "../abi/errno.ts";
import { AT_REMOVEDIR, O_CREAT, O_EXCL, O_RDWR } from "../abi/fcntl.ts";
import {
  P9_NOFID,
  P9_TCREATEATTR,
  P9_TLCREATE,
  P9_TLINK,
  P9_TMKDIR,
  P9_TMKNOD,
  P9_TREMOVE,
  P9_TRENAME,
  P9_TRENAMEAT,
  P9_TRENAMEAT2,
  P9_TSYMLINK,
  P9_TTMPFILE,
  P9_TUNLINKAT,
} from "../abi/p9.ts";
import { S_IFDIR, S_IFMT } from "../abi/stat.ts";
import { Exchange, isUnsupported } from "./exchange.ts";
import { putString } from "./messages.ts";

@final
export class EntryRequests {
  constructor(private readonly exchange: Exchange) {}

  /**
   * Looks a name up in a directory: `attributes`, and with `keep` a `fid` on it. Errors: ENOENT, what the server says, ENFILE
   * when there are no more fids.
   */
  walk(directory: u32, name: usize, length: u32, keep: bool): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    // Plain 9P tells attributes of fids only.
    const needsFid = keep || !c.extended;
    const fid = needsFid ? c.fids.alloc() : P9_NOFID;
    if (needsFid && fid == P9_NOFID) {
      result = -ENFILE;
    } else {
      this.exchange.startWalk(directory, fid, name, length);
      result = this.exchange.finishWalk(fid);
      if (result == 0 && !keep && needsFid) this.exchange.clunk(fid);
    }
    this.exchange.fid = result == 0 && keep ? fid : P9_NOFID;
    c.end();
    return result;
  }

  /**
   * Makes a regular file, exclusively, and opens it for reading and writing: `openFid` and `descriptor`; and a `fid` on it
   * with `attributes`.
   */
  create(directory: u32, name: usize, length: u32, mode: u32, uid: u32, gid: u32): i32 {
    const c = this.exchange.connection;
    let result = c.begin();
    if (result < 0) return result;
    this.exchange.made = false;
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
    this.exchange.startClone(directory, openFid);
    result = this.exchange.finishClone();
    if (result < 0) {
      c.fids.release(fid);
      c.end();
      return result;
    }
    const w = this.exchange.start(P9_TLCREATE, P9_NOFID);
    w.u32(openFid);
    putString(w, name, length);
    w.u32(<u32>(O_RDWR | O_CREAT | O_EXCL));
    w.u32(mode);
    w.u32(gid);
    c.finish();
    result = this.createStepwise(directory, fid, name, length, openFid);
    this.exchange.fid = result == 0 ? fid : P9_NOFID;
    this.exchange.takeOpened(openFid, result);
    c.end();
    return result;
  }

  /** Tcreateattr: all of create() in one message. */
  private createTogether(directory: u32, name: usize, length: u32, mode: u32, uid: u32, gid: u32): i32 {
    const c = this.exchange.connection;
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
      this.exchange.made = true;
      result = this.exchange.attributes.decode(c.reader, c.extended) && c.reader.isComplete() ? 0 : c.fail();
      this.exchange.openQidPath = this.exchange.attributes.qidPath;
    }
    this.exchange.fid = result == 0 ? fid : P9_NOFID;
    this.exchange.takeOpened(openFid, result);
    return result;
  }

  private createStepwise(directory: u32, fid: u32, name: usize, length: u32, openFid: u32): i32 {
    let result = this.exchange.finishOpen();
    if (result == 0) {
      this.exchange.made = true;
      this.exchange.startWalk(directory, fid, name, length);
      result = this.exchange.finishWalk(fid);
    } else {
      this.exchange.connection.fids.release(fid);
    }
    if (result < 0) this.exchange.clunk(openFid);
    return result;
  }

  /** Makes a regular file without a name: a `fid` on it with `attributes`. Errors: EOPNOTSUPP, and the server's. */
  tmpfile(directory: u32, mode: u32, uid: u32, gid: u32): i32 {
    const c = this.exchange.connection;
    if (!c.extended) return -EOPNOTSUPP;
    let result = c.begin();
    if (result < 0) return result;
    const fid = c.fids.alloc();
    if (fid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    const w = this.exchange.start(P9_TTMPFILE, fid);
    w.u32(directory);
    w.u32(fid);
    w.u32(mode);
    w.u32(uid);
    w.u32(gid);
    c.finish();
    result = c.receive();
    if (result == 0 && !(this.exchange.attributes.decode(c.reader, c.extended) && c.reader.isComplete()))
      result = c.fail();
    this.exchange.fid = result == 0 ? fid : P9_NOFID;
    c.end();
    return result;
  }

  /** Makes a directory: a `fid` on it with `attributes`. */
  mkdir(directory: u32, name: usize, length: u32, mode: u32, gid: u32): i32 {
    const result = this.beginMake(P9_TMKDIR, directory, name, length);
    if (result < 0) return result;
    const w = this.exchange.connection.writer;
    w.u32(mode);
    w.u32(gid);
    return this.finishMake(directory, name, length);
  }

  /** As mkdir(); `mode` has the type. */
  mknod(directory: u32, name: usize, length: u32, mode: u32, major: u32, minor: u32, gid: u32): i32 {
    const result = this.beginMake(P9_TMKNOD, directory, name, length);
    if (result < 0) return result;
    const w = this.exchange.connection.writer;
    w.u32(mode);
    w.u32(major);
    w.u32(minor);
    w.u32(gid);
    return this.finishMake(directory, name, length);
  }

  symlink(directory: u32, name: usize, length: u32, target: usize, targetLength: u32, gid: u32): i32 {
    const result = this.beginMake(P9_TSYMLINK, directory, name, length);
    if (result < 0) return result;
    const w = this.exchange.connection.writer;
    putString(w, target, targetLength);
    w.u32(gid);
    return this.finishMake(directory, name, length);
  }

  link(directory: u32, file: u32, name: usize, length: u32): i32 {
    const result = this.exchange.connection.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TLINK, P9_NOFID);
    w.u32(directory);
    w.u32(file);
    putString(w, name, length);
    return this.exchange.converse();
  }

  /** `flags`: AT_REMOVEDIR or 0. */
  unlink(directory: u32, name: usize, length: u32, flags: u32): i32 {
    let result = this.exchange.connection.begin();
    if (result < 0) return result;
    const w = this.exchange.start(P9_TUNLINKAT, P9_NOFID);
    w.u32(directory);
    putString(w, name, length);
    w.u32(flags);
    result = this.exchange.converse();
    return this.isOlder(result) ? this.removeByFid(directory, name, length, flags) : result;
  }

  /** Whether a server that knows only the older messages has said so. */
  private isOlder(result: i32): bool {
    return !this.exchange.connection.extended && isUnsupported(result);
  }

  /** unlink() by Tremove, as Linux's client does it: by a fid on the file, which goes with it. */
  private removeByFid(directory: u32, name: usize, length: u32, flags: u32): i32 {
    let result = this.walk(directory, name, length, true);
    if (result < 0) return result;
    const fid = this.exchange.fid;
    const isDirectory = (this.exchange.attributes.mode & <u32>S_IFMT) == <u32>S_IFDIR;
    if (isDirectory != ((flags & <u32>AT_REMOVEDIR) != 0)) {
      this.exchange.clunk(fid);
      return isDirectory ? -EISDIR : -ENOTDIR;
    }
    const c = this.exchange.connection;
    result = c.begin();
    if (result < 0) {
      this.exchange.clunk(fid);
      return result;
    }
    this.exchange.start(P9_TREMOVE, P9_NOFID).u32(fid);
    c.finish();
    result = this.exchange.finishEmpty();
    this.exchange.releaseClunked(fid, result);
    c.end();
    return result;
  }

  /** `flags`: RENAME_*. EINVAL when the server knows none and there are some. */
  rename(from: u32, name: usize, length: u32, to: u32, newName: usize, newLength: u32, flags: u32): i32 {
    const c = this.exchange.connection;
    if (flags != 0 && !c.extended) return -EINVAL;
    let result = c.begin();
    if (result < 0) return result;
    const w = this.exchange.start(flags != 0 ? P9_TRENAMEAT2 : P9_TRENAMEAT, P9_NOFID);
    w.u32(from);
    putString(w, name, length);
    w.u32(to);
    putString(w, newName, newLength);
    if (flags != 0) w.u32(flags);
    result = this.exchange.converse();
    return this.isOlder(result) ? this.renameByFid(from, name, length, to, newName, newLength) : result;
  }

  /** rename() by Trename: by a fid on the file. */
  private renameByFid(from: u32, name: usize, length: u32, to: u32, newName: usize, newLength: u32): i32 {
    let result = this.walk(from, name, length, true);
    if (result < 0) return result;
    const fid = this.exchange.fid;
    result = this.exchange.connection.begin();
    if (result == 0) {
      const w = this.exchange.start(P9_TRENAME, P9_NOFID);
      w.u32(fid);
      w.u32(to);
      putString(w, newName, newLength);
      result = this.exchange.converse();
    }
    this.exchange.clunk(fid);
    return result;
  }

  private beginMake(type: u32, directory: u32, name: usize, length: u32): i32 {
    const c = this.exchange.connection;
    const result = c.begin();
    if (result < 0) return result;
    this.exchange.made = false;
    this.exchange.fid = c.fids.alloc();
    if (this.exchange.fid == P9_NOFID) {
      c.end();
      return -ENFILE;
    }
    const w = this.exchange.start(type, P9_NOFID);
    w.u32(directory);
    // Tsymlink, Tmkdir and Tmknod begin alike.
    putString(w, name, length);
    return 0;
  }

  /** Sends what beginMake() began, with a walk to what it makes. */
  private finishMake(directory: u32, name: usize, length: u32): i32 {
    const c = this.exchange.connection;
    const fid = this.exchange.fid;
    c.finish();
    let made = 0;
    let walked = 0;
    if (c.extended) {
      this.exchange.startWalk(directory, fid, name, length);
      made = this.exchange.checkedQid();
      walked = this.exchange.finishWalk(fid);
      if (made < 0 && walked == 0) this.exchange.clunk(fid);
    } else {
      made = this.exchange.checkedQid();
      if (made == 0) {
        this.exchange.startWalk(directory, fid, name, length);
        walked = this.exchange.finishWalk(fid);
      } else {
        c.fids.release(fid);
      }
    }
    this.exchange.made = made == 0;
    const result = this.exchange.bothOf(made, walked);
    this.exchange.fid = result == 0 ? fid : P9_NOFID;
    c.end();
    return result;
  }
}
