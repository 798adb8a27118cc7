// The directories in an overlay's workdir (Linux: ovl_workdir_create()): "work", which begins empty, and "index", which stays.

import { EEXIST, EINVAL, EXDEV } from "../../abi/errno.ts";
import { O_DIRECTORY, O_LARGEFILE, O_RDONLY } from "../../abi/fcntl.ts";
import { S_IFDIR } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { lookupLocked } from "../../vfs/lookup.ts";
import { EntryBuffer } from "./entry-buffer.ts";
import { OVL_INDEX, OverlayFilesystem } from "./filesystem.ts";
import { makeFile, NewFile, removeFile } from "./layer.ts";
import { setOrigin } from "./origin.ts";
import {
  hasOwn,
  OPAQUE,
  XATTR_OPAQUE,
  XATTR_OPAQUE_LENGTH,
  XATTR_ORIGIN,
  XATTR_ORIGIN_LENGTH,
} from "./own-xattrs.ts";

/** "work", "index" */
const WORK: usize = memory.data<u8>([0x77, 0x6f, 0x72, 0x6b]);
const WORK_LENGTH: u32 = 4;
const INDEX: usize = memory.data<u8>([0x69, 0x6e, 0x64, 0x65, 0x78]);
const INDEX_LENGTH: u32 = 5;
/** What a work directory may hold that was left: a directory with whiteouts in it. */
const LEVELS: u32 = 2;

/** Gives `fs` its work directory, and with OVL_INDEX its index. Errors: EINVAL for a workdir in the wrong place. */
export function prepareWork(fs: OverlayFilesystem, upper: Dentry, workdir: Dentry): i32 {
  if (!workdir.file.isDirectory || workdir.fs !== upper.fs) return -EINVAL;
  if (workdir.isBelow(upper) || upper.isBelow(workdir)) return -EINVAL;
  const work = makeDirectory(workdir, WORK, WORK_LENGTH, 0, 0, 0);
  if (isError(work)) return <i32>work;
  fs.work = changetype<Dentry>(work);
  const emptied = emptyDirectory(fs, changetype<Dentry>(work), LEVELS);
  if (emptied < 0) return emptied;
  if (!(fs.flags & OVL_INDEX) || !hasXattrs(changetype<Dentry>(work))) return 0;
  const index = makeDirectory(workdir, INDEX, INDEX_LENGTH, 0, 0, 0);
  if (isError(index)) return <i32>index;
  fs.index = changetype<Dentry>(index);
  // Linux: ovl_get_indexdir() notes on the upper root which layers the index is for.
  if (!fs.lowerCount || hasOwn(upper.file, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH)) return 0;
  return setOrigin(fs, 1, fs.mountOf(1).root.file, upper.file);
}

/** A directory of a name, made when it is missing: its dentry with a reference, or an error. */
export function makeDirectory(
  parent: Dentry,
  name: usize,
  length: u32,
  mode: u32,
  uid: u32,
  gid: u32,
): usize {
  const locked = parent.file.lock.acquire();
  if (locked < 0) return errorOf(locked);
  const found = lookupLocked(parent, name, length);
  let result = 0;
  if (!isError(found)) {
    const child = changetype<Dentry>(found);
    if (child.isNegative) {
      const file = new NewFile(<u32>S_IFDIR | mode, 0, uid, gid);
      result = makeFile(parent, child, file);
      free(file);
    } else if (!child.file.isDirectory) {
      result = -EEXIST;
    }
    if (result < 0) child.decRef();
  }
  parent.file.lock.release();
  return result < 0 ? errorOf(result) : found;
}

/** Without attributes there is no origin, and an index would have nothing to stand on. */
function hasXattrs(work: Dentry): bool {
  const byte = heap.alloc(8);
  store<u8>(byte, <u8>OPAQUE);
  const result = work.file.setXattr(XATTR_OPAQUE, XATTR_OPAQUE_LENGTH, byte, 1, 0);
  heap.free(byte);
  if (result == 0) work.file.removeXattr(XATTR_OPAQUE, XATTR_OPAQUE_LENGTH);
  return result == 0;
}

/** Removes what a killed sandbox left, `levels` deep. */
function emptyDirectory(fs: OverlayFilesystem, dir: Dentry, levels: u32): i32 {
  const opened = dir.file.open(
    changetype<usize>(fs.mountOf(0)),
    dir,
    <u32>O_RDONLY | <u32>O_DIRECTORY | <u32>O_LARGEFILE,
  );
  if (isError(opened)) return <i32>opened;
  const description = changetype<FileDescription>(opened);
  const buffer = new EntryBuffer();
  let result: i32;
  do {
    result = buffer.fill(description, 0);
    if (result == 0) result = removeEntries(fs, dir, buffer, levels);
  } while (result > 0);
  buffer.destroy();
  description.decRef();
  return result;
}

/** Returns how many went, or -errno. */
function removeEntries(fs: OverlayFilesystem, dir: Dentry, buffer: EntryBuffer, levels: u32): i32 {
  let removed = 0;
  let result = 0;
  while (result == 0 && buffer.next()) {
    if (buffer.isDots) continue;
    const locked = dir.file.lock.acquire();
    if (locked < 0) return locked;
    const found = lookupLocked(dir, buffer.name, buffer.nameLength);
    dir.file.lock.release();
    if (isError(found)) return <i32>found;
    const child = changetype<Dentry>(found);
    if (!child.isNegative) {
      if (child.file.isDirectory) result = levels ? emptyDirectory(fs, child, levels - 1) : -EXDEV;
      if (result == 0) result = dir.file.lock.acquire();
      if (result == 0) {
        result = removeFile(dir, child);
        dir.file.lock.release();
        removed++;
      }
    }
    child.decRef();
  }
  return result < 0 ? result : removed;
}
