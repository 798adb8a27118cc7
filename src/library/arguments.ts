// Checks of what callers pass, with the errors that Node's own functions throw: TypeError and RangeError with ERR_INVALID_ARG_TYPE,
// ERR_INVALID_ARG_VALUE and ERR_OUT_OF_RANGE, and a text that names the argument and what it should be.

import { inspect } from "node:util";

const SHOWN_MAX = 128;

type Coded<T extends Error> = T & { code: string };

export function coded<T extends Error>(error: T, code: string): Coded<T> {
  return Object.assign(error, { code });
}

/** "options.cwd" is a property, "command" an argument. */
function subject(name: string): string {
  return `The "${name}" ${name.includes(".") ? "property" : "argument"}`;
}

function shown(value: unknown): string {
  const text = inspect(value, { depth: 1 });
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}

function received(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value === "object") return `an instance of ${value.constructor?.name ?? "Object"}`;
  return `type ${typeof value} (${shown(value)})`;
}

/** `expected`: "of type string", "an instance of URL". */
export function wrongType(name: string, expected: string, value: unknown): Coded<TypeError> {
  const message = `${subject(name)} must be ${expected}. Received ${received(value)}`;
  return coded(new TypeError(message), "ERR_INVALID_ARG_TYPE");
}

/** `why`: "must be an absolute path". */
export function wrongValue(name: string, why: string, value: unknown): Coded<TypeError> {
  const message = `${subject(name)} ${why}. Received ${shown(value)}`;
  return coded(new TypeError(message), "ERR_INVALID_ARG_VALUE");
}

export function outOfRange(name: string, range: string, value: unknown): Coded<RangeError> {
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${shown(value)}`;
  return coded(new RangeError(message), "ERR_OUT_OF_RANGE");
}

/** Without NUL characters, which no system call takes. */
export function checkString(name: string, value: unknown): string {
  if (typeof value !== "string") throw wrongType(name, "of type string", value);
  if (value.includes("\0")) throw wrongValue(name, "must be a string without null bytes", value);
  return value;
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw wrongType(name, "of type boolean", value);
  return value;
}

export function checkInteger(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number") throw wrongType(name, "of type number", value);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < least || value > most) throw outOfRange(name, `>= ${least} && <= ${most}`, value);
  return value;
}

export function checkObject(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType(name, "of type object", value);
  }
  return value as Record<string, unknown>;
}

export function checkArray(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(name, "an instance of Array", value);
  return value;
}

export function checkOneOf<T extends string>(name: string, value: unknown, known: readonly T[]): T {
  const found = known.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw wrongValue(name, `must be one of: ${known.map((word) => `'${word}'`).join(", ")}`, value);
}

/** A misspelt option must not be a sandbox without that limit. */
export function checkNames(name: string, value: Record<string, unknown>, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (value[key] !== undefined && !known.includes(key)) {
      throw wrongValue(`${name}.${key}`, `is not known (known: ${known.join(", ")})`, value[key]);
    }
  }
}
