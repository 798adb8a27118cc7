// Decimal names: of tasks and descriptors.

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

/** Writes a number to `out`, room for ten bytes; returns its length. */
export function writeNumber(out: usize, value: u32): u32 {
  let length: u32 = 1;
  for (let rest = value / 10; rest; rest /= 10) length++;
  let rest = value;
  for (let at = length; at > 0; at--) {
    store<u8>(out + at - 1, <u8>(0x30 + (rest % 10)));
    rest /= 10;
  }
  return length;
}
