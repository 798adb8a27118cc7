import {
  allocDataPages,
  allocPages,
  freePages,
  initPages,
  PAGE_SIZE,
  pageKind,
  pagesMax,
  pagesUsed,
} from "mm/page";
import { ROOT_FREE_LISTS } from "../../../assembly/abi/kernel-layout.ts";

const MAX: u32 = 0x7fff0000;
const BLOCK: usize = 4194304;

function freeBlocks(order: u32): u32 {
  let count: u32 = 0;
  let at = load<u32>(<usize>ROOT_FREE_LISTS + ((<usize>order) << 2));
  while (at) {
    count++;
    at = load<u32>(at);
  }
  return count;
}

/** The free blocks of every order, in one number that differs when they do. */
function shape(): u64 {
  let sum: u64 = 0;
  for (let order: u32 = 0; order <= 10; order++) sum = sum * 2099 + freeBlocks(order);
  return sum;
}

export function aBlockIsAlignedToItsOwnSize(): void {
  initPages(MAX);
  for (let order: u32 = 0; order <= 10; order++) {
    const block = allocPages(order);
    assert(block != 0, "there is memory");
    assert((block & (((<usize>PAGE_SIZE) << order) - 1)) == 0, "aligned");
  }
}

export function blocksDoNotOverlap(): void {
  initPages(MAX);
  const first = allocPages(3);
  const second = allocPages(3);
  const third = allocPages(0);
  memory.fill(first, 1, (<usize>PAGE_SIZE) << 3);
  memory.fill(second, 2, (<usize>PAGE_SIZE) << 3);
  memory.fill(third, 3, PAGE_SIZE);
  assert(load<u8>(first) == 1 && load<u8>(first + ((<usize>PAGE_SIZE) << 3) - 1) == 1, "the first is whole");
  assert(
    load<u8>(second) == 2 && load<u8>(second + ((<usize>PAGE_SIZE) << 3) - 1) == 2,
    "the second is whole",
  );
}

export function splitHalvesMergeAgain(): void {
  initPages(MAX);
  freePages(allocPages(10));
  const before = shape();
  const used = pagesUsed();
  const one = allocPages(5);
  const two = allocPages(5);
  const three = allocPages(7);
  assert(pagesUsed() == used + 32 + 32 + 128, "pages are counted");
  assert(shape() != before, "a block was split");
  freePages(two);
  freePages(three);
  freePages(one);
  assert(pagesUsed() == used, "all was given back");
  assert(shape() == before, "buddies merged up to the block they came from");
}

export function aBuddyOfAnotherOrderDoesNotMerge(): void {
  initPages(MAX);
  freePages(allocPages(10));
  const whole = allocPages(1);
  freePages(whole);
  // Of `whole` the lower half stays in use: its upper half must stay a single page.
  const lower = allocPages(1);
  freePages(lower);
  const before = shape();
  const big = allocPages(4);
  const small = allocPages(4);
  freePages(big);
  assert(shape() != before, "the neighbour is still in use");
  freePages(small);
  assert(shape() == before, "and then it is not");
}

export function pagesOfEveryOrderGoBackInAnyOrder(): void {
  initPages(MAX);
  // The pages in front of the first whole block are used up, so that what follows comes out of `whole`.
  const whole = allocPages(10);
  while (freeBlocks(0)) allocPages(0);
  const used = pagesUsed();
  freePages(whole);
  const blocks = memory.data(4 * 64);
  for (let i: usize = 0; i < 64; i++) store<u32>(blocks + (i << 2), <u32>allocPages(<u32>(i % 4)));
  // Every third first, then the rest from the end.
  for (let i: usize = 0; i < 64; i += 3) freePages(load<u32>(blocks + (i << 2)));
  for (let i: usize = 64; i > 0; i--) if ((i - 1) % 3 != 0) freePages(load<u32>(blocks + ((i - 1) << 2)));
  assert(allocPages(10) == whole, "the whole block is there again");
  assert(pagesUsed() == used, "and every page was counted back");
}

export function thePageMapTellsABlocksOrder(): void {
  initPages(MAX);
  const block = allocPages(4);
  assert((pageKind(block) & 0x0f) == 4, "order");
  assert(pageKind(block + PAGE_SIZE) == 0, "pages inside a block have no mark of their own");
  freePages(block);
  assert((pageKind(block) & 0x40) == 0, "no longer in use");
}

export function memoryGrowsByWholeBlocks(): void {
  initPages(MAX);
  const before = memory.size();
  const block = allocPages(10);
  assert(block % BLOCK == 0, "a block of the largest order");
  assert(memory.size() <= before + ((<i32>(BLOCK >> 16)) << 1), "and not more than it needs");
}

export function dataStopsBeforeTheReserve(): void {
  // Enough for the reserve of 64 MiB and a little more.
  initPages((72 << 20) + <u32>__heap_base);
  const most = pagesMax();
  assert(most > 16384, "the reserve fits");
  let got: u32 = 0;
  while (allocDataPages(0)) got++;
  assert(got + 16384 == most, "data gets all but the reserve");
  assert(allocPages(0) != 0, "small objects still have memory");
}

export function aSmallMemoryHasNoRoomForData(): void {
  initPages(8 << 20);
  assert(allocDataPages(0) == 0, "all of it is reserve");
  assert(allocPages(0) != 0, "which objects may use");
}

export function exhaustionReturnsZero(): void {
  initPages(MAX);
  let blocks: u32 = 0;
  while (allocPages(10)) blocks++;
  assert(blocks > 480, "about two gigabytes, in blocks of four megabytes");
  assert(allocPages(10) == 0, "and nothing after that");
  // Smaller blocks remain in front of the first aligned one.
  while (allocPages(0)) {}
  for (let order: u32 = 0; order <= 10; order++) assert(allocPages(order) == 0, "nothing of any order");
}

export function freedMemoryIsAvailableAfterExhaustion(): void {
  initPages(MAX);
  let last: usize = 0;
  while (true) {
    const block = allocPages(10);
    if (!block) break;
    last = block;
  }
  freePages(last);
  assert(allocPages(10) == last, "the freed block is found again");
}

export function addressesStayBelowTwoGigabytes(): void {
  initPages(MAX);
  let highest: usize = 0;
  while (true) {
    const block = allocPages(10);
    if (!block) break;
    highest = max(highest, block);
  }
  assert(<i32>(highest + BLOCK - 1) > 0, "a pointer is never a negative i32");
}
