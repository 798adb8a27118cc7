// The heap of a unit test, and the check that a test gave everything back.
//
// begin() makes the heap of a fresh memory; end() compares what is in use with what was in use at the last begin() or
// mark(). Pages are not compared: each size class keeps one empty slab.

import { initPages } from "mm/page";
import { objectBytes, objectsUsed } from "mm/slab";
import { initDcache } from "../../../assembly/vfs/dcache.ts";

const MEMORY_MAX: u32 = 0x7fff0000;

let objects: u32 = 0;
let bytes: u32 = 0;

export function beginHeap(): void {
  initPages(MEMORY_MAX);
  mark();
}

/** As beginHeap(), with the dentry cache that everything in vfs/ needs. */
export function beginVfs(): void {
  initPages(MEMORY_MAX);
  initDcache();
  mark();
}

export function mark(): void {
  objects = objectsUsed();
  bytes = objectBytes();
}

export function end(): void {
  assert(objectsUsed() == objects, "every object was freed");
  assert(objectBytes() == bytes, "every byte was freed");
}
