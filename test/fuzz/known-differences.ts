// Kinds of calls that the fuzzer does not make on a type of file system, because ours differs from Linux there. Each has its reason; the
// test prints them. Empty is what is wanted.

import type { FsType } from "./worlds.ts";

export interface KnownDifference {
  /** The name of a rule. */
  readonly kind: string;
  readonly why: string;
}

export const KNOWN_DIFFERENCES: Readonly<Record<FsType, readonly KnownDifference[]>> = {
  tmpfs: [],
  overlay: [],
  gofer: [],
  "gofer-shared": [],
};
