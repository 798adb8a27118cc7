// Numbers as decimal text.

/** Writes a number to `out`, room for ten bytes; returns its length. */
export function writeDecimal(out: usize, value: u32): u32 {
  let length: u32 = 1;
  for (let rest = value / 10; rest; rest /= 10) length++;
  let rest = value;
  for (let at = length; at > 0; at--) {
    store<u8>(out + at - 1, <u8>(0x30 + (rest % 10)));
    rest /= 10;
  }
  return length;
}
