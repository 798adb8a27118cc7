// The operations of an overlay's files and directories.

import { EIO, ELOOP, ENXIO, EPERM } from "../../abi/errno.ts";
import { O_ACCMODE, O_RDONLY } from "../../abi/fcntl.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { ATTR_SIZE, Attributes } from "../../vfs/attributes.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { Mount } from "../../vfs/mount.ts";
import { copyUp, WHOLE } from "./copy-up.ts";
import { OverlayDirectory } from "./directory-description.ts";
import { openOverlayFile } from "./file-description.ts";
import { changeFile, findInLayer, isWhiteout, isWorkName, NewFile } from "./layer.ts";
import { nodeOf, OverlayNode } from "./node.ts";
import { removeDirectory, removeName } from "./remove.ts";
import { renameName } from "./rename.ts";
import { makeUpper } from "./upper-names.ts";

@final
export class OverlayInode extends OverlayNode {
  override setAttributes(a: Attributes): i32 {
    const result = copyUp(this, a.valid & ATTR_SIZE ? a.size : WHOLE);
    if (result < 0) return result;
    const real = this.real;
    const changed = changeFile(real, a);
    this.copyAttributes(real);
    return changed;
  }

  /** Upper layer first; a whiteout or an opaque directory ends the search, as does anything but a directory. */
  override lookup(child: Dentry): i32 {
    let top: Dentry | null = null;
    const upper = this.upper;
    if (upper !== null && !isWorkName(child.name, child.nameLength)) {
      const found = findInLayer(upper, child.name, child.nameLength);
      if (isError(found)) return <i32>found;
      if (found) top = changetype<Dentry>(found);
    }
    if (top !== null) {
      if (isWhiteout(top.file)) {
        top.decRef();
        return 0;
      }
      if (!top.file.isDirectory) return this.instantiateUpper(child, top);
      if (top.file.opaque || !this.lowerCount) return this.instantiate(child, top, 0, 0);
    }
    return this.lookupLowers(child, top);
  }

  /** Collects what the lower layers have below `top`, the upper directory found or null, whose reference it takes over. */
  private lookupLowers(child: Dentry, top: Dentry | null): i32 {
    const lowers = this.lowerCount ? heap.alloc((<usize>this.lowerCount) << 3) : 0;
    let count: u32 = 0;
    let result = 0;
    for (let i: u32 = 0; i < this.lowerCount; i++) {
      const found = findInLayer(this.lower(i), child.name, child.nameLength);
      if (isError(found)) {
        result = <i32>found;
        break;
      }
      if (!found) continue;
      const dentry = changetype<Dentry>(found);
      const inode = dentry.file;
      // Above other directories only a directory counts.
      const merges = top !== null || count > 0;
      if (isWhiteout(inode) || (merges && !inode.isDirectory)) {
        dentry.decRef();
        break;
      }
      store<u32>(lowers + ((<usize>count) << 3), <u32>found);
      store<u32>(lowers + ((<usize>count) << 3), this.layerOfLower(i), 4);
      count++;
      if (!inode.isDirectory || inode.opaque) break;
    }
    if (result == 0 && (top !== null || count)) return this.instantiate(child, top, lowers, count);
    for (let i: u32 = 0; i < count; i++) {
      changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>i) << 3))).decRef();
    }
    if (lowers) heap.free(lowers);
    if (top !== null) top.decRef();
    return result;
  }

  private instantiate(child: Dentry, upper: Dentry | null, lowers: usize, count: u32): i32 {
    let kept = lowers;
    if (lowers && !count) {
      heap.free(lowers);
      kept = 0;
    }
    const node = new OverlayInode(this.fs, upper, kept, count);
    node.self = changetype<usize>(child);
    child.instantiate(node);
    return 0;
  }

  /** A file of the upper layer, which has one inode here for all its names. Takes over the reference on `upper`. */
  private instantiateUpper(child: Dentry, upper: Dentry): i32 {
    if (upper.file.overlay) {
      const known = changetype<OverlayNode>(upper.file.overlay);
      if (known.fs === this.fs) {
        known.incRef();
        child.instantiate(known);
        upper.decRef();
        return 0;
      }
    }
    return this.instantiate(child, upper, 0, 0);
  }

  private make(child: Dentry, file: NewFile): i32 {
    const made = makeUpper(this, child.name, child.nameLength, file);
    free(file);
    if (isError(made)) return <i32>made;
    return this.instantiateUpper(child, changetype<Dentry>(made));
  }

  override create(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    return this.make(child, new NewFile(<u32>S_IFREG | mode, 0, uid, gid));
  }

  override mkdir(child: Dentry, mode: u32, uid: u32, gid: u32): i32 {
    return this.make(child, new NewFile(<u32>S_IFDIR | mode, 0, uid, gid));
  }

  override mknod(child: Dentry, mode: u32, rdev: u32, uid: u32, gid: u32): i32 {
    // It would be a whiteout.
    if ((mode & <u32>S_IFMT) == <u32>S_IFCHR && rdev == 0) return -EPERM;
    return this.make(child, new NewFile(mode, rdev, uid, gid));
  }

  override symlink(child: Dentry, target: usize, length: u32, uid: u32, gid: u32): i32 {
    const file = new NewFile(<u32>S_IFLNK | 0o777, 0, uid, gid);
    file.target = target;
    file.targetLength = length;
    return this.make(child, file);
  }

  override link(child: Dentry, target: Dentry): i32 {
    const node = nodeOf(target);
    const result = copyUp(node, WHOLE);
    if (result < 0) return result;
    const source = upperName(target);
    if (isError(source)) return <i32>source;
    const file = new NewFile(node.mode, 0, 0, 0);
    file.source = changetype<Dentry>(source);
    const made = this.make(child, file);
    changetype<Dentry>(source).decRef();
    const upper = this.upper;
    if (made == 0 && node.real.originIno && upper !== null) upper.file.impure = true;
    node.copyAttributes(node.real);
    return made;
  }

  override unlink(child: Dentry): i32 {
    return removeName(this, child);
  }

  override rmdir(child: Dentry): i32 {
    return removeDirectory(this, child);
  }

  override rename(from: Dentry, toDirectory: Inode, to: Dentry, flags: u32): i32 {
    return renameName(this, from, changetype<OverlayNode>(toDirectory), to, flags);
  }

  override readlink(out: usize): i32 {
    return this.real.readlink(out);
  }

  override open(mount: usize, dentry: Dentry, flags: u32): usize {
    const on = changetype<Mount>(mount);
    if (this.isDirectory) return changetype<usize>(new OverlayDirectory(on, dentry, flags));
    if (this.isSymlink) return errorOf(-ELOOP);
    if (!this.isRegular) return errorOf(-ENXIO);
    if ((flags & <u32>O_ACCMODE) != <u32>O_RDONLY) {
      const result = copyUp(this, WHOLE);
      if (result < 0) return errorOf(result);
    }
    return openOverlayFile(this, on, dentry, flags);
  }
}

/** The upper dentry of a file that was copied up, with a reference: that of this very name if it is still there. */
function upperName(dentry: Dentry): usize {
  const node = nodeOf(dentry);
  const upper = node.upper;
  const parent = dentry.parent;
  if (upper === null) return errorOf(-EIO);
  if (parent !== null) {
    const dir = nodeOf(parent).upper;
    const found: usize = dir === null ? <usize>0 : findInLayer(dir, dentry.name, dentry.nameLength);
    if (isError(found)) return found;
    if (found) {
      if (changetype<Dentry>(found).inode === upper.inode) return found;
      changetype<Dentry>(found).decRef();
    }
  }
  upper.incRef();
  return changetype<usize>(upper);
}
