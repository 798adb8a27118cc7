// Work on the layers' own trees, as the VFS would do it on behalf of the mounter: directory locks, dentries, no permission
// checks. "dir" is a directory's dentry in a layer throughout.

import { EEXIST, EINVAL, ENAMETOOLONG, ENOENT, EOPNOTSUPP } from "../../abi/errno.ts";
import { RENAME_EXCHANGE } from "../../abi/fcntl.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { isError } from "../../lib/result.ts";
import { ATTR_ATIME, ATTR_ATIME_SET, ATTR_MTIME, ATTR_MTIME_SET, Attributes } from "../../vfs/attributes.ts";
import { exchangeDentries, killDentry, moveDentry } from "../../vfs/dcache.ts";
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
  const result = fromDir.file.rename(from, toDir.file, to, 0, 0, 0);
  if (result < 0) return result;
  const replaced = to.inode;
  if (replaced !== null && replaced.isDirectory) replaced.dead = true;
  moveDentry(from, to);
  return 0;
}

/** Exchanges two files. The caller holds as for moveFile(). Errors: EINVAL when the file system cannot. */
export function exchangeFiles(fromDir: Dentry, from: Dentry, toDir: Dentry, to: Dentry): i32 {
  const result = fromDir.file.rename(from, toDir.file, to, <u32>RENAME_EXCHANGE, 0, 0);
  if (result == 0) exchangeDentries(from, to);
  return result;
}

/** Moves `from` to a name that is free. The caller holds both directories' locks. */
export function moveToName(fromDir: Dentry, from: Dentry, toDir: Dentry, name: usize, length: u32): i32 {
  const found = lookupLocked(toDir, name, length);
  if (isError(found)) return <i32>found;
  const target = changetype<Dentry>(found);
  const result = moveFile(fromDir, from, toDir, target);
  target.decRef();
  return result;
}

/**
 * Puts `from` in the place of `to`: nothing, a file of whatever type, an empty directory. What was there is removed. The caller
 * holds both directories' locks. Where no rename can do it, one being a directory, the two are exchanged; on a file system
 * without that the name is missing for a moment.
 */
export function replaceFile(fromDir: Dentry, from: Dentry, toDir: Dentry, to: Dentry): i32 {
  const replaced = to.inode;
  if (replaced === null || replaced.isDirectory == from.file.isDirectory) {
    return moveFile(fromDir, from, toDir, to);
  }
  let result = exchangeFiles(fromDir, from, toDir, to);
  if (result == 0) {
    removeFile(fromDir, to);
    return 0;
  }
  if (result != -EINVAL && result != -EOPNOTSUPP) return result;
  const whiteout = isWhiteout(replaced);
  const name = to.name;
  const length = to.nameLength;
  result = removeFile(toDir, to);
  if (result < 0) return result;
  result = moveToName(fromDir, from, toDir, name, length);
  if (result < 0 && whiteout) makeWhiteout(toDir, name, length);
  return result;
}

/** Makes a whiteout, which has nothing of the directory's default list. The caller holds the lock of `dir`. */
export function makeWhiteout(dir: Dentry, name: usize, length: u32): i32 {
  const found = lookupLocked(dir, name, length);
  if (isError(found)) return <i32>found;
  const child = changetype<Dentry>(found);
  let result = child.isNegative ? dir.file.mknod(child, <u32>S_IFCHR, 0, 0, 0) : -EEXIST;
  if (result == 0 && child.file.accessAcl !== null) result = child.file.setAcl(false, null, child.file.mode);
  child.decRef();
  return result;
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
