// --memory and --timeout of `do` and `run`.

import type { SandboxConfig } from "../config/sandbox-config.ts";
import { parseDuration, parseSize } from "../config/units.ts";
import { UsageError } from "./command.ts";
import type { Flags, FlagTable } from "./flags.ts";

export const LIMIT_FLAGS: FlagTable = { memory: { type: "string" }, timeout: { type: "string" } };

/** Those that are given. Errors: UsageError. */
export function limitsFrom(flags: Flags): Partial<SandboxConfig["limits"]> {
  const memoryBytes = quantity(flags, "memory", parseSize, "a size such as 256m");
  const timeoutMs = quantity(flags, "timeout", parseDuration, "a duration such as 10s, 1m or 500ms");
  return { ...(memoryBytes > 0 ? { memoryBytes } : {}), ...(timeoutMs > 0 ? { timeoutMs } : {}) };
}

function quantity(
  flags: Flags,
  name: string,
  parse: (text: string) => number | undefined,
  what: string,
): number {
  const text = flags.text(name);
  if (text === undefined) return 0;
  const value = parse(text);
  if (value === undefined) throw new UsageError(`--${name} ${text}: not ${what}`);
  return value;
}
