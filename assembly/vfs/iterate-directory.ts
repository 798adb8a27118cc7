// Listings as programs see them (Linux: fs/readdir.c iterate_dir()): what the file system has, and behind it the mount points that the
// kernel keeps in a directory because the file system does not have them (boot/mount-point.ts). On Linux there is no such thing, since
// a mount point is always a file.
//
// Cookies of mount points are numbers that file systems do not use, as far as anybody knows: a host's that does shows them twice, and
// nothing else goes wrong. They go by the mount points' devices, of which each has its own, a newer one a greater one.

import { DT_DIR, DT_REG } from "../abi/stat.ts";
import { free } from "../lib/ref-counted.ts";
import { findDentry, hashName } from "./dcache.ts";
import { DENTRY_HAS_FOREIGN, Dentry } from "./dentry.ts";
import { DirectorySink } from "./directory-sink.ts";
import { FileDescription } from "./file-description.ts";
import { isForeign } from "./lookup.ts";

/** 2^63 - 2^33: a cookie is an offset, and those are signed. */
const FIRST_COOKIE: u64 = 0x7ffffffe00000000;
const COOKIES: u64 = 0x100000000;

/** Passes on what no mount point hides. */
@final
class HostEntries extends DirectorySink {
  isFull: bool = false;

  constructor(
    private readonly sink: DirectorySink,
    private readonly directory: Dentry,
  ) {
    super();
  }

  emit(name: usize, length: u32, ino: u64, type: u32, next: u64): bool {
    const known = findDentry(this.directory, name, length, hashName(this.directory, name, length));
    if (known !== null && isForeign(this.directory.file, known)) return true;
    this.isFull = !this.sink.emit(name, length, ino, type, next);
    return !this.isFull;
  }
}

/** FileDescription.iterate(), with the mount points. May sleep. */
export function iterateDirectory(file: FileDescription, sink: DirectorySink, cookie: u64): i32 {
  const directory = file.dentry;
  if (!(directory.flags & DENTRY_HAS_FOREIGN)) return file.iterate(sink, cookie);
  if (cookie >= FIRST_COOKIE && cookie - FIRST_COOKIE < COOKIES) {
    emitMountPoints(directory, sink, <u32>(cookie - FIRST_COOKIE));
    return 0;
  }
  const entries = new HostEntries(sink, directory);
  const result = file.iterate(entries, cookie);
  const isFull = entries.isFull;
  free(entries);
  if (result >= 0 && !isFull) emitMountPoints(directory, sink, 0);
  return result;
}

/** Those whose devices are greater than `device`. */
function emitMountPoints(directory: Dentry, sink: DirectorySink, device: u32): void {
  let next = nextForeign(directory, device);
  while (next !== null) {
    const inode = next.file;
    const found = inode.fs.device;
    const type: u32 = inode.isDirectory ? DT_DIR : DT_REG;
    if (!sink.emit(next.name, next.nameLength, inode.ino, type, FIRST_COOKIE + found)) return;
    next = nextForeign(directory, found);
  }
}

/** The mount point with the smallest device above `device`, borrowed. */
function nextForeign(directory: Dentry, device: u32): Dentry | null {
  let best: Dentry | null = null;
  let child = directory.children;
  while (child !== null) {
    if (child.isHashed && isForeign(directory.file, child) && child.file.fs.device > device) {
      if (best === null || child.file.fs.device < best.file.fs.device) best = child;
    }
    child = child.nextSibling;
  }
  return best;
}

/** Whether a directory has a mount point of the kernel's, and so is not empty whatever its file system says. */
export function hasForeign(directory: Dentry): bool {
  return (directory.flags & DENTRY_HAS_FOREIGN) != 0 && nextForeign(directory, 0) !== null;
}
