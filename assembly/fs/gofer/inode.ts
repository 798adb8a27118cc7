// Files of a gofer tree: names are looked up, made and removed by the server.
//
// Each operation on a directory ends in touch(), whatever came of it: a request that failed here may have been carried out
// there. A name whose state is no longer known (the thread was killed meanwhile, or the server contradicts the cache) leaves
// the dentry cache, and is asked for anew.

import { EEXIST, EINTR, EINVAL, EIO, ELOOP, ENOENT, ENXIO, EPERM, ERANGE, ESTALE } from "../../abi/errno.ts";
import {
  AT_REMOVEDIR,
  O_ACCMODE,
  O_RDONLY,
  O_RDWR,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "../../abi/fcntl.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import { P9_SETATTR_GID, P9_SETATTR_MODE, P9_SETATTR_UID } from "../../abi/p9.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, S_ISUID } from "../../abi/stat.ts";
import { duplicate } from "../../lib/bytes.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { isUnsupported } from "../../p9/exchange.ts";
import { P9Attributes } from "../../p9/messages.ts";
import { dropDentries, hashDentry, makeDentry, unhashDentry } from "../../vfs/dcache.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { Mount } from "../../vfs/mount.ts";
import { serverFlags } from "./access.ts";
import { accessDirectory, GoferDirectory } from "./directory.ts";
import { GoferFilesystem } from "./filesystem.ts";
import { Handle } from "./handle.ts";
import { lookupListed, NOT_LISTED } from "./listed-names.ts";
import { GoferNode, isShortage } from "./node.ts";
import { lookupPath } from "./path-lookup.ts";
import { GoferFile } from "./regular-file.ts";
import { showNames, storedLength, takeName } from "./user-names.ts";
import { keepStoredNames } from "./xattr-names.ts";

/** Texts of symbolic links up to this length are remembered. */
const LINK_CACHED_MAX: i32 = 256;

@final
export class GoferInode extends GoferNode {
  private linkText: usize = 0;
  private linkLength: u32 = 0;

  constructor(fs: GoferFilesystem, fid: u32, attributes: P9Attributes) {
    super(fs, fid, attributes);
  }

  override destroy(): void {
    if (this.linkText) heap.free(this.linkText);
    super.destroy();
  }

  lookup(child: Dentry): i32 {
    const listed = lookupListed(this, child);
    if (listed != NOT_LISTED) return listed;
    const client = this.client;
    let result = client.entries.walk(this.fid, child.name, child.nameLength, true);
    if (isShortage(result)) {
      this.gofer.reclaim();
      result = client.entries.walk(this.fid, child.name, child.nameLength, true);
    }
    if (result == -ENOENT) return 0;
    return result < 0 ? result : this.adopt(child, client.exchange.fid);
  }

  override revalidate(child: Dentry): i32 {
    const client = this.client;
    const inode = changetype<GoferInode | null>(child.inode);
    const before = inode === null ? 0 : inode.changes;
    let result = client.entries.walk(this.fid, child.name, child.nameLength, false);
    if (isShortage(result)) {
      this.gofer.reclaim();
      result = client.entries.walk(this.fid, child.name, child.nameLength, false);
    }
    if (result == -ENOENT) return inode === null ? 1 : 0;
    if (result < 0) return result;
    const a = client.exchange.attributes;
    if (inode === null || inode.ino != a.qidPath || inode.type != (a.mode & <u32>S_IFMT)) return 0;
    result = inode.follow(a, before);
    return result < 0 ? result : 1;
  }

  create(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    const client = this.client;
    let result = client.entries.create(this.fid, child.name, child.nameLength, mode, uid, gid);
    if (isShortage(result)) {
      if (client.exchange.made) {
        result = this.reachMade(child, mode, uid, gid);
        return result == 0 && !child.file.isRegular ? -EEXIST : result;
      }
      this.gofer.reclaim();
      result = client.entries.create(this.fid, child.name, child.nameLength, mode, uid, gid);
    }
    this.touchDirectory();
    if (result < 0) {
      forget(child);
      return result;
    }
    // Somebody may have put another file there between the two steps: then what was opened is not what was found.
    const isSame = client.exchange.openQidPath == client.exchange.attributes.qidPath;
    const handle = new Handle(client, client.exchange.openFid, client.exchange.descriptor, O_RDWR, false);
    result = this.finishMake(child, client.exchange.fid, mode, uid, gid);
    if (result == 0 && !child.file.isRegular) result = -EEXIST;
    if (result == 0 && isSame) changetype<GoferInode>(child.file).keepHandle(handle);
    handle.decRef();
    return result;
  }

  mkdir(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    const client = this.client;
    let result = client.entries.mkdir(this.fid, child.name, child.nameLength, mode, gid);
    if (isShortage(result)) {
      if (client.exchange.made) return this.reachMade(child, mode, uid, gid);
      this.gofer.reclaim();
      result = client.entries.mkdir(this.fid, child.name, child.nameLength, mode, gid);
    }
    return this.made(child, result, mode, uid, gid);
  }

  mknod(child: Dentry, mode: u32, rdev: u32, uid: u32, gid: u32): i32 {
    const client = this.client;
    // The kernel's encoding of device numbers (linux/kdev_t.h: new_encode_dev()).
    const major = (rdev >> 8) & 0xfff;
    const minor = (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
    let result = client.entries.mknod(this.fid, child.name, child.nameLength, mode, major, minor, gid);
    if (isShortage(result)) {
      if (client.exchange.made) return this.reachMade(child, mode, uid, gid);
      this.gofer.reclaim();
      result = client.entries.mknod(this.fid, child.name, child.nameLength, mode, major, minor, gid);
    }
    return this.made(child, result, mode, uid, gid);
  }

  symlink(child: Dentry, target: usize, length: u32, uid: u32, gid: u32): i32 {
    const client = this.client;
    let result = client.entries.symlink(this.fid, child.name, child.nameLength, target, length, gid);
    if (isShortage(result)) {
      if (client.exchange.made) return this.reachMade(child, 0, uid, gid);
      this.gofer.reclaim();
      result = client.entries.symlink(this.fid, child.name, child.nameLength, target, length, gid);
    }
    return this.made(child, result, 0, uid, gid);
  }

  link(child: Dentry, target: Dentry): i32 {
    const file = changetype<GoferInode>(target.file);
    const result = this.client.entries.link(this.fid, file.fid, child.name, child.nameLength);
    this.touchDirectory();
    file.touch();
    if (result < 0) {
      forget(child);
      return result;
    }
    file.nlink++;
    file.incRef();
    child.instantiate(file);
    return 0;
  }

  unlink(child: Dentry): i32 {
    return this.remove(child, 0);
  }

  rmdir(child: Dentry): i32 {
    return this.remove(child, AT_REMOVEDIR);
  }

  private remove(child: Dentry, flags: u32): i32 {
    const result = this.client.entries.unlink(this.fid, child.name, child.nameLength, flags);
    this.touchDirectory();
    if (result == 0) this.removed(child);
    else if (isUncertain(result)) forget(child);
    return result;
  }

  /** The name has gone. When nobody else makes names the next lookup need not ask. */
  private removed(child: Dentry): void {
    loseName(child);
    // Its fid may have come by this name: where it is known by another one it is looked up again (followName()).
    if (!this.client.isExtended && child.file.nlink > 0) dropDentries(this.gofer);
    const parent = child.parent;
    if (this.gofer.isShared || parent === null) return;
    // `child` itself leaves the cache with what the caller does next; both are hashed until then, this one found first.
    const negative = makeDentry(parent, child.name, child.nameLength, child.hash);
    hashDentry(negative);
    negative.decRef();
  }

  override prepareWalk(directory: Dentry, path: usize, end: usize): void {
    lookupPath(directory, path, end);
  }

  override createUnnamed(mode: u32, uid: u32, gid: u32): usize {
    const fs = this.gofer;
    const client = this.client;
    let result = client.entries.tmpfile(this.fid, mode, uid, gid);
    if (isShortage(result)) {
      fs.reclaim();
      result = client.entries.tmpfile(this.fid, mode, uid, gid);
    }
    if (result < 0) return errorOf(result);
    if ((client.exchange.attributes.mode & <u32>S_IFMT) != <u32>S_IFREG) return errorOf(client.distrust());
    const fid = client.exchange.fid;
    result = this.giveTo(fid, mode, uid, gid);
    if (result < 0) {
      client.exchange.clunk(fid);
      return errorOf(result);
    }
    const before = fs.inodes.find(client.exchange.attributes.qidPath);
    // The number was a removed file's.
    if (before !== null) fs.inodes.remove(before);
    const inode = new GoferInode(fs, fid, client.exchange.attributes);
    const taken = inode.takeAcls(client.exchange.attributes);
    if (taken < 0) {
      inode.decRef();
      return errorOf(taken);
    }
    fs.inodes.insert(inode);
    return changetype<usize>(inode);
  }

  // Extended attributes are the server's; nothing of them is remembered but that there are none.

  override getXattr(name: usize, nameLength: u32, out: usize, capacity: u32): i32 {
    const stored = this.storedName(name, nameLength);
    if (isError(stored)) return <i32>stored;
    const got = this.client.xattrs.get(this.fid, stored, this.storedLength(name, nameLength));
    if (stored != name) heap.free(stored);
    return this.takeXattr(got, out, capacity);
  }

  /** A name as the server has it: `name` itself, or a heap copy; or an error. */
  private storedName(name: usize, length: u32): usize {
    return this.gofer.usesUserNames ? takeName(name, length) : name;
  }

  private storedLength(name: usize, length: u32): u32 {
    return this.gofer.usesUserNames ? storedLength(name, length) : length;
  }

  override listXattrs(out: usize, capacity: u32): i32 {
    const client = this.client;
    const length = client.xattrs.get(this.fid, 0, 0);
    // Servers without any say so in this way.
    if (isUnsupported(length)) return 0;
    if (length <= 0) return length;
    let kept = keepStoredNames(client.exchange.data, length);
    if (kept > 0 && this.gofer.usesUserNames) kept = showNames(client.exchange.data, kept);
    return kept < 0 ? client.distrust() : this.takeXattr(kept, out, capacity);
  }

  private takeXattr(length: i32, out: usize, capacity: u32): i32 {
    if (length < 0 || capacity == 0) return length;
    if (<u32>length > capacity) return -ERANGE;
    memory.copy(out, this.client.exchange.data, length);
    return length;
  }

  override setXattr(name: usize, nameLength: u32, value: usize, length: u32, flags: u32): i32 {
    const stored = this.storedName(name, nameLength);
    if (isError(stored)) return <i32>stored;
    const size = this.storedLength(name, nameLength);
    const result = this.client.xattrs.set(this.fid, stored, size, value, length, flags);
    if (stored != name) heap.free(stored);
    this.touch();
    return result;
  }

  override removeXattr(name: usize, nameLength: u32): i32 {
    const stored = this.storedName(name, nameLength);
    if (isError(stored)) return <i32>stored;
    const result = this.client.xattrs.remove(this.fid, stored, this.storedLength(name, nameLength));
    if (stored != name) heap.free(stored);
    this.touch();
    return result;
  }

  override rename(from: Dentry, toDirectory: Inode, to: Dentry, flags: u32, uid: u32, gid: u32): i32 {
    const directory = changetype<GoferInode>(toDirectory);
    const result = this.client.entries.rename(
      this.fid,
      from.name,
      from.nameLength,
      directory.fid,
      to.name,
      to.nameLength,
      // With a cache that is true the VFS knows best; else somebody may have made the name meanwhile.
      this.gofer.isShared && this.client.isExtended ? flags : flags & ~(<u32>RENAME_NOREPLACE),
    );
    this.touchDirectory();
    directory.touchDirectory();
    changetype<GoferInode>(from.file).touch();
    if (result == 0) {
      if (!this.client.isExtended) this.followName(changetype<GoferInode>(from.file), directory, to);
      if (flags & <u32>RENAME_EXCHANGE) changetype<GoferInode>(to.file).touch();
      else if (!to.isNegative) loseName(to);
      if (flags & <u32>RENAME_WHITEOUT) this.giveWhiteoutTo(from, uid, gid);
    } else if (isUncertain(result) || result == -EEXIST) {
      forget(from);
      forget(to);
    }
    return result;
  }

  /**
   * `moved` has the name of `to` now. Servers that know a fid's file by its path (diod) need a new fid on it; and on what lies below
   * a directory, whose names are looked up again.
   */
  private followName(moved: GoferInode, directory: GoferInode, to: Dentry): void {
    const client = this.client;
    if (client.entries.walk(directory.fid, to.name, to.nameLength, true) < 0) return;
    if (client.exchange.attributes.qidPath == moved.ino) moved.takeFid(client.exchange.fid);
    else client.exchange.clunk(client.exchange.fid);
    if (moved.isDirectory) dropDentries(this.gofer);
  }

  /** The server has left its own user's whiteout where `from` was. The rename is done, whatever comes of this. */
  private giveWhiteoutTo(from: Dentry, uid: u32, gid: u32): void {
    const client = this.client;
    if (client.entries.walk(this.fid, from.name, from.nameLength, true) < 0) return;
    const fid = client.exchange.fid;
    const a = client.exchange.attributes;
    if ((a.mode & <u32>S_IFMT) == <u32>S_IFCHR && a.rdev == 0) this.giveTo(fid, 0, uid, gid);
    client.exchange.clunk(fid);
  }

  override access(): void {
    if (this.isDirectory) {
      accessDirectory(this);
    } else if (this.isRegular) {
      this.accessData();
    } else if (this.linkText) {
      // One that is not known is about to be asked for.
      const text = heap.alloc(PATH_MAX);
      this.fetchLink(text);
      heap.free(text);
    }
  }

  /** Reads a byte that nobody wants. */
  private accessData(): void {
    const opened = this.acquireHandle(O_RDONLY, 0);
    if (isError(opened)) return;
    const handle = changetype<Handle>(opened);
    this.client.files.read(handle.fid, 0, 1);
    this.noteAccess();
    handle.decRef();
  }

  readlink(out: usize): i32 {
    // A link's text is fixed for the life of its inode.
    if (!this.linkText) return this.fetchLink(out);
    memory.copy(out, this.linkText, this.linkLength);
    return this.linkLength;
  }

  private fetchLink(out: usize): i32 {
    const length = this.client.readlink(this.fid, out);
    this.noteAccess();
    if (length > 0 && length <= LINK_CACHED_MAX && !this.linkText) {
      this.linkText = duplicate(out, length);
      this.linkLength = length;
    }
    return length;
  }

  open(mount: usize, dentry: Dentry, flags: u32): usize {
    const over = changetype<Mount>(mount);
    if (this.isDirectory) return changetype<usize>(new GoferDirectory(over, dentry, flags));
    if (this.isSymlink) return errorOf(-ELOOP);
    if (!this.isRegular) return errorOf(-ENXIO);
    const handle = this.acquireHandle(flags & <u32>O_ACCMODE, serverFlags(over, this, flags));
    if (isError(handle)) return handle;
    return changetype<usize>(new GoferFile(over, dentry, flags, changetype<Handle>(handle)));
  }

  /** A name in this directory came or went. */
  private touchDirectory(): void {
    this.touch();
    const slot = this.slot;
    if (slot !== null) this.gofer.listings.drop(slot);
  }

  /** The end of mkdir, mknod and symlink, whose `result` the client gave. */
  private made(child: Dentry, result: i32, mode: u32, uid: u32, gid: u32): i32 {
    this.touchDirectory();
    if (result < 0) {
      forget(child);
      return result;
    }
    return this.finishMake(child, this.client.exchange.fid, mode, uid, gid);
  }

  /** The end of a maker that made the file and then ran short of what a fid on it takes. */
  private reachMade(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    this.gofer.reclaim();
    const result = this.client.entries.walk(this.fid, child.name, child.nameLength, true);
    return this.made(child, result, mode, uid, gid);
  }

  /** Gives a new file to its owner, and to `child`. Takes over the fid, whose attributes the client has. */
  private finishMake(child: Dentry, fid: u32, mode: u32, uid: u32, gid: u32): i32 {
    let result = this.giveTo(fid, mode, uid, gid);
    if (result == 0) result = this.adopt(child, fid);
    else this.client.exchange.clunk(fid);
    if (result < 0) forget(child);
    return result;
  }

  /** The server makes files the attached user's; others it may or may not be able to own. */
  private giveTo(fid: u32, mode: u32, uid: u32, gid: u32): i32 {
    const client = this.client;
    const a = client.exchange.attributes;
    const fs = this.gofer;
    if ((a.uid == uid && a.gid == gid) || !fs.canChown) return 0;
    let valid = <u32>(P9_SETATTR_UID | P9_SETATTR_GID);
    // A change of owner takes the set-id bits away.
    const keepsIds = (a.mode & <u32>S_IFMT) != <u32>S_IFDIR && (a.mode & <u32>S_IFMT) != <u32>S_IFLNK;
    if (keepsIds && mode & <u32>(S_ISUID | S_ISGID)) valid |= P9_SETATTR_MODE;
    // The permissions are what the directory's default list has left of the mode.
    const permissions = (mode & <u32>0o7000) | (a.mode & <u32>0o777);
    const result = client.setattr(fid, valid, permissions, uid, gid, 0, 0, 0);
    if (result == -EINTR || result == -EIO) return result;
    // Linux: the file is always its maker's. Here it is the server's user's where that may not give files away.
    if (result == -EPERM || result == -EINVAL) fs.canChown = false;
    return client.getattr(fid);
  }

  adopt(child: Dentry, fid: u32): i32 {
    // Nothing here sleeps, so that no two inodes are made for one file.
    const fs = this.gofer;
    const a = fs.client.exchange.attributes;
    const known = changetype<GoferInode | null>(fs.inodes.find(a.qidPath));
    if (known !== null) {
      if (known.type == (a.mode & <u32>S_IFMT) && known.nlink > 0 && !known.dead) {
        // The older fid may have come by a name that is not the file's any more (followName()).
        if (fs.client.isExtended) fs.client.exchange.clunk(fid);
        else known.takeFid(fid);
        known.incRef();
        child.instantiate(known);
        return fs.isShared ? known.follow(a, known.changes) : 0;
      }
      // The server has used the number of a removed file again.
      fs.inodes.remove(known);
    }
    const inode = new GoferInode(fs, fid, a);
    const result = inode.takeAcls(a);
    if (result < 0) {
      inode.decRef();
      return result;
    }
    fs.inodes.insert(inode);
    child.instantiate(inode);
    return 0;
  }
}

/** Whether an operation on a name may have been done although it failed, or the name is not what the cache says. */
function isUncertain(result: i32): bool {
  return result == -EINTR || result == -ENOENT || result == -ESTALE;
}

/** Takes a name out of the cache: the next walk asks. One that something is mounted on stays. */
function forget(child: Dentry): void {
  if (!child.mounts) unhashDentry(child);
}

/** The file of `child` has lost this name. */
function loseName(child: Dentry): void {
  const inode = changetype<GoferInode>(child.file);
  if (inode.isDirectory) inode.nlink = 0;
  else if (inode.nlink > 0) inode.nlink--;
  inode.touch();
}
