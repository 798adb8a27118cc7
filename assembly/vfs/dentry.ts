// Filesystem, Inode, Dentry: the three objects that every path is made of. They know each other, so they share a file.
//
// Dentries: one cached name in one directory.
//
// States
//   unhashed   made by the cache for a lookup, or taken out of the cache; no walk can find it
//   positive   hashed under (parent, name); has an inode
//   negative   hashed; the file system said that there is no such file
//   dead       DENTRY_DEAD: a removed directory, or a name whose file was unlinked; open files may still hold it
//
// Ownership
//   A dentry holds a reference on its parent and on its inode; an inode holds none on its dentries.
//   References on a dentry: each child, each Mount (its root and its mount point), each FileDescription, each FsContext, a
//   walk in progress. The cache holds none: a hashed dentry without references waits on its file system's LRU list and may
//   be evicted by any lookup; an unhashed one ends with its last reference.
//
// Locks
//   A directory inode's `lock` is held while names in it are looked up in the file system, made or removed, since the file
//   system may sleep in that. Dentry fields change under the kernel lock only.

import { EACCES, EOPNOTSUPP, EPERM } from "../abi/errno.ts";
import { IN_DELETE_SELF } from "../abi/inotify.ts";
import { REFUSED_BY_TYPE } from "../abi/refusal.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../abi/stat.ts";
import { duplicate } from "../lib/bytes.ts";
import { free, RefCounted } from "../lib/ref-counted.ts";
import { errorOf } from "../lib/result.ts";
import { refuse } from "../sched/refusal.ts";
import { SleepLock } from "../sched/sleep-lock.ts";
import { Acl } from "./acl.ts";
import { Attributes, StatFs } from "./attributes.ts";
import { Text } from "./text.ts";
import { moveTreeGeneration } from "./tree-generation.ts";
import { loseWatches } from "./watch.ts";

/** The default bound on unreferenced and referenced dentries of one file system. */
export const DENTRIES_MAX: u32 = 65536;
/** In nanoseconds: relatime moves access times that are older. */
export const DAY: i64 = 86_400_000_000_000;

export const DENTRY_HASHED: u32 = 1;
export const DENTRY_DEAD: u32 = 2;
export const DENTRY_ON_LRU: u32 = 4;
/** Used since it was put on the LRU list. */
export const DENTRY_REFERENCED: u32 = 8;
/** A directory in which the kernel made a mount point that its file system does not have (boot/mount-point.ts), now or before. */
export const DENTRY_HAS_FOREIGN: u32 = 16;

/** One mounted instance (Linux: struct super_block). */
export abstract class Filesystem extends RefCounted {
  /** st_dev of its files; unique per instance. */
  device: u32 = 0;
  /** No change reaches this file system, whatever the mount says. */
  readonly: bool = false;
  /** Mounts that show it or a part of it. */
  mounts: u32 = 0;
  /** Descriptions open for writing, and changes under way: while there are some it cannot be made read-only. */
  writers: u32 = 0;
  /** Every dentry is asked by Inode.revalidate() before a walk uses it. */
  revalidates: bool = false;
  /** Walks of several names tell Inode.prepareWalk() first. */
  preparesWalks: bool = false;
  /** How many file systems lie on each other up to this one, without the lowest (Linux: s_stack_depth). */
  stackDepth: u32 = 0;
  /** Its files can have POSIX access control lists (Linux: SB_POSIXACL). */
  hasAcls: bool = false;
  /** Held by a rename that moves between directories, so that no ancestor moves meanwhile. */
  renameLock: SleepLock = new SleepLock();

  // The dentry cache's bookkeeping (vfs/dcache.ts).
  dentryCount: u32 = 0;
  dentryMax: u32 = DENTRIES_MAX;
  lruHead: Dentry | null = null;
  lruTail: Dentry | null = null;

  /** An index into vfs/filesystem-type.ts's names; what /proc/filesystems and statfs show. */
  abstract typeId(): u32;
  abstract statfs(out: StatFs): i32;
  /**
   * What takes the place of a path for files that have none (Linux: d_dname()): puts a text like "pipe:[12]" into `out`, room for
   * PATH_MAX bytes, and returns its length. 0: the files of this file system have paths.
   */
  describe(_dentry: Dentry, _out: usize): u32 {
    return 0;
  }
  /** Writes its mount options, each behind a comma, as /proc/mounts shows them (Linux: show_options()). */
  showOptions(_out: Text): void {}
  /** Writes what is not yet written. */
  sync(): i32 {
    return 0;
  }
  /** Takes the options of a remount, as mount(2) got them. Errors: EINVAL for what it does not know. */
  reconfigure(_data: usize, _length: u32): i32 {
    return 0;
  }
  destroy(): void {
    free(this.renameLock);
  }
}

/** A place that a magic link leads to (Linux: struct path). */
@final
export class LinkTarget {
  /** The Mount (vfs/mount.ts). */
  mount: usize = 0;
  dentry: Dentry | null = null;
}

/**
 * A file of any type. The attribute fields hold what stat(2) shows; a file system that has them elsewhere brings them up
 * to date in getAttributes().
 *
 * Directory operations: the caller holds `lock`, has checked permissions and that the file system is writable, and gives a
 * `child` dentry whose parent is a dentry of this inode. Unless told otherwise they return 0 or -errno. The VFS asks nothing of
 * a file that its type cannot do: what a subclass does not have is EPERM.
 */
export abstract class Inode extends RefCounted {
  lock: SleepLock = new SleepLock();
  ino: u64 = 0;
  mode: u32 = 0;
  uid: u32 = 0;
  gid: u32 = 0;
  nlink: u32 = 1;
  rdev: u32 = 0;
  size: i64 = 0;
  /** In units of 512 bytes. */
  blocks: u64 = 0;
  /** Nanoseconds since the epoch. */
  atime: i64 = 0;
  mtime: i64 = 0;
  ctime: i64 = 0;
  btime: i64 = 0;
  /** A device or pipe whose file system opens it itself: open() is called, not the driver of its number. */
  opensItself: bool = false;
  /** fallocate(2) takes privileges away before it asks the file, which may refuse. */
  dropsPrivilegesFirst: bool = false;
  /** A directory that was removed: nothing can be made in it (Linux: S_DEAD). */
  dead: bool = false;
  /** A file that never had a name, and may get one although it has no links (Linux: I_LINKABLE). */
  linkable: bool = false;

  /** The POSIX access control list behind the mode bits, whose group bits are its mask. Held by the inode; setAcl() changes it. */
  accessAcl: Acl | null = null;
  /** What files made in this directory get. */
  defaultAcl: Acl | null = null;
  /** The file has security.capability, which goes with the next change of its contents or owner. */
  hasFileCapability: bool = false;
  // What others keep with the inode; 0: nothing.
  /** Its FileLocks (vfs/file-locks.ts). */
  locks: usize = 0;
  /** The Pipe of a FIFO that is open (vfs/pipe.ts). */
  pipe: usize = 0;
  /** F_SEAL_* bits of a file that can have them (fcntl(2)); all bits: it cannot. */
  seals: u32 = u32.MAX_VALUE;
  /** The first Watch on it (vfs/fsnotify.ts). */
  watches: usize = 0;

  /** The overlay's inode on top of this one, not counted as a reference; 0: none. */
  overlay: usize = 0;

  constructor(public fs: Filesystem) {
    super();
    fs.incRef();
  }

  /** Subclasses that override this end by calling super.destroy(). */
  destroy(): void {
    free(this.lock);
    this.holdAcl(false, null);
    this.holdAcl(true, null);
    this.fs.decRef();
  }

  /** Puts an access control list in its field, which takes a reference of its own. */
  holdAcl(isDefault: bool, acl: Acl | null): void {
    const before = isDefault ? this.defaultAcl : this.accessAcl;
    if (acl !== null) acl.incRef();
    if (before !== null) before.decRef();
    if (isDefault) this.defaultAcl = acl;
    else this.accessAcl = acl;
  }

  get type(): u32 {
    return this.mode & <u32>S_IFMT;
  }
  get isDirectory(): bool {
    return (this.mode & <u32>S_IFMT) == <u32>S_IFDIR;
  }
  get isSymlink(): bool {
    return (this.mode & <u32>S_IFMT) == <u32>S_IFLNK;
  }
  get isRegular(): bool {
    return (this.mode & <u32>S_IFMT) == <u32>S_IFREG;
  }

  /** No name is left of it: it ends with its last use (Linux: i_nlink is 0, which need not be what stat(2) shows). */
  isGone(): bool {
    return this.nlink == 0 || this.dead;
  }

  /** Somebody began to watch it (vfs/watch.ts): it stays when its dentries go, and is to be found again. */
  watched(): void {}

  /** Whether atime is not younger than the last change: relatime moves it. */
  get isBehind(): bool {
    return this.atime <= this.mtime || this.atime <= this.ctime;
  }

  /** Whether relatime moves atime when the file is used at `now`. May sleep. Linux: relatime_need_update(). */
  accessIsDue(now: i64): bool {
    return this.isBehind || now - this.atime >= DAY;
  }

  /** The file was used at `now`, and its atime moves, here or where it is kept. May sleep. */
  touchAccessed(_now: i64): void {}

  /** A FIFO was written to at `now`: what it holds is not the file system's. */
  touchWritten(now: i64): void {
    this.mtime = now;
    this.ctime = now;
  }

  /** Brings the attribute fields up to date. */
  getAttributes(): i32 {
    return 0;
  }

  /** Changes what `a.valid` names, and ctime. Permission was checked. ATTR_SIZE only on regular files. */
  abstract setAttributes(a: Attributes): i32;

  /**
   * Asks the file system for `child`'s name. 0: `child` was instantiated when the file exists, and left without an inode
   * when not. The caller hashes it.
   */
  lookup(_child: Dentry): i32 {
    return -EPERM;
  }

  /**
   * For file systems that revalidate: whether `child`, a dentry of this directory, positive or negative, still says the truth.
   * 1: it does (attributes were brought up to date); 0: it does not, look it up again; -errno.
   */
  revalidate(_child: Dentry): i32 {
    return 1;
  }

  /**
   * A walk is about to look up the names of the text [path, end) from `directory`, a dentry of this inode, on. A file system
   * to which each question is a journey asks for all of them here, and puts what it learns into the dentry cache.
   */
  prepareWalk(_directory: Dentry, _path: usize, _end: usize): void {}

  /** Makes a regular file, exclusively, owned by uid and gid; instantiates `child`. `mode` has the umask applied. */
  create(_child: Dentry, _mode: u32, _uid: u32, _gid: u32): i32 {
    // Linux: vfs_create(), which knows another error than its siblings.
    return refuse(EACCES, REFUSED_BY_TYPE);
  }
  mkdir(_child: Dentry, _mode: u32, _uid: u32, _gid: u32): i32 {
    return refuse(EPERM, REFUSED_BY_TYPE);
  }
  /** `mode` carries the type: FIFO, socket or device. */
  mknod(_child: Dentry, _mode: u32, _rdev: u32, _uid: u32, _gid: u32): i32 {
    return refuse(EPERM, REFUSED_BY_TYPE);
  }
  symlink(_child: Dentry, _target: usize, _length: u32, _uid: u32, _gid: u32): i32 {
    return refuse(EPERM, REFUSED_BY_TYPE);
  }
  /** Makes `child` another name of `target`, which is of the same file system and no directory; instantiates it. */
  link(_child: Dentry, _target: Dentry): i32 {
    return refuse(EPERM, REFUSED_BY_TYPE);
  }
  /** Removes a name that is no directory. The dentry is the caller's to unhash. */
  unlink(_child: Dentry): i32 {
    return refuse(EPERM, REFUSED_BY_TYPE);
  }
  rmdir(_child: Dentry): i32 {
    return refuse(EPERM, REFUSED_BY_TYPE);
  }
  /**
   * Moves `from`, a name of this directory, to `to`, a name of `toDirectory` (negative, or positive and to be replaced; types
   * agree already). Flags: RENAME_NOREPLACE was checked by the caller; RENAME_EXCHANGE and RENAME_WHITEOUT may be refused by -EINVAL.
   * `uid` and `gid` own the whiteout that the latter leaves. The caller moves the dentries.
   */
  rename(_from: Dentry, _toDirectory: Inode, _to: Dentry, _flags: u32, _uid: u32, _gid: u32): i32 {
    return refuse(EPERM, REFUSED_BY_TYPE);
  }

  /** Copies the link's text to `out` (room for PATH_MAX bytes); returns its length. */
  readlink(_out: usize): i32 {
    return -EPERM;
  }

  /**
   * Where a magic link leads: puts a mount and a dentry into `to`, each with a reference for the caller. 1: it did; 0: the link is
   * followed by its text, like any other; or -errno. Linux: nd_jump_link().
   */
  jump(_to: LinkTarget): i32 {
    return 0;
  }

  /** Makes a regular file without a name (O_TMPFILE), nlink 0: an Inode with one reference, or an error. The caller holds no lock. */
  createUnnamed(_mode: u32, _uid: u32, _gid: u32): usize {
    return errorOf(-EOPNOTSUPP);
  }

  /**
   * Sets (null: removes) the access list, and `mode` with it, which are to agree; or the default list of a directory. `acl` is
   * borrowed and valid.
   */
  setAcl(_isDefault: bool, _acl: Acl | null, _mode: u32): i32 {
    return -EOPNOTSUPP;
  }

  // Extended attributes, but for the access control lists, which are fields. Names are whole ("user.x"), values kernel memory;
  // vfs/xattr.ts has checked permission and lengths. May sleep.

  /** Copies the value to `out`, and returns its length; with a `capacity` of 0 only that. Errors: ENODATA, ERANGE. */
  getXattr(_name: usize, _nameLength: u32, _out: usize, _capacity: u32): i32 {
    return -EOPNOTSUPP;
  }
  /** `flags`: XATTR_CREATE (EEXIST), XATTR_REPLACE (ENODATA). */
  setXattr(_name: usize, _nameLength: u32, _value: usize, _length: u32, _flags: u32): i32 {
    return -EOPNOTSUPP;
  }
  removeXattr(_name: usize, _nameLength: u32): i32 {
    return -EOPNOTSUPP;
  }
  /**
   * Copies all names, each with its NUL, to `out`; returns their length, at most XATTR_LIST_MAX. As getXattr() for `capacity`.
   * Errors: ERANGE. Without the names of access control lists; with those that only the privileged see.
   */
  listXattrs(_out: usize, _capacity: u32): i32 {
    return 0;
  }
  /** Called before attributes change, with the name by which that is done. */
  prepareChange(_dentry: Dentry): i32 {
    return 0;
  }
  /**
   * Called before an extended attribute or an access control list is set, or removed, with the name by which that is done, and
   * before the attribute's own name is looked at.
   */
  prepareXattr(_dentry: Dentry, _name: usize, _nameLength: u32, _removes: bool): i32 {
    return 0;
  }
  /** What listxattr(2) without a buffer says, and takes as the least buffer, where that is not the length of the names; else -EOPNOTSUPP. */
  xattrListRoom(): i32 {
    return -EOPNOTSUPP;
  }

  /**
   * Opens the file: a FileDescription with one reference, or an error (lib/result.ts). `mount` and `dentry` are the Mount
   * and Dentry it was reached by, borrowed. O_TRUNC says that the caller truncates the file next. May sleep.
   */
  abstract open(mount: usize, dentry: Dentry, flags: u32): usize;
}

@final
export class Dentry extends RefCounted {
  flags: u32 = 0;
  inode: Inode | null = null;
  parent: Dentry | null;
  /** Heap copy of the name, or 0 for a root. */
  name: usize;
  nameLength: u32;
  hash: u32;
  nextInBucket: Dentry | null = null;
  previousInBucket: Dentry | null = null;
  /** The first of the dentries whose parent this is, linked by nextSibling; they hold it, not it them. */
  children: Dentry | null = null;
  nextSibling: Dentry | null = null;
  previousSibling: Dentry | null = null;
  /** Where names are revalidated: the system call for which this one is known to be true (Thread.callNumber()). */
  trueIn: u64 = 0;
  nextOnLru: Dentry | null = null;
  previousOnLru: Dentry | null = null;
  /** The Mounts on this dentry, linked by Mount.nextOnDentry (vfs/mount.ts); 0 for none. */
  mounts: usize = 0;

  /** Takes a reference on `parent`; copies the name. */
  constructor(
    public fs: Filesystem,
    parent: Dentry | null,
    name: usize,
    nameLength: u32,
    hash: u32,
  ) {
    super();
    this.parent = parent;
    this.name = duplicate(name, nameLength);
    this.nameLength = nameLength;
    this.hash = hash;
    if (parent !== null) {
      parent.incRef();
      this.joinSiblings(parent);
    }
    fs.incRef();
    fs.dentryCount++;
  }

  get isNegative(): bool {
    return this.inode === null;
  }
  /** Whether it is a directory's, and not negative. */
  get isDirectory(): bool {
    const inode = this.inode;
    return inode !== null && inode.isDirectory;
  }
  get isHashed(): bool {
    return (this.flags & DENTRY_HASHED) != 0;
  }
  get isDead(): bool {
    return (this.flags & DENTRY_DEAD) != 0;
  }

  /** Gives a dentry without an inode its inode; takes over the caller's reference. */
  instantiate(inode: Inode): void {
    assert(this.inode === null, "the dentry has no inode yet");
    this.inode = inode;
  }

  /** The inode of a positive dentry. */
  get file(): Inode {
    return changetype<Inode>(changetype<usize>(this.inode));
  }

  override decRef(): void {
    assert(this.refs > 0, "a reference is held");
    if (--this.refs > 0) return;
    if (this.isHashed) {
      if (this.flags & DENTRY_ON_LRU) this.flags |= DENTRY_REFERENCED;
      else this.pushLru();
      return;
    }
    this.end();
  }

  /** Ends an unhashed dentry without references, and then its parents for as long as it was the last to hold them. */
  end(): void {
    // Iterative: a chain of unhashed parents may be as long as a guest's deepest path.
    let dentry: Dentry = this;
    while (true) {
      const parent = dentry.parent;
      if (dentry.flags & DENTRY_ON_LRU) dentry.unlinkLru();
      if (parent !== null) dentry.leaveSiblings(parent);
      dentry.destroy();
      free(dentry);
      if (parent === null) return;
      if (--parent.refs > 0) return;
      if (parent.isHashed) {
        if (parent.flags & DENTRY_ON_LRU) parent.flags |= DENTRY_REFERENCED;
        else parent.pushLru();
        return;
      }
      dentry = parent;
    }
  }

  /** All but the reference on the parent, which end() gives back. */
  destroy(): void {
    const inode = this.inode;
    if (this.isDirectory) moveTreeGeneration();
    if (inode !== null) {
      if (inode.watches && inode.isGone()) loseWatches(inode.watches, IN_DELETE_SELF);
      inode.decRef();
    }
    if (this.name) heap.free(this.name);
    this.fs.dentryCount--;
    this.fs.decRef();
  }

  /** Takes a place among the children of `parent`, which is or becomes this one's parent. */
  joinSiblings(parent: Dentry): void {
    const first = parent.children;
    this.nextSibling = first;
    this.previousSibling = null;
    if (first !== null) first.previousSibling = this;
    parent.children = this;
  }

  leaveSiblings(parent: Dentry): void {
    const next = this.nextSibling;
    const previous = this.previousSibling;
    if (previous !== null) previous.nextSibling = next;
    else parent.children = next;
    if (next !== null) next.previousSibling = previous;
  }

  pushLru(): void {
    const fs = this.fs;
    const head = fs.lruHead;
    this.flags = (this.flags | DENTRY_ON_LRU) & ~DENTRY_REFERENCED;
    this.nextOnLru = head;
    this.previousOnLru = null;
    if (head !== null) head.previousOnLru = this;
    else fs.lruTail = this;
    fs.lruHead = this;
  }

  unlinkLru(): void {
    const fs = this.fs;
    const next = this.nextOnLru;
    const previous = this.previousOnLru;
    if (previous !== null) previous.nextOnLru = next;
    else fs.lruHead = next;
    if (next !== null) next.previousOnLru = previous;
    else fs.lruTail = previous;
    this.nextOnLru = null;
    this.previousOnLru = null;
    this.flags &= ~(DENTRY_ON_LRU | DENTRY_REFERENCED);
  }

  /** Whether `ancestor` is this dentry or lies above it. */
  isBelow(ancestor: Dentry): bool {
    let at: Dentry | null = this;
    while (at !== null) {
      if (at === ancestor) return true;
      at = at.parent;
    }
    return false;
  }
}
