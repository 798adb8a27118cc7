// Attributes of files, synchronously.

import type * as NodeFs from "node:fs";
import { invalidArgType } from "../argument-error.ts";
import type { Leaf } from "../leaf/leaf.ts";
import { StatFs } from "../statfs.ts";
import { type CheckedPath, checkBits, checkFd, checkId, checkMode, checkPath } from "../validators.ts";

export type SyncAttributes = Pick<
  typeof NodeFs,
  | "statSync"
  | "lstatSync"
  | "fstatSync"
  | "statfsSync"
  | "accessSync"
  | "existsSync"
  | "chmodSync"
  | "fchmodSync"
  | "lchmodSync"
  | "chownSync"
  | "fchownSync"
  | "lchownSync"
  | "utimesSync"
  | "futimesSync"
  | "lutimesSync"
>;

/** Seconds since the epoch from a number, its text, or a Date. What lies before the epoch is now, as in Node. */
export function checkTime(time: unknown, name = "time"): number {
  // biome-ignore lint/suspicious/noDoubleEquals: Node compares a text with its number, so that " 7" is a time, too.
  if (typeof time === "string" && +time == (time as unknown as number)) return +time;
  if (typeof time === "number" && Number.isFinite(time)) return time < 0 ? Date.now() / 1000 : time;
  if (time instanceof Date) return time.getTime() / 1000;
  throw invalidArgType(name, "an instance of Date or an Time in seconds", time);
}

interface StatOptions {
  readonly bigint?: boolean;
  readonly throwIfNoEntry?: boolean;
}

const NO_OPTIONS: StatOptions = {};

export function syncAttributes(leaf: Leaf): SyncAttributes {
  const made = {
    statSync(path: unknown, options: StatOptions = NO_OPTIONS): unknown {
      const checked = checkPath(path);
      const { bigint, throwIfNoEntry } = options;
      if (throwIfNoEntry === false)
        return bigint === true ? leaf.statBigIntIfThere(checked, true) : leaf.statIfThere(checked, true);
      return bigint === true ? leaf.statBigInt(checked) : leaf.stat(checked);
    },
    lstatSync(path: unknown, options: StatOptions = NO_OPTIONS): unknown {
      const checked = checkPath(path);
      const { bigint, throwIfNoEntry } = options;
      if (throwIfNoEntry === false)
        return bigint === true ? leaf.statBigIntIfThere(checked, false) : leaf.statIfThere(checked, false);
      return bigint === true ? leaf.lstatBigInt(checked) : leaf.lstat(checked);
    },
    fstatSync(fd: unknown, options: StatOptions = NO_OPTIONS): unknown {
      const checked = checkFd(fd);
      return options.bigint === true ? leaf.fstatBigInt(checked) : leaf.fstat(checked);
    },
    statfsSync(path: unknown, options: StatOptions = NO_OPTIONS): unknown {
      const words = leaf.statfs(checkPath(path));
      return new StatFs(options.bigint === true ? words.map(BigInt) : words);
    },
    accessSync(path: unknown, mode?: unknown): void {
      const checked = checkPath(path);
      leaf.access(checked, checkBits(mode));
    },
    existsSync(path: unknown): boolean {
      let checked: CheckedPath;
      try {
        checked = checkPath(path);
      } catch {
        return false;
      }
      return leaf.exists(checked);
    },
    chmodSync(path: unknown, mode: unknown): void {
      const checked = checkPath(path);
      leaf.chmod(checked, checkMode(mode, "mode"));
    },
    fchmodSync(fd: unknown, mode: unknown): void {
      leaf.fchmod(checkFd(fd), checkMode(mode, "mode"));
    },
    /** As on Linux there is none: a symbolic link's mode cannot be changed. */
    lchmodSync: undefined,
    chownSync(path: unknown, uid: unknown, gid: unknown): void {
      leaf.chown(checkPath(path), checkId(uid, "uid"), checkId(gid, "gid"));
    },
    fchownSync(fd: unknown, uid: unknown, gid: unknown): void {
      leaf.fchown(checkFd(fd), checkId(uid, "uid"), checkId(gid, "gid"));
    },
    lchownSync(path: unknown, uid: unknown, gid: unknown): void {
      leaf.lchown(checkPath(path), checkId(uid, "uid"), checkId(gid, "gid"));
    },
    utimesSync(path: unknown, atime: unknown, mtime: unknown): void {
      leaf.utimes(checkPath(path), checkTime(atime), checkTime(mtime));
    },
    futimesSync(fd: unknown, atime: unknown, mtime: unknown): void {
      leaf.futimes(checkFd(fd), checkTime(atime, "atime"), checkTime(mtime, "mtime"));
    },
    lutimesSync(path: unknown, atime: unknown, mtime: unknown): void {
      leaf.lutimes(checkPath(path), checkTime(atime), checkTime(mtime));
    },
  };
  return made as unknown as SyncAttributes;
}
