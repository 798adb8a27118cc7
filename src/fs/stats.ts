// What stat(2) answers, as node:fs shows it: Stats and BigIntStats. Constructors are plain functions, as Node's: programs call them
// without `new`, and on objects of classes that inherit from them.

import type * as NodeFs from "node:fs";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from "../../assembly/abi/stat.ts";

const TYPES: readonly (readonly [name: string, type: number])[] = [
  ["isDirectory", S_IFDIR],
  ["isFile", S_IFREG],
  ["isBlockDevice", S_IFBLK],
  ["isCharacterDevice", S_IFCHR],
  ["isSymbolicLink", S_IFLNK],
  ["isFIFO", S_IFIFO],
  ["isSocket", S_IFSOCK],
];

const DATES = ["atime", "mtime", "ctime", "birthtime"] as const;
const NS_PER_MS = 1_000_000n;

type Value = number | bigint;
type Fields = Record<string, Value>;

function define(target: object, name: string, value: unknown, enumerable = false): void {
  Object.defineProperty(target, name, { value, enumerable, configurable: true, writable: true });
}

function StatsBase(): void {}

for (const [name, type] of TYPES) {
  define(StatsBase.prototype, name, function (this: { readonly mode: Value }): boolean {
    return (Number(this.mode) & S_IFMT) === type;
  });
}

/** Dates are made when somebody looks at them: few do, and each costs as much as the call. What is assigned stays. */
for (const name of DATES) {
  Object.defineProperty(StatsBase.prototype, name, {
    enumerable: true,
    configurable: true,
    get(this: Fields) {
      // Node rounds to the nearest millisecond.
      const date = new Date(Math.floor(Number(this[`${name}Ms`]) + 0.5));
      define(this, name, date, true);
      return date;
    },
    set(this: object, value: unknown) {
      define(this, name, value, true);
    },
  });
}

function inheriting(made: (...values: never[]) => unknown): void {
  made.prototype = Object.create(StatsBase.prototype);
  define(made.prototype, "constructor", made);
}

function PlainStats(
  this: Fields,
  dev: number,
  mode: number,
  nlink: number,
  uid: number,
  gid: number,
  rdev: number,
  blksize: number,
  ino: number,
  size: number,
  blocks: number,
  atimeMs: number,
  mtimeMs: number,
  ctimeMs: number,
  birthtimeMs: number,
): NodeFs.Stats | undefined {
  if (new.target === undefined && !((this as unknown) instanceof Stats)) {
    return new Stats(
      dev,
      mode,
      nlink,
      uid,
      gid,
      rdev,
      blksize,
      ino,
      size,
      blocks,
      atimeMs,
      mtimeMs,
      ctimeMs,
      birthtimeMs,
    );
  }
  this.dev = dev;
  this.mode = mode;
  this.nlink = nlink;
  this.uid = uid;
  this.gid = gid;
  this.rdev = rdev;
  this.blksize = blksize;
  this.ino = ino;
  this.size = size;
  this.blocks = blocks;
  this.atimeMs = atimeMs;
  this.mtimeMs = mtimeMs;
  this.ctimeMs = ctimeMs;
  this.birthtimeMs = birthtimeMs;
  return undefined;
}
define(PlainStats, "name", "Stats");
inheriting(PlainStats);

export type StatsConstructor = typeof NodeFs.Stats & {
  new (
    dev: number,
    mode: number,
    nlink: number,
    uid: number,
    gid: number,
    rdev: number,
    blksize: number,
    ino: number,
    size: number,
    blocks: number,
    atimeMs: number,
    mtimeMs: number,
    ctimeMs: number,
    birthtimeMs: number,
  ): NodeFs.Stats;
};

export const Stats = PlainStats as unknown as StatsConstructor;

/** Fields as of Stats, in BigInts, and the times in nanoseconds behind them; those in milliseconds are cut. */
export class BigIntStats {
  constructor(basics: Readonly<Record<string, bigint>>, times: readonly [bigint, bigint, bigint, bigint]) {
    const fields = this as unknown as Record<string, bigint>;
    Object.assign(fields, basics);
    for (const [i, name] of DATES.entries()) fields[`${name}Ms`] = times[i]! / NS_PER_MS;
    for (const [i, name] of DATES.entries()) fields[`${name}Ns`] = times[i]!;
  }
}
Object.setPrototypeOf(BigIntStats.prototype, StatsBase.prototype);
