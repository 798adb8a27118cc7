// What happened to files, for those who watch them (Linux: include/linux/fsnotify.h). The operations of vfs/ and of the ABI layers
// call these after they succeeded. Without a watch on the file or its directory each is a few loads.

import {
  IN_ACCESS,
  IN_ATTRIB,
  IN_CLOSE_NOWRITE,
  IN_CLOSE_WRITE,
  IN_CREATE,
  IN_DELETE,
  IN_ISDIR,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_OPEN,
} from "../abi/inotify.ts";
import { ROOT_LAST_COOKIE } from "../abi/kernel-layout.ts";
import { ATTR_ATIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_SIZE, ATTR_UID } from "./attributes.ts";
import { Dentry, Inode } from "./dentry.ts";
import { tellWatches } from "./watch.ts";

/** An event of the file itself, for its own watches alone. */
function tellSelf(inode: Inode, mask: u32): void {
  if (inode.watches) tellWatches(inode.watches, withType(inode, mask), 0, 0, 0, false);
}

/** An event of a name in a directory, for the directory's watches alone. */
function tellName(directory: Inode, mask: u32, cookie: u32, name: usize, length: u32): void {
  if (directory.watches) tellWatches(directory.watches, mask, cookie, name, length, false);
}

function withType(inode: Inode, mask: u32): u32 {
  return inode.isDirectory ? mask | <u32>IN_ISDIR : mask;
}

/**
 * An event of a file that was reached by a name: for the watches of the directory, then for its own. `gone`: not for those that do
 * not care for files without a name (IN_EXCL_UNLINK).
 */
function tellPlace(dentry: Dentry, event: u32, gone: bool): void {
  const inode = dentry.file;
  const parent = dentry.parent;
  const mask = withType(inode, event);
  if (parent !== null && parent.file.watches)
    tellWatches(parent.file.watches, mask, 0, dentry.name, dentry.nameLength, gone);
  if (inode.watches) tellWatches(inode.watches, mask, 0, 0, 0, gone);
}

/** An event of an open file (Linux: fsnotify_file()). */
function tellOpen(dentry: Dentry, mask: u32): void {
  tellPlace(dentry, mask, dentry.isDead);
}

/**
 * What was done with the contents of an open file. A device, FIFO or socket shows that to nobody who may not read it: the watches of
 * its directory are not told (Linux since 6.18).
 */
function tellContents(dentry: Dentry, mask: u32): void {
  const inode = dentry.file;
  if (inode.isRegular || inode.isDirectory) tellOpen(dentry, mask);
  else if (inode.watches) tellWatches(inode.watches, mask, 0, 0, 0, dentry.isDead);
}

export function notifyOpen(dentry: Dentry): void {
  tellOpen(dentry, IN_OPEN);
}

export function notifyClose(dentry: Dentry, couldWrite: bool): void {
  tellOpen(dentry, couldWrite ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

/** Bytes or directory entries were read. */
export function notifyAccess(dentry: Dentry): void {
  tellContents(dentry, IN_ACCESS);
}

/** Bytes were written, or room was made. */
export function notifyModify(dentry: Dentry): void {
  tellContents(dentry, IN_MODIFY);
}

/** Extended attributes and what else is neither contents nor name. */
export function notifyAttributes(dentry: Dentry): void {
  tellPlace(dentry, IN_ATTRIB, false);
}

/** Attributes were changed; `valid` are the ATTR_* that were (Linux: fsnotify_change()). One event tells of all. */
export function notifyChange(dentry: Dentry, valid: u32): void {
  let mask: u32 = 0;
  if (valid & (ATTR_UID | ATTR_GID | ATTR_MODE)) mask |= <u32>IN_ATTRIB;
  if (valid & ATTR_SIZE) mask |= <u32>IN_MODIFY;
  const times = valid & (ATTR_ATIME | ATTR_MTIME);
  if (times == (ATTR_ATIME | ATTR_MTIME)) mask |= <u32>IN_ATTRIB;
  else if (times == ATTR_ATIME) mask |= <u32>IN_ACCESS;
  else if (times == ATTR_MTIME) mask |= <u32>IN_MODIFY;
  if (mask) tellPlace(dentry, mask, false);
}

/** `child` was made in `directory`. */
export function notifyCreate(directory: Inode, child: Dentry): void {
  if (!directory.watches) return;
  tellName(directory, withType(child.file, IN_CREATE), 0, child.name, child.nameLength);
}

/** The number of the file's links has changed. */
export function notifyLinkCount(inode: Inode): void {
  tellSelf(inode, IN_ATTRIB);
}

/** The name was removed from `directory`. */
export function notifyDelete(directory: Inode, isDirectory: bool, name: usize, length: u32): void {
  tellName(directory, <u32>IN_DELETE | (isDirectory ? <u32>IN_ISDIR : 0), 0, name, length);
}

/**
 * `moved` has left (`from`, the name of `length` bytes) for its name in `to`, in place of `replaced` where that was a file (Linux:
 * fsnotify_move()).
 */
export function notifyMove(
  from: Inode,
  name: usize,
  length: u32,
  to: Inode,
  moved: Dentry,
  replaced: Inode | null,
): void {
  const inode = moved.file;
  if (from.watches || to.watches) {
    const cookie = load<u32>(ROOT_LAST_COOKIE) + 1;
    store<u32>(ROOT_LAST_COOKIE, cookie);
    tellName(from, withType(inode, IN_MOVED_FROM), cookie, name, length);
    tellName(to, withType(inode, IN_MOVED_TO), cookie, moved.name, moved.nameLength);
  }
  if (replaced !== null) notifyLinkCount(replaced);
  tellSelf(inode, IN_MOVE_SELF);
}
