// The extended attributes of one inode, for file systems that keep them in memory (Linux: fs/xattr.c simple_xattrs).
//
// An array of addresses, ordered by name. An entry: u32 address of the value or 0, u32 its length, u32 length of the name, the name.
// The file system bounds the bytes of values; the names of one inode are bounded here, so that all of them can be listed.

import { memoryIsShort } from "mm/page";
import { EEXIST, ENODATA, ENOSPC, ERANGE } from "../abi/errno.ts";
import { XATTR_CREATE, XATTR_LIST_MAX, XATTR_REPLACE } from "../abi/xattr.ts";
import { duplicate } from "../lib/bytes.ts";
import { free } from "../lib/ref-counted.ts";

const HEADER: usize = 12;
const FIRST_CAPACITY: u32 = 4;

@final
export class XattrStore {
  private entries: usize = 0;
  private count: u32 = 0;
  private capacity: u32 = 0;
  /** Of all names, each with a NUL. */
  private nameBytes: u32 = 0;

  /** As Inode.getXattr(). */
  get(name: usize, nameLength: u32, out: usize, capacity: u32): i32 {
    const entry = this.find(name, nameLength);
    if (!entry) return -ENODATA;
    const length = load<u32>(entry, 4);
    if (capacity == 0) return <i32>length;
    if (capacity < length) return -ERANGE;
    if (length) memory.copy(out, load<u32>(entry), length);
    return <i32>length;
  }

  /** The length of the value, or -1 when there is none. */
  lengthOf(name: usize, nameLength: u32): i32 {
    const entry = this.find(name, nameLength);
    return entry ? <i32>load<u32>(entry, 4) : -1;
  }

  /** As Inode.setXattr(). Errors: ENODATA, EEXIST; ENOSPC for too many names, and when the kernel's memory is short. */
  set(name: usize, nameLength: u32, value: usize, length: u32, flags: u32): i32 {
    const index = this.indexOf(name, nameLength);
    const entry = this.entryIf(index, name, nameLength);
    if (!entry && flags & <u32>XATTR_REPLACE) return -ENODATA;
    if (entry && flags & <u32>XATTR_CREATE) return -EEXIST;
    if (memoryIsShort()) return -ENOSPC;
    if (!entry) return this.insert(index, name, nameLength, value, length);
    if (load<u32>(entry)) heap.free(load<u32>(entry));
    store<u32>(entry, <u32>duplicate(value, length));
    store<u32>(entry, length, 4);
    return 0;
  }

  private insert(index: u32, name: usize, nameLength: u32, value: usize, length: u32): i32 {
    if (this.nameBytes + nameLength + 1 > <u32>XATTR_LIST_MAX) return -ENOSPC;
    if (this.count == this.capacity) this.grow();
    const slot = this.slot(index);
    memory.copy(slot + 4, slot, (<usize>(this.count - index)) << 2);
    const entry = heap.alloc(HEADER + nameLength);
    store<u32>(entry, <u32>duplicate(value, length));
    store<u32>(entry, length, 4);
    store<u32>(entry, nameLength, 8);
    memory.copy(entry + HEADER, name, nameLength);
    store<u32>(slot, <u32>entry);
    this.count++;
    this.nameBytes += nameLength + 1;
    return 0;
  }

  private grow(): void {
    this.capacity = this.capacity ? this.capacity << 1 : FIRST_CAPACITY;
    const entries = heap.alloc((<usize>this.capacity) << 2);
    if (this.entries) {
      memory.copy(entries, this.entries, (<usize>this.count) << 2);
      heap.free(this.entries);
    }
    this.entries = entries;
  }

  /** Errors: ENODATA. */
  remove(name: usize, nameLength: u32): i32 {
    const index = this.indexOf(name, nameLength);
    const entry = this.entryIf(index, name, nameLength);
    if (!entry) return -ENODATA;
    const slot = this.slot(index);
    this.count--;
    memory.copy(slot, slot + 4, (<usize>(this.count - index)) << 2);
    this.nameBytes -= nameLength + 1;
    freeEntry(entry);
    return 0;
  }

  /** As Inode.listXattrs(). */
  list(out: usize, capacity: u32): i32 {
    if (capacity == 0) return <i32>this.nameBytes;
    if (capacity < this.nameBytes) return -ERANGE;
    let at = out;
    for (let i: u32 = 0; i < this.count; i++) {
      const entry = this.entryAt(i);
      const length = load<u32>(entry, 8);
      memory.copy(at, entry + HEADER, length);
      store<u8>(at + length, 0);
      at += length + 1;
    }
    return <i32>this.nameBytes;
  }

  /** What `cost` of each entry adds up to, given its fixed part: all values and names without NUL, and `each` for each. */
  totalCost(each: u64): u64 {
    let total: u64 = 0;
    for (let i: u32 = 0; i < this.count; i++) {
      const entry = this.entryAt(i);
      total += each + load<u32>(entry, 4) + load<u32>(entry, 8);
    }
    return total;
  }

  destroy(): void {
    for (let i: u32 = 0; i < this.count; i++) freeEntry(this.entryAt(i));
    if (this.entries) heap.free(this.entries);
    free(this);
  }

  private slot(index: u32): usize {
    return this.entries + ((<usize>index) << 2);
  }
  private entryAt(index: u32): usize {
    return <usize>load<u32>(this.slot(index));
  }

  /** Where the name is, or where it would be put. */
  private indexOf(name: usize, nameLength: u32): u32 {
    let low: u32 = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.entryAt(middle), name, nameLength) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  private entryIf(index: u32, name: usize, nameLength: u32): usize {
    if (index == this.count) return 0;
    const entry = this.entryAt(index);
    return compare(entry, name, nameLength) == 0 ? entry : 0;
  }
  private find(name: usize, nameLength: u32): usize {
    return this.entryIf(this.indexOf(name, nameLength), name, nameLength);
  }
}

function freeEntry(entry: usize): void {
  if (load<u32>(entry)) heap.free(load<u32>(entry));
  heap.free(entry);
}

/** By bytes, as strcmp(3); the sign of entry's name less the given one. */
function compare(entry: usize, name: usize, nameLength: u32): i32 {
  const length = load<u32>(entry, 8);
  const order = memory.compare(entry + HEADER, name, min(length, nameLength));
  return order != 0 ? order : <i32>length - <i32>nameLength;
}
