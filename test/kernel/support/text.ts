// ASCII text in kernel memory, for tests.

import { equal } from "../../../assembly/lib/bytes.ts";

/** Puts the characters of `text` at `to`; returns their number. Allocates nothing. */
export function putText(to: usize, text: string): u32 {
  for (let i = 0; i < text.length; i++) store<u8>(to + i, <u8>text.charCodeAt(i));
  return <u32>text.length;
}

/** A heap copy of `text`'s characters; free by heap.free(). */
export function textOf(text: string): usize {
  const copy = heap.alloc(text.length + 1);
  putText(copy, text);
  return copy;
}

/** Whether [at, at + length) is `text`. */
export function isText(at: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return false;
  const copy = textOf(text);
  const same = equal(at, copy, length);
  heap.free(copy);
  return same;
}
