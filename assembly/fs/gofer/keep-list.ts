// What inodes keep for later although nobody uses it now (open handles, directory listings), bounded per file system.
//
// A KeepSlot belongs to one inode and holds at most one value, with a reference. Slots that hold something are on the list,
// the last used first; when the values cost more than the limit together, the least recently used go.

import { RefCounted } from "../../lib/ref-counted.ts";

@final
export class KeepSlot {
  value: RefCounted | null = null;
  cost: u32 = 0;
  next: KeepSlot | null = null;
  previous: KeepSlot | null = null;
}

@final
export class KeepList {
  used: u32 = 0;
  private head: KeepSlot | null = null;
  private tail: KeepSlot | null = null;

  constructor(private readonly limit: u32) {}

  /** Puts `value` into the slot in place of what was there; takes a reference of its own. */
  put(slot: KeepSlot, value: RefCounted, cost: u32): void {
    value.incRef();
    this.drop(slot);
    slot.value = value;
    slot.cost = cost;
    this.used += cost;
    this.pushFront(slot);
    this.shrink(this.limit);
  }

  /** The slot was used. Preconditions: it holds something. */
  touch(slot: KeepSlot): void {
    if (this.head === slot) return;
    this.unlink(slot);
    this.pushFront(slot);
  }

  drop(slot: KeepSlot): void {
    const value = slot.value;
    if (value === null) return;
    this.unlink(slot);
    this.used -= slot.cost;
    slot.value = null;
    value.decRef();
  }

  /** Drops the least recently used until no more than `limit` is used. */
  shrink(limit: u32): void {
    while (this.used > limit) {
      const last = this.tail;
      if (last === null) return;
      this.drop(last);
    }
  }

  private pushFront(slot: KeepSlot): void {
    const head = this.head;
    slot.next = head;
    slot.previous = null;
    if (head === null) this.tail = slot;
    else head.previous = slot;
    this.head = slot;
  }

  private unlink(slot: KeepSlot): void {
    const next = slot.next;
    const previous = slot.previous;
    if (previous === null) this.head = next;
    else previous.next = next;
    if (next === null) this.tail = previous;
    else next.previous = previous;
    slot.next = null;
    slot.previous = null;
  }
}
