// How many references each object ought to have, from what was found to hold one: a hash table of addresses in memory of its own.

import { RefCounted } from "../lib/ref-counted.ts";
import { BAD_REFERENCES, Violation } from "./violation.ts";

/** Pairs of (address, count). The largest block that the heap has. */
const SLOTS: u32 = 524288;
/** Fuller than this the table is slow, and no more is counted. */
const FULL: u32 = 400000;

@final
export class ReferenceCounts {
  private readonly table: usize = heap.alloc((<usize>SLOTS) << 3);
  private used: u32 = 0;

  private slotOf(object: usize): usize {
    let index = (<u32>(object >> 4) * 0x9e3779b1) >> 13;
    while (true) {
      const slot = this.table + ((<usize>index) << 3);
      const at = <usize>load<u32>(slot);
      if (at == object || at == 0) return slot;
      index = (index + 1) & (SLOTS - 1);
    }
  }

  /** Counts one more holder. True for the first. */
  add(object: usize): bool {
    const slot = this.slotOf(object);
    const before = load<u32>(slot, 4);
    if (before == 0) {
      if (this.used == FULL) return false;
      this.used++;
      store<u32>(slot, <u32>object);
    }
    store<u32>(slot, before + 1, 4);
    return before == 0;
  }

  /** Every object counted has at least as many references as holders were found. */
  check(violation: Violation): bool {
    for (let i: u32 = 0; i < SLOTS; i++) {
      const slot = this.table + ((<usize>i) << 3);
      const object = <usize>load<u32>(slot);
      if (object && changetype<RefCounted>(object).refs < <i32>load<u32>(slot, 4)) {
        return violation.at(BAD_REFERENCES, object);
      }
    }
    return true;
  }

  destroy(): void {
    heap.free(this.table);
  }
}
