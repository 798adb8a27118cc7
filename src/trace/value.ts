// Arguments of calls as a trace has them, and as strace(1) writes them.
//
// A Value is JSON as it is: the tracer writes it into the file, and whoever reads the file renders the same text from it.

/** Bytes that are UTF-8 as they are; others one character U+0000 to U+00FF for each. */
export type Text = string | { readonly latin1: string };

export type Value =
  /** A number, or in decimal digits what a double does not hold. */
  | number
  | { readonly int: string }
  /** A descriptor, and what it stands for when the call began; no path when it was closed. */
  | { readonly fd: number; readonly path?: Text }
  /** The first bytes of a buffer or path; `length` is how many there are, when these are not all. */
  | { readonly text: Text; readonly length?: number }
  /** The names of the bits that are set, unknown ones as a number; `without`: all of the first but these. */
  | { readonly flags: readonly string[]; readonly without?: readonly string[] }
  /** One of an enumeration. */
  | { readonly name: string }
  /** Where something is that could not be read, or was not written. */
  | { readonly address: number }
  | { readonly fields: Readonly<Record<string, Value>> }
  /** The first entries of an array; `more`: there are others. What a call writes back is an array of one. */
  | { readonly list: readonly Value[]; readonly more?: true };

export type Arguments = Readonly<Record<string, Value>>;

/** A number, exact. */
export function intValue(value: bigint | number): Value {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : { int: value.toString() };
}

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [0x22, '\\"'],
  [0x5c, "\\\\"],
]);
const encoder = new TextEncoder();

function bytesOf(text: Text): Uint8Array {
  if (typeof text === "string") return encoder.encode(text);
  return Uint8Array.from(text.latin1, (character) => character.charCodeAt(0));
}

/** The bytes as C writes them in a string, in printable ASCII only: no terminal takes it for anything else. `also` is escaped too. */
export function escapeText(text: Text, also = ""): string {
  const bytes = bytesOf(text);
  let out = "";
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    const known = ESCAPES.get(byte);
    if (known !== undefined) out += known;
    else if (byte >= 0x20 && byte < 0x7f && !also.includes(String.fromCharCode(byte)))
      out += String.fromCharCode(byte);
    else out += octal(byte, bytes[i + 1]);
  }
  return out;
}

/** As short as it can be before what comes next. */
function octal(byte: number, next: number | undefined): string {
  const digitFollows = next !== undefined && next >= 0x30 && next <= 0x37;
  return `\\${byte.toString(8).padStart(digitFollows ? 3 : 1, "0")}`;
}

/** `<path>` behind a descriptor; what would end it is escaped. */
function fdText(fd: number, path: Text | undefined): string {
  return path === undefined ? `${fd}` : `${fd}<${escapeText(path, "<>")}>`;
}

function flagsText(flags: readonly string[], without: readonly string[] | undefined): string {
  const set = flags.length === 0 ? "0" : flags.join("|");
  return without === undefined ? set : `${set}&~(${without.join("|")})`;
}

/** A value as strace(1) writes it. */
export function valueText(value: Value): string {
  if (typeof value === "number") return `${value}`;
  if ("int" in value) return value.int;
  if ("fd" in value) return fdText(value.fd, value.path);
  if ("text" in value) return `"${escapeText(value.text)}"${value.length === undefined ? "" : "..."}`;
  if ("flags" in value) return flagsText(value.flags, value.without);
  if ("name" in value) return value.name;
  if ("address" in value) return value.address === 0 ? "NULL" : `0x${value.address.toString(16)}`;
  if ("fields" in value) {
    const fields = Object.entries(value.fields).map(([name, field]) => `${name}=${valueText(field)}`);
    return `{${fields.join(", ")}}`;
  }
  return `[${[...value.list.map(valueText), ...(value.more ? ["..."] : [])].join(", ")}]`;
}
