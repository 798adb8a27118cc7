// The compiler's runtime, replaced: what `new` and the built-in heap functions stand on.
//
// scripts/asc-kernel.mjs puts this file in the place of AssemblyScript's own "rt/stub", which keeps its state in globals
// and so cannot be shared by several instances. Compiled code reads two words of an object's header, the class id at -8
// and the size at -4; we keep these eight bytes and no others. Nothing is collected: objects end by decRef().
//
// A failed allocation of an object is a kernel panic: mm/page.ts keeps a reserve so that only a bug gets here.

import { slabAlloc, slabFree } from "mm/slab";

const OBJECT_HEADER: usize = 8;

// @ts-ignore: decorator
@unsafe @global
export function __alloc(size: usize): usize {
  const block = slabAlloc(size);
  if (!block) abort("kernel memory is exhausted");
  return block;
}

// @ts-ignore: decorator
@unsafe @global
export function __realloc(_ptr: usize, _size: usize): usize {
  return unreachable();
}

// @ts-ignore: decorator
@unsafe @global
export function __free(ptr: usize): void {
  slabFree(ptr);
}

// @ts-ignore: decorator
@unsafe @global
export function __new(size: usize, id: u32): usize {
  const block = __alloc(size + OBJECT_HEADER);
  store<u32>(block, id);
  store<u32>(block, <u32>size, 4);
  return block + OBJECT_HEADER;
}

/** Frees an object made by `new`. */
// @ts-ignore: decorator
@unsafe @global
export function __freeObject(object: usize): void {
  slabFree(object - OBJECT_HEADER);
}

// @ts-ignore: decorator
@unsafe @global
export function __renew(_ptr: usize, _size: usize): usize {
  return unreachable();
}

// @ts-ignore: decorator
@unsafe @global
export function __link(_parent: usize, _child: usize, _multiple: bool): void {}

// @ts-ignore: decorator
@unsafe @global
export function __pin(ptr: usize): usize {
  return ptr;
}

// @ts-ignore: decorator
@unsafe @global
export function __unpin(_ptr: usize): void {}

// @ts-ignore: decorator
@unsafe @global
function __visit(_ptr: usize, _cookie: u32): void {}

// @ts-ignore: decorator
@unsafe @global
export function __collect(): void {}
