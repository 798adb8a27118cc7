// The flag --overlay2 of `run` and `create`.

import type { BundleOptions } from "../spec/bundle.ts";
import { UsageError } from "./command.ts";
import type { Flags } from "./flags.ts";

const OVERLAYS: ReadonlyMap<string, BundleOptions["overlay"]> = new Map([
  ["none", "none"],
  ["root:memory", "root"],
  ["all:memory", "all"],
]);

/** Errors: UsageError. */
export function overlayOption(flags: Flags): BundleOptions["overlay"] {
  const text = flags.text("overlay2") ?? "none";
  const overlay = OVERLAYS.get(text);
  if (overlay === undefined) {
    throw new UsageError(`--overlay2 ${text}: expected none, root:memory or all:memory`);
  }
  return overlay;
}
