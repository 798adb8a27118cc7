// What a file was when it was looked at: enough to tell later whether it is still the same, unchanged.

import { S_IFDIR, S_IFMT } from "../../../assembly/abi/stat.ts";
import type { Attributes } from "../../p9/messages.ts";
import { inodeNumber } from "../session/layer-marks.ts";

const NANOSECONDS = 1_000_000_000n;

export interface Seen {
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export function seenOf(attributes: Attributes): Seen {
  const { mode, uid, gid, nlink, size } = attributes;
  return {
    mode,
    uid,
    gid,
    links: Number(nlink),
    ino: inodeNumber(attributes),
    size,
    mtimeNs: attributes.mtimeSeconds * NANOSECONDS + attributes.mtimeNanoseconds,
    ctimeNs: attributes.ctimeSeconds * NANOSECONDS + attributes.ctimeNanoseconds,
  };
}

/** When the file was made; undefined where the file system does not say. */
export function birthOf({ btimeSeconds, btimeNanoseconds }: Attributes): bigint | undefined {
  const birth = btimeSeconds * NANOSECONDS + btimeNanoseconds;
  return birth === 0n ? undefined : birth;
}

export function isDirectory({ mode }: { readonly mode: number }): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

/**
 * Whether a file is the one that was seen, with nothing of it changed. Entries of a directory may come and go. A file that was renamed
 * since, or whose other names were, has another ctime: `moved`.
 */
export function isSame(a: Seen, b: Seen, moved = false): boolean {
  if (a.ino !== b.ino || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (isDirectory(a)) return true;
  const hasOneName = a.links === 1 && b.links === 1;
  return a.size === b.size && a.mtimeNs === b.mtimeNs && (moved || !hasOneName || a.ctimeNs === b.ctimeNs);
}
