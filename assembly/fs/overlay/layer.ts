// Work on the layers' own trees, as the VFS would do it on behalf of the mounter: directory locks, dentries, no permission
// checks. "dir" is a directory's dentry in a layer throughout.

import { EIO, ENAMETOOLONG, ENOENT } from "../../abi/errno.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { random } from "../../host.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { ATTR_ATIME, ATTR_ATIME_SET, ATTR_MTIME, ATTR_MTIME_SET, Attributes } from "../../vfs/attributes.ts";
import { killDentry, moveDentry } from "../../vfs/dcache.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { lookupLocked, lookupOne } from "../../vfs/lookup.ts";

/** What is to be made in a layer. */
@final
export class NewFile {
  /** The text of a symbolic link. */
  target: usize = 0;
  targetLength: u32 = 0;
  /** The file of which another name is made, borrowed; the rest then does not count. */
  source: Dentry | null = null;

  constructor(
    /** With the type. */
    public mode: u32,
    public rdev: u32,
    public uid: u32,
    public gid: u32,
  ) {}
}

/** A character device 0:0 hides the name in all layers below. */
export function isWhiteout(inode: Inode): bool {
  return inode.type == <u32>S_IFCHR && inode.rdev == 0;
}

/** The positive dentry of a name, a whiteout perhaps, with a reference; 0 when there is none; or an error. */
export function findInLayer(dir: Dentry, name: usize, length: u32): usize {
  const found = lookupOne(dir, name, length);
  if (isError(found)) {
    const error = <i32>found;
    return error == -ENOENT || error == -ENAMETOOLONG ? 0 : found;
  }
  const dentry = changetype<Dentry>(found);
  if (!dentry.isNegative) return found;
  dentry.decRef();
  return 0;
}

/** Makes the file of `child`, a negative dentry of `dir`. The caller holds the lock of `dir`. */
export function makeFile(dir: Dentry, child: Dentry, file: NewFile): i32 {
  const parent = dir.file;
  const source = file.source;
  if (source !== null) return parent.link(child, source);
  const type = file.mode & <u32>S_IFMT;
  const bits = file.mode & 0o7777;
  if (type == <u32>S_IFREG) return parent.create(child, bits, file.uid, file.gid);
  if (type == <u32>S_IFDIR) return parent.mkdir(child, bits, file.uid, file.gid);
  if (type == <u32>S_IFLNK) return parent.symlink(child, file.target, file.targetLength, file.uid, file.gid);
  return parent.mknod(child, file.mode, file.rdev, file.uid, file.gid);
}

/** Removes a name. The caller holds the lock of `dir` and a reference on `child`. */
export function removeFile(dir: Dentry, child: Dentry): i32 {
  const directory = child.file.isDirectory;
  const result = directory ? dir.file.rmdir(child) : dir.file.unlink(child);
  if (result < 0) return result;
  if (directory) child.file.dead = true;
  killDentry(child);
  return 0;
}

/** Moves `from` to the place of `to`. The caller holds both directories' locks and references on both dentries. */
export function moveFile(fromDir: Dentry, from: Dentry, toDir: Dentry, to: Dentry): i32 {
  const result = fromDir.file.rename(from, toDir.file, to, 0);
  if (result < 0) return result;
  const replaced = to.inode;
  if (replaced !== null && replaced.isDirectory) replaced.dead = true;
  moveDentry(from, to);
  return 0;
}

export function makeWhiteout(dir: Dentry, child: Dentry): i32 {
  return dir.file.mknod(child, <u32>S_IFCHR, 0, 0, 0);
}

// Work names: what is made first and put in its place afterwards has a name of this form, which guests neither see nor may
// use. A thread that is killed in between may leave one.
const WORK_PREFIX: usize = memory.data<u8>([0x2e, 0x77, 0x76, 0x69, 0x73, 0x6f, 0x72, 0x2d]);
const WORK_PREFIX_LENGTH: u32 = 8;
const WORK_NAME_LENGTH: u32 = 24;

/** Whether a name is ".wvisor-" and sixteen hexadecimal digits. */
export function isWorkName(name: usize, length: u32): bool {
  if (length != WORK_NAME_LENGTH || load<u64>(name) != load<u64>(WORK_PREFIX)) return false;
  for (let i = WORK_PREFIX_LENGTH; i < length; i++) {
    const c = load<u8>(name + i);
    if (!((c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x66))) return false;
  }
  return true;
}

/** Makes a file under a work name; returns its dentry with a reference, or an error. The caller holds the lock of `dir`. */
export function makeWorkFile(dir: Dentry, file: NewFile): usize {
  const name = heap.alloc(WORK_NAME_LENGTH);
  store<u64>(name, load<u64>(WORK_PREFIX));
  random(name + 8, 8);
  const bits = load<u64>(name, 8);
  for (let i: u32 = 0; i < 16; i++) {
    const digit = <u8>((bits >> ((<u64>i) << 2)) & 15);
    store<u8>(name + WORK_PREFIX_LENGTH + i, digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
  const found = lookupLocked(dir, name, WORK_NAME_LENGTH);
  heap.free(name);
  if (isError(found)) return found;
  const child = changetype<Dentry>(found);
  const result = child.isNegative ? makeFile(dir, child, file) : -EIO;
  if (result == 0) return found;
  child.decRef();
  return errorOf(result);
}

/** A whiteout under a work name. The caller holds the lock of `dir`. */
export function makeWorkWhiteout(dir: Dentry): usize {
  const file = new NewFile(<u32>S_IFCHR, 0, 0, 0);
  const made = makeWorkFile(dir, file);
  free(file);
  return made;
}

/** Takes a work file back, and the caller's reference with it. The caller holds the lock of `dir`. */
export function discardWorkFile(dir: Dentry, work: Dentry): void {
  removeFile(dir, work);
  work.decRef();
}

/** setAttributes() under the file's lock. */
export function changeFile(inode: Inode, a: Attributes): i32 {
  const locked = inode.lock.acquire();
  if (locked < 0) return locked;
  const result = inode.setAttributes(a);
  inode.lock.release();
  return result;
}

/** Sets a directory's times back to what they were before the overlay worked in it. The caller holds its lock. */
export function restoreTimes(inode: Inode, atime: i64, mtime: i64): void {
  const a = new Attributes();
  a.valid = ATTR_ATIME | ATTR_ATIME_SET | ATTR_MTIME | ATTR_MTIME_SET;
  a.atime = atime;
  a.mtime = mtime;
  inode.setAttributes(a);
  free(a);
}
