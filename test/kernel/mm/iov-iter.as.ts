import { EFAULT, EINVAL } from "../../../assembly/abi/errno.ts";
import { free } from "../../../assembly/lib/ref-counted.ts";
import { ld8, st8 } from "../../../assembly/mm/guest.ts";
import { IovIter } from "../../../assembly/mm/iov-iter.ts";
import { accessOk, copyIn, copyOut, importIovecs, putU32, putU64 } from "../../../assembly/mm/usercopy.ts";
import { beginHeap, end } from "../support/leak-check.ts";

const VECTOR: usize = memory.data(8 * 1024);
const SOURCE: usize = memory.data(512);
const TARGET: usize = memory.data(512);

function span(index: usize, address: usize, length: u32): void {
  store<u32>(VECTOR + (index << 3), <u32>address);
  store<u32>(VECTOR + (index << 3), length, 4);
}

function fillSource(): void {
  for (let i: usize = 0; i < 512; i++) store<u8>(SOURCE + i, <u8>(i * 7 + 1));
}

export function putFillsSpansInOrder(): void {
  beginHeap();
  fillSource();
  span(0, TARGET, 3);
  span(1, TARGET + 100, 0);
  span(2, TARGET + 10, 5);
  const iov = new IovIter();
  iov.init(VECTOR, 3, 8, true);
  assert(iov.put(SOURCE, 4) == 4, "the first span and one byte");
  assert(iov.remaining == 4, "four are left");
  assert(iov.put(SOURCE + 4, 100) == 4, "the rest, and no more");
  assert(memory.compare(TARGET, SOURCE, 3) == 0, "first span");
  assert(memory.compare(TARGET + 10, SOURCE + 3, 5) == 0, "third span");
  assert(load<u8>(TARGET + 3) == 0 && load<u8>(TARGET + 15) == 0, "nothing behind a span");
  assert(iov.put(SOURCE, 1) == 0, "full");
  free(iov);
  end();
}

export function takeReadsSpansInOrder(): void {
  beginHeap();
  fillSource();
  span(0, SOURCE, 0);
  span(1, SOURCE, 2);
  span(2, SOURCE + 50, 4);
  span(3, SOURCE, 0);
  const iov = new IovIter();
  iov.init(VECTOR, 4, 6, true);
  assert(iov.take(TARGET, 5) == 5, "across spans");
  assert(iov.take(TARGET + 5, 5) == 1, "what is left");
  assert(iov.take(TARGET + 6, 5) == 0, "nothing is left");
  assert(
    memory.compare(TARGET, SOURCE, 2) == 0 && memory.compare(TARGET + 2, SOURCE + 50, 4) == 0,
    "in order",
  );
  free(iov);
  end();
}

export function onlyEmptySpansMoveNothing(): void {
  beginHeap();
  span(0, TARGET, 0);
  span(1, TARGET, 0);
  const iov = new IovIter();
  iov.init(VECTOR, 2, 0, true);
  assert(iov.put(SOURCE, 9) == 0 && iov.take(TARGET, 9) == 0, "nothing");
  iov.init(VECTOR, 0, 0, true);
  assert(iov.put(SOURCE, 9) == 0, "no span at all");
  free(iov);
  end();
}

export function skipPassesOverSpans(): void {
  beginHeap();
  fillSource();
  span(0, TARGET, 4);
  span(1, TARGET + 8, 4);
  const iov = new IovIter();
  iov.init(VECTOR, 2, 8, true);
  iov.skip(5);
  assert(iov.remaining == 3, "three are left");
  assert(iov.put(SOURCE, 8) == 3, "into the second span");
  assert(load<u8>(TARGET + 8) == 0 && load<u8>(TARGET + 9) == load<u8>(SOURCE), "from its second byte");
  iov.skip(1000);
  assert(iov.remaining == 0, "skipping beyond the end stops there");
  free(iov);
  end();
}

export function theTotalBoundsWhatTheSpansAdmit(): void {
  beginHeap();
  span(0, TARGET, 100);
  const iov = new IovIter();
  iov.init(VECTOR, 1, 10, true);
  assert(iov.put(SOURCE, 50) == 10, "ten, though the span has room for a hundred");
  free(iov);
  end();
}

export function shortAndLongCopiesReachGuestMemory(): void {
  beginHeap();
  fillSource();
  const iov = new IovIter();
  // Every length around the word sizes and the bound between words and a bulk copy.
  for (let length: u32 = 0; length < 80; length++) {
    span(0, 1001, length);
    iov.init(VECTOR, 1, length, false);
    assert(iov.put(SOURCE, length) == length, "put");
    st8(1001 + length, 0xee);
    memory.fill(TARGET, 0, 100);
    iov.init(VECTOR, 1, length, false);
    assert(iov.take(TARGET, length) == length, "taken back");
    assert(memory.compare(TARGET, SOURCE, length) == 0, "the same bytes");
    assert(load<u8>(TARGET + length) == 0, "and no more");
    assert(ld8(1001 + length) == 0xee, "nothing behind the span");
  }
  free(iov);
  end();
}

export function accessEndsWithGuestMemory(): void {
  assert(accessOk(0, 65536), "all of it");
  assert(accessOk(65536, 0), "nothing, at its end");
  assert(!accessOk(65535, 2), "one byte too many");
  assert(!accessOk(1, 65536), "from the second byte");
  assert(!accessOk(0xffffffff, 1), "far outside");
  assert(!accessOk(0xffffffff, 0xffffffff), "a sum that wraps in 32 bits");
  assert(copyIn(TARGET, 65530, 7) == -EFAULT && copyOut(65530, TARGET, 7) == -EFAULT, "copies");
  assert(putU32(65533, 1) == -EFAULT && putU64(65529, 1) == -EFAULT, "words");
  assert(putU32(65532, 1) == 0 && putU64(65528, 1) == 0, "words that fit");
}

export function iovecsAreImportedAndChecked(): void {
  store<u32>(SOURCE, 16);
  store<u32>(SOURCE, 100, 4);
  store<u32>(SOURCE, 65536, 8);
  store<u32>(SOURCE, 0, 12);
  assert(copyOut(0, SOURCE, 16) == 0, "two pairs");
  assert(importIovecs(VECTOR, 0, 2) == 100, "their bytes");
  assert(importIovecs(VECTOR, 0, 0) == 0, "none");
  assert(importIovecs(VECTOR, 0, 1025) == -EINVAL, "more than IOV_MAX");
  assert(importIovecs(VECTOR, 65530, 1) == -EFAULT, "the array lies outside");
  store<u32>(SOURCE, 65537, 8);
  assert(copyOut(0, SOURCE, 16) == 0, "again");
  assert(importIovecs(VECTOR, 0, 2) == -EFAULT, "an empty span outside is still outside");
  store<u32>(SOURCE, 0xfffffff0, 8);
  store<u32>(SOURCE, 0x20, 12);
  assert(copyOut(0, SOURCE, 16) == 0, "again");
  assert(importIovecs(VECTOR, 0, 2) == -EFAULT, "a span that wraps");
}
