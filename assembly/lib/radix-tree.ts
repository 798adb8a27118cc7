// A sparse array of words, indexed by u64 (Linux: lib/radix-tree.c): a tree of nodes with 64 slots, as high as its largest
// index needs. An empty slot reads as 0, and a node without values is freed: what a tree takes follows from what is in it.

import { free } from "./ref-counted.ts";

const FANOUT_BITS: u32 = 6;
const SLOTS: u64 = 64;
const NODE_BYTES: usize = 256;

@final
export class RadixTree {
  private top: usize = 0;
  /** Levels below `top`; 0 for an empty tree. */
  private height: u32 = 0;

  private covers(index: u64): bool {
    return (
      this.height > 0 && (this.height * FANOUT_BITS >= 64 || index >> (<u64>this.height * FANOUT_BITS) == 0)
    );
  }

  get(index: u64): usize {
    if (!this.covers(index)) return 0;
    let node = this.top;
    for (let level = this.height; level > 1; level--) {
      node = load<u32>(slotOf(node, index, level));
      if (!node) return 0;
    }
    return load<u32>(slotOf(node, index, 1));
  }

  /** Puts `value` at `index`; 0 empties the slot. */
  set(index: u64, value: usize): void {
    if (!value) {
      if (this.covers(index) && clear(this.top, index, this.height)) {
        heap.free(this.top);
        this.top = 0;
        this.height = 0;
      }
      return;
    }
    while (!this.covers(index)) {
      if (this.top) {
        const node = heap.alloc(NODE_BYTES);
        store<u32>(node, <u32>this.top);
        this.top = node;
      }
      this.height++;
    }
    if (!this.top) this.top = heap.alloc(NODE_BYTES);
    let node = this.top;
    for (let level = this.height; level > 1; level--) {
      const slot = slotOf(node, index, level);
      node = load<u32>(slot);
      if (!node) {
        node = heap.alloc(NODE_BYTES);
        store<u32>(slot, <u32>node);
      }
    }
    store<u32>(slotOf(node, index, 1), <u32>value);
  }

  /** The smallest index >= `from` whose slot is set, or u64.MAX_VALUE. */
  next(from: u64): u64 {
    let index = from;
    while (this.covers(index)) {
      let node = this.top;
      let level = this.height;
      while (level > 1) {
        const below = load<u32>(slotOf(node, index, level));
        if (!below) break;
        node = below;
        level--;
      }
      if (level == 1 && load<u32>(slotOf(node, index, 1))) return index;
      // Skip the whole empty subtree.
      const step: u64 = 1 << (<u64>(level - 1) * FANOUT_BITS);
      const following = (index & ~(step - 1)) + step;
      if (following <= index) return u64.MAX_VALUE;
      index = following;
    }
    return u64.MAX_VALUE;
  }

  /** Frees the nodes; the values are the caller's. */
  destroy(): void {
    if (this.top) freeNode(this.top, this.height);
    free(this);
  }
}

function slotOf(node: usize, index: u64, level: u32): usize {
  return node + ((<usize>((index >> (<u64>(level - 1) * FANOUT_BITS)) & (SLOTS - 1))) << 2);
}

/** Empties a slot and frees the nodes below `node` that it leaves empty. True when `node` is empty itself. As freeNode(). */
function clear(node: usize, index: u64, level: u32): bool {
  const slot = slotOf(node, index, level);
  if (level > 1) {
    const below = load<u32>(slot);
    if (!below || !clear(below, index, level - 1)) return false;
    heap.free(below);
  }
  store<u32>(slot, 0);
  for (let i: usize = 0; i < NODE_BYTES; i += 8) {
    if (load<u64>(node + i)) return false;
  }
  return true;
}

/** Recursive, at most eleven deep: the height that 64 bits need. */
function freeNode(node: usize, level: u32): void {
  if (level > 1) {
    for (let i: usize = 0; i < <usize>SLOTS; i++) {
      const below = load<u32>(node + (i << 2));
      if (below) freeNode(below, level - 1);
    }
  }
  heap.free(node);
}
