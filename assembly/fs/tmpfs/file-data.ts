// The bytes of one file in kernel memory: sparse, in blocks.
//
// The first 64 KiB are single pages, so that small files stay small; behind that, blocks of 64 KiB, so that large ones cost
// one copy per block. A block that was never written reads as zeros. Bytes of a block behind the file's end are zero.

import { allocDataPages, freePages } from "mm/page";
import { ENOSPC } from "../../abi/errno.ts";
import { RadixTree } from "../../lib/radix-tree.ts";
import { free } from "../../lib/ref-counted.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { TmpfsLimits } from "./limits.ts";

const SMALL_SHIFT: u64 = 12;
const LARGE_SHIFT: u64 = 16;
const LARGE_ORDER: u32 = 4;
const SMALL_BLOCKS: u64 = 16;
const ZERO_CHUNK: u32 = 4096;

@final
export class FileData {
  private readonly blocks: RadixTree = new RadixTree();
  /** 4 KiB pages in use. */
  pages: u64 = 0;

  constructor(private readonly limits: TmpfsLimits) {}

  /** Copies [offset, offset + length) to `to`; the range lies within the file. */
  read(to: IovIter, offset: i64, length: u32): void {
    let at = <u64>offset;
    let left = length;
    while (left) {
      const index = blockOf(at);
      const within = <u32>(at - startOf(index));
      const chunk = min(left, <u32>sizeOf(index) - within);
      const block = this.blocks.get(index);
      if (block) to.put(block + within, chunk);
      else putZeros(to, chunk);
      at += chunk;
      left -= chunk;
    }
  }

  /** Takes `length` bytes from `from` to `offset`. Returns how many were stored: fewer when space runs out, or -ENOSPC for none. */
  write(from: IovIter, offset: i64, length: u32): i64 {
    let at = <u64>offset;
    let done: u32 = 0;
    while (done < length) {
      const index = blockOf(at);
      const within = <u32>(at - startOf(index));
      const chunk = min(length - done, <u32>sizeOf(index) - within);
      const block = this.ensure(index, within, chunk);
      if (!block) return done ? <i64>done : -ENOSPC;
      from.take(block + within, chunk);
      at += chunk;
      done += chunk;
    }
    return done;
  }

  /** Drops what lies at and behind `size`. */
  truncate(size: i64): void {
    let index = blockOf(<u64>size);
    const within = <u32>(<u64>size - startOf(index));
    if (within) {
      const block = this.blocks.get(index);
      if (block) memory.fill(block + within, 0, <usize>sizeOf(index) - within);
      index++;
    }
    while (true) {
      index = this.blocks.next(index);
      if (index == u64.MAX_VALUE) return;
      this.release(index);
      index++;
    }
  }

  destroy(): void {
    this.truncate(0);
    this.blocks.destroy();
    free(this);
  }

  /** The block of `index`, made when it is missing; what the coming write does not cover is zeroed. */
  private ensure(index: u64, within: u32, chunk: u32): usize {
    const there = this.blocks.get(index);
    if (there) return there;
    const order: u32 = index < SMALL_BLOCKS ? 0 : LARGE_ORDER;
    if (!this.limits.takePages(1 << order)) return 0;
    const block = allocDataPages(order);
    if (!block) {
      this.limits.givePages(1 << order);
      return 0;
    }
    const size = <u32>sizeOf(index);
    if (chunk < size) {
      memory.fill(block, 0, within);
      memory.fill(block + within + chunk, 0, size - within - chunk);
    }
    this.blocks.set(index, block);
    this.pages += 1 << order;
    return block;
  }

  private release(index: u64): void {
    const order: u32 = index < SMALL_BLOCKS ? 0 : LARGE_ORDER;
    freePages(this.blocks.get(index));
    this.blocks.set(index, 0);
    this.pages -= 1 << order;
    this.limits.givePages(1 << order);
  }
}

/** Blocks 0..15 are pages of the first 64 KiB; block 16 + n is the (n + 1)-th run of 64 KiB. */
function blockOf(offset: u64): u64 {
  const large = offset >> LARGE_SHIFT;
  return large == 0 ? offset >> SMALL_SHIFT : large + SMALL_BLOCKS - 1;
}

function startOf(index: u64): u64 {
  return index < SMALL_BLOCKS ? index << SMALL_SHIFT : (index - SMALL_BLOCKS + 1) << LARGE_SHIFT;
}

function sizeOf(index: u64): u64 {
  return index < SMALL_BLOCKS ? 1 << SMALL_SHIFT : 1 << LARGE_SHIFT;
}

function putZeros(to: IovIter, length: u32): void {
  const zeros = heap.alloc(ZERO_CHUNK);
  let left = length;
  while (left) {
    const chunk = min(left, ZERO_CHUNK);
    to.put(zeros, chunk);
    left -= chunk;
  }
  heap.free(zeros);
}
