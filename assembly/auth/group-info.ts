// Supplementary groups (Linux: struct group_info): a sorted array of group ids, shared by the credentials that have it, and
// immutable once a task runs with one of them.

import { RefCounted } from "../lib/ref-counted.ts";
import { sortWords } from "../lib/sort.ts";

/** Linux: NGROUPS_MAX. */
export const GROUPS_MAX: u32 = 65536;

@final
export class GroupInfo extends RefCounted {
  count: u32 = 0;
  private capacity: u32 = 0;
  /** Heap array of u32, or 0. */
  private ids: usize = 0;

  at(index: u32): u32 {
    return load<u32>(this.ids + ((<usize>index) << 2));
  }

  has(gid: u32): bool {
    const index = this.firstFrom(gid);
    return index < this.count && this.at(index) == gid;
  }

  /** Puts a group in its place; one that is there already is there twice, as setgroups(2) keeps it. False: too many. */
  add(gid: u32): bool {
    if (this.count == GROUPS_MAX) return false;
    if (this.count == this.capacity) this.grow();
    const index = this.firstFrom(gid);
    const at = this.ids + ((<usize>index) << 2);
    memory.copy(at + 4, at, (<usize>(this.count - index)) << 2);
    store<u32>(at, gid);
    this.count++;
    return true;
  }

  /** Takes the `count` groups at `list`, at most GROUPS_MAX in any order, as the groups of what is new and has none. */
  takeAll(list: usize, count: u32): void {
    if (count == 0) return;
    this.ids = heap.alloc((<usize>count) << 2);
    this.capacity = count;
    this.count = count;
    memory.copy(this.ids, list, (<usize>count) << 2);
    sortWords(this.ids, count);
  }

  destroy(): void {
    if (this.ids) heap.free(this.ids);
  }

  /** Where the first group that is at least `gid` is. */
  private firstFrom(gid: u32): u32 {
    let low: u32 = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at(middle) < gid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private grow(): void {
    const capacity = this.capacity ? this.capacity << 1 : 16;
    const ids = heap.alloc((<usize>capacity) << 2);
    if (this.ids) {
      memory.copy(ids, this.ids, (<usize>this.count) << 2);
      heap.free(this.ids);
    }
    this.ids = ids;
    this.capacity = capacity;
  }
}
