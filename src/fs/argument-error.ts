// Errors of argument validation with the codes and texts of Node's (ERR_INVALID_ARG_TYPE and its kin).

import { inspect } from "node:util";

export interface CodedError extends Error {
  code: string;
}

type ErrorClass = new (message: string) => Error;

/** An error as Node makes its own: "TypeError [CODE]: message" in the stack and as a string, but with the plain name. */
export function codedError(Class: ErrorClass, code: string, message: string): CodedError {
  const error = new Class(message) as CodedError;
  const { name } = error;
  Object.defineProperty(error, "toString", {
    value: () => `${name} [${code}]: ${error.message}`,
    enumerable: false,
    writable: true,
    configurable: true,
  });
  if (error.stack?.startsWith(name)) error.stack = `${name} [${code}]${error.stack.slice(name.length)}`;
  error.code = code;
  return error;
}

const LONGEST_VALUE = 28;
const CUT_VALUE = 25;

/** "an instance of Foo", "type number (1)", "function f", "undefined". */
export function received(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value === "object") {
    if (value.constructor?.name) return `an instance of ${value.constructor.name}`;
    return inspect(value, { depth: -1 });
  }
  const text = inspect(value, { colors: false });
  const short = text.length > LONGEST_VALUE ? `${text.slice(0, CUT_VALUE)}...` : text;
  return `type ${typeof value} (${short})`;
}

/** "argument" or "property", by what `name` names. */
function kind(name: string): string {
  return name.includes(".") ? "property" : "argument";
}

/** `expected`: "of type string", "an instance of Buffer". */
export function invalidArgType(name: string, expected: string, value: unknown): CodedError {
  const message = `The "${name}" ${kind(name)} must be ${expected}. Received ${received(value)}`;
  return codedError(TypeError, "ERR_INVALID_ARG_TYPE", message);
}

const LONGEST_INSPECTED = 128;

export function invalidArgValue(name: string, value: unknown, reason = "is invalid"): CodedError {
  let text = inspect(value);
  if (text.length > LONGEST_INSPECTED) text = `${text.slice(0, LONGEST_INSPECTED)}...`;
  const message = `The ${kind(name)} '${name}' ${reason}. Received ${text}`;
  return codedError(TypeError, "ERR_INVALID_ARG_VALUE", message);
}

/** "1_000_000" for long numbers. */
function separated(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, "_");
}

/** `range`: "an integer", ">= 0 && <= 10". */
export function outOfRange(name: string, range: string, value: unknown): CodedError {
  let text: string;
  if (Number.isInteger(value) && Math.abs(value as number) > 2 ** 32) text = separated(String(value));
  else if (typeof value === "bigint") {
    const large = value > 2n ** 32n || value < -(2n ** 32n);
    text = `${large ? separated(String(value)) : String(value)}n`;
  } else text = inspect(value);
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${text}`;
  return codedError(RangeError, "ERR_OUT_OF_RANGE", message);
}
