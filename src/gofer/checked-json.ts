// Fields of a JSON document that is believed only as far as it was checked.

import { WvisorError } from "../common/errors.ts";

/** What Go's log.Fatal and so gVisor's gofer exit with. */
export const EXIT_FAILED = 128;
/** Descriptors 0 to 2 are standard input, output and error. */
const FIRST_FD = 3;
const FD_MAX = 0x7fff_ffff;

export function invalid(message: string): WvisorError {
  return new WvisorError("ERR_WVISOR_GOFER_CONFIG", message, EXIT_FAILED);
}

/** An object with exactly these keys, and perhaps some of the others. */
export function record(
  value: unknown,
  keys: readonly string[],
  where: string,
  others: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(`${where}: not an object`);
  }
  const unknown = Object.keys(value).find((key) => !keys.includes(key) && !others.includes(key));
  if (unknown !== undefined) throw invalid(`${where}: unknown key ${JSON.stringify(unknown)}`);
  const missing = keys.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) throw invalid(`${where}: ${missing} is missing`);
  return value as Record<string, unknown>;
}

export function array(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${where} is not a list`);
  return value;
}

export function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw invalid(`${where} is not a string`);
  return value;
}

export function truth(value: unknown, where: string): boolean {
  if (typeof value !== "boolean") throw invalid(`${where} is not a boolean`);
  return value;
}

export function integer(value: unknown, least: number, most: number, where: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(`${where} is not a number from ${least} to ${most}`);
  }
  return value;
}

export function descriptor(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < FIRST_FD || value > FD_MAX) {
    throw invalid(`${where} is not a descriptor`);
  }
  return value;
}

export function oneOf<T extends string>(value: unknown, known: readonly T[], where: string): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw invalid(`${where} is none of ${known.join(", ")}`);
  return found;
}
