// One struct statx in the arena, read field by field.
//
//    0 mask      4 blksize   8 attributes     16 nlink    20 uid      24 gid      28 mode (u16)
//   32 ino      40 size     48 blocks         56 attributes_mask
//   64 atime    80 btime    96 ctime         112 mtime    (i64 seconds, u32 nanoseconds, padding)
//  128 rdev major, minor   136 dev major, minor

import { S_IFMT } from "../../../assembly/abi/stat.ts";
import type { Arena } from "../arena.ts";

export class StatBuffer {
  /** Where the struct starts, as an offset in the arena. */
  readonly base: number;
  private readonly view: DataView;

  constructor(arena: Arena, base: number) {
    this.base = base;
    this.view = arena.view;
  }

  get mask(): number {
    return this.u32(0);
  }

  get blockSize(): number {
    return this.u32(4);
  }

  get linkCount(): number {
    return this.u32(16);
  }

  get uid(): number {
    return this.u32(20);
  }

  get gid(): number {
    return this.u32(24);
  }

  get mode(): number {
    return this.view.getUint16(this.base + 28, true);
  }

  /** The S_IF* part of the mode. */
  get type(): number {
    return this.mode & S_IFMT;
  }

  get inodeLow(): number {
    return this.u32(32);
  }

  get inodeHigh(): number {
    return this.u32(36);
  }

  get deviceMajor(): number {
    return this.u32(136);
  }

  get deviceMinor(): number {
    return this.u32(140);
  }

  /** The device that a device node names, as Linux's new_encode_dev() packs it. */
  get rdev(): number {
    const major = this.u32(128);
    const minor = this.u32(132);
    return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
  }

  /** A number that changes when the file does. */
  get version(): number {
    return (this.u32(96) ^ this.u32(104)) >>> 0;
  }

  u32(offset: number): number {
    return this.view.getUint32(this.base + offset, true);
  }
}

export const STAT_SIZE = 40;
export const STAT_BLOCKS = 48;
export const STAT_ATIME = 64;
export const STAT_BTIME = 80;
export const STAT_CTIME = 96;
export const STAT_MTIME = 112;
