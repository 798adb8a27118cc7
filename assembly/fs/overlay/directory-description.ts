// An open directory of an overlay. A merged one lists a snapshot that is taken when a listing begins; one of a single layer
// lists that layer's directory, whose cookies it passes on.

import { O_DIRECTORY, O_LARGEFILE, O_NOATIME, O_RDONLY } from "../../abi/fcntl.ts";
import { isError } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { DirectoryDescription, FileDescription } from "../../vfs/file-description.ts";
import { EntryBuffer } from "./entry-buffer.ts";
import { isHiddenName, Listing, mayBeWhiteout, shownIno } from "./listing.ts";
import { nodeOf, OverlayNode } from "./node.ts";
import { isOciName } from "./oci.ts";
import { isImpure, OPAQUE_XWHITEOUTS, opaqueOf, XATTR_IMPURE, XATTR_IMPURE_LENGTH } from "./own-xattrs.ts";
import { isWorkName } from "./work.ts";

@final
export class OverlayDirectory extends DirectoryDescription {
  private listing: Listing | null = null;
  /** The one layer's directory, when there is no listing. */
  private real: FileDescription | null = null;
  private layer: u32 = 0;
  /** It may have whiteouts, and such by attribute; its files may be copies, with the numbers of their origins. */
  private xwhiteouts: bool = false;
  private whiteouts: bool = false;
  private impure: bool = false;

  override destroy(): void {
    this.drop();
    super.destroy();
  }

  private get node(): OverlayNode {
    return nodeOf(this.dentry);
  }

  private drop(): void {
    const listing = this.listing;
    const real = this.real;
    this.listing = null;
    this.real = null;
    if (listing !== null) listing.destroy();
    if (real !== null) real.decRef();
  }

  override iterate(sink: DirectorySink, cookie: u64): i32 {
    if (cookie == 0 || (this.listing === null && this.real === null)) {
      const result = this.node.isMerged ? this.takeSnapshot() : this.openLayer();
      if (result < 0) return result;
    }
    const listing = this.listing;
    const real = this.real;
    if (listing !== null) listing.emit(sink, cookie, this.node.ino, this.parentIno);
    else if (real !== null) return this.forward(real, sink, cookie);
    return 0;
  }

  private get parentIno(): u64 {
    const parent = this.dentry.parent;
    return parent === null ? this.node.ino : parent.file.ino;
  }

  private takeSnapshot(): i32 {
    const listing = new Listing();
    const result = listing.build(this.node, false);
    if (result < 0) {
      listing.destroy();
      return result;
    }
    this.drop();
    this.listing = listing;
    return 0;
  }

  private openLayer(): i32 {
    const node = this.node;
    const upper = node.upper;
    const layer = upper === null ? node.layerOfLower(0) : 0;
    const dir = upper === null ? node.lower(0) : upper;
    const mount = node.overlayFs.mountOf(layer);
    const flags = <u32>O_RDONLY | <u32>O_DIRECTORY | <u32>O_LARGEFILE | <u32>O_NOATIME;
    const opened = dir.file.open(changetype<usize>(mount), dir, flags);
    if (isError(opened)) return <i32>opened;
    this.drop();
    this.real = changetype<FileDescription>(opened);
    this.layer = layer;
    this.whiteouts = node.mayHaveWhiteouts;
    const marks = layer ? opaqueOf(dir.file) : isImpure(dir.file);
    this.xwhiteouts = layer != 0 && marks == OPAQUE_XWHITEOUTS;
    this.impure = layer == 0 && marks != 0;
    return this.impure ? this.checkImpure(dir) : 0;
  }

  /** A directory from which the last copy went is pure again (Linux: ovl_cache_get_impure()). */
  private checkImpure(dir: Dentry): i32 {
    const found = this.findCopies();
    if (found < 0) return found;
    this.impure = found != 0;
    const readonly = this.node.overlayFs.readonly || this.mount.isReadonly;
    if (!found && !readonly) dir.file.removeXattr(XATTR_IMPURE, XATTR_IMPURE_LENGTH);
    return 0;
  }

  /** Whether a name has another number here than in the upper layer: 1 or 0, or -errno. */
  private findCopies(): i32 {
    const real = this.real;
    if (real === null) return 0;
    const node = this.node;
    const fs = node.overlayFs;
    const buffer = new EntryBuffer();
    real.incRef();
    let differs = false;
    let result = buffer.fill(real, 0);
    while (result == 0 && !buffer.isEmpty && !differs) {
      while (!differs && buffer.next()) {
        if (buffer.isDots) continue;
        const ino = fs.inoOf(0, buffer.ino);
        differs = shownIno(node, buffer.name, buffer.nameLength, ino) != ino;
      }
      if (!differs) result = buffer.fill(real, buffer.cookie);
    }
    real.decRef();
    buffer.destroy();
    return result < 0 ? result : differs ? 1 : 0;
  }

  /** Passes the layer's entries on with the overlay's inode numbers, without whiteouts, where there may be any, and work files. */
  private forward(real: FileDescription, sink: DirectorySink, cookie: u64): i32 {
    const layer = this.layer;
    const buffer = new EntryBuffer();
    real.incRef();
    let result = buffer.fill(real, cookie);
    while (result == 0 && !buffer.isEmpty) {
      result = this.forwardBatch(real.dentry, layer, buffer, sink);
      if (result == 0) result = buffer.fill(real, buffer.cookie);
    }
    real.decRef();
    buffer.destroy();
    return result < 0 ? result : 0;
  }

  /** 0 when all went, 1 when the sink is full, or -errno. */
  private forwardBatch(dir: Dentry, layer: u32, entry: EntryBuffer, sink: DirectorySink): i32 {
    const node = this.node;
    const fs = node.overlayFs;
    while (entry.next()) {
      const name = entry.name;
      const length = entry.nameLength;
      let ino = fs.inoOf(layer, entry.ino);
      if (entry.isDots) {
        ino = length == 1 ? node.ino : this.parentIno;
      } else {
        if (layer == 0 ? fs.work === null && isWorkName(name, length) : isOciName(name, length)) continue;
        if (this.whiteouts && mayBeWhiteout(entry.type, this.xwhiteouts)) {
          const hidden = isHiddenName(dir, name, length);
          if (hidden < 0) return hidden;
          if (hidden) continue;
        }
        if (this.impure) ino = shownIno(node, name, length, ino);
      }
      if (!sink.emit(name, length, ino, entry.type, entry.cookie)) return 1;
    }
    return 0;
  }

  override sync(dataOnly: bool): i32 {
    const real = this.real;
    if (real === null || this.layer != 0) return 0;
    real.incRef();
    const result = real.sync(dataOnly);
    real.decRef();
    return result;
  }
}
