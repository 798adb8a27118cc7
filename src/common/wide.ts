// Integers of 64 bits: numbers where these are exact, and BigInts beyond. An offset or size beyond 2^53 is rare, and slower for it.

/** Up to 2^53 a number, beyond a BigInt. */
export type Wide = number | bigint;

/** The upper half of 2^53. */
const EXACT_HIGH = 0x20_0000;

/** Two halves of 64 bits as one number without sign. */
export function wideOf(low: number, high: number): Wide {
  return high < EXACT_HIGH ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
}

export function lowOf(value: Wide): number {
  return typeof value === "bigint" ? Number(value & 0xffff_ffffn) : value >>> 0;
}

export function highOf(value: Wide): number {
  return typeof value === "bigint" ? Number(value >> 32n) : Math.floor(value / 0x1_0000_0000);
}
