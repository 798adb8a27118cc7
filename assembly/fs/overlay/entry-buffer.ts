// A batch of a layer's directory entries. They are collected first and looked at afterwards, because a file system may hold
// its locks while it hands entries out.
//
//   entry   +0 ino   +8 next cookie   +16 name length   +20 type   +24 name, padded to 8 bytes

import { free } from "../../lib/ref-counted.ts";
import { DirectorySink } from "../../vfs/directory-sink.ts";
import { FileDescription } from "../../vfs/file-description.ts";

const CAPACITY: u32 = 4096;
const HEADER: u32 = 24;
const DOT: u8 = 0x2e;

@final
export class EntryBuffer extends DirectorySink {
  private readonly bytes: usize = heap.alloc(CAPACITY);
  private used: u32 = 0;
  private readTo: u32 = 0;
  private entry: usize = 0;

  destroy(): void {
    heap.free(this.bytes);
    free(this);
  }

  /** Replaces what is in the buffer by the entries from `cookie` on; none at the directory's end. */
  fill(directory: FileDescription, cookie: u64): i32 {
    this.used = 0;
    this.readTo = 0;
    const result = directory.iterate(this, cookie);
    return result < 0 ? result : 0;
  }

  emit(name: usize, length: u32, ino: u64, type: u32, next: u64): bool {
    const size = (HEADER + length + 7) & ~7;
    if (this.used + size > CAPACITY) return false;
    const at = this.bytes + this.used;
    store<u64>(at, ino);
    store<u64>(at, next, 8);
    store<u32>(at, length, 16);
    store<u32>(at, type, 20);
    memory.copy(at + HEADER, name, length);
    this.used += size;
    return true;
  }

  get isEmpty(): bool {
    return this.used == 0;
  }

  /** Whether there is anything but "." and "..". Steps nowhere. */
  get hasNames(): bool {
    let found = false;
    while (!found && this.next()) found = !this.isDots;
    this.readTo = 0;
    return found;
  }

  /** Steps to the next entry, which the getters then describe; false behind the last. */
  next(): bool {
    if (this.readTo == this.used) return false;
    this.entry = this.bytes + this.readTo;
    this.readTo += (HEADER + this.nameLength + 7) & ~7;
    return true;
  }

  get ino(): u64 {
    return load<u64>(this.entry);
  }
  /** The cookie behind this entry. */
  get cookie(): u64 {
    return load<u64>(this.entry, 8);
  }
  get nameLength(): u32 {
    return load<u32>(this.entry, 16);
  }
  get type(): u32 {
    return load<u32>(this.entry, 20);
  }
  get name(): usize {
    return this.entry + HEADER;
  }
  /** "." or "..". */
  get isDots(): bool {
    const length = this.nameLength;
    if (length > 2 || load<u8>(this.name) != DOT) return false;
    return length == 1 || load<u8>(this.name, 1) == DOT;
  }
}
