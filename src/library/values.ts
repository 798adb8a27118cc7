// Single values of options: sizes, durations, ids, paths.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cleanPath } from "../host/config/sandbox-path.ts";
import { MAX_ID, parseDuration, parseSize } from "../host/config/units.ts";
import { checkInteger, checkString, outOfRange, wrongType, wrongValue } from "./arguments.ts";

/** Bytes, or a text such as "64M" (powers of 1,024). */
export type Size = number | string;
/** Milliseconds, or a text such as "10s" and "500ms". */
export type Duration = number | string;

export interface User {
  readonly uid: number;
  readonly gid?: number;
}

const TIME_MAX = 2 ** 31 - 1;

export function checkId(name: string, value: unknown): number {
  return checkInteger(name, value, 0, MAX_ID);
}

/** A directory of the sandbox, absolute and clean. */
export function checkDirectory(name: string, value: unknown): string {
  const clean = cleanPath(checkString(name, value));
  if (clean === undefined) throw wrongValue(name, "must be an absolute path inside the sandbox", value);
  return clean;
}

/** Bytes, more than none. */
export function checkSize(name: string, value: unknown): number {
  if (typeof value === "number") return checkInteger(name, value, 1, Number.MAX_SAFE_INTEGER);
  if (typeof value !== "string") throw wrongType(name, "of type number or string", value);
  const bytes = parseSize(value);
  if (bytes === undefined) throw wrongValue(name, "must be a size such as '64M'", value);
  if (bytes === 0) throw outOfRange(name, ">= 1", value);
  return bytes;
}

/** Milliseconds, more than none. */
export function checkDuration(name: string, value: unknown): number {
  if (typeof value === "number") return checkInteger(name, value, 1, TIME_MAX);
  if (typeof value !== "string") throw wrongType(name, "of type number or string", value);
  const ms = parseDuration(value);
  if (ms === undefined) throw wrongValue(name, "must be a duration such as '10s'", value);
  if (ms === 0) throw outOfRange(name, ">= 1", value);
  return ms;
}

/** The absolute path of what a string or URL names on the host. */
export function hostFile(name: string, value: unknown): string {
  if (value instanceof URL) {
    if (value.protocol === "file:") return fileURLToPath(value);
    throw wrongValue(name, "must be a file: URL", value.href);
  }
  if (typeof value !== "string") throw wrongType(name, "of type string or an instance of URL", value);
  const file = checkString(name, value);
  if (file === "") throw wrongValue(name, "must not be empty", value);
  return resolve(file);
}
