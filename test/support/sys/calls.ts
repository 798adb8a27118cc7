// System calls by name, over either target: what goes in and comes out as JavaScript values. Results are >= 0 or -errno; calls
// that fill a structure give the structure, or the negative number.

import { AT_FDCWD } from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import type { Process } from "./target.ts";

export interface Stat {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blksize: number;
  readonly blocks: number;
  /** Nanoseconds since the epoch. */
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

const STAT_SIZE = 144;
const PATH_MAX = 4096;

function timeAt(bytes: Buffer, at: number): bigint {
  return bytes.readBigInt64LE(at) * 1_000_000_000n + bytes.readBigInt64LE(at + 8);
}

function statFrom(bytes: Buffer): Stat {
  return {
    dev: Number(bytes.readBigUInt64LE(0)),
    ino: Number(bytes.readBigUInt64LE(8)),
    nlink: Number(bytes.readBigUInt64LE(16)),
    mode: bytes.readUInt32LE(24),
    uid: bytes.readUInt32LE(28),
    gid: bytes.readUInt32LE(32),
    rdev: Number(bytes.readBigUInt64LE(40)),
    size: Number(bytes.readBigInt64LE(48)),
    blksize: Number(bytes.readBigInt64LE(56)),
    blocks: Number(bytes.readBigInt64LE(64)),
    atime: timeAt(bytes, 72),
    mtime: timeAt(bytes, 88),
    ctime: timeAt(bytes, 104),
  };
}

export class Calls {
  readonly process: Process;

  constructor(process: Process) {
    this.process = process;
  }

  // ---- open and close
  open(path: string, flags = 0, mode = 0o644, dirFd = AT_FDCWD): number {
    return this.process.syscall(nr.SYS_openat, dirFd, path, flags, mode);
  }
  close(fd: number): number {
    return this.process.syscall(nr.SYS_close, fd);
  }

  // ---- data
  /** What was read, or -errno. */
  read(fd: number, length: number): Buffer | number {
    const bytes = Buffer.alloc(length);
    const got = this.process.syscall(nr.SYS_read, fd, bytes, length);
    return got < 0 ? got : bytes.subarray(0, got);
  }
  pread(fd: number, length: number, position: number): Buffer | number {
    const bytes = Buffer.alloc(length);
    const got = this.process.syscall(nr.SYS_pread64, fd, bytes, length, position);
    return got < 0 ? got : bytes.subarray(0, got);
  }
  write(fd: number, data: string | Uint8Array): number {
    const bytes = Buffer.from(data);
    return this.process.syscall(nr.SYS_write, fd, bytes, bytes.length);
  }
  pwrite(fd: number, data: string | Uint8Array, position: number): number {
    const bytes = Buffer.from(data);
    return this.process.syscall(nr.SYS_pwrite64, fd, bytes, bytes.length, position);
  }

  // ---- devices
  ioctl(fd: number, request: number, argument: number | Uint8Array | null = null): number {
    return this.process.syscall(nr.SYS_ioctl, fd, request, argument);
  }

  // ---- attributes
  /** `flags` are AT_*. */
  stat(path: string, flags = 0, dirFd = AT_FDCWD): Stat | number {
    const bytes = Buffer.alloc(STAT_SIZE);
    const result = this.process.syscall(nr.SYS_newfstatat, dirFd, path, bytes, flags);
    return result < 0 ? result : statFrom(bytes);
  }
  fstat(fd: number): Stat | number {
    const bytes = Buffer.alloc(STAT_SIZE);
    const result = this.process.syscall(nr.SYS_fstat, fd, bytes);
    return result < 0 ? result : statFrom(bytes);
  }

  // ---- names
  mkdir(path: string, mode = 0o755, dirFd = AT_FDCWD): number {
    return this.process.syscall(nr.SYS_mkdirat, dirFd, path, mode);
  }
  rmdir(path: string): number {
    return this.process.syscall(nr.SYS_rmdir, path);
  }
  unlink(path: string, dirFd = AT_FDCWD): number {
    return this.process.syscall(nr.SYS_unlinkat, dirFd, path, 0);
  }
  symlink(target: string, path: string, dirFd = AT_FDCWD): number {
    return this.process.syscall(nr.SYS_symlinkat, target, dirFd, path);
  }
  readlink(path: string, size = PATH_MAX): string | number {
    const bytes = Buffer.alloc(size);
    const got = this.process.syscall(nr.SYS_readlinkat, AT_FDCWD, path, bytes, size);
    return got < 0 ? got : bytes.toString("utf8", 0, got);
  }
  link(from: string, to: string, flags = 0): number {
    return this.process.syscall(nr.SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, flags);
  }
  rename(from: string, to: string, flags = 0): number {
    return this.process.syscall(nr.SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
  }

  // ---- extended attributes; `follow` false: of a symbolic link itself
  setxattr(
    path: string | number,
    name: string,
    value: string | Uint8Array,
    flags = 0,
    follow = true,
  ): number {
    const bytes = Buffer.from(value);
    const call = typeof path === "number" ? nr.SYS_fsetxattr : follow ? nr.SYS_setxattr : nr.SYS_lsetxattr;
    return this.process.syscall(call, path, name, bytes, bytes.length, flags);
  }
  /** The value, or -errno; with a `size` of 0 its length. */
  getxattr(path: string | number, name: string, size = 256, follow = true): Buffer | number {
    const bytes = Buffer.alloc(size);
    const call = typeof path === "number" ? nr.SYS_fgetxattr : follow ? nr.SYS_getxattr : nr.SYS_lgetxattr;
    const got = this.process.syscall(call, path, name, bytes, size);
    return got < 0 || size === 0 ? got : Buffer.from(bytes.subarray(0, got));
  }
  /** The names in order, or -errno; with a `size` of 0 the length of the list. */
  listxattr(path: string | number, size = 65536, follow = true): string[] | number {
    const bytes = Buffer.alloc(size);
    const call = typeof path === "number" ? nr.SYS_flistxattr : follow ? nr.SYS_listxattr : nr.SYS_llistxattr;
    const got = this.process.syscall(call, path, bytes, size);
    if (got < 0 || size === 0) return got;
    return bytes.toString("latin1", 0, got).split("\0").slice(0, -1).sort();
  }
  removexattr(path: string | number, name: string, follow = true): number {
    const call =
      typeof path === "number" ? nr.SYS_fremovexattr : follow ? nr.SYS_removexattr : nr.SYS_lremovexattr;
    return this.process.syscall(call, path, name);
  }
}
