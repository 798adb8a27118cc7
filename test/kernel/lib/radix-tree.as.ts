import { RadixTree } from "../../../assembly/lib/radix-tree.ts";
import { beginHeap, end, mark } from "../support/leak-check.ts";

export function anEmptyTreeHasNothing(): void {
  beginHeap();
  const tree = new RadixTree();
  assert(tree.get(0) == 0 && tree.get(u64.MAX_VALUE) == 0, "nothing anywhere");
  assert(tree.next(0) == u64.MAX_VALUE, "and nothing to come");
  tree.destroy();
  end();
}

export function whatIsSetIsFound(): void {
  beginHeap();
  const tree = new RadixTree();
  for (let i: u64 = 0; i < 5000; i++) tree.set(i, <usize>(i + 1));
  for (let i: u64 = 0; i < 5000; i++) assert(tree.get(i) == <usize>(i + 1), "found");
  assert(tree.get(5000) == 0, "behind the last");
  tree.destroy();
  end();
}

export function anIndexInAHoleIsZero(): void {
  beginHeap();
  const tree = new RadixTree();
  tree.set(0, 1);
  tree.set(1 << 40, 2);
  assert(tree.get(1) == 0 && tree.get(64) == 0 && tree.get((1 << 40) - 1) == 0, "holes");
  assert(tree.get(0) == 1 && tree.get(1 << 40) == 2, "what is there");
  tree.destroy();
  end();
}

export function everyHeightKeepsWhatWasThere(): void {
  beginHeap();
  const tree = new RadixTree();
  for (let bit: u64 = 0; bit < 64; bit++) tree.set((<u64>1) << bit, <usize>(bit + 1));
  for (let bit: u64 = 0; bit < 64; bit++) assert(tree.get((<u64>1) << bit) == <usize>(bit + 1), "found");
  assert(tree.get(0) == 0, "the first index was never set");
  tree.destroy();
  end();
}

export function hugeIndicesWork(): void {
  beginHeap();
  const tree = new RadixTree();
  tree.set(u64.MAX_VALUE - 1, 7);
  tree.set(0x8000000000000000, 8);
  tree.set(3, 9);
  assert(tree.get(u64.MAX_VALUE - 1) == 7 && tree.get(0x8000000000000000) == 8, "found");
  assert(tree.next(4) == 0x8000000000000000, "over almost everything");
  assert(tree.next(0x8000000000000001) == u64.MAX_VALUE - 1, "the largest");
  assert(tree.next(u64.MAX_VALUE) == u64.MAX_VALUE, "nothing behind it");
  tree.destroy();
  end();
}

export function nextVisitsAllInOrder(): void {
  beginHeap();
  const tree = new RadixTree();
  const indices = memory.data<u64>([0, 1, 63, 64, 65, 4095, 4096, 262144, 262145, 1000000007]);
  for (let i: usize = 10; i > 0; i--) tree.set(load<u64>(indices + ((i - 1) << 3)), i);
  let at: u64 = 0;
  for (let i: usize = 0; i < 10; i++) {
    at = tree.next(at);
    assert(at == load<u64>(indices + (i << 3)), "in ascending order");
    at++;
  }
  assert(tree.next(at) == u64.MAX_VALUE, "and no more");
  tree.destroy();
  end();
}

export function aClearedSlotIsAHole(): void {
  beginHeap();
  const tree = new RadixTree();
  tree.set(10, 1);
  tree.set(20, 2);
  tree.set(10, 0);
  assert(tree.get(10) == 0 && tree.next(0) == 20, "gone");
  tree.set(10, 3);
  assert(tree.get(10) == 3, "and there again");
  tree.destroy();
  end();
}

export function aTreeWithoutValuesHoldsNoNodes(): void {
  beginHeap();
  const tree = new RadixTree();
  mark();
  for (let bit: u64 = 0; bit < 64; bit++) tree.set((<u64>1) << bit, 1);
  for (let bit: u64 = 64; bit > 0; bit--) tree.set((<u64>1) << (bit - 1), 0);
  end();
  for (let round: u64 = 1; round < 200; round++) {
    tree.set(round * 0x9e3779b97f4a7c15, 1);
    tree.set(round * 0x9e3779b97f4a7c15, 0);
  }
  end();
  tree.destroy();
}

export function clearingWhatWasNeverSetMakesNothing(): void {
  beginHeap();
  const tree = new RadixTree();
  mark();
  tree.set(1 << 50, 0);
  end();
  tree.set(5, 1);
  mark();
  tree.set(1 << 50, 0);
  tree.set(6, 0);
  end();
  assert(tree.get(5) == 1, "what is there stays");
  tree.destroy();
}
