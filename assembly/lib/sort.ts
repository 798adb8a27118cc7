// Sorting: a heap sort, whose time does not depend on the order that a guest gives.

/** Sorts the `count` unsigned words at `at`, the smallest first. */
export function sortWords(at: usize, count: u32): void {
  for (let top = count >> 1; top > 0; top--) sink(at, top - 1, count);
  for (let last = count; last > 1; last--) {
    swap(at, 0, last - 1);
    sink(at, 0, last - 1);
  }
}

/** Lets the word at `top` sink in the heap of the first `count`, until no word below it is larger. */
function sink(at: usize, top: u32, count: u32): void {
  let parent = top;
  while ((parent << 1) + 1 < count) {
    let child = (parent << 1) + 1;
    if (child + 1 < count && word(at, child + 1) > word(at, child)) child++;
    if (word(at, child) <= word(at, parent)) return;
    swap(at, parent, child);
    parent = child;
  }
}

function word(at: usize, index: u32): u32 {
  return load<u32>(at + ((<usize>index) << 2));
}

function swap(at: usize, one: u32, other: u32): void {
  const kept = word(at, one);
  store<u32>(at + ((<usize>one) << 2), word(at, other));
  store<u32>(at + ((<usize>other) << 2), kept);
}
