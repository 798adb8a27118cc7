// A directory's entries as they were at one moment, in kernel memory.
//
// One entry is ino[8] type[1] length[1] name, without "." and "..". An open directory reads on in the listing that it began
// with, whatever happens to the directory meanwhile, as POSIX allows; the inode keeps the last one while it is true.

import { memoryIsShort } from "mm/page";
import { P9_QTDIR, P9_QTSYMLINK } from "../../abi/p9.ts";
import { DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK, DT_UNKNOWN } from "../../abi/stat.ts";
import { RefCounted } from "../../lib/ref-counted.ts";
import { P9DirectoryEntry } from "../../p9/messages.ts";

/** A directory with more than this is not listed but read through: some 40,000 names. */
const LISTING_MAX: u32 = 1048576;
const FIRST_CAPACITY: u32 = 1024;
const ENTRY_HEAD: u32 = 10;

/** How many names the first request of listed-names.ts asks for; each further one asks for twice as many. */
const FIRST_BATCH: u32 = 16;

/** What all listings of one file system take, those that only open directories still hold included. */
@final
export class ListingBudget {
  used: u32 = 0;

  constructor(readonly limit: u32) {}
}

@final
export class Listing extends RefCounted {
  length: u32 = 0;
  /** The entry whose name is expected to be looked up next, and how many with it (listed-names.ts). */
  expected: u32 = 0;
  batch: u32 = FIRST_BATCH;
  private capacity: u32 = FIRST_CAPACITY;
  private bytes: usize = heap.alloc(FIRST_CAPACITY);

  constructor(private readonly budget: ListingBudget) {
    super();
    budget.used += FIRST_CAPACITY;
  }

  destroy(): void {
    heap.free(this.bytes);
    this.budget.used -= this.capacity;
  }

  /** What it counts for when it is kept. */
  get cost(): u32 {
    return this.capacity;
  }

  /** False when the directory is too large. */
  add(entry: P9DirectoryEntry): bool {
    const size = ENTRY_HEAD + entry.nameLength;
    while (this.length + size > this.capacity) {
      if (!this.grow()) return false;
    }
    const at = this.bytes + this.length;
    store<u64>(at, entry.qidPath);
    store<u8>(at, <u8>typeOf(entry), 8);
    store<u8>(at, <u8>entry.nameLength, 9);
    memory.copy(at + ENTRY_HEAD, entry.name, entry.nameLength);
    this.length += size;
    return true;
  }

  inoAt(position: u32): u64 {
    return load<u64>(this.bytes + position);
  }
  typeAt(position: u32): u32 {
    return load<u8>(this.bytes + position, 8);
  }
  nameAt(position: u32): usize {
    return this.bytes + position + ENTRY_HEAD;
  }
  nameLengthAt(position: u32): u32 {
    return load<u8>(this.bytes + position, 9);
  }
  /** Where the entry behind the one at `position` begins. */
  after(position: u32): u32 {
    return position + ENTRY_HEAD + this.nameLengthAt(position);
  }

  /** The first entry that begins at `position` or behind it. */
  entryFrom(position: u64): u32 {
    let at: u32 = 0;
    while (at < this.length && <u64>at < position) at = this.after(at);
    return at;
  }

  private grow(): bool {
    const capacity = this.capacity << 1;
    if (capacity > LISTING_MAX || this.budget.used + this.capacity > this.budget.limit) return false;
    if (memoryIsShort()) return false;
    const bytes = heap.alloc(capacity);
    memory.copy(bytes, this.bytes, this.length);
    heap.free(this.bytes);
    this.bytes = bytes;
    this.budget.used += this.capacity;
    this.capacity = capacity;
    return true;
  }
}

/** The entry's DT_* type; what the server leaves open may follow from the qid. */
export function typeOf(entry: P9DirectoryEntry): u32 {
  const type = entry.type;
  if (
    type == <u32>DT_REG ||
    type == <u32>DT_DIR ||
    type == <u32>DT_LNK ||
    type == <u32>DT_FIFO ||
    type == <u32>DT_SOCK ||
    type == <u32>DT_CHR ||
    type == <u32>DT_BLK
  ) {
    return type;
  }
  if (entry.qidType & <u32>P9_QTDIR) return DT_DIR;
  return entry.qidType & <u32>P9_QTSYMLINK ? DT_LNK : DT_UNKNOWN;
}
