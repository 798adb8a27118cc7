// What a file says about itself and who may change that: stat, statfs, access, mode, owner, times.

import type * as NodeFs from "node:fs";
import { EINVAL, ENOENT } from "../../../assembly/abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../../assembly/abi/fcntl.ts";
import { S_IFMT, S_IFREG, STATX_BASIC_STATS, STATX_BTIME } from "../../../assembly/abi/stat.ts";
import {
  SYS_chmod,
  SYS_faccessat,
  SYS_fchmod,
  SYS_fchown,
  SYS_fchownat,
  SYS_statfs,
  SYS_statx,
  SYS_utimensat,
} from "../../../assembly/abi/syscall.ts";
import { BigIntStats, Stats } from "../stats.ts";
import { systemError } from "../system-error.ts";
import type { CheckedPath } from "../validators.ts";
import { Transfers } from "./transfers.ts";

const STATX_MASK = STATX_BASIC_STATS | STATX_BTIME;
const SECOND = 1_000_000_000;
const NS_PER_MS = 1e6;
const WORD = 2 ** 32;
/** Seconds beyond these are none to libuv. */
const TIME_MAX = 2 ** 53;

// Words of struct statx, and of a time in it.
const BLKSIZE = 1;
const NLINK = 4;
const UID = 5;
const GID = 6;
const MODE = 7;
const INO = 8;
const SIZE = 10;
const BLOCKS = 12;
const ATIME = 16;
const BTIME = 20;
const CTIME = 24;
const MTIME = 28;
const NANOSECONDS = 2;
const RDEV_MAJOR = 32;
const RDEV_MINOR = 33;
const DEV_MAJOR = 34;
const DEV_MINOR = 35;
const MODE_BITS = 0xffff;

/** What utimensat(2) takes: seconds, which may have a fraction. */
export type Seconds = number;

/** makedev(3). Below 2^53 for every major number that exists. */
function deviceNumber(major: number, minor: number): number {
  const low = ((minor & 0xff) | ((major & 0xfff) << 8)) >>> 0;
  return low + (minor >>> 8) * 2 ** 20;
}

export class Attributes extends Transfers {
  /** Fills the result area from a path, or is -errno. */
  #statx(path: CheckedPath, flags: number): number {
    return this.call(SYS_statx, AT_FDCWD, this.placePath(path), flags, STATX_MASK, this.out);
  }

  stat(path: CheckedPath): NodeFs.Stats {
    this.check(this.#statx(path, 0), "stat", path);
    return this.#stats();
  }

  lstat(path: CheckedPath): NodeFs.Stats {
    this.check(this.#statx(path, AT_SYMLINK_NOFOLLOW), "lstat", path);
    return this.#stats();
  }

  statBigInt(path: CheckedPath): NodeFs.BigIntStats {
    this.check(this.#statx(path, 0), "stat", path);
    return this.#bigIntStats();
  }

  lstatBigInt(path: CheckedPath): NodeFs.BigIntStats {
    this.check(this.#statx(path, AT_SYMLINK_NOFOLLOW), "lstat", path);
    return this.#bigIntStats();
  }

  /** Undefined for what is not there. `follow` false: a symbolic link itself. */
  statIfThere(path: CheckedPath, follow: boolean): NodeFs.Stats | undefined {
    return this.#isThere(path, follow) ? this.#stats() : undefined;
  }

  statBigIntIfThere(path: CheckedPath, follow: boolean): NodeFs.BigIntStats | undefined {
    return this.#isThere(path, follow) ? this.#bigIntStats() : undefined;
  }

  #isThere(path: CheckedPath, follow: boolean): boolean {
    const result = this.#statx(path, follow ? 0 : AT_SYMLINK_NOFOLLOW);
    if (result === -ENOENT) return false;
    if (result < 0) throw systemError(-result, follow ? "stat" : "lstat", path);
    return true;
  }

  fstat(fd: number): NodeFs.Stats {
    this.#fstatx(fd);
    return this.#stats();
  }

  fstatBigInt(fd: number): NodeFs.BigIntStats {
    this.#fstatx(fd);
    return this.#bigIntStats();
  }

  #fstatx(fd: number): void {
    const empty = this.placePath("");
    this.check(this.call(SYS_statx, fd, empty, AT_EMPTY_PATH, STATX_MASK, this.out), "fstat");
  }

  /** How many bytes an open file says it has, and whether that is to be believed. */
  sizeOf(fd: number): { size: number; isRegular: boolean } {
    this.#fstatx(fd);
    const type = this.words[(this.out >>> 2) + MODE]! & S_IFMT;
    return { size: this.wide(this.out + SIZE * 4), isRegular: type === S_IFREG };
  }

  #stats(): NodeFs.Stats {
    const words = this.words;
    const at = this.out >>> 2;
    return new Stats(
      deviceNumber(words[at + DEV_MAJOR]!, words[at + DEV_MINOR]!),
      words[at + MODE]! & MODE_BITS,
      words[at + NLINK]!,
      words[at + UID]!,
      words[at + GID]!,
      deviceNumber(words[at + RDEV_MAJOR]!, words[at + RDEV_MINOR]!),
      words[at + BLKSIZE]!,
      words[at + INO]! + words[at + INO + 1]! * WORD,
      words[at + SIZE]! + words[at + SIZE + 1]! * WORD,
      words[at + BLOCKS]! + words[at + BLOCKS + 1]! * WORD,
      milliseconds(words, at + ATIME),
      milliseconds(words, at + MTIME),
      milliseconds(words, at + CTIME),
      milliseconds(words, at + BTIME),
    );
  }

  #bigIntStats(): NodeFs.BigIntStats {
    const words = this.words;
    const at = this.out >>> 2;
    const word = (index: number): bigint => BigInt(words[at + index]!);
    const wide = (index: number): bigint => word(index) | (word(index + 1) << 32n);
    const time = (index: number): bigint =>
      BigInt.asIntN(64, wide(index)) * BigInt(SECOND) + word(index + NANOSECONDS);
    const basics = {
      dev: BigInt(deviceNumber(words[at + DEV_MAJOR]!, words[at + DEV_MINOR]!)),
      mode: word(MODE) & BigInt(MODE_BITS),
      nlink: word(NLINK),
      uid: word(UID),
      gid: word(GID),
      rdev: BigInt(deviceNumber(words[at + RDEV_MAJOR]!, words[at + RDEV_MINOR]!)),
      blksize: word(BLKSIZE),
      ino: wide(INO),
      size: wide(SIZE),
      blocks: wide(BLOCKS),
    };
    const times = [time(ATIME), time(MTIME), time(CTIME), time(BTIME)] as const;
    return new BigIntStats(basics, times) as unknown as NodeFs.BigIntStats;
  }

  /** The words of struct statfs that statfs() shows: type, bsize, blocks, bfree, bavail, files, ffree. */
  statfs(path: CheckedPath): readonly number[] {
    this.check(this.call(SYS_statfs, this.placePath(path), this.out), "statfs", path);
    return Array.from({ length: 7 }, (_, i) => this.wide(this.out + i * 8));
  }

  access(path: CheckedPath, mode: number): void {
    this.check(this.call(SYS_faccessat, AT_FDCWD, this.placePath(path), mode), "access", path);
  }

  /** Whether a path leads anywhere. */
  exists(path: CheckedPath): boolean {
    return this.call(SYS_faccessat, AT_FDCWD, this.placePath(path), 0) === 0;
  }

  chmod(path: CheckedPath, mode: number): void {
    this.check(this.call(SYS_chmod, this.placePath(path), mode), "chmod", path);
  }

  fchmod(fd: number, mode: number): void {
    this.check(this.call(SYS_fchmod, fd, mode), "fchmod");
  }

  chown(path: CheckedPath, uid: number, gid: number): void {
    this.check(
      this.call(SYS_fchownat, AT_FDCWD, this.placePath(path), uid >>> 0, gid >>> 0, 0),
      "chown",
      path,
    );
  }

  lchown(path: CheckedPath, uid: number, gid: number): void {
    const flags = AT_SYMLINK_NOFOLLOW;
    const at = this.placePath(path);
    this.check(this.call(SYS_fchownat, AT_FDCWD, at, uid >>> 0, gid >>> 0, flags), "lchown", path);
  }

  fchown(fd: number, uid: number, gid: number): void {
    this.check(this.call(SYS_fchown, fd, uid >>> 0, gid >>> 0), "fchown");
  }

  utimes(path: CheckedPath, atime: Seconds, mtime: Seconds): void {
    this.#setTimes(AT_FDCWD, this.placePath(path), atime, mtime, 0, "utime", path);
  }

  lutimes(path: CheckedPath, atime: Seconds, mtime: Seconds): void {
    this.#setTimes(AT_FDCWD, this.placePath(path), atime, mtime, AT_SYMLINK_NOFOLLOW, "lutime", path);
  }

  futimes(fd: number, atime: Seconds, mtime: Seconds): void {
    this.#setTimes(fd, 0, atime, mtime, 0, "futime");
  }

  #setTimes(
    directory: number,
    path: number,
    atime: Seconds,
    mtime: Seconds,
    flags: number,
    syscall: string,
    named?: CheckedPath,
  ): void {
    // What is no number fails, too.
    if (!(Math.max(Math.abs(atime), Math.abs(mtime)) <= TIME_MAX)) this.check(-EINVAL, syscall, named);
    this.#putTime(this.out, atime);
    this.#putTime(this.out + 16, mtime);
    this.check(this.call(SYS_utimensat, directory, path, this.out, flags), syscall, named);
  }

  /** A struct timespec. libuv counts in microseconds (uv__fs_to_timespec()). */
  #putTime(at: number, seconds: Seconds): void {
    let whole = Math.trunc(seconds);
    let rest = Math.trunc((seconds - whole) * 1e6) * 1000;
    if (rest < 0) {
      rest += SECOND;
      whole -= 1;
    }
    this.putWide(at, whole);
    this.putWide(at + 8, rest);
  }
}

/** Milliseconds with their fraction; the seconds are an i64. */
function milliseconds(words: Uint32Array, at: number): number {
  const seconds = words[at]! + (words[at + 1]! | 0) * WORD;
  return seconds * 1000 + words[at + NANOSECONDS]! / NS_PER_MS;
}
