// Decimal numbers in names, of tasks, descriptors and terminals, and in what is written to a file.

/** The number that a name is, or -1: digits only, no leading zero (Linux: name_to_int()). */
export function parseNumber(name: usize, length: u32): i64 {
  if (length == 0 || length > 10) return -1;
  if (length > 1 && load<u8>(name) == 0x30) return -1;
  let value: i64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(name + i) - 0x30;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value > <i64>i32.MAX_VALUE ? -1 : value;
}

/** A decimal number with white space around it, or i64.MIN_VALUE. */
export function parseSigned(text: usize, length: u32): i64 {
  let at: u32 = 0;
  let end = length;
  while (at < end && isSpace(load<u8>(text + at))) at++;
  while (end > at && isSpace(load<u8>(text + end - 1))) end--;
  let negative = false;
  if (at < end && (load<u8>(text + at) == 0x2d || load<u8>(text + at) == 0x2b)) {
    negative = load<u8>(text + at) == 0x2d;
    at++;
  }
  if (at == end || end - at > 18) return i64.MIN_VALUE;
  let value: i64 = 0;
  for (; at < end; at++) {
    const digit = <u32>load<u8>(text + at) - 0x30;
    if (digit > 9) return i64.MIN_VALUE;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

function isSpace(byte: u32): bool {
  return byte == 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
