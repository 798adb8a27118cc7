// Sizes and durations as people write them.

const SIZE = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i;
const SIZE_EXPONENT: Readonly<Record<string, number>> = { "": 0, k: 10, m: 20, g: 30, t: 40 };

/** Bytes of "64k", "256m", "1g" (powers of 1,024, as docker and tmpfs count), or undefined. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  const exponent = SIZE_EXPONENT[match[2]!.toLowerCase()]!;
  const bytes = Math.floor(Number(match[1]) * 2 ** exponent);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const PLAIN_SECONDS = /^\d+(?:\.\d+)?$/;
/** A deadline travels as a 32-bit number of milliseconds: 24 days. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** Milliseconds of "10s", "1m30s", "500ms" or plain seconds, or undefined. A duration above zero is at least 1 ms. */
export function parseDuration(text: string): number | undefined {
  let ms = 0;
  if (PLAIN_SECONDS.test(text)) ms = Number(text) * 1000;
  else if (DURATION.test(text)) {
    for (const [, amount, unit] of text.matchAll(DURATION_PART)) ms += Number(amount) * UNIT_MS[unit!]!;
  } else return undefined;
  return ms <= MAX_DURATION_MS ? Math.ceil(ms) : undefined;
}

/** Permission bits from octal digits ("1777", "0755"), or undefined. */
export function parseMode(text: string): number | undefined {
  return /^[0-7]{1,5}$/.test(text) && Number.parseInt(text, 8) <= 0o7777
    ? Number.parseInt(text, 8)
    : undefined;
}

/** 2^32 - 1 means "no change" to chown(2) and is nobody's id. */
export const MAX_ID = 2 ** 32 - 2;

/** A user or group id from decimal digits, or undefined. */
export function parseId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined;
}
