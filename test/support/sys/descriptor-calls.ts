// Calls on descriptors, pipes, events and locks, by name.

import { F_GETLK, F_SETLK } from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { Calls } from "./calls.ts";

const FLOCK_SIZE = 32;
const TIMESPEC_SIZE = 16;
const FIFO = 0o010000;

/** A struct flock. */
export interface Lock {
  readonly type: number;
  readonly whence?: number;
  readonly start?: number | bigint;
  readonly length?: number | bigint;
  readonly pid?: number;
}

export interface FoundLock {
  readonly type: number;
  readonly whence: number;
  readonly start: number;
  readonly length: number;
  /** 0: nobody's; -1: a description's. */
  readonly pid: number;
}

/** A struct pollfd. */
export interface PollFd {
  readonly fd: number;
  readonly events: number;
}

export function lockBytes({ type, whence = 0, start = 0, length = 0, pid = 0 }: Lock): Buffer {
  const bytes = Buffer.alloc(FLOCK_SIZE);
  bytes.writeInt16LE(type, 0);
  bytes.writeInt16LE(whence, 2);
  bytes.writeBigInt64LE(BigInt(start), 8);
  bytes.writeBigInt64LE(BigInt(length), 16);
  bytes.writeInt32LE(pid, 24);
  return bytes;
}

export class DescriptorCalls extends Calls {
  // ---- descriptors
  dup(fd: number): number {
    return this.process.syscall(nr.SYS_dup, fd);
  }
  dup2(from: number, to: number): number {
    return this.process.syscall(nr.SYS_dup2, from, to);
  }
  dup3(from: number, to: number, flags: number): number {
    return this.process.syscall(nr.SYS_dup3, from, to, flags);
  }
  closeRange(first: number, last: number, flags = 0): number {
    return this.process.syscall(nr.SYS_close_range, first, last, flags);
  }
  fcntl(fd: number, command: number, argument = 0): number {
    return this.process.syscall(nr.SYS_fcntl, fd, command, argument);
  }
  seek(fd: number, offset: number, whence: number): number {
    return this.process.syscall(nr.SYS_lseek, fd, offset, whence);
  }

  // ---- pipes and events
  mkfifo(path: string, mode = 0o644): number {
    return this.process.syscall(nr.SYS_mknodat, -100, path, FIFO | mode, 0);
  }
  /** Both ends, or -errno twice. */
  pipe(flags = 0): [number, number] {
    const bytes = Buffer.alloc(8);
    const result = this.process.syscall(nr.SYS_pipe2, bytes, flags);
    return result < 0 ? [result, result] : [bytes.readInt32LE(0), bytes.readInt32LE(4)];
  }
  eventfd(count: number, flags = 0): number {
    return this.process.syscall(nr.SYS_eventfd2, count, flags);
  }
  memfd(name: string, flags = 0): number {
    return this.process.syscall(nr.SYS_memfd_create, name, flags);
  }
  /** The result, then each revents. */
  poll(fds: readonly PollFd[], timeoutMs = 0): number[] {
    const bytes = pollBytes(fds);
    const result = this.process.syscall(nr.SYS_poll, bytes, fds.length, timeoutMs);
    return [result, ...fds.map((_, index) => bytes.readUInt16LE(index * 8 + 6))];
  }
  /** `nanoseconds`: null is for ever. The result, then each revents. */
  ppoll(fds: readonly PollFd[], seconds: number, nanoseconds: number, maskSize = 8): number[] {
    const bytes = pollBytes(fds);
    const timeout = Buffer.alloc(TIMESPEC_SIZE);
    timeout.writeBigInt64LE(BigInt(seconds), 0);
    timeout.writeBigInt64LE(BigInt(nanoseconds), 8);
    const mask = Buffer.alloc(8);
    const result = this.process.syscall(nr.SYS_ppoll, bytes, fds.length, timeout, mask, maskSize);
    return [result, ...fds.map((_, index) => bytes.readUInt16LE(index * 8 + 6))];
  }

  // ---- locks
  flock(fd: number, operation: number): number {
    return this.process.syscall(nr.SYS_flock, fd, operation);
  }
  setLock(fd: number, lock: Lock, command = F_SETLK): number {
    return this.process.syscall(nr.SYS_fcntl, fd, command, lockBytes(lock));
  }
  getLock(fd: number, lock: Lock, command = F_GETLK): FoundLock | number {
    const bytes = lockBytes(lock);
    const result = this.process.syscall(nr.SYS_fcntl, fd, command, bytes);
    if (result < 0) return result;
    const pid = bytes.readInt32LE(24);
    return {
      type: bytes.readInt16LE(0),
      whence: bytes.readInt16LE(2),
      start: Number(bytes.readBigInt64LE(8)),
      length: Number(bytes.readBigInt64LE(16)),
      pid: pid > 0 ? 1 : pid,
    };
  }

  // ---- inotify
  inotify(flags = 0): number {
    return this.process.syscall(nr.SYS_inotify_init1, flags);
  }
  addWatch(fd: number, path: string, mask: number): number {
    return this.process.syscall(nr.SYS_inotify_add_watch, fd, path, mask);
  }
  removeWatch(fd: number, wd: number): number {
    return this.process.syscall(nr.SYS_inotify_rm_watch, fd, wd);
  }
}

export function pollBytes(fds: readonly PollFd[]): Buffer {
  const bytes = Buffer.alloc(Math.max(fds.length * 8, 8));
  for (const [index, { fd, events }] of fds.entries()) {
    bytes.writeInt32LE(fd, index * 8);
    bytes.writeUInt16LE(events, index * 8 + 4);
  }
  return bytes;
}
