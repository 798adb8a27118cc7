// Signals by name and number, as Node's functions take and tell them.

import { constants } from "node:os";
import { parseSignal, SIGNAL_MAX } from "../common/signals.ts";
import { coded, wrongType } from "./arguments.ts";

const NAMES = new Map<number, NodeJS.Signals>(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
);

/** The number of "SIGTERM" or 15; 0 asks only whether there is somebody. */
export function signalNumber(value: unknown, name = "signal"): number {
  if (typeof value !== "number" && typeof value !== "string")
    throw wrongType(name, "of type string or number", value);
  const number = typeof value === "number" ? value : parseSignal(value);
  if (number !== undefined && Number.isInteger(number) && number >= 0 && number <= SIGNAL_MAX) return number;
  throw coded(new TypeError(`Unknown signal: ${value}`), "ERR_UNKNOWN_SIGNAL");
}

/** Undefined for 0. */
export function signalName(number: number): NodeJS.Signals | null {
  return NAMES.get(number) ?? null;
}
