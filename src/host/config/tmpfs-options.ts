// The options of one tmpfs mount, for `do --tmpfs` and for a bundle's mounts.

import { DEFAULT_TMPFS } from "./defaults.ts";
import type { TmpfsSource } from "./sandbox-config.ts";
import { parseId, parseMode, parseSize } from "./units.ts";

export interface TmpfsOptions {
  readonly source: TmpfsSource;
  /** Options that a tmpfs does not have here. */
  readonly unknown: readonly string[];
  /** The first option with a value that makes no sense, and what it should be. */
  readonly problem: string | undefined;
}

/** Bytes that one of nr_blocks= is. */
const BLOCK = 4096;

/** Of "ro" and "rw" the last one wins, as in mount(8). */
export function parseTmpfsOptions(options: readonly string[]): TmpfsOptions {
  let { readonly, mode, uid, gid, sizeBytes } = DEFAULT_TMPFS;
  let inodes: number | undefined;
  let problem: string | undefined;
  const unknown: string[] = [];
  const number = (option: string, what: string, value: number | undefined): number => {
    if (value === undefined) problem ??= `${option}: not ${what}`;
    return value ?? 0;
  };
  for (const option of options) {
    const [key, value] = splitOption(option);
    if (key === "ro" && value === undefined) readonly = true;
    else if (key === "rw" && value === undefined) readonly = false;
    else if (key === "size" && value !== undefined) {
      sizeBytes = number(option, "a size such as 64m", parseSize(value));
    } else if (key === "mode" && value !== undefined) {
      mode = number(option, "an octal mode such as 1777", parseMode(value));
    } else if (key === "nr_blocks" && value !== undefined) {
      const blocks = number(option, "a number of blocks", parseSize(value));
      sizeBytes = blocks * BLOCK;
    } else if (key === "nr_inodes" && value !== undefined) {
      inodes = number(option, "a number of inodes", parseSize(value));
    } else if (key === "uid" && value !== undefined) uid = number(option, "a user id", parseId(value));
    else if (key === "gid" && value !== undefined) gid = number(option, "a group id", parseId(value));
    else unknown.push(option);
  }
  const source: TmpfsSource = { type: "tmpfs", readonly, mode, uid, gid, sizeBytes };
  return { source: inodes === undefined ? source : { ...source, inodes }, unknown, problem };
}

/** "size=64m" as its two sides, trimmed; an option without "=" has no value. */
export function splitOption(option: string): [key: string, value: string | undefined] {
  const equals = option.indexOf("=");
  if (equals < 0) return [option.trim(), undefined];
  return [option.slice(0, equals).trim(), option.slice(equals + 1).trim()];
}
