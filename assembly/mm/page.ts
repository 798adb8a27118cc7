// The page allocator: a buddy system over the kernel's linear memory.
//
// Pages are 4 KiB; a block is 2^order pages, order 0..MAX_ORDER, aligned to its own size. The page map holds one byte for
// each page of the address space: for a block's first page its order and whether it is free or holds a slab, else zero.
// Free blocks are doubly linked through their first eight bytes. Memory grows by blocks of the largest order and is never
// given back; pages that were never used cost the host nothing.
//
// This file and slab.ts are compiled as library files ("mm/page", "mm/slab"), because the compiler's own runtime stub is
// replaced by one that stands on them (mm/runtime.ts): the kernel imports them by these names, never by path.
//
// All state is in the root structure. The caller holds the kernel lock.

import {
  KERNEL_MAX_WASM_PAGES,
  ROOT_FREE_LISTS,
  ROOT_MAX_PAGES,
  ROOT_PAGE_LIMIT,
  ROOT_PAGE_MAP,
  ROOT_PAGES_USED,
} from "abi/kernel-layout";

export const PAGE_SHIFT: u32 = 12;
export const PAGE_SIZE: u32 = 4096;
export const MAX_ORDER: u32 = 10;
const BLOCK_BYTES: usize = 4194304;
export const MAP_BYTES: usize = 524288;

// A page map byte.
export const MAP_FREE: u8 = 0x80;
export const MAP_USED: u8 = 0x40;
export const MAP_SLAB: u8 = 0x20;
export const MAP_ORDER: u8 = 0x0f;

/** Pages kept for small objects: data allocations stop before the last 64 MiB, so that `new` never fails. */
const RESERVED_PAGES: u32 = 16384;
/** Of these the last 16 MiB are for what system calls in progress need for a moment, and no cache takes from them. */
const LAST_PAGES: u32 = 4096;

function mapOf(page: usize): usize {
  return <usize>load<u32>(ROOT_PAGE_MAP) + (page >> PAGE_SHIFT);
}

function listOf(order: u32): usize {
  return <usize>ROOT_FREE_LISTS + ((<usize>order) << 2);
}

function pushFree(page: usize, order: u32): void {
  const head = load<u32>(listOf(order));
  store<u32>(page, head);
  store<u32>(page, 0, 4);
  if (head) store<u32>(head, <u32>page, 4);
  store<u32>(listOf(order), <u32>page);
  store<u8>(mapOf(page), MAP_FREE | <u8>order);
}

function unlinkFree(page: usize, order: u32): void {
  const next = load<u32>(page);
  const previous = load<u32>(page, 4);
  if (previous) store<u32>(previous, next);
  else store<u32>(listOf(order), next);
  if (next) store<u32>(next, previous, 4);
  store<u8>(mapOf(page), 0);
}

/** Makes the page map and takes all memory behind it. Called once, by the first instance. `maxBytes` bounds the kernel's memory. */
export function initPages(maxBytes: u32): void {
  const map = (__heap_base + 15) & ~15;
  store<u32>(ROOT_PAGE_MAP, <u32>map);
  const first = (map + MAP_BYTES + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);
  store<u32>(ROOT_PAGE_LIMIT, <u32>first);
  const ceiling = min<u32>(maxBytes, (<u32>KERNEL_MAX_WASM_PAGES) << 16);
  store<u32>(ROOT_MAX_PAGES, ceiling > <u32>first ? (ceiling - <u32>first) >> PAGE_SHIFT : 0);
  // What lies between the map and the first block of the largest order is free too, in blocks as large as alignment allows:
  // to link its single pages would touch each.
  if (!ensure(first)) return;
  let page = (map + MAP_BYTES + PAGE_SIZE - 1) & ~(<usize>PAGE_SIZE - 1);
  while (page < first) {
    const order = <u32>ctz(page >> PAGE_SHIFT);
    pushFree(page, order);
    page += (<usize>PAGE_SIZE) << order;
  }
}

/** Makes memory reach up to `end`. */
function ensure(end: usize): bool {
  const have = (<usize>memory.size()) << 16;
  if (end <= have) return true;
  return memory.grow(<i32>((end - have + 0xffff) >> 16)) >= 0;
}

/** Adds one block of the largest order. */
function growHeap(): bool {
  const block = <usize>load<u32>(ROOT_PAGE_LIMIT);
  if (block + BLOCK_BYTES > (<usize>KERNEL_MAX_WASM_PAGES) << 16) return false;
  if (!ensure(block + BLOCK_BYTES)) return false;
  store<u32>(ROOT_PAGE_LIMIT, <u32>(block + BLOCK_BYTES));
  pushFree(block, MAX_ORDER);
  return true;
}

/** A block of 2^order pages, not zeroed, or 0 when memory is out. */
export function allocPages(order: u32): usize {
  let at = order;
  while (at <= MAX_ORDER && load<u32>(listOf(at)) == 0) at++;
  if (at > MAX_ORDER) {
    if (!growHeap()) return 0;
    at = MAX_ORDER;
  }
  const block = <usize>load<u32>(listOf(at));
  unlinkFree(block, at);
  while (at > order) {
    at--;
    pushFree(block + ((<usize>PAGE_SIZE) << at), at);
  }
  store<u8>(mapOf(block), MAP_USED | <u8>order);
  store<u32>(ROOT_PAGES_USED, load<u32>(ROOT_PAGES_USED) + (1 << order));
  return block;
}

/** Whether only the reserve is left: a guest gets no more files, and caches are to shrink. */
export function memoryIsShort(): bool {
  return load<u32>(ROOT_PAGES_USED) + RESERVED_PAGES >= load<u32>(ROOT_MAX_PAGES);
}

/** Whether the reserve is nearly gone: nothing that a guest can make more of, and hold, is made any more. */
export function memoryIsCritical(): bool {
  return load<u32>(ROOT_PAGES_USED) + LAST_PAGES >= load<u32>(ROOT_MAX_PAGES);
}

/** As allocPages, for file data and other amounts that a guest chooses: 0 before small objects could run short. */
export function allocDataPages(order: u32): usize {
  if (load<u32>(ROOT_PAGES_USED) + (1 << order) + RESERVED_PAGES > load<u32>(ROOT_MAX_PAGES)) return 0;
  return allocPages(order);
}

/** Marks a used block as a slab, so that free() can tell it from a plain block. */
export function markSlab(block: usize): void {
  store<u8>(mapOf(block), load<u8>(mapOf(block)) | MAP_SLAB);
}

/** The page map's byte for the page of `address`. */
export function pageKind(address: usize): u8 {
  return load<u8>(mapOf(address));
}

export function freePages(block: usize): void {
  const kind = load<u8>(mapOf(block));
  assert((kind & MAP_USED) != 0, "freed pages are in use");
  let order: u32 = kind & MAP_ORDER;
  store<u32>(ROOT_PAGES_USED, load<u32>(ROOT_PAGES_USED) - (1 << order));
  let page = block;
  store<u8>(mapOf(page), 0);
  while (order < MAX_ORDER) {
    const buddy = page ^ ((<usize>PAGE_SIZE) << order);
    if (load<u8>(mapOf(buddy)) != (MAP_FREE | <u8>order)) break;
    unlinkFree(buddy, order);
    page = min(page, buddy);
    order++;
  }
  pushFree(page, order);
}

export function pagesUsed(): u32 {
  return load<u32>(ROOT_PAGES_USED);
}

export function pagesMax(): u32 {
  return load<u32>(ROOT_MAX_PAGES);
}
