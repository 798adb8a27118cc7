// Directories of synthetic file systems: names that are fixed when the directory is made, and behind them names that come and go
// with what they stand for (tasks, descriptors, terminals).
//
// A fixed name's entry holds a reference on its inode.

import { S_IFDIR, S_IFMT } from "../../abi/stat.ts";
import { duplicate, equal } from "../../lib/bytes.ts";
import { free } from "../../lib/ref-counted.ts";
import { Dentry, Inode } from "../../vfs/dentry.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { DirectoryDescription } from "../../vfs/file-description.ts";
import { Mount } from "../../vfs/mount.ts";
import { KernfsFilesystem, KernfsInode } from "./inode.ts";

/** From here on cookies are those of names that come and go. */
export const DYNAMIC_COOKIE: u64 = 1 << 32;
/** The bytes "..". */
const DOTS: usize = memory.data<u8>([0x2e, 0x2e]);

@final
class FixedEntry {
  next: FixedEntry | null = null;

  constructor(
    readonly name: usize,
    readonly length: u32,
    readonly inode: Inode,
  ) {}
}

export class KernfsDirectory extends KernfsInode {
  private first: FixedEntry | null = null;
  private last: FixedEntry | null = null;
  /** It lists "." and "..". */
  hasDots: bool = true;

  constructor(fs: KernfsFilesystem, permissions: u32) {
    super(fs, <u32>S_IFDIR | permissions);
  }

  override destroy(): void {
    let at = this.first;
    while (at !== null) {
      const next = at.next;
      at.inode.decRef();
      heap.free(at.name);
      free(at);
      at = next;
    }
    super.destroy();
  }

  /** Gives `inode` a fixed name, ASCII; takes over the reference. */
  add(name: string, inode: Inode): void {
    const copy = heap.alloc(name.length);
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, copy);
    this.append(copy, name.length, inode);
  }

  /** The same with a name that lies elsewhere, which is copied. */
  addNamed(name: usize, length: u32, inode: Inode): void {
    this.append(duplicate(name, length), length, inode);
  }

  private append(name: usize, length: u32, inode: Inode): void {
    const entry = new FixedEntry(name, length, inode);
    const last = this.last;
    if (last === null) this.first = entry;
    else last.next = entry;
    this.last = entry;
    if (inode.isDirectory) this.nlink++;
  }

  /** Takes the fixed name of an inode away. */
  removeFixed(inode: Inode): void {
    let previous: FixedEntry | null = null;
    let at = this.first;
    while (at !== null && at.inode !== inode) {
      previous = at;
      at = at.next;
    }
    if (at === null) return;
    if (previous === null) this.first = at.next;
    else previous.next = at.next;
    if (this.last === at) this.last = previous;
    if (inode.isDirectory) this.nlink--;
    heap.free(at.name);
    at.inode.decRef();
    free(at);
  }

  /** The inode of a fixed name, borrowed, or null. */
  findFixed(name: usize, length: u32): Inode | null {
    let at = this.first;
    while (at !== null) {
      if (at.length == length && equal(at.name, name, length)) return at.inode;
      at = at.next;
    }
    return null;
  }

  /** Whether a fixed child is a directory. */
  hasFixedDirectory(): bool {
    let at = this.first;
    while (at !== null) {
      if (at.inode.isDirectory) return true;
      at = at.next;
    }
    return false;
  }

  override lookup(child: Dentry): i32 {
    const fixed = this.findFixed(child.name, child.nameLength);
    if (fixed !== null) {
      fixed.incRef();
      child.instantiate(fixed);
      return 0;
    }
    const found = this.find(child.name, child.nameLength);
    if (found === null) return this.kernfs.missing;
    child.instantiate(found);
    return 0;
  }

  /** A new inode for a name that comes and goes, with a reference for the caller; or null. */
  find(_name: usize, _length: u32): Inode | null {
    return null;
  }

  /** Emits the names that come and go, from `cookie` (at least DYNAMIC_COOKIE) on. False when `sink` is full. */
  iterateMore(_sink: DirectorySink, _cookie: u64): bool {
    return true;
  }

  iterateFixed(sink: DirectorySink, cookie: u64): bool {
    let position: u64 = 2;
    let at = this.first;
    while (at !== null) {
      const type = (at.inode.mode & <u32>S_IFMT) >> 12;
      if (position >= cookie && !sink.emit(at.name, at.length, at.inode.ino, type, position + 1))
        return false;
      position++;
      at = at.next;
    }
    return true;
  }

  open(mount: usize, dentry: Dentry, flags: u32): usize {
    return changetype<usize>(new KernfsDirectoryDescription(changetype<Mount>(mount), dentry, flags));
  }
}

@final
class KernfsDirectoryDescription extends DirectoryDescription {
  override iterate(sink: DirectorySink, cookie: u64): i32 {
    const directory = changetype<KernfsDirectory>(this.inode);
    const dots = directory.hasDots;
    if (dots && cookie == 0 && !sink.emit(DOTS, 1, directory.ino, 4, 1)) return 0;
    if (dots && cookie <= 1) {
      const parent = this.dentry.parent;
      const ino = parent === null ? directory.ino : parent.file.ino;
      if (!sink.emit(DOTS, 2, ino, 4, 2)) return 0;
    }
    if (cookie < DYNAMIC_COOKIE && !directory.iterateFixed(sink, cookie)) return 0;
    directory.iterateMore(sink, max(cookie, DYNAMIC_COOKIE));
    return 0;
  }
}
