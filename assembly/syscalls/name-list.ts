// The names of a directory in one text, for a caller that wants all of them and nothing else: a face like node:fs. To take a
// program's directory entries apart costs it more than the listing.

import { EFAULT, EINVAL, ENOENT, ENOTDIR } from "../abi/errno.ts";
import { Task } from "../kernel/task.ts";
import { compareBytes } from "../lib/bytes.ts";
import { free } from "../lib/ref-counted.ts";
import { isError } from "../lib/result.ts";
import { fileAccessed } from "../vfs/atime.ts";
import { DirectorySink } from "../vfs/directory-sink.ts";
import { FileDescription, LISTING_END, OFFSET_END } from "../vfs/file-description.ts";
import { notifyAccess } from "../vfs/fsnotify.ts";
import { iterateDirectory } from "../vfs/iterate-directory.ts";
import { fileOf, isMemory } from "./arguments.ts";

const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;

/** How the names of one call follow each other, in the order of their bytes. */
const ASCENDING: u32 = 1;
const DESCENDING: u32 = 2;

/** At the front of the answer: u32 names, u32 bits of how they follow each other. */
const HEAD: u32 = 8;

/** Writes names with a slash behind each from the front of the buffer, and a type for each from its end downwards. */
@final
class NameWriter extends DirectorySink {
  used: u32 = HEAD;
  count: u32 = 0;
  order: u32 = ASCENDING | DESCENDING;
  /** The cookie behind the last entry that was taken. */
  next: u64 = 0;
  full: bool = false;
  private last: usize = 0;
  private lastLength: u32 = 0;

  constructor(
    private readonly buffer: usize,
    private readonly capacity: u32,
  ) {
    super();
  }

  emit(name: usize, length: u32, _ino: u64, type: u32, next: u64): bool {
    if (isDots(name, length)) {
      this.next = next;
      return true;
    }
    this.full = this.used + length + 1 + this.count + 1 > this.capacity;
    if (this.full) return false;
    const at = this.buffer + this.used;
    memory.copy(at, name, length);
    store<u8>(at + length, SLASH);
    this.count++;
    store<u8>(this.buffer + this.capacity - this.count, <u8>type);
    if (this.count > 1) this.follow(at, length);
    this.last = at;
    this.lastLength = length;
    this.used += length + 1;
    this.next = next;
    return true;
  }

  private follow(name: usize, length: u32): void {
    if (!this.order) return;
    const order = compareBytes(this.last, this.lastLength, name, length);
    this.order &= order < 0 ? ASCENDING : DESCENDING;
  }
}

function isDots(name: usize, length: u32): bool {
  if (load<u8>(name) != DOT || length > 2) return false;
  return length == 1 || load<u8>(name, 1) == DOT;
}

/**
 * Writes the next names of an open directory, without "." and "..", each with a slash behind it; and DT_* of the first in the buffer's
 * last byte, of the second in the one before. Returns the bytes used at the front, 8 at the end of the directory. Errors: EBADF, also
 * for O_PATH; ENOTDIR; ENOENT for a removed directory; EINVAL when the first name does not fit; EFAULT.
 */
export function listNames(task: Task, fd: i32, buffer: usize, capacity: u32): i32 {
  const found = fileOf(task, fd);
  if (isError(found)) return <i32>found;
  const file = changetype<FileDescription>(found);
  if (!file.inode.isDirectory) return -ENOTDIR;
  if (file.inode.dead) return -ENOENT;
  if (capacity < HEAD || !isMemory(buffer, capacity)) return -EFAULT;
  const writer = new NameWriter(buffer, capacity);
  const result = iterateDirectory(file, writer, <u64>file.offset);
  if (result >= 0) notifyAccess(file.dentry);
  if (result == LISTING_END) writer.next = <u64>OFFSET_END;
  if (writer.next) file.offset = <i64>writer.next;
  fileAccessed(file);
  store<u32>(buffer, writer.count);
  store<u32>(buffer, writer.order, 4);
  let answer = <i32>writer.used;
  if (writer.count == 0 && result < 0) answer = result;
  else if (writer.count == 0 && writer.full) answer = -EINVAL;
  free(writer);
  return answer;
}
