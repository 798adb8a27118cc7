// What a gofer file has whatever its type: a fid, attributes that may be out of date, and something kept for later.
//
// Attributes
//   exclusive   Nobody else changes the tree, so that mode, owner, size and link count are changed here together with the
//               server and are always true. Times and blocks are the server's to set: after a change the node is stale, and
//               the next stat asks once.
//   shared      Every stat asks, unless the walk that came before it in the same system call has brought them along.
//   An answer that was on its way while something was changed here may be older than the change. `changes` and `changing`
//   tell: then only what the change cannot have touched is believed.
//
// Access times
//   The server's host owns them, in both modes: it reads what is read, and its mount says whether that moves one. Where ours forbids it
//   the host is told with the open (access.ts). What is answered from here, a listing or a link's text, the host is made to see as well
//   when it is due (touchAccessed()). In exclusive mode it is taken for granted that the host moves what relatime moves, and no more: on
//   a host that moves every access time, one that relatime would leave is seen with the next change.
//
// `lock` (of Inode) is held by whoever writes, truncates or sets attributes.

import { memoryIsShort } from "mm/page";
import { EACCES, EINTR, EMFILE, ENFILE, ENODATA, ENOENT, ENOMEM, ENOSPC, ESTALE } from "../../abi/errno.ts";
import { O_NOATIME, O_RDONLY, O_RDWR } from "../../abi/fcntl.ts";
import { P9_ACL_MAX, P9_SETATTR_CTIME, P9_SETATTR_MODE } from "../../abi/p9.ts";
import { S_IFIFO, S_IFMT } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { P9Client } from "../../p9/client.ts";
import { P9Attributes } from "../../p9/messages.ts";
import { currentThread, hasCurrentThread } from "../../sched/thread.ts";
import { Acl, decodeStoredAcl, minimalAcl } from "../../vfs/acl.ts";
import {
  ATTR_ATIME,
  ATTR_CHOWN,
  ATTR_GID,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_OPEN,
  ATTR_SIZE,
  ATTR_UID,
  Attributes,
} from "../../vfs/attributes.ts";
import { realTime } from "../../vfs/clock.ts";
import { DAY, Dentry } from "../../vfs/dentry.ts";
import { aclName, aclNameLength, fitAclToMode } from "../../vfs/xattr.ts";
import { GoferFilesystem } from "./filesystem.ts";
import { Handle } from "./handle.ts";
import { NumberedInode } from "./inode-table.ts";
import { KeepSlot } from "./keep-list.ts";

/** ATTR_* and P9_SETATTR_* are the same bits; these are all. */
const SETATTR_MASK: u32 = 0x1ff;
const PERMISSIONS: u32 = 0o7777;

/** Whether the server is short of something that reclaim() gives back. */
export function isShortage(result: i32): bool {
  return result == -EMFILE || result == -ENFILE;
}

/** The system call under way; 0: none, or an unknown one. */
function callNumber(): u64 {
  return hasCurrentThread() ? currentThread().callNumber() : 0;
}

export abstract class GoferNode extends NumberedInode {
  /** Walked, never opened. */
  fid: u32;
  /** A handle of a regular file, or a directory's listing. */
  slot: KeepSlot | null = null;
  private stale: bool = false;
  /**
   * It was opened for writing, or its attributes were set. On an overlayfs of the host this may have copied the file up, and what
   * was opened for reading before then shows the lower file for ever: such handles are opened again (gVisor:
   * overlayfs_stale_read).
   */
  isChanged: bool = false;
  /** The system call in which the server last told the attributes (Thread.callNumber()); 0: an unknown one. */
  private toldIn: u64 = 0;
  private changing: u32 = 0;
  /** How often something was changed. */
  changes: u32 = 0;
  /** The system call in which the server's host last saw an access. */
  private accessedIn: u64 = 0;
  /** One more than `changes` was then; 0: it never saw one. */
  private accessedAfter: u32 = 0;
  /** When that was, or before it: not every read asks the clock. */
  private accessTime: i64 = 0;
  /**
   * When a FIFO was last read and written to, and its times not set since; 0: not as long as this inode is known. The server's host
   * never sees it open.
   */
  private fifoRead: i64 = 0;
  private fifoWritten: i64 = 0;

  /** Takes over the fid. */
  constructor(fs: GoferFilesystem, fid: u32, attributes: P9Attributes) {
    super(fs);
    this.fid = fid;
    this.ino = attributes.qidPath;
    this.takeAll(attributes);
    this.noteTold();
  }

  override destroy(): void {
    const fs = this.gofer;
    fs.inodes.remove(this);
    const slot = this.slot;
    if (slot !== null) {
      if (this.isDirectory) fs.listings.drop(slot);
      else fs.handles.drop(slot);
      free(slot);
    }
    fs.client.exchange.clunk(this.fid);
    super.destroy();
  }

  get gofer(): GoferFilesystem {
    return changetype<GoferFilesystem>(this.fs);
  }
  get client(): P9Client {
    return this.gofer.client;
  }

  /** A change begins that the server makes and this node follows. */
  beginChange(): void {
    this.changing++;
  }

  /** It was made, or failed: the server's times have moved. */
  endChange(): void {
    this.changing--;
    this.touch();
  }

  /** Something changed that the server knows better. */
  touch(): void {
    this.changes++;
    this.gofer.changes++;
    this.stale = true;
    this.toldIn = 0;
  }

  /** The server's host saw an access, of a kind that it may note: atime may have moved. `isFirst`: of an open file. */
  noteAccess(isFirst: bool = true): void {
    this.accessedIn = callNumber();
    if (isFirst) this.accessTime = realTime();
    if (this.stale || this.isBehind || (isFirst && super.accessIsDue(this.accessTime))) {
      // Attributes that are on their way may be older.
      this.changes++;
      this.stale = true;
    }
    this.accessedAfter = this.changes + 1;
  }

  override accessIsDue(now: i64): bool {
    if (this.accessedIn != 0 && this.accessedIn == callNumber()) return false;
    // Nothing has changed since the host saw one: another is not due, also where it has left atime as it was (noatime).
    const isSettled = !this.gofer.isShared && this.accessedAfter == this.changes + 1;
    if (isSettled && now - this.accessTime < DAY) return false;
    return this.getAttributes() == 0 && super.accessIsDue(now);
  }

  override getAttributes(): i32 {
    if (!this.stale && !this.gofer.isShared) return 0;
    if (this.gofer.isShared && this.toldIn != 0 && this.toldIn == callNumber()) return 0;
    const before = this.changes;
    const client = this.client;
    let result = client.getattr(this.fid);
    if (result == 0) result = this.follow(client.exchange.attributes, before);
    // A removed file of a server that knows files by their path: what was known of it last is as good as it gets.
    return this.nlink == 0 && (result == -ENOENT || result == -ESTALE) ? 0 : result;
  }

  /** Asks whatever is known. */
  refreshAttributes(): i32 {
    this.toldIn = 0;
    this.stale = true;
    return this.getAttributes();
  }

  /** Takes over a fid on the same file, in place of the one that it has. */
  takeFid(fid: u32): void {
    this.client.exchange.clunk(this.fid);
    this.fid = fid;
  }

  /** Gives `child` the inode of the file whose attributes the client has, with the fid on it. Never sleeps. */
  abstract adopt(child: Dentry, fid: u32): i32;

  /** Takes over attributes that the server sent after `changes` was `before`. */
  follow(a: P9Attributes, before: u32): i32 {
    // A file never becomes another or gets another type; but there are servers that know a fid's file by its path alone.
    if (a.qidPath != this.ino || ((a.mode ^ this.mode) & <u32>S_IFMT) != 0)
      return this.client.isExtended ? this.client.distrust() : -ESTALE;
    if (this.changing == 0 && this.changes == before) {
      const result = this.takeAcls(a);
      if (result < 0) return result;
      this.takeAll(a);
      this.stale = false;
      this.noteTold();
    } else {
      this.takeTimes(a);
    }
    return 0;
  }

  /** Takes over the access control lists. Errors: ENOMEM, EIO for what is no list. */
  takeAcls(a: P9Attributes): i32 {
    if (!a.hasAcls) return 0;
    this.fs.hasAcls = true;
    const result = this.takeAcl(false, a.accessAcl, a.accessAclLength);
    return result < 0 ? result : this.takeAcl(true, a.defaultAcl, a.defaultAclLength);
  }

  private takeAcl(isDefault: bool, value: usize, length: u32): i32 {
    const known = isDefault ? this.defaultAcl : this.accessAcl;
    if (known === null ? length == 0 : known.isValue(value, length)) return 0;
    let acl: Acl | null = null;
    if (length) {
      if (isDefault && !this.isDirectory) return this.client.distrust();
      // Without its list the file would allow too much.
      if (memoryIsShort()) return -ENOMEM;
      const decoded = decodeStoredAcl(value, length);
      if (isError(decoded)) return this.client.distrust();
      acl = changetype<Acl>(decoded);
    }
    this.holdAcl(isDefault, acl);
    if (acl !== null) acl.decRef();
    return 0;
  }

  /** As Linux's host does it with the attribute: the mode shows the access list (Linux: posix_acl_update_mode()). */
  override setAcl(isDefault: bool, acl: Acl | null, mode: u32): i32 {
    if (acl !== null && acl.size > <u32>P9_ACL_MAX) return -ENOSPC;
    const client = this.client;
    this.beginChange();
    const minimal = acl === null && !isDefault ? minimalAcl(mode) : null;
    let result = this.sendAcl(isDefault, minimal === null ? acl : minimal);
    if (minimal !== null) minimal.decRef();
    const shown = isDefault || acl === null ? mode : (mode & ~(<u32>0o777)) | acl.modeBits;
    // The server may keep the set-group-id bit, which the VFS takes from strangers to the group.
    if (result == 0 && !isDefault && (this.mode ^ shown) & ~(<u32>0o777))
      result = client.setattr(this.fid, P9_SETATTR_MODE, shown & PERMISSIONS, 0, 0, 0, 0, 0);
    this.endChange();
    if (result == 0) {
      this.holdAcl(isDefault, acl);
      if (!isDefault) this.mode = shown;
      return 0;
    }
    // Part of it may have been done.
    if (result != -EINTR) this.refreshAttributes();
    return result;
  }

  private sendAcl(isDefault: bool, acl: Acl | null): i32 {
    const client = this.client;
    const name = aclName(isDefault);
    const nameLength = aclNameLength(isDefault);
    if (acl === null) {
      const result = client.xattrs.remove(this.fid, name, nameLength);
      return result == -ENODATA ? 0 : result;
    }
    const value = heap.alloc(acl.size);
    acl.encode(value);
    const result = client.xattrs.set(this.fid, name, nameLength, value, acl.size, 0);
    heap.free(value);
    return result;
  }

  private noteTold(): void {
    this.toldIn = callNumber();
  }

  private takeAll(a: P9Attributes): void {
    this.mode = a.mode;
    this.uid = a.uid;
    this.gid = a.gid;
    this.nlink = a.nlink;
    this.rdev = a.rdev;
    this.size = a.size;
    this.takeTimes(a);
  }

  private takeTimes(a: P9Attributes): void {
    const written = this.fifoWritten;
    this.blocks = a.blocks;
    this.atime = this.fifoRead ? this.fifoRead : a.atime;
    this.mtime = written ? written : a.mtime;
    this.ctime = max(written, a.ctime);
    this.btime = a.btime;
  }

  setAttributes(a: Attributes): i32 {
    const client = this.client;
    this.beginChange();
    this.isChanged = true;
    // That a size was set moves mtime though it stays the same, but for truncate(2).
    if (a.valid & ATTR_OPEN) a.valid |= ATTR_MTIME;
    const valid = a.valid & SETATTR_MASK;
    let result = 0;
    // A chown(2) to nobody else is a change all the same: what it takes from the file is more than the mode says.
    const isOfNobody = (a.valid & ATTR_CHOWN) != 0 && !(valid & (ATTR_UID | ATTR_GID));
    if (isOfNobody) result = client.setattr(this.fid, P9_SETATTR_CTIME, 0, 0, 0, 0, 0, 0);
    if (valid && result == 0) {
      const mode = a.mode & PERMISSIONS;
      result = client.setattr(this.fid, valid, mode, a.uid, a.gid, a.size, a.atime, a.mtime);
    }
    this.endChange();
    if (result == 0) {
      if (a.valid & ATTR_MODE) {
        this.mode = (this.mode & <u32>S_IFMT) | (a.mode & PERMISSIONS);
        fitAclToMode(this);
      }
      if (a.valid & ATTR_UID) this.uid = a.uid;
      if (a.valid & ATTR_GID) this.gid = a.gid;
      if (a.valid & ATTR_SIZE) this.size = a.size;
      // From now on they are what the server tells, also those of a FIFO.
      if (a.valid & ATTR_ATIME) this.fifoRead = 0;
      if (a.valid & ATTR_MTIME) this.fifoWritten = 0;
      return 0;
    }
    // Part of it may have been done.
    if (result != -EINTR) this.refreshAttributes();
    return result;
  }

  /** The host has not seen an access that is due: it is made to. Where that fails the access time stays. */
  override touchAccessed(now: i64): void {
    if (this.type != <u32>S_IFIFO) {
      // Also where our mount moves every access time: the host's is not known to.
      if (this.accessIsDue(now)) this.access();
      return;
    }
    this.fifoRead = now;
    this.atime = now;
  }

  /** Has the server's host see an access, by what its type takes. */
  abstract access(): void;

  override touchWritten(now: i64): void {
    super.touchWritten(now);
    this.fifoWritten = now;
  }

  /** An open handle for `access`, with a reference; or an error. `flags`: O_SYNC or O_DSYNC, and O_NOATIME, or 0. */
  acquireHandle(access: u32, flags: u32): usize {
    const fs = this.gofer;
    const quietFlag = flags & <u32>O_NOATIME;
    const syncFlags = flags & ~(<u32>O_NOATIME);
    const keeps = !fs.isShared && syncFlags == 0;
    const kept = this.keptHandle;
    if (kept !== null && syncFlags == 0 && kept.serves(access, quietFlag != 0) && !this.isOutdated(kept)) {
      kept.incRef();
      const slot = changetype<KeepSlot>(changetype<usize>(this.slot));
      if (keeps) fs.handles.touch(slot);
      // The handle of a file just made is for the open that follows, and for no other.
      else fs.handles.drop(slot);
      return changetype<usize>(kept);
    }
    // A handle that is kept serves more opens when it can do both.
    const hasKept = kept !== null;
    const widens = keeps && (access != <u32>O_RDONLY || hasKept) && !fs.readonly;
    let wanted: u32 = widens ? O_RDWR : access;
    let result = this.openFid(wanted | flags);
    if (result == -EACCES && wanted != access) {
      wanted = access;
      result = this.openFid(access | flags);
    }
    if (result < 0) return errorOf(result);
    const client = this.client;
    if (wanted != <u32>O_RDONLY) this.isChanged = true;
    const isQuiet = quietFlag != 0;
    const handle = new Handle(
      client,
      client.exchange.openFid,
      client.exchange.descriptor,
      wanted,
      isQuiet,
      this.isChanged,
    );
    if (keeps) this.keepHandle(handle);
    return changetype<usize>(handle);
  }

  /** Whether a handle may show what the file was before it was changed. */
  isOutdated(handle: Handle): bool {
    return this.isChanged && !handle.knowsChange && handle.access == <u32>O_RDONLY;
  }

  /** Opens a clone of the fid: `openFid` and `descriptor` of the client. */
  openFid(flags: u32): i32 {
    const client = this.client;
    const result = client.files.open(this.fid, flags);
    if (!isShortage(result)) return result;
    this.gofer.reclaim();
    return client.files.open(this.fid, flags);
  }

  /** Keeps a handle for later opens, unless a better one is kept. */
  keepHandle(handle: Handle): void {
    const kept = this.keptHandle;
    if (kept !== null && kept.access == <u32>O_RDWR) return;
    this.gofer.handles.put(this.needSlot(), handle, 1);
  }

  private get keptHandle(): Handle | null {
    const slot = this.slot;
    return slot === null ? null : changetype<Handle | null>(slot.value);
  }

  needSlot(): KeepSlot {
    let slot = this.slot;
    if (slot === null) {
      slot = new KeepSlot();
      this.slot = slot;
    }
    return slot;
  }
}
