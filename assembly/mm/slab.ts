// The slab allocator: blocks of up to 2 KiB out of slabs of 16 KiB; larger ones are pages.
//
// A slab starts with a header and holds blocks of one size class. Slabs with a free block are on their class's list;
// a full slab is on none; an empty one goes back to the page allocator unless it is the last of its class.
//
//   slab   +0 size class   +4 free blocks   +8 first free block   +12 next slab   +16 previous slab   +20 blocks in all
//          +24 bytes of a block
//   +32    blocks; a free block holds the address of the next
//
// Compiled as the library file "mm/slab": see mm/page.ts.

import { ROOT_LARGE_BYTES, ROOT_LARGE_OBJECTS, ROOT_SLAB_COUNTS, ROOT_SLABS } from "abi/kernel-layout";
import { allocPages, freePages, MAP_SLAB, markSlab, PAGE_SHIFT, PAGE_SIZE, pageKind } from "./page";

export const SLAB_ORDER: u32 = 2;
export const SLAB_BYTES: usize = 16384;
/** Of a slab. */
export const SLAB_HEADER: usize = 32;
const LARGEST: usize = 2048;
/** All block sizes are multiples of 16. */
const FILLED_BY_STORES: u32 = 256;

export const SLAB_CLASSES: u32 = 16;

/** Class n of block sizes: 16 32 48 64 80 96 128 160 192 256 320 384 512 768 1024 2048. */
export function classSize(index: u32): usize {
  switch (index) {
    case 0:
      return 16;
    case 1:
      return 32;
    case 2:
      return 48;
    case 3:
      return 64;
    case 4:
      return 80;
    case 5:
      return 96;
    case 6:
      return 128;
    case 7:
      return 160;
    case 8:
      return 192;
    case 9:
      return 256;
    case 10:
      return 320;
    case 11:
      return 384;
    case 12:
      return 512;
    case 13:
      return 768;
    case 14:
      return 1024;
    default:
      return 2048;
  }
}

function classOf(size: usize): u32 {
  if (size <= 96) return size ? <u32>((size - 1) >> 4) : 0;
  if (size <= 128) return 6;
  if (size <= 160) return 7;
  if (size <= 192) return 8;
  if (size <= 256) return 9;
  if (size <= 320) return 10;
  if (size <= 384) return 11;
  if (size <= 512) return 12;
  if (size <= 768) return 13;
  if (size <= 1024) return 14;
  return 15;
}

function listOf(index: u32): usize {
  return <usize>ROOT_SLABS + ((<usize>index) << 2);
}

function pushSlab(slab: usize, index: u32): void {
  const head = load<u32>(listOf(index));
  store<u32>(slab, head, 12);
  store<u32>(slab, 0, 16);
  if (head) store<u32>(head, <u32>slab, 16);
  store<u32>(listOf(index), <u32>slab);
}

function unlinkSlab(slab: usize, index: u32): void {
  const next = load<u32>(slab, 12);
  const previous = load<u32>(slab, 16);
  if (previous) store<u32>(previous, next, 12);
  else store<u32>(listOf(index), next);
  if (next) store<u32>(next, previous, 16);
}

function makeSlab(index: u32): usize {
  const slab = allocPages(SLAB_ORDER);
  if (!slab) return 0;
  markSlab(slab);
  const size = classSize(index);
  const count = <u32>((SLAB_BYTES - SLAB_HEADER) / size);
  let block = slab + SLAB_HEADER;
  store<u32>(slab, index);
  store<u32>(slab, count, 4);
  store<u32>(slab, <u32>block, 8);
  store<u32>(slab, count, 20);
  store<u32>(slab, <u32>size, 24);
  for (let i: u32 = 1; i < count; i++) {
    store<u32>(block, <u32>(block + size));
    block += size;
  }
  store<u32>(block, 0);
  pushSlab(slab, index);
  countSlab(index, 1);
  return slab;
}

function countSlab(index: u32, change: i32): void {
  const at = <usize>ROOT_SLAB_COUNTS + ((<usize>index) << 2);
  store<u32>(at, load<u32>(at) + change);
}

function countLarge(objects: i32, bytes: i32): void {
  store<u32>(ROOT_LARGE_OBJECTS, load<u32>(ROOT_LARGE_OBJECTS) + objects);
  store<u32>(ROOT_LARGE_BYTES, load<u32>(ROOT_LARGE_BYTES) + bytes);
}

/** `size` zeroed bytes, aligned to 16; or 0 when memory is out. */
export function slabAlloc(size: usize): usize {
  if (size > LARGEST) return largeAlloc(size);
  const index = classOf(size);
  let slab = <usize>load<u32>(listOf(index));
  if (!slab) {
    slab = makeSlab(index);
    if (!slab) return 0;
  }
  const block = <usize>load<u32>(slab, 8);
  store<u32>(slab, load<u32>(block), 8);
  const free = load<u32>(slab, 4) - 1;
  store<u32>(slab, free, 4);
  if (!free) unlinkSlab(slab, index);
  clear(block, load<u32>(slab, 24));
  return block;
}

/** Fills a block with zeros. Engines make a call of memory.fill, which takes longer than the few stores that most objects need. */
function clear(block: usize, bytes: u32): void {
  if (bytes > FILLED_BY_STORES) {
    memory.fill(block, 0, bytes);
    return;
  }
  const end = block + bytes;
  let at = block;
  if (bytes & 16) {
    store<u64>(at, 0);
    store<u64>(at, 0, 8);
    at += 16;
  }
  for (; at < end; at += 32) {
    store<u64>(at, 0);
    store<u64>(at, 0, 8);
    store<u64>(at, 0, 16);
    store<u64>(at, 0, 24);
  }
}

function largeAlloc(size: usize): usize {
  let order: u32 = 0;
  while ((<usize>PAGE_SIZE) << order < size) {
    order++;
    if (order > 10) return 0;
  }
  const block = allocPages(order);
  if (block) {
    memory.fill(block, 0, (<usize>PAGE_SIZE) << order);
    countLarge(1, 1 << (order + PAGE_SHIFT));
  }
  return block;
}

export function slabFree(block: usize): void {
  const slab = block & ~(SLAB_BYTES - 1);
  // Few blocks of a slab begin where a page does.
  if ((block & (<usize>PAGE_SIZE - 1)) == 0 && (pageKind(slab) & MAP_SLAB) == 0) {
    countLarge(-1, -(1 << ((pageKind(block) & 0x0f) + PAGE_SHIFT)));
    freePages(block);
    return;
  }
  const index = load<u32>(slab);
  store<u32>(block, load<u32>(slab, 8));
  store<u32>(slab, <u32>block, 8);
  const free = load<u32>(slab, 4) + 1;
  store<u32>(slab, free, 4);
  if (free == 1) {
    pushSlab(slab, index);
  } else if (free == load<u32>(slab, 20) && (load<u32>(slab, 12) || load<u32>(slab, 16))) {
    unlinkSlab(slab, index);
    freePages(slab);
    countSlab(index, -1);
  }
}

/** Blocks of a size class in use. */
function usedOf(index: u32): u32 {
  const blocks = <u32>((SLAB_BYTES - SLAB_HEADER) / classSize(index));
  let used = blocks * load<u32>(<usize>ROOT_SLAB_COUNTS + ((<usize>index) << 2));
  for (let slab = load<u32>(listOf(index)); slab; slab = load<u32>(slab, 12)) used -= load<u32>(slab, 4);
  return used;
}

/** Blocks in use: a test's leak count. */
export function objectsUsed(): u32 {
  let objects = load<u32>(ROOT_LARGE_OBJECTS);
  for (let index: u32 = 0; index < SLAB_CLASSES; index++) objects += usedOf(index);
  return objects;
}

/** Their bytes, rounded up to their size classes. */
export function objectBytes(): u32 {
  let bytes = load<u32>(ROOT_LARGE_BYTES);
  for (let index: u32 = 0; index < SLAB_CLASSES; index++) bytes += usedOf(index) * <u32>classSize(index);
  return bytes;
}
