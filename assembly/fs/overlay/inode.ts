// The operations of an overlay's files and directories.

import { EIO, ELOOP, ENODATA, ENOENT, ENXIO, EPERM, EROFS } from "../../abi/errno.ts";
import { O_ACCMODE, O_RDONLY, O_TRUNC } from "../../abi/fcntl.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../abi/stat.ts";
import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { Acl } from "../../vfs/acl.ts";
import { touchAtime } from "../../vfs/atime.ts";
import { ATTR_MTIME, ATTR_SIZE, Attributes } from "../../vfs/attributes.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { Mount } from "../../vfs/mount.ts";
import { isAccessAcl, isDefaultAcl, roomForXattrs } from "../../vfs/xattr.ts";
import { copyUp, copyUpName, WHOLE } from "./copy-up.ts";
import { OverlayDirectory } from "./directory-description.ts";
import { openOverlayFile } from "./file-description.ts";
import { OVL_NO_FOLLOW } from "./filesystem.ts";
import { findCopy, findOwnEntry, readNlinkDelta } from "./index-dir.ts";
import { changeFile, findInLayer, NewFile } from "./layer.ts";
import { LayerLookup } from "./layer-lookup.ts";
import { nodeOf, OverlayNode } from "./node.ts";
import { setOrigin } from "./origin.ts";
import { hasOwn, isImpure, setImpure, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH } from "./own-xattrs.ts";
import { removeDirectory, removeName } from "./remove.ts";
import { renameName } from "./rename.ts";
import { makeUpper } from "./upper-names.ts";
import { isWorkName } from "./work.ts";
import { checkName, giveName, listFiltered, takeName, takenLength } from "./xattrs.ts";

@final
export class OverlayInode extends OverlayNode {
  override setAttributes(a: Attributes): i32 {
    // What is not copied would have been cut off then.
    if (a.valid & ATTR_SIZE && this.upper === null && this.size != a.size) a.valid |= ATTR_MTIME;
    const result = copyUp(this, a.valid & ATTR_SIZE ? a.size : WHOLE);
    if (result < 0) return result;
    const real = this.real;
    const changed = changeFile(real, a);
    this.copyAttributes(real);
    return changed;
  }

  /** Linux: ovl_update_time(). What is in a lower layer is only read. */
  override touchAccessed(_now: i64): void {
    const upper = this.upper;
    if (upper === null) return;
    touchAtime(this.overlayFs.mountOf(0), upper.file);
    this.atime = upper.file.atime;
  }

  /** Which of its names a file of several names gets in the upper layer. */
  override prepareChange(dentry: Dentry): i32 {
    return this.isIndexed ? copyUpName(dentry) : 0;
  }

  /**
   * What is in a lower layer is copied up before anybody looks at the attribute's name, but not to remove what is not there; another
   * name of a copy gets no link for this (Linux: ovl_xattr_set(), ovl_set_or_remove_acl()). Errors: ENODATA, EINVAL, EOPNOTSUPP, and
   * those of copying up.
   */
  override prepareXattr(dentry: Dentry, name: usize, nameLength: u32, removes: bool): i32 {
    const known = checkName(name, nameLength);
    if (known < 0 || this.upper !== null) return known;
    const result = removes ? this.findLowerXattr(name, nameLength) : 0;
    return result < 0 ? result : copyUpName(dentry);
  }

  private findLowerXattr(name: usize, nameLength: u32): i32 {
    const real = this.real;
    if (isAccessAcl(name, nameLength)) return real.accessAcl === null ? -ENODATA : 0;
    if (isDefaultAcl(name, nameLength)) return real.defaultAcl === null ? -ENODATA : 0;
    return this.getXattr(name, nameLength, 0, 0);
  }

  /** Linux: ovl_lookup(). Upper layer first; a whiteout or an opaque directory ends the search, as does anything but a directory. */
  override lookup(child: Dentry): i32 {
    const search = new LayerLookup(child.name, child.nameLength);
    const result = this.search(search, child);
    search.destroy();
    return result;
  }

  private search(search: LayerLookup, child: Dentry): i32 {
    const upper = this.upper;
    let top: Dentry | null = null;
    const hidden = this.overlayFs.work === null && isWorkName(child.name, child.nameLength);
    if (upper !== null && !hidden) {
      const found = search.find(upper, true, false);
      if (isError(found)) return <i32>found;
      if (found) top = changetype<Dentry>(found);
    }
    if (top !== null && search.stop) {
      return top.file.isDirectory ? this.instantiate(child, top, 0, 0) : this.instantiateUpper(child, top);
    }
    return search.stop ? 0 : this.searchLowers(search, child, top);
  }

  /** Collects what the lower layers have below `top`, the upper directory found or null, whose reference it takes over. */
  private searchLowers(search: LayerLookup, child: Dentry, top: Dentry | null): i32 {
    const fs = this.overlayFs;
    const room = fs.lowerCount;
    const lowers = room ? heap.alloc((<usize>room) << 3) : 0;
    // A path from the layers' roots goes on in the roots, from the layer below the one that told it.
    let absolute = search.isAbsolute;
    let layer: u32 = absolute ? 1 : 0;
    let i: u32 = 0;
    let count: u32 = 0;
    let result = 0;
    while (result == 0 && !search.stop) {
      let base: Dentry;
      if (absolute) {
        if (layer > room) break;
        base = fs.mountOf(layer).root;
      } else {
        if (i >= this.lowerCount) break;
        base = this.lower(i);
        layer = this.layerOfLower(i);
        i++;
      }
      const found = search.find(base, false, layer == room);
      if (isError(found)) {
        result = <i32>found;
        break;
      }
      if (found) {
        if (top !== null && count == 0) result = this.fixOrigin(top, changetype<Dentry>(found), layer);
        store<u32>(lowers + ((<usize>count) << 3), <u32>found);
        store<u32>(lowers + ((<usize>count) << 3), layer, 4);
        count++;
        if (search.redirected && fs.flags & OVL_NO_FOLLOW) result = -EPERM;
        // Files without data of their own are not supported (metacopy=off).
        if (search.metacopy) result = -EPERM;
      }
      if (absolute) layer++;
      else if (search.isAbsolute) {
        absolute = true;
        layer++;
      }
    }
    if (result == 0 && search.metacopy) result = -EIO;
    if (result == 0 && top !== null) return this.instantiate(child, top, lowers, count);
    if (result == 0 && count) return this.instantiateLower(child, lowers, count);
    for (let k: u32 = 0; k < count; k++) {
      changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>k) << 3))).decRef();
    }
    if (lowers) heap.free(lowers);
    if (top !== null) top.decRef();
    return result;
  }

  /**
   * An upper directory that somebody else made, and that merges with `lower`, is marked as a copy of it is (Linux: ovl_fix_origin()).
   * On a file system that is only read it stays as it is.
   */
  private fixOrigin(top: Dentry, lower: Dentry, layer: u32): i32 {
    const upper = this.upper;
    if (!top.file.isDirectory || upper === null || upper.fs.readonly) return 0;
    const known = hasOwn(top.file, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH);
    if (known) return min(known, 0);
    const result = setOrigin(this.overlayFs, layer, lower.file, top.file);
    return result == 0 ? setImpure(upper.file) : result;
  }

  private instantiate(child: Dentry, upper: Dentry | null, lowers: usize, count: u32): i32 {
    if (!this.instantiateWatched(child, upper, lowers, count))
      child.instantiate(this.makeNode(child, upper, lowers, count));
    return 0;
  }

  /** Gives `child` the inode of these files that only watches have kept, and takes over the references: whether there is one. */
  private instantiateWatched(child: Dentry, upper: Dentry | null, lowers: usize, count: u32): bool {
    const first = count ? changetype<Dentry>(<usize>load<u32>(lowers)) : upper;
    if (first === null) return false;
    const found = this.overlayFs.indexed.find(first.file);
    if (found === null) return false;
    const known = changetype<OverlayNode>(found);
    if (known.isIndexed || !known.isLeftFor(upper, count)) return false;
    for (let k: u32 = 0; k < count; k++)
      changetype<Dentry>(<usize>load<u32>(lowers + ((<usize>k) << 3))).decRef();
    if (lowers) heap.free(lowers);
    if (upper !== null) upper.decRef();
    known.incRef();
    known.self = changetype<usize>(child);
    child.instantiate(known);
    return true;
  }

  private makeNode(child: Dentry, upper: Dentry | null, lowers: usize, count: u32): OverlayInode {
    let kept = lowers;
    if (lowers && !count) {
      heap.free(lowers);
      kept = 0;
    }
    const mayHaveOrigin = upper !== null && !count && this.upperIsImpure();
    const node = new OverlayInode(this.fs, upper, kept, count, mayHaveOrigin);
    node.self = changetype<usize>(child);
    return node;
  }

  /** Whether files of the upper directory may be copies. Not knowing is a yes. */
  private upperIsImpure(): bool {
    const upper = this.upper;
    return upper !== null && isImpure(upper.file) != 0;
  }

  /** What only lower layers have; a file with several names there is one inode for all of them when there is an index. */
  private instantiateLower(child: Dentry, lowers: usize, count: u32): i32 {
    const fs = this.overlayFs;
    const lower = changetype<Dentry>(<usize>load<u32>(lowers)).file;
    if (fs.index === null || lower.isDirectory || lower.nlink < 2) {
      return this.instantiate(child, null, lowers, count);
    }
    const known = fs.indexed.find(lower);
    if (known !== null) {
      changetype<Dentry>(<usize>load<u32>(lowers)).decRef();
      heap.free(lowers);
      known.incRef();
      child.instantiate(known);
      return 0;
    }
    const layer = load<u32>(lowers, 4);
    const found = findCopy(fs, layer, lower);
    const copy = changetype<Dentry | null>(isError(found) ? <usize>0 : found);
    const node = this.makeNode(child, copy, lowers, count);
    // Another name may have come to it first while this one slept.
    const first = fs.indexed.find(lower);
    if (first !== null || isError(found)) {
      node.decRef();
      if (first === null) return <i32>found;
      first.incRef();
      child.instantiate(first);
      return 0;
    }
    node.isIndexed = true;
    if (copy === null) {
      node.alias = new Dentry(this.fs, child.parent, child.name, child.nameLength, child.hash);
    } else {
      node.nlinkDelta = readNlinkDelta(copy.file, lower.nlink);
      node.copyAttributes(copy.file);
      node.nameCount = <i32>node.nlink;
    }
    fs.indexed.insert(lower, node);
    child.instantiate(node);
    return 0;
  }

  /** A file of the upper layer, which has one inode here for all its names. Takes over the reference on `upper`. */
  private instantiateUpper(child: Dentry, upper: Dentry): i32 {
    const known = this.knownUpper(child, upper);
    if (known) return 0;
    const fs = this.overlayFs;
    const indexed = upper.file.nlink > 1 && fs.index !== null ? findOwnEntry(fs, upper.file) : 0;
    if (isError(indexed)) {
      upper.decRef();
      return <i32>indexed;
    }
    if (!indexed) {
      if (this.knownUpper(child, upper)) return 0;
      return this.instantiate(child, upper, 0, 0);
    }
    const entry = changetype<Dentry>(indexed);
    upper.decRef();
    if (this.knownUpper(child, entry)) return 0;
    const lowerNlink = this.lowerNlink(child);
    if (this.knownUpper(child, entry)) return 0;
    const node = this.makeNode(child, entry, 0, 0);
    node.isIndexed = true;
    node.nlinkDelta = readNlinkDelta(entry.file, lowerNlink);
    node.copyAttributes(entry.file);
    node.nameCount = <i32>node.nlink;
    child.instantiate(node);
    return 0;
  }

  /** Gives `child` the inode that there is for the file of `upper`, and takes the reference on it: whether there is one. */
  private knownUpper(child: Dentry, upper: Dentry): bool {
    if (!upper.file.overlay) return false;
    const known = changetype<OverlayNode>(upper.file.overlay);
    if (known.fs !== this.fs) return false;
    known.incRef();
    child.instantiate(known);
    upper.decRef();
    return true;
  }

  /** The link count of the lower file of a name, 0 when there is none. */
  private lowerNlink(child: Dentry): u32 {
    let nlink: u32 = 0;
    for (let i: u32 = 0; i < this.lowerCount && !nlink; i++) {
      const found = findInLayer(this.lower(i), child.name, child.nameLength);
      if (isError(found) || !found) continue;
      const dentry = changetype<Dentry>(found);
      if (!dentry.file.isDirectory) nlink = dentry.file.nlink;
      dentry.decRef();
    }
    return nlink;
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
    if (node.unlinked) return -ENOENT;
    const result = copyUpName(target);
    if (result < 0) return result;
    // One of several names in a lower layer became a file of its own, and then went.
    if (node.real.nlink == 0 && !node.linkable) return -ENOENT;
    const source = upperName(target);
    if (isError(source)) return <i32>source;
    const file = new NewFile(node.mode, 0, 0, 0);
    file.source = changetype<Dentry>(source);
    const made = makeUpper(this, child.name, child.nameLength, file);
    changetype<Dentry>(source).decRef();
    free(file);
    if (isError(made)) return <i32>made;
    changetype<Dentry>(made).decRef();
    node.incRef();
    node.nameCount++;
    child.instantiate(node);
    const upper = this.upper;
    const copied = hasOwn(node.real, XATTR_ORIGIN, XATTR_ORIGIN_LENGTH) > 0;
    if (upper !== null && copied) setImpure(upper.file);
    return node.getAttributes();
  }

  override unlink(child: Dentry): i32 {
    return removeName(this, child);
  }

  override rmdir(child: Dentry): i32 {
    return removeDirectory(this, child);
  }

  override rename(from: Dentry, toDirectory: Inode, to: Dentry, flags: u32, _uid: u32, _gid: u32): i32 {
    return renameName(this, from, changetype<OverlayNode>(toDirectory), to, flags);
  }

  override readlink(out: usize): i32 {
    return this.real.readlink(out);
  }

  override createUnnamed(mode: u32, uid: u32, gid: u32): usize {
    const result = copyUp(this, WHOLE);
    if (result < 0) return errorOf(result);
    const upper = this.upper;
    if (upper === null) return errorOf(-EROFS);
    const made = upper.file.createUnnamed(mode, uid, gid);
    if (isError(made)) return made;
    // The file has a dentry in its layer as well, of no name.
    const dentry = new Dentry(upper.fs, upper, 0, 0, 0);
    dentry.instantiate(changetype<Inode>(made));
    return changetype<usize>(new OverlayInode(this.fs, dentry, 0, 0, false));
  }

  override setAcl(isDefault: bool, acl: Acl | null, mode: u32): i32 {
    let result = copyUp(this, WHOLE);
    if (result < 0) return result;
    const real = this.real;
    result = real.setAcl(isDefault, acl, mode);
    this.copyAttributes(real);
    return result;
  }

  override getXattr(name: usize, nameLength: u32, out: usize, capacity: u32): i32 {
    const taken = takeName(name, nameLength);
    if (isError(taken)) return <i32>taken;
    const result = this.real.getXattr(taken, takenLength(name, taken, nameLength), out, capacity);
    giveName(name, taken);
    return result;
  }

  override setXattr(name: usize, nameLength: u32, value: usize, length: u32, flags: u32): i32 {
    const taken = takeName(name, nameLength);
    if (isError(taken)) return <i32>taken;
    let result = copyUp(this, WHOLE);
    if (result == 0) {
      result = this.real.setXattr(taken, takenLength(name, taken, nameLength), value, length, flags);
      this.copyAttributes(this.real);
    }
    giveName(name, taken);
    return result;
  }

  /** What is not there is no reason to copy the file up. */
  override removeXattr(name: usize, nameLength: u32): i32 {
    const taken = takeName(name, nameLength);
    if (isError(taken)) return <i32>taken;
    const length = takenLength(name, taken, nameLength);
    let result = this.upper === null ? this.real.getXattr(taken, length, 0, 0) : 0;
    if (result >= 0) result = copyUp(this, WHOLE);
    if (result == 0) {
      result = this.real.removeXattr(taken, length);
      this.copyAttributes(this.real);
    }
    giveName(name, taken);
    return result;
  }

  override listXattrs(out: usize, capacity: u32): i32 {
    return listFiltered(this.real, out, capacity);
  }

  /** Linux: ovl_listxattr() drops the overlay's own names from a buffer that all names were put to. */
  override xattrListRoom(): i32 {
    return roomForXattrs(this.real);
  }

  override open(mount: usize, dentry: Dentry, flags: u32): usize {
    const on = changetype<Mount>(mount);
    if (this.isDirectory) return changetype<usize>(new OverlayDirectory(on, dentry, flags));
    if (this.isSymlink) return errorOf(-ELOOP);
    if (!this.isRegular) return errorOf(-ENXIO);
    const empties = (flags & <u32>O_TRUNC) != 0;
    if (empties || (flags & <u32>O_ACCMODE) != <u32>O_RDONLY) {
      const result = copyUpName(dentry, empties ? 0 : WHOLE);
      if (result < 0) return errorOf(result);
    }
    return openOverlayFile(this, on, dentry, flags & ~(<u32>O_TRUNC));
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
