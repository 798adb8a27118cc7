// Open regular files of a gofer tree.
//
// Data goes straight between the host's file and the guest's memory where the server gave a descriptor, else through Tread
// and Twrite: also where the offset is more than the helper's vectors take (DIRECT_END). Both leave the kernel lock; the description, which the caller holds, holds the handle.
//
// Writers hold the node's lock, so that an append finds the end of the file where it stays. Readers hold nothing.

import { FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE, FALLOC_FL_KEEP_SIZE } from "../../abi/data.ts";
import { EFBIG, EINVAL, EOPNOTSUPP } from "../../abi/errno.ts";
import { F_UNLCK, O_NOATIME, O_RDONLY, SEEK_DATA, SEEK_HOLE } from "../../abi/fcntl.ts";
import { IOV_MAX } from "../../abi/limits.ts";
import { REFUSED_BY_HOST } from "../../abi/refusal.ts";
import { preadGuest, pwriteGuest, readGuest, readKernel, writeGuest, writeKernel } from "../../host.ts";
import { free } from "../../lib/ref-counted.ts";
import { isError } from "../../lib/result.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { isUnsupported } from "../../p9/exchange.ts";
import { lockKernel, unlockKernel } from "../../sched/kernel-lock.ts";
import { refuseByServer } from "../../sched/refusal.ts";
import { currentThread } from "../../sched/thread.ts";
import { ATTR_MTIME, ATTR_SIZE, Attributes } from "../../vfs/attributes.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { Mount } from "../../vfs/mount.ts";
import { isQuiet, serverFlags } from "./access.ts";
import { Handle } from "./handle.ts";
import { GoferNode } from "./node.ts";

/** The host functions that take a descriptor take offsets as doubles, which are exact up to here: 2^53. */
const DIRECT_END: i64 = 9007199254740992;
/** Linux: MAX_LFS_FILESIZE. The server's host may know less, and says so. */
const SIZE_MAX: i64 = i64.MAX_VALUE;

/** How often a shared file's size is asked for. */
const SIZE_TRIES = 4;

@final
export class GoferFile extends FileDescription {
  private wasRead: bool = false;

  /** Takes over the reference on `handle`. */
  constructor(
    mount: Mount,
    dentry: Dentry,
    flags: u32,
    private handle: Handle,
  ) {
    super(mount, dentry, flags);
  }

  override destroy(): void {
    this.handle.decRef();
    super.destroy();
  }

  private get node(): GoferNode {
    return changetype<GoferNode>(this.inode);
  }

  /** What a read of no bytes is, the server's host says too. */
  override read(to: IovIter, offset: i64): i64 {
    if (offset < 0) return -EINVAL;
    const handle = this.acquireSource();
    const done = this.isDirect(handle, to, offset)
      ? this.readDirect(handle, to, offset)
      : this.readMessages(handle, to, offset);
    this.releaseSource(handle);
    return done;
  }

  /** What to read by, with a reference: another task with the same description may reopen() it meanwhile. */
  private acquireSource(): Handle {
    if (this.node.isOutdated(this.handle)) this.reopen();
    const handle = this.handle;
    const isQuieted = isQuiet(this.mount, this.node, this.flags);
    if (handle.isQuiet != isQuieted) {
      // Its flags have changed since the open: this read goes by another handle.
      const other = this.node.acquireHandle(O_RDONLY, isQuieted ? <u32>O_NOATIME : 0);
      if (!isError(other)) return changetype<Handle>(other);
    }
    handle.incRef();
    return handle;
  }

  /** It was read by. */
  private releaseSource(handle: Handle): void {
    if (!handle.isQuiet) {
      this.node.noteAccess(!this.wasRead);
      this.wasRead = true;
    }
    handle.decRef();
  }

  /** Gets another handle for reading in place of one that may show an older file. Where that fails it stays. */
  private reopen(): void {
    this.handle.knowsChange = true;
    const flags = serverFlags(this.mount, this.node, this.flags);
    const opened = this.node.acquireHandle(O_RDONLY, flags);
    if (isError(opened)) return;
    const before = this.handle;
    this.handle = changetype<Handle>(opened);
    before.decRef();
  }

  override write(from: IovIter, offset: i64): i64 {
    if (from.remaining == 0) return 0;
    const node = this.node;
    const locked = node.lock.acquire();
    if (locked < 0) return locked;
    const result = this.writeLocked(node, from, offset);
    node.lock.release();
    return result;
  }

  private writeLocked(node: GoferNode, from: IovIter, offset: i64): i64 {
    let start = offset;
    if (offset < 0 || this.appends) {
      // Asks the server only where others may have written.
      const end = this.endOffset();
      if (end < 0) return end;
      start = end;
    }
    if (start == SIZE_MAX) return -EFBIG;
    node.beginChange();
    const done = this.isDirect(this.handle, from, start)
      ? this.writeDirect(from, start)
      : this.writeMessages(from, start);
    node.endChange();
    if (done <= 0) return done;
    if (start + done > node.size) node.size = start + done;
    if (offset < 0) this.offset = start + done;
    return done;
  }

  /** Whether the transfer can go by the host's descriptor: its buffers are as the vector says, and the host function takes the offset. */
  private isDirect(handle: Handle, iov: IovIter, offset: i64): bool {
    if (handle.descriptor < 0 || iov.count > <u32>IOV_MAX || offset >= DIRECT_END) return false;
    let total: u64 = 0;
    for (let i: u32 = 0; i < iov.count; i++) total += load<u32>(iov.vector + ((<usize>i) << 3), 4);
    // Less is left of an iterator that was used already; the host would begin at the front. No bytes in a vector are not even an
    // access to it, unlike those of a message.
    return total == iov.remaining && total > 0;
  }

  private readDirect(handle: Handle, to: IovIter, offset: i64): i64 {
    const current = currentThread();
    const thread = changetype<usize>(current);
    const descriptor = handle.descriptor;
    const vector = to.vector;
    let done: i32;
    unlockKernel();
    if (to.kernel) done = readKernel(thread, descriptor, vector, to.count, <f64>offset);
    else if (to.count == 1)
      done = preadGuest(current.transferRequest(descriptor, load<u32>(vector), load<u32>(vector, 4), offset));
    else done = readGuest(thread, descriptor, vector, to.count, <f64>offset);
    lockKernel();
    if (done > 0) to.skip(done);
    return done < 0 ? refuseByServer(-done, REFUSED_BY_HOST) : done;
  }

  private writeDirect(from: IovIter, offset: i64): i64 {
    const current = currentThread();
    const thread = changetype<usize>(current);
    const descriptor = this.handle.descriptor;
    const vector = from.vector;
    let done: i32;
    unlockKernel();
    if (from.kernel) done = writeKernel(thread, descriptor, vector, from.count, <f64>offset);
    else if (from.count == 1)
      done = pwriteGuest(
        current.transferRequest(descriptor, load<u32>(vector), load<u32>(vector, 4), offset),
      );
    else done = writeGuest(thread, descriptor, vector, from.count, <f64>offset);
    lockKernel();
    if (done > 0) from.skip(done);
    return done < 0 ? refuseByServer(-done, REFUSED_BY_HOST) : done;
  }

  private readMessages(handle: Handle, to: IovIter, offset: i64): i64 {
    const client = this.node.client;
    let done: i64 = 0;
    do {
      const room = SIZE_MAX - offset - done;
      const got = client.files.read(handle.fid, offset + done, <u32>min<i64>(to.remaining, room));
      if (got < 0) return done ? done : got;
      // Fewer than asked for only at the end; but how much was asked for is the client's choice, so read until nothing comes.
      if (got == 0) break;
      to.put(client.exchange.data, got);
      done += got;
    } while (to.remaining);
    return done;
  }

  private writeMessages(from: IovIter, offset: i64): i64 {
    const client = this.node.client;
    let done: i64 = 0;
    while (from.remaining && offset + done < SIZE_MAX) {
      const before = from.remaining;
      const put = client.files.write(this.handle.fid, offset + done, from, SIZE_MAX - offset - done);
      if (put < 0) return done ? done : put;
      done += put;
      // A short write: the rest of that message has left the iterator and is not written.
      if (<u32>put < before - from.remaining || put == 0) break;
    }
    return done;
  }

  override endOffset(): i64 {
    const node = this.node;
    if (!node.gofer.isShared) return node.size;
    // An answer that crossed a change of ours says nothing about the size. Names that come and go all the time end the asking.
    for (let tries = 0; tries < SIZE_TRIES; tries++) {
      const before = node.changes;
      const result = node.getAttributes();
      if (result < 0) return result;
      if (node.changes == before) break;
    }
    return node.size;
  }

  override truncate(size: i64): i32 {
    if (size < 0) return -EINVAL;
    const node = this.node;
    const locked = node.lock.acquire();
    if (locked < 0) return locked;
    const result = this.setSize(node, size);
    node.lock.release();
    return result;
  }

  /**
   * fallocate(2): what the host's file system can do. A server without the extension cannot reserve space: the file is extended
   * as by ftruncate(2), and other modes are EOPNOTSUPP.
   */
  override allocate(mode: u32, offset: i64, length: i64): i32 {
    const node = this.node;
    const isExtended = node.client.isExtended;
    if (mode != 0 && !isExtended) return super.allocate(mode, offset, length);
    const locked = node.lock.acquire();
    if (locked < 0) return locked;
    const result = isExtended ? this.allocateAtServer(mode, offset, length) : this.extendTo(offset + length);
    node.lock.release();
    return result;
  }

  private allocateAtServer(mode: u32, offset: i64, length: i64): i32 {
    const node = this.node;
    node.beginChange();
    const result = node.client.files.allocate(this.handle.fid, mode, offset, length);
    node.endChange();
    if (result < 0) return result;
    if (mode & <u32>(FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) return node.refreshAttributes();
    if (!(mode & <u32>FALLOC_FL_KEEP_SIZE)) node.size = max(node.size, offset + length);
    return 0;
  }

  private extendTo(end: i64): i32 {
    const now = this.endOffset();
    if (now < 0) return <i32>now;
    return end > now ? this.setSize(this.node, end) : 0;
  }

  /** A server without the extension does not tell: all of the file is data. */
  override seekData(offset: i64, hole: bool, end: i64): i64 {
    const client = this.node.client;
    if (!client.isExtended) return super.seekData(offset, hole, end);
    return client.files.seek(this.handle.fid, offset, hole ? SEEK_HOLE : SEEK_DATA);
  }

  /** copy_file_range(2) within one server, which moves the data itself. */
  override copyRange(from: i64, target: FileDescription, to: i64, length: i64): i64 {
    const node = changetype<GoferNode>(target.inode);
    const client = this.node.client;
    if (target.inode.fs !== this.inode.fs || !target.inode.isRegular || !client.isExtended)
      return -EOPNOTSUPP;
    const locked = node.lock.acquire();
    if (locked < 0) return locked;
    const file = changetype<GoferFile>(target);
    node.beginChange();
    const source = this.acquireSource();
    const done = client.files.copyRange(source.fid, from, file.handle.fid, to, length);
    this.releaseSource(source);
    node.endChange();
    if (done > 0) node.size = max(node.size, to + done);
    node.lock.release();
    return done;
  }

  /** Others use the tree too. Only record locks: the protocol has no flock(2). */
  override get locksElsewhere(): bool {
    return this.node.gofer.isShared;
  }

  override lockElsewhere(owner: usize, type: i32, start: i64, end: i64): i32 {
    const result = this.node.client.locks.set(
      this.handle.fid,
      type,
      start,
      lockLength(start, end),
      <u32>owner,
    );
    // A server without locks: they hold within this kernel.
    return isUnsupported(result) ? 0 : result;
  }

  override testElsewhere(owner: usize, type: i32, start: i64, end: i64, range: usize): i32 {
    if (!this.locksElsewhere) return F_UNLCK;
    const length = lockLength(start, end);
    const result = this.node.client.locks.get(this.handle.fid, type, start, length, <u32>owner, range);
    return isUnsupported(result) ? F_UNLCK : result;
  }

  private setSize(node: GoferNode, size: i64): i32 {
    const a = new Attributes();
    a.valid = ATTR_SIZE | ATTR_MTIME;
    a.size = size;
    const result = node.setAttributes(a);
    free(a);
    return result;
  }

  override sync(dataOnly: bool): i32 {
    return this.node.client.files.fsync(this.handle.fid, dataOnly);
  }
}

/** How many bytes a lock up to the byte `end` holds; 0: however long the file gets. */
function lockLength(start: i64, end: i64): i64 {
  return end == i64.MAX_VALUE ? 0 : end - start + 1;
}
