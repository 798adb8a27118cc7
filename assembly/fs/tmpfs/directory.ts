// Directories of tmpfs. A name is an entry in the DirectoryIndex; dentries only cache it.

import { memoryIsShort } from "mm/page";
import { EINVAL, ENOSPC, ENOTEMPTY } from "../../abi/errno.ts";
import { RENAME_EXCHANGE, RENAME_WHITEOUT } from "../../abi/fcntl.ts";
import { REFUSED_DIRECTORY_FULL } from "../../abi/refusal.ts";
import { S_IFCHR, S_IFDIR, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { errorOf } from "../../lib/result.ts";
import { refuse } from "../../sched/refusal.ts";
import { Dentry, Filesystem, Inode } from "../../vfs/dentry.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { DirectoryDescription, LISTING_END, OFFSET_END } from "../../vfs/file-description.ts";
import { Mount } from "../../vfs/mount.ts";
import { inheritAcls } from "../../vfs/xattr.ts";
import { DirectoryEntry, DirectoryIndex, FIRST_COOKIE } from "./directory-index.ts";
import { TmpfsInode } from "./inode.ts";
import { TmpfsLimits } from "./limits.ts";
import { TmpfsRegularFile } from "./regular-file.ts";
import { TmpfsSpecialFile } from "./special-file.ts";
import { TmpfsSymlink, takesPage } from "./symlink.ts";

/** What a directory needs of its file system: where inode numbers come from. */
export abstract class InodeNumbers extends Filesystem {
  abstract nextIno(): u64;
}

@final
export class TmpfsDirectory extends TmpfsInode {
  entries: DirectoryIndex = new DirectoryIndex();
  /** The next in a list of directories that end. */
  private nextDoomed: TmpfsDirectory | null = null;

  constructor(fs: Filesystem, limits: TmpfsLimits, ino: u64, mode: u32, uid: u32, gid: u32) {
    super(fs, limits, ino, mode, uid, gid);
    this.size = 40;
  }

  /** A loop, since a guest decides how deep a tree is: below this directory one after the other is emptied, then let go. */
  override destroy(): void {
    let doomed = this.dropEntries(null);
    while (doomed !== null) {
      const directory = doomed;
      doomed = directory.dropEntries(directory.nextDoomed);
      directory.decRef();
    }
    this.entries.destroy();
    super.destroy();
  }

  /** Lets go of all entries, but puts directories that nobody else holds in front of `doomed`; returns that list. */
  private dropEntries(doomed: TmpfsDirectory | null): TmpfsDirectory | null {
    let inode = this.entries.takeLast();
    while (inode !== null) {
      if (inode.isDirectory && inode.refs == 1) {
        const directory = changetype<TmpfsDirectory>(inode);
        directory.nextDoomed = doomed;
        doomed = directory;
      } else {
        inode.decRef();
      }
      inode = this.entries.takeLast();
    }
    return doomed;
  }

  override lookup(child: Dentry): i32 {
    const entry = this.entries.find(child.name, child.nameLength);
    if (entry === null) return 0;
    entry.inode.incRef();
    child.instantiate(entry.inode);
    return 0;
  }

  private nextIno(): u64 {
    return changetype<InodeNumbers>(this.fs).nextIno();
  }

  /** Names a new `inode` by `child`; takes over the maker's reference for the dentry. */
  private add(child: Dentry, inode: Inode): i32 {
    inheritAcls(this, inode);
    return this.addName(child, inode);
  }

  private addName(child: Dentry, inode: Inode): i32 {
    this.entries.add(child.name, child.nameLength, inode);
    child.instantiate(inode);
    this.updateSize();
    this.touchModified();
    return 0;
  }

  /** tmpfs counts 20 bytes for each entry, "." and ".." included (BOGO_DIRENT_SIZE). */
  private updateSize(): void {
    this.size = (<i64>this.entries.count + 2) * 20;
  }

  override create(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    return this.mknod(child, <u32>S_IFREG | mode, 0, uid, gid);
  }

  override createUnnamed(mode: u32, uid: u32, gid: u32): usize {
    if (!this.limits.takeInode()) return errorOf(this.limits.refuseInode());
    const inode = new TmpfsRegularFile(this.fs, this.limits, this.nextIno(), <u32>S_IFREG | mode, uid, gid);
    inode.nlink = 0;
    inheritAcls(this, inode);
    return changetype<usize>(inode);
  }

  /** Room for one more name, and its share of the inodes. */
  private takePlace(): bool {
    return !this.entries.isFull && this.limits.takeInode();
  }

  /** -ENOSPC: there was none. */
  refusePlace(): i32 {
    return this.entries.isFull ? refuse(ENOSPC, REFUSED_DIRECTORY_FULL) : this.limits.refuseInode();
  }

  override mknod(child: Dentry, mode: u32, rdev: u32, uid: u32, gid: u32): i32 {
    if (!this.takePlace()) return this.refusePlace();
    const ino = this.nextIno();
    if ((mode & <u32>S_IFMT) == <u32>S_IFREG) {
      return this.add(child, new TmpfsRegularFile(this.fs, this.limits, ino, mode, uid, gid));
    }
    const node = new TmpfsSpecialFile(this.fs, this.limits, ino, mode, uid, gid);
    node.rdev = rdev;
    return this.add(child, node);
  }

  override mkdir(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    if (!this.takePlace()) return this.refusePlace();
    this.nlink++;
    return this.add(
      child,
      new TmpfsDirectory(this.fs, this.limits, this.nextIno(), <u32>S_IFDIR | mode, uid, gid),
    );
  }

  override symlink(child: Dentry, target: usize, length: u32, uid: u32, gid: u32): i32 {
    if (!this.takePlace()) return this.refusePlace();
    if (takesPage(length) && !this.limits.takePages(1)) {
      this.limits.giveInode();
      return this.limits.refusePage();
    }
    return this.add(child, new TmpfsSymlink(this.fs, this.limits, this.nextIno(), uid, gid, target, length));
  }

  override link(child: Dentry, target: Dentry): i32 {
    const inode = target.file;
    if (this.entries.isFull) return this.refusePlace();
    // A file without a name has its share already.
    if (inode.nlink > 0 && !this.limits.takeInode()) return this.limits.refuseInode();
    inode.nlink++;
    inode.incRef();
    changetype<TmpfsInode>(inode).touchChanged();
    return this.addName(child, inode);
  }

  override unlink(child: Dentry): i32 {
    const inode = changetype<TmpfsInode>(child.file);
    this.removeEntry(child);
    // The last name's share is given back by the inode itself.
    if (inode.nlink > 1) this.limits.giveInode();
    inode.nlink--;
    inode.touchChanged();
    return 0;
  }

  override rmdir(child: Dentry): i32 {
    const victim = changetype<TmpfsDirectory>(child.file);
    if (victim.entries.count > 0) return -ENOTEMPTY;
    this.removeEntry(child);
    victim.nlink = 0;
    victim.dead = true;
    victim.touchChanged();
    this.nlink--;
    return 0;
  }

  private removeEntry(child: Dentry): void {
    const entry = this.entries.find(child.name, child.nameLength);
    assert(entry !== null, "a positive dentry of tmpfs has an entry");
    if (entry === null) return;
    this.entries.remove(entry);
    this.updateSize();
    this.touchModified();
  }

  override rename(from: Dentry, toDirectory: Inode, to: Dentry, flags: u32, uid: u32, gid: u32): i32 {
    const target = changetype<TmpfsDirectory>(toDirectory);
    if (flags & <u32>RENAME_EXCHANGE) return this.exchange(from, target, to);
    if (target.entries.isFull || (!target.entries.hasRoom && memoryIsShort())) return target.refusePlace();
    const moved = changetype<TmpfsInode>(from.file);
    const replaced = to.inode;
    if (replaced !== null && replaced.isDirectory) {
      if (changetype<TmpfsDirectory>(replaced).entries.count > 0) return -ENOTEMPTY;
    }
    if (flags & <u32>RENAME_WHITEOUT && !this.limits.takeInode()) return this.limits.refuseInode();
    if (replaced !== null) {
      if (replaced.isDirectory) target.rmdir(to);
      else target.unlink(to);
    }
    moved.incRef();
    this.removeEntry(from);
    if (flags & <u32>RENAME_WHITEOUT) this.addWhiteout(from, uid, gid);
    target.entries.add(to.name, to.nameLength, moved);
    target.updateSize();
    target.touchModified();
    if (moved.isDirectory && target !== this) {
      this.nlink--;
      target.nlink++;
    }
    moved.touchChanged();
    moved.decRef();
    return 0;
  }

  /** Leaves a 0:0 character device in the old place; its share of the inodes was taken. */
  private addWhiteout(from: Dentry, uid: u32, gid: u32): void {
    const node = new TmpfsSpecialFile(this.fs, this.limits, this.nextIno(), <u32>S_IFCHR, uid, gid);
    inheritAcls(this, node);
    this.entries.add(from.name, from.nameLength, node);
    node.decRef();
    this.updateSize();
  }

  private exchange(from: Dentry, target: TmpfsDirectory, to: Dentry): i32 {
    const one = this.entries.find(from.name, from.nameLength);
    const other = target.entries.find(to.name, to.nameLength);
    if (one === null || other === null) return -EINVAL;
    const moved = from.file;
    const back = to.file;
    this.entries.replace(one, back);
    target.entries.replace(other, moved);
    if (target !== this) {
      if (moved.isDirectory) {
        this.nlink--;
        target.nlink++;
      }
      if (back.isDirectory) {
        target.nlink--;
        this.nlink++;
      }
    }
    this.touchModified();
    target.touchModified();
    changetype<TmpfsInode>(moved).touchChanged();
    changetype<TmpfsInode>(back).touchChanged();
    return 0;
  }

  open(mount: usize, dentry: Dentry, flags: u32): usize {
    return changetype<usize>(new TmpfsDirectoryDescription(changetype<Mount>(mount), dentry, flags));
  }
}

@final
class TmpfsDirectoryDescription extends DirectoryDescription {
  override iterate(sink: DirectorySink, cookie: u64): i32 {
    if (cookie == <u64>OFFSET_END) return LISTING_END;
    const directory = changetype<TmpfsDirectory>(this.inode);
    if (cookie == 0 && !sink.emit(DOT, 1, directory.ino, 4, 1)) return 0;
    if (cookie <= 1) {
      const parent = this.dentry.parent;
      const ino = parent === null ? directory.ino : parent.file.ino;
      if (!sink.emit(DOT, 2, ino, 4, FIRST_COOKIE)) return 0;
    }
    const entries = directory.entries;
    for (let i = entries.positionOf(cookie), n = entries.length; i < n; i++) {
      const entry = entries.entryAt(i);
      if (entry === null) continue;
      if (!emitEntry(sink, entry)) return 0;
    }
    return LISTING_END;
  }
}

function emitEntry(sink: DirectorySink, entry: DirectoryEntry): bool {
  // A file's type, shifted, is its DT_ value.
  const type = (entry.inode.mode & <u32>S_IFMT) >> 12;
  return sink.emit(entry.name, entry.nameLength, entry.inode.ino, type, entry.cookie + 1);
}

/** The bytes "..". */
const DOT: usize = memory.data<u8>([0x2e, 0x2e]);
