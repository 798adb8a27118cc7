// The names in one tmpfs directory: by name through a hash table, and in the order of their making for readdir.
//
// Every entry has a cookie that grows and is never used twice, so that a listing in progress misses nothing that stays and
// shows nothing twice, whatever is made or removed meanwhile. The order array holds entries by ascending cookie, with holes
// where entries went; it is closed up when half of it is holes. A hole says how far it is to the next place that may be none,
// an odd number, and every look across holes makes their strides longer: to empty a directory from its front takes each removal
// a few steps, not one for every hole before it.

import { duplicate, equal, hashBytes } from "../../lib/bytes.ts";
import { free } from "../../lib/ref-counted.ts";
import { Inode } from "../../vfs/dentry.ts";
import { OFFSET_END } from "../../vfs/file-description.ts";

const FIRST_CAPACITY: u32 = 8;
/** Slots of the largest tables: those that are one block of the page allocator's. */
const SLOTS_MAX: u32 = 1 << 20;
/** Names of one directory. In a full order every twentieth place is a hole: to close it up now and then costs little a name. */
const ENTRIES_MAX: u32 = 1_000_000;
/** A hole with a stride of one: the stride is shifted, and entries have even addresses. */
const HOLE: u32 = 3;
/** Cookies 0 and 1 are "." and "..". */
export const FIRST_COOKIE: u64 = 2;

@final
export class DirectoryEntry {
  nextInBucket: DirectoryEntry | null = null;
  name: usize;
  hash: u32;
  cookie: u64 = 0;

  /** Takes a reference on `inode`; copies the name. */
  constructor(
    public inode: Inode,
    name: usize,
    public nameLength: u32,
  ) {
    this.name = duplicate(name, nameLength);
    this.hash = hashBytes(name, nameLength, 0);
    inode.incRef();
  }

  destroy(): void {
    this.takeInode().decRef();
  }

  /** Ends the entry but for its reference on the inode, which is the caller's. */
  takeInode(): Inode {
    const inode = this.inode;
    heap.free(this.name);
    free(this);
    return inode;
  }
}

@final
export class DirectoryIndex {
  count: u32 = 0;
  private capacity: u32 = 0;
  private buckets: usize = 0;
  private order: usize = 0;
  private orderCapacity: u32 = 0;
  private orderUsed: u32 = 0;
  private nextCookie: u64 = FIRST_COOKIE;

  find(name: usize, length: u32): DirectoryEntry | null {
    if (!this.buckets) return null;
    const hash = hashBytes(name, length, 0);
    let at = changetype<DirectoryEntry | null>(<usize>load<u32>(this.bucketOf(hash)));
    while (at !== null) {
      if (at.hash == hash && at.nameLength == length && equal(at.name, name, length)) return at;
      at = at.nextInBucket;
    }
    return null;
  }

  add(name: usize, length: u32, inode: Inode): void {
    if (this.count == this.capacity) this.grow();
    const entry = new DirectoryEntry(inode, name, length);
    entry.cookie = this.nextCookie++;
    // Behind no entry may a listing stand where it stands at the end.
    if (this.nextCookie == <u64>OFFSET_END - 1) this.nextCookie += 2;
    this.pushBucket(entry);
    this.pushOrder(entry);
    this.count++;
  }

  /** Lets go of the entry and of its reference on the inode. */
  remove(entry: DirectoryEntry): void {
    this.popBucket(entry);
    const position = this.positionOf(entry.cookie);
    store<u32>(this.slotOf(position), HOLE);
    this.count--;
    entry.destroy();
    if (this.count == 0) {
      this.orderUsed = 0;
      this.shrink();
    } else if (this.orderUsed > 16 && this.orderUsed > this.count * 2) {
      this.compact();
      this.shrink();
    }
  }

  /** Whether there can be no more entries. */
  get isFull(): bool {
    return this.count >= ENTRIES_MAX;
  }

  /** Whether one more entry needs no larger tables. */
  get hasRoom(): bool {
    return this.count < this.capacity && this.orderUsed < this.orderCapacity;
  }

  /** Makes the entry name another inode. */
  replace(entry: DirectoryEntry, inode: Inode): void {
    inode.incRef();
    entry.inode.decRef();
    entry.inode = inode;
  }

  /** The first entry whose cookie is at least `cookie`, or null. */
  firstFrom(cookie: u64): DirectoryEntry | null {
    const position = this.positionOf(cookie);
    return position < this.orderUsed ? this.entryAt(position) : null;
  }

  /** The entry at `position` in the order, or null for a hole; for a run over many. */
  entryAt(position: u32): DirectoryEntry | null {
    const slot = load<u32>(this.slotOf(position));
    return slot & 1 ? null : changetype<DirectoryEntry>(<usize>slot);
  }

  get length(): u32 {
    return this.orderUsed;
  }

  /** Where in the order the first entry with at least this cookie is, by bisection over the entries that are there. */
  positionOf(cookie: u64): u32 {
    let low: u32 = 0;
    let high = this.orderUsed;
    while (low < high) {
      const middle = (low + high) >> 1;
      const probe = this.pastHoles(middle);
      if (probe < high && changetype<DirectoryEntry>(<usize>load<u32>(this.slotOf(probe))).cookie < cookie) {
        low = probe + 1;
      } else {
        high = middle;
      }
    }
    // The bisection may have ended at a hole in front of the entry.
    return this.pastHoles(low);
  }

  /** The first place from `position` on that is no hole. Every hole on the way then leads straight there. */
  private pastHoles(position: u32): u32 {
    let end = position;
    while (end < this.orderUsed) {
      const slot = load<u32>(this.slotOf(end));
      if ((slot & 1) == 0) break;
      end += slot >> 1;
    }
    for (let at = position; at < end; ) {
      const slot = this.slotOf(at);
      const stride = load<u32>(slot) >> 1;
      store<u32>(slot, ((end - at) << 1) | 1);
      at += stride;
    }
    return end;
  }

  private slotOf(position: u32): usize {
    return this.order + ((<usize>position) << 2);
  }

  /** Takes an entry out of an index that is about to end: its inode with the reference, or null when there is none. */
  takeLast(): Inode | null {
    while (this.orderUsed > 0) {
      this.orderUsed--;
      const entry = this.entryAt(this.orderUsed);
      if (entry !== null) return entry.takeInode();
    }
    return null;
  }

  /** Preconditions: takeLast() has taken every entry. */
  destroy(): void {
    if (this.buckets) heap.free(this.buckets);
    if (this.order) heap.free(this.order);
    free(this);
  }

  private bucketOf(hash: u32): usize {
    return this.buckets + ((<usize>(hash & (this.capacity - 1))) << 2);
  }

  private pushBucket(entry: DirectoryEntry): void {
    const bucket = this.bucketOf(entry.hash);
    entry.nextInBucket = changetype<DirectoryEntry | null>(<usize>load<u32>(bucket));
    store<u32>(bucket, <u32>changetype<usize>(entry));
  }

  private popBucket(entry: DirectoryEntry): void {
    const bucket = this.bucketOf(entry.hash);
    let previous: DirectoryEntry | null = null;
    let at = changetype<DirectoryEntry | null>(<usize>load<u32>(bucket));
    while (at !== null && at !== entry) {
      previous = at;
      at = at.nextInBucket;
    }
    if (previous === null) store<u32>(bucket, <u32>changetype<usize>(entry.nextInBucket));
    else previous.nextInBucket = entry.nextInBucket;
  }

  private grow(): void {
    this.resizeBuckets(this.capacity ? this.capacity << 1 : FIRST_CAPACITY);
  }

  private resizeBuckets(capacity: u32): void {
    const before = this.buckets;
    this.capacity = capacity;
    this.buckets = heap.alloc((<usize>capacity) << 2);
    for (let i: u32 = 0; i < this.orderUsed; i++) {
      const entry = this.entryAt(i);
      if (entry !== null) this.pushBucket(entry);
    }
    if (before) heap.free(before);
  }

  private pushOrder(entry: DirectoryEntry): void {
    if (this.orderUsed == this.orderCapacity) {
      if (this.orderCapacity == SLOTS_MAX) this.compact();
      else this.resizeOrder(this.orderCapacity ? this.orderCapacity << 1 : FIRST_CAPACITY);
    }
    store<u32>(this.slotOf(this.orderUsed), <u32>changetype<usize>(entry));
    this.orderUsed++;
  }

  private resizeOrder(capacity: u32): void {
    const order = heap.alloc((<usize>capacity) << 2);
    memory.copy(order, this.order, (<usize>this.orderUsed) << 2);
    if (this.order) heap.free(this.order);
    this.order = order;
    this.orderCapacity = capacity;
  }

  /**
   * Gives back tables that are much too large, so that what a directory takes follows from what is in it: else a guest that
   * moves its files from one directory to the next would leave large tables everywhere. Preconditions: the order is closed up.
   */
  private shrink(): void {
    let capacity = FIRST_CAPACITY;
    while (capacity < this.count << 1) capacity <<= 1;
    if (this.capacity >= capacity << 1) this.resizeBuckets(capacity);
    if (this.orderCapacity >= capacity << 1) this.resizeOrder(capacity);
  }

  private compact(): void {
    let to: u32 = 0;
    for (let i: u32 = 0; i < this.orderUsed; i++) {
      const slot = load<u32>(this.slotOf(i));
      if ((slot & 1) == 0) store<u32>(this.slotOf(to++), slot);
    }
    this.orderUsed = to;
  }
}
