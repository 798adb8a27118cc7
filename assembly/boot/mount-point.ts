// Mount points: where something is to be mounted, made when it is missing.
//
// In a tree of the kernel a missing directory is made there. In a tree of the host nothing is: the name gets a dentry whose
// inode is in the kernel's memory (gVisor calls it synthetic), so that the host's directory stays as it is and may be
// read-only. Such a dentry is kept by what is mounted on it or below it. It is a file system of its own, with an st_dev of its own;
// listings of its directory show it (vfs/iterate-directory.ts), and it can be neither removed nor renamed: EBUSY.

import { ENOENT, EROFS } from "../abi/errno.ts";
import { S_IFREG } from "../abi/stat.ts";
import { Credentials } from "../auth/credentials.ts";
import { mountTmpfs, mountTmpfsFile } from "../fs/tmpfs/tmpfs.ts";
import { isError } from "../lib/result.ts";
import { DENTRY_HAS_FOREIGN, Dentry, Inode } from "../vfs/dentry.ts";
import { FS_9P, numberFilesystem } from "../vfs/filesystem-type.ts";
import { lookupLocked } from "../vfs/lookup.ts";
import { Mount } from "../vfs/mount.ts";
import { LAST_NORM, PathWalk, WALK_FOLLOW, WALK_PARENT } from "../vfs/path-walk.ts";

const SLASH: u32 = 0x2f;
/** Bytes that a mount point of ours may hold once it is uncovered. */
const SYNTHETIC_SIZE: u64 = 4096;

/**
 * Makes what is missing of a path, its last component as a directory or an empty file. Returns the last dentry that was made,
 * with a reference that keeps all of them until the caller has mounted; 0 when nothing was missing; or an error.
 */
export function makeMountPoint(
  walk: PathWalk,
  top: Mount,
  path: usize,
  length: u32,
  directory: bool,
  cred: Credentials,
): usize {
  let made: usize = 0;
  let end: u32 = 0;
  while (end < length) {
    while (end < length && load<u8>(path + end) == <u8>SLASH) end++;
    while (end < length && load<u8>(path + end) != <u8>SLASH) end++;
    let rest = end;
    while (rest < length && load<u8>(path + rest) == <u8>SLASH) rest++;
    const found = makeComponent(walk, top, path, end, directory || rest < length, cred);
    if (isError(found)) {
      if (made) changetype<Dentry>(made).decRef();
      return found;
    }
    if (found) {
      // It holds the one above it.
      if (made) changetype<Dentry>(made).decRef();
      made = found;
    }
  }
  return made;
}

/** The path up to `end`, whose parent exists: 0 when it is there, else the dentry that was made for it, or an error. */
function makeComponent(
  walk: PathWalk,
  top: Mount,
  path: usize,
  end: u32,
  directory: bool,
  cred: Credentials,
): usize {
  walk.begin(top, top.root, top, top.root, cred);
  memory.copy(walk.path, path, end);
  let result = walk.run(end, WALK_FOLLOW);
  if (result != -ENOENT) return result;
  walk.begin(top, top.root, top, top.root, cred);
  memory.copy(walk.path, path, end);
  result = walk.run(end, WALK_PARENT);
  if (result < 0) return result;
  if (walk.lastType != LAST_NORM) return 0;
  const parent = walk.result;
  const lock = parent.file.lock;
  result = lock.acquire();
  if (result < 0) return result;
  let found = lookupLocked(parent, walk.lastName, walk.lastLength);
  if (!isError(found)) {
    const child = changetype<Dentry>(found);
    // A symbolic link that leads nowhere is not ours to repair.
    result = child.isNegative ? makeName(parent.file, child, directory) : -ENOENT;
    if (result < 0) {
      child.decRef();
      found = result;
    }
  }
  lock.release();
  return found;
}

function makeName(parent: Inode, child: Dentry, directory: bool): i32 {
  let result: i32 = -EROFS;
  if (parent.fs.typeId() != FS_9P) {
    result = directory ? parent.mkdir(child, 0o755, 0, 0) : parent.create(child, 0o644, 0, 0);
  }
  if (result != -EROFS) return result;
  makeSynthetic(child, directory);
  return 0;
}

/** Gives a negative dentry the root of a tmpfs that exists for it alone. */
function makeSynthetic(child: Dentry, directory: bool): void {
  const tree = directory
    ? mountTmpfs(SYNTHETIC_SIZE, 0o755, 0, 0)
    : mountTmpfsFile(SYNTHETIC_SIZE, <u32>S_IFREG | 0o644, 0, 0, 0, 0);
  const inode = numberFilesystem(tree).file;
  inode.incRef();
  child.instantiate(inode);
  tree.decRef();
  const parent = child.parent;
  if (parent !== null) parent.flags |= DENTRY_HAS_FOREIGN;
}
