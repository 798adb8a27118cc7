// A session's two trees, through a gofer of their own.

import type { Native } from "../../native/index.ts";
import type { ConfineOptions, SpawnedGofer } from "../sandbox/gofer-process.ts";
import { openTrees } from "../trees/open-trees.ts";
import type { Layers } from "./change.ts";
import type { Session } from "./session.ts";

export interface SessionTrees extends Layers {
  /** Ends the gofer. */
  close(): void;
}

export interface SessionTreesOptions extends ConfineOptions {
  /** Which of them are changed; neither when absent. */
  readonly writable?: { readonly base?: boolean; readonly upper?: boolean };
  /** Started ahead. */
  readonly gofer?: SpawnedGofer | undefined;
}

/** The session stays locked while its trees are open. Errors: WvisorError; then nothing stays open. */
export function openSessionTrees(
  native: Native,
  { base, upper }: Session,
  { writable = {}, ...options }: SessionTreesOptions = {},
): SessionTrees {
  const sources = [
    { source: upper, readonly: !writable.upper },
    { source: base, readonly: !writable.base },
  ];
  const { roots, close } = openTrees(native, sources, options);
  return { upper: roots[0]!, base: roots[1]!, close };
}
