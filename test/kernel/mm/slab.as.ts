import { initPages, pagesUsed } from "mm/page";
import { objectBytes, objectsUsed, slabAlloc, slabFree } from "mm/slab";

const MAX: u32 = 0x7fff0000;
const CLASSES = 16;
const BLOCKS: usize = memory.data(4 * 4096);

/** The size class of a block, as the comment in slab.ts lists them. */
function classSize(index: i32): usize {
  const sizes = memory.data<u16>([
    16, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024, 2048,
  ]);
  return load<u16>(sizes + ((<usize>index) << 1));
}

export function everySizeClassHoldsItsSizes(): void {
  initPages(MAX);
  for (let i = 0; i < CLASSES; i++) {
    const size = classSize(i);
    const before = objectBytes();
    const block = slabAlloc(size);
    assert(objectBytes() == before + <u32>size, "a class holds exactly its size");
    const smaller = slabAlloc(i ? classSize(i - 1) + 1 : 0);
    assert(objectBytes() == before + 2 * <u32>size, "and everything above the class below");
    slabFree(block);
    slabFree(smaller);
    assert(objectBytes() == before && objectsUsed() == 0, "counted back");
  }
}

export function blocksAreAlignedToSixteenBytes(): void {
  initPages(MAX);
  for (let size: usize = 0; size <= 2100; size += 7) assert((slabAlloc(size) & 15) == 0, "aligned");
}

export function blocksOfOneSlabDoNotOverlap(): void {
  initPages(MAX);
  for (let i = 0; i < CLASSES; i++) {
    const size = classSize(i);
    const count: usize = min<usize>(40000 / size + 2, 1200);
    for (let k: usize = 0; k < count; k++) {
      const block = slabAlloc(size);
      memory.fill(block, <u8>(k & 0xff), size);
      store<u32>(BLOCKS + (k << 2), <u32>block);
    }
    for (let k: usize = 0; k < count; k++) {
      const block = <usize>load<u32>(BLOCKS + (k << 2));
      assert(load<u8>(block) == <u8>(k & 0xff), "its first byte");
      assert(load<u8>(block + size - 1) == <u8>(k & 0xff), "its last byte");
    }
    for (let k: usize = 0; k < count; k++) slabFree(load<u32>(BLOCKS + (k << 2)));
  }
  assert(objectsUsed() == 0 && objectBytes() == 0, "all given back");
}

export function aBlockIsZeroedWhenItIsUsedAgain(): void {
  initPages(MAX);
  for (let i = 0; i < CLASSES; i++) {
    const size = classSize(i);
    const block = slabAlloc(size);
    memory.fill(block, 0xff, size);
    slabFree(block);
    const again = slabAlloc(size);
    assert(again == block, "the block that was freed last is used first");
    for (let k: usize = 0; k < size; k += 4) assert(load<u32>(again + k) == 0, "zero");
  }
}

export function aLargeBlockIsZeroedWhenItIsUsedAgain(): void {
  initPages(MAX);
  const block = slabAlloc(10000);
  memory.fill(block, 0xff, 10000);
  slabFree(block);
  const again = slabAlloc(10000);
  assert(again == block, "the same pages");
  for (let k: usize = 0; k < 10000; k += 4) assert(load<u32>(again + k) == 0, "zero");
}

export function largeBlocksAreWholePages(): void {
  initPages(MAX);
  for (let size: usize = 2049; size <= 4194304; size = size * 2 + 1) {
    const before = pagesUsed();
    const block = slabAlloc(size);
    assert(block != 0 && (block & 4095) == 0, "a page");
    assert(pagesUsed() > before, "from the page allocator");
    slabFree(block);
    assert(pagesUsed() == before, "and back to it");
  }
  assert(objectsUsed() == 0 && objectBytes() == 0, "all given back");
}

export function moreThanTheLargestBlockIsRefused(): void {
  initPages(MAX);
  assert(slabAlloc(4194304) != 0, "four megabytes");
  assert(slabAlloc(4194305) == 0, "and one byte");
  assert(objectsUsed() == 1, "a refusal is not counted");
}

export function emptySlabsGoBackToThePages(): void {
  initPages(MAX);
  const before = pagesUsed();
  for (let k: usize = 0; k < 4096; k++) store<u32>(BLOCKS + (k << 2), <u32>slabAlloc(64));
  const most = pagesUsed();
  assert(most >= before + 64, "64 pages hold 4,096 blocks of 64 bytes");
  for (let k: usize = 0; k < 4096; k++) slabFree(load<u32>(BLOCKS + (k << 2)));
  assert(pagesUsed() == before + 4, "one slab of four pages is kept");
}

export function aSlabWithOneBlockInUseStays(): void {
  initPages(MAX);
  for (let k: usize = 0; k < 2048; k++) store<u32>(BLOCKS + (k << 2), <u32>slabAlloc(256));
  const kept = load<u32>(BLOCKS);
  store<u64>(kept, 0x1122334455667788);
  for (let k: usize = 1; k < 2048; k++) slabFree(load<u32>(BLOCKS + (k << 2)));
  assert(load<u64>(kept) == 0x1122334455667788, "untouched");
  slabFree(kept);
  assert(objectsUsed() == 0, "all given back");
}

export function blocksFreedInAnyOrderAreAllFoundAgain(): void {
  initPages(MAX);
  for (let k: usize = 0; k < 1000; k++) store<u32>(BLOCKS + (k << 2), <u32>slabAlloc(100));
  const pages = pagesUsed();
  for (let k: usize = 0; k < 1000; k += 2) slabFree(load<u32>(BLOCKS + (k << 2)));
  for (let k: usize = 0; k < 500; k++) assert(slabAlloc(100) != 0, "there is room");
  assert(pagesUsed() <= pages, "the holes were used");
}
