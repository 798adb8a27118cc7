// Names as people and git read them: a program may call its files whatever it likes.

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const SPACE = 0x20;
const DELETE = 0x7f;
const ESCAPES = new Map<number, string>([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [QUOTE, '\\"'],
  [BACKSLASH, "\\\\"],
]);

function isPlain(byte: number): boolean {
  return byte >= SPACE && byte < DELETE && byte !== QUOTE && byte !== BACKSLASH;
}

/** git's form (quote_c_style() with core.quotePath): between quotes, with escapes, unless all of it is plain ASCII. */
export function quotedPath(path: Buffer, prefix = ""): string {
  if (path.every(isPlain)) return prefix + path.toString("latin1");
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`;
  const text = [...path].map(
    (byte) => ESCAPES.get(byte) ?? (isPlain(byte) ? String.fromCharCode(byte) : octal(byte)),
  );
  return `"${prefix}${text.join("")}"`;
}

/** For lines that people read: as it is where it is text without control characters, else as quotedPath(). */
export function shownPath(path: Buffer): string {
  const text = textOf(path);
  // Control characters, those that turn text around, line breaks, and what quotedPath() escapes.
  if (text === undefined || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/u.test(text)) return quotedPath(path);
  return text;
}

/** Undefined for bytes that are no UTF-8. */
export function textOf(path: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(path);
  } catch {
    return undefined;
  }
}
