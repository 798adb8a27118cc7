// Byte strings in kernel memory: compare, hash, copy.

/** A copy of [source, source + length) on the heap, or 0 when length is 0. Free by heap.free(). */
export function duplicate(source: usize, length: u32): usize {
  if (!length) return 0;
  const copy = heap.alloc(length);
  copyBytes(copy, source, length);
  return copy;
}

// Names are short: the functions below work on words. What is left at the end is a word that overlaps the one before, or for less
// than eight bytes two halves that overlap, so that nothing outside the range is touched.

/** memory.copy() for ranges that do not overlap. Engines make a call of that, which takes longer than a name. */
export function copyBytes(to: usize, from: usize, length: u32): void {
  if (length > 128) {
    memory.copy(to, from, length);
  } else if (length >= 8) {
    const last = length - 8;
    for (let i: u32 = 0; i < last; i += 8) store<u64>(to + i, load<u64>(from + i));
    store<u64>(to + last, load<u64>(from + last));
  } else if (length >= 4) {
    const last = load<u32>(from + length - 4);
    store<u32>(to, load<u32>(from));
    store<u32>(to + length - 4, last);
  } else {
    for (let i: u32 = 0; i < length; i++) store<u8>(to + i, load<u8>(from + i));
  }
}

export function equal(a: usize, b: usize, length: u32): bool {
  if (length >= 8) {
    const last = length - 8;
    for (let i: u32 = 0; i < last; i += 8) {
      if (load<u64>(a + i) != load<u64>(b + i)) return false;
    }
    return load<u64>(a + last) == load<u64>(b + last);
  }
  return shortWord(a, length) == shortWord(b, length);
}

/** Negative, zero or positive, as memcmp(3) and then the lengths say. */
export function compareBytes(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const length = min(aLength, bLength);
  let i: u32 = 0;
  for (; i + 8 <= length; i += 8) {
    const left = load<u64>(a + i);
    const right = load<u64>(b + i);
    if (left != right) return bswap<u64>(left) < bswap<u64>(right) ? -1 : 1;
  }
  for (; i < length; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference) return difference;
  }
  return <i32>aLength - <i32>bLength;
}

/** A 32-bit hash of a name, seeded by where it is looked up. */
export function hashBytes(at: usize, length: u32, seed: u32): u32 {
  let h: u64 = <u64>seed * 0x9e3779b97f4a7c15 + length;
  if (length >= 8) {
    const last = length - 8;
    for (let i: u32 = 0; i < last; i += 8) {
      h = (h ^ load<u64>(at + i)) * 0xff51afd7ed558ccd;
      h ^= h >> 32;
    }
    h ^= load<u64>(at + last);
  } else {
    h ^= shortWord(at, length);
  }
  // A product's upper half depends on all that lies below, so the upper half goes down first.
  h ^= h >> 32;
  return <u32>((h * 0xc4ceb9fe1a85ec53) >> 32);
}

/** A word that is the same for the same bytes, fewer than eight, and for no others of that length. */
function shortWord(at: usize, length: u32): u64 {
  if (length >= 4) return ((<u64>load<u32>(at)) << 32) | load<u32>(at + length - 4);
  if (length == 0) return 0;
  return ((<u32>load<u8>(at)) << 16) | ((<u32>load<u8>(at + (length >> 1))) << 8) | load<u8>(at + length - 1);
}

const HIGH_BITS: u64 = 0x8080808080808080;
const LOW_BITS: u64 = 0x0101010101010101;

/** Whether all bytes are ASCII and none is NUL: what nearly every path is. */
export function isAsciiText(at: usize, length: u32): bool {
  let i: u32 = 0;
  while (i + 8 <= length) {
    const word = load<u64>(at + i);
    // The second term has the high bit of a byte that is 0 (and of some above it, which does no harm here).
    if ((word | ((word - LOW_BITS) & ~word)) & HIGH_BITS) return false;
    i += 8;
  }
  while (i < length) {
    const byte = load<u8>(at + i);
    if (byte == 0 || byte >= 0x80) return false;
    i++;
  }
  return true;
}

/** Whether [at, at + length) is valid UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
export function isUtf8(at: usize, length: u32): bool {
  let i: u32 = 0;
  while (i < length) {
    const first: u32 = load<u8>(at + i);
    if (first < 0x80) {
      i++;
      continue;
    }
    let more: u32 = 0;
    let least: u32 = 0;
    let value: u32 = 0;
    if ((first & 0xe0) == 0xc0) {
      more = 1;
      least = 0x80;
      value = first & 0x1f;
    } else if ((first & 0xf0) == 0xe0) {
      more = 2;
      least = 0x800;
      value = first & 0x0f;
    } else if ((first & 0xf8) == 0xf0) {
      more = 3;
      least = 0x10000;
      value = first & 0x07;
    } else {
      return false;
    }
    if (i + more >= length) return false;
    for (let k: u32 = 1; k <= more; k++) {
      const next: u32 = load<u8>(at + i + k);
      if ((next & 0xc0) != 0x80) return false;
      value = (value << 6) | (next & 0x3f);
    }
    if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return false;
    i += more + 1;
  }
  return true;
}
