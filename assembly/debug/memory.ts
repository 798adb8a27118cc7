// The page and slab allocators: every page and every small block is free or used, is in the lists that say so, and was counted.

import {
  MAP_BYTES,
  MAP_FREE,
  MAP_ORDER,
  MAP_SLAB,
  MAP_USED,
  MAX_ORDER,
  PAGE_SHIFT,
  PAGE_SIZE,
  pageKind,
} from "mm/page";
import { classSize, objectsUsed, SLAB_BYTES, SLAB_CLASSES, SLAB_HEADER, SLAB_ORDER } from "mm/slab";
import {
  ROOT_FREE_LISTS,
  ROOT_LARGE_OBJECTS,
  ROOT_PAGE_LIMIT,
  ROOT_PAGE_MAP,
  ROOT_PAGES_USED,
  ROOT_SLABS,
} from "../abi/kernel-layout.ts";
import {
  BAD_FREE_LIST,
  BAD_OBJECT_COUNT,
  BAD_PAGE_COUNT,
  BAD_PAGE_MAP,
  BAD_SLAB,
  BAD_SLAB_LIST,
  Violation,
} from "./violation.ts";

/** Where the pages begin. */
function firstPage(): usize {
  return (<usize>load<u32>(ROOT_PAGE_MAP) + MAP_BYTES + PAGE_SIZE - 1) & ~(<usize>PAGE_SIZE - 1);
}

function wordAt(base: usize, index: u32): usize {
  return base + ((<usize>index) << 2);
}

/** Counts of free blocks by order, then of slabs with free blocks by class. */
const COUNTS_BYTES: usize = 256;
const SLAB_COUNTS: usize = 128;

export function checkMemory(violation: Violation): bool {
  const counts = heap.alloc(COUNTS_BYTES);
  const good =
    checkBlocks(violation, counts) && checkFreeLists(violation, counts) && checkSlabLists(violation, counts);
  heap.free(counts);
  return good;
}

function checkBlocks(violation: Violation, counts: usize): bool {
  const end = <usize>load<u32>(ROOT_PAGE_LIMIT);
  let used: u32 = 0;
  let objects: u32 = 0;
  let page = firstPage();
  while (page < end) {
    const kind = pageKind(page);
    const order: u32 = kind & MAP_ORDER;
    const isFree = (kind & MAP_FREE) != 0;
    if (isFree == ((kind & MAP_USED) != 0) || order > MAX_ORDER) return violation.at(BAD_PAGE_MAP, page);
    const following = page + ((<usize>PAGE_SIZE) << order);
    for (let inside = page + PAGE_SIZE; inside < following; inside += PAGE_SIZE) {
      if (pageKind(inside) != 0) return violation.at(BAD_PAGE_MAP, inside);
    }
    if (isFree) {
      store<u32>(wordAt(counts, order), load<u32>(wordAt(counts, order)) + 1);
    } else {
      used += 1 << order;
      if (kind & MAP_SLAB) {
        if (!checkSlab(violation, page, order, counts + SLAB_COUNTS)) return false;
        objects += load<u32>(page, 20) - load<u32>(page, 4);
      }
    }
    page = following;
  }
  if (used != load<u32>(ROOT_PAGES_USED)) return violation.at(BAD_PAGE_COUNT, used);
  // Blocks too large for a slab are objects as well.
  objects += load<u32>(ROOT_LARGE_OBJECTS);
  return objects == objectsUsed() || violation.at(BAD_OBJECT_COUNT, objects);
}

function checkSlab(violation: Violation, slab: usize, order: u32, partial: usize): bool {
  const index = load<u32>(slab);
  if (order != SLAB_ORDER || index >= SLAB_CLASSES) return violation.at(BAD_SLAB, slab);
  const size = classSize(index);
  const blocks = <u32>((SLAB_BYTES - SLAB_HEADER) / size);
  if (load<u32>(slab, 20) != blocks) return violation.at(BAD_SLAB, slab);
  let free: u32 = 0;
  let block = <usize>load<u32>(slab, 8);
  while (block) {
    const offset = block - slab - SLAB_HEADER;
    if (block < slab + SLAB_HEADER || offset % size != 0 || offset / size >= blocks || ++free > blocks) {
      return violation.at(BAD_SLAB, slab);
    }
    block = <usize>load<u32>(block);
  }
  if (free != load<u32>(slab, 4)) return violation.at(BAD_SLAB, slab);
  if (free) store<u32>(wordAt(partial, index), load<u32>(wordAt(partial, index)) + 1);
  return true;
}

function checkFreeLists(violation: Violation, counts: usize): bool {
  for (let order: u32 = 0; order <= MAX_ORDER; order++) {
    let left = load<u32>(wordAt(counts, order));
    let previous: usize = 0;
    let block = <usize>load<u32>(wordAt(<usize>ROOT_FREE_LISTS, order));
    while (block) {
      if (left-- == 0 || pageKind(block) != (MAP_FREE | <u8>order)) return violation.at(BAD_FREE_LIST, block);
      if (<usize>load<u32>(block, 4) != previous) return violation.at(BAD_FREE_LIST, block);
      previous = block;
      block = <usize>load<u32>(block);
    }
    if (left) return violation.at(BAD_FREE_LIST, order);
  }
  return true;
}

function checkSlabLists(violation: Violation, counts: usize): bool {
  for (let index: u32 = 0; index < SLAB_CLASSES; index++) {
    let left = load<u32>(wordAt(counts + SLAB_COUNTS, index));
    let previous: usize = 0;
    let slab = <usize>load<u32>(wordAt(<usize>ROOT_SLABS, index));
    while (slab) {
      if (left-- == 0 || load<u32>(slab) != index) return violation.at(BAD_SLAB_LIST, slab);
      if (<usize>load<u32>(slab, 16) != previous) return violation.at(BAD_SLAB_LIST, slab);
      previous = slab;
      slab = <usize>load<u32>(slab, 12);
    }
    if (left) return violation.at(BAD_SLAB_LIST, index);
  }
  return true;
}

/** The slab block that holds `address`, or 0 when it is no block of a slab. */
export function blockAround(address: usize): usize {
  if (address < firstPage() || address >= <usize>load<u32>(ROOT_PAGE_LIMIT)) return 0;
  const slab = address & ~(SLAB_BYTES - 1);
  if ((pageKind(slab) & MAP_SLAB) == 0 || address < slab + SLAB_HEADER) return 0;
  const size = classSize(load<u32>(slab));
  return slab + SLAB_HEADER + ((address - slab - SLAB_HEADER) / size) * size;
}

/**
 * The next object of a class after `at` (0: the first), by the id and size in its header, or 0. An object's first eight bytes tell what it
 * is; a block of plain bytes could look like one by chance only.
 */
export function nextObject(at: usize, id: u32, size: u32): usize {
  const end = <usize>load<u32>(ROOT_PAGE_LIMIT);
  let page = at ? at & ~(SLAB_BYTES - 1) : firstPage();
  let block = at ? blockAround(at) : 0;
  while (page < end) {
    const kind = pageKind(page);
    if (kind & MAP_SLAB) {
      const bytes = classSize(load<u32>(page));
      const last = page + SLAB_HEADER + <usize>load<u32>(page, 20) * bytes;
      for (let next = block ? block + bytes : page + SLAB_HEADER; next < last; next += bytes) {
        if (load<u32>(next) == id && load<u32>(next, 4) == size) return next + 8;
      }
    }
    block = 0;
    page += (<usize>1) << (PAGE_SHIFT + (kind & MAP_ORDER));
  }
  return 0;
}
