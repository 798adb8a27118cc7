import { sortWords } from "../../../assembly/lib/sort.ts";
import { beginHeap, end } from "../support/leak-check.ts";

const WORDS: u32 = 1000;

function word(at: usize, index: u32): u32 {
  return load<u32>(at + ((<usize>index) << 2));
}

/** Fills with a sequence that repeats after `period` and steps by `step`. */
function fill(at: usize, count: u32, step: u32, period: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u32>(at + ((<usize>i) << 2), (i * step) % period);
}

export function anyOrderOfWordsIsSorted(): void {
  beginHeap();
  const at = heap.alloc((<usize>WORDS) << 2);
  for (let count: u32 = 0; count <= WORDS; count += 37) {
    for (let step: u32 = 1; step < 2000; step += 499) {
      fill(at, count, step, 1009);
      sortWords(at, count);
      for (let i: u32 = 1; i < count; i++)
        assert(word(at, i - 1) <= word(at, i), "none is smaller than the last");
    }
  }
  heap.free(at);
  end();
}

export function wordsAreUnsignedAndNoneIsLost(): void {
  beginHeap();
  const at = heap.alloc(16);
  store<u32>(at, u32.MAX_VALUE);
  store<u32>(at, 0, 4);
  store<u32>(at, 0x80000000, 8);
  store<u32>(at, 0, 12);
  sortWords(at, 4);
  assert(word(at, 0) == 0 && word(at, 1) == 0, "twice what was there twice");
  assert(word(at, 2) == 0x80000000 && word(at, 3) == u32.MAX_VALUE, "the largest last");
  heap.free(at);
  end();
}
