// Open files: open, close, read, write, size and storage.

import { AT_FDCWD, O_CLOEXEC } from "../../../assembly/abi/fcntl.ts";
import {
  SYS_close,
  SYS_copy_file_range,
  SYS_fdatasync,
  SYS_fsync,
  SYS_ftruncate,
  SYS_openat,
  SYS_pread64,
  SYS_pwrite64,
  SYS_read,
  SYS_truncate,
  SYS_write,
} from "../../../assembly/abi/syscall.ts";
import type { CheckedPath } from "../validators.ts";
import { DATA_AREA, KernelCaller } from "./kernel-caller.ts";

/** Where reading and writing goes on: at the descriptor's own offset. */
export const AT_OFFSET = -1;

export class Transfers extends KernelCaller {
  /** The front of the data area, as long as the last read was: programs read pieces of one size. */
  #piece: Uint8Array = new Uint8Array(0);

  /** A view of that many bytes of the data area; one of a memory that has grown meanwhile has none, and is not taken. */
  #front(length: number): Uint8Array {
    if (this.#piece.length !== length) this.#piece = this.bytes.subarray(this.data, this.data + length);
    return this.#piece;
  }

  open(path: CheckedPath, flags: number, mode: number): number {
    return this.check(this.tryOpen(path, flags, mode), "open", path);
  }

  /** A descriptor, or -errno. */
  tryOpen(path: CheckedPath, flags: number, mode: number): number {
    return this.call(SYS_openat, AT_FDCWD, this.placePath(path), flags | O_CLOEXEC, mode);
  }

  close(fd: number): void {
    this.check(this.call(SYS_close, fd), "close");
  }

  /** Reads into `target`; returns how many bytes. `position` AT_OFFSET: the descriptor's own. Error: the first, if nothing came before it. */
  read(fd: number, target: Uint8Array, position = AT_OFFSET): number {
    const { length } = target;
    let done = 0;
    do {
      const chunk = Math.min(length - done, DATA_AREA);
      const got =
        position < 0
          ? this.call(SYS_read, fd, this.data, chunk)
          : this.call(SYS_pread64, fd, this.data, chunk, position + done);
      if (got < 0 && done > 0) break;
      this.check(got, "read");
      if (got > 0) target.set(this.#front(got), done);
      done += got;
      if (got < chunk) break;
    } while (done < length);
    return done;
  }

  /** Writes all of `source`, or as much as there is room for; returns how many bytes. Otherwise as read(). */
  write(fd: number, source: Uint8Array, position = AT_OFFSET): number {
    const { length } = source;
    let done = 0;
    do {
      const chunk = Math.min(length - done, DATA_AREA);
      this.bytes.set(chunk === length ? source : source.subarray(done, done + chunk), this.data);
      const put =
        position < 0
          ? this.call(SYS_write, fd, this.data, chunk)
          : this.call(SYS_pwrite64, fd, this.data, chunk, position + done);
      if (put < 0 && done > 0) break;
      this.check(put, "write");
      done += put;
      if (put < chunk) break;
    } while (done < length);
    return done;
  }

  /** One buffer after the other, until one is not filled. */
  readv(fd: number, targets: readonly Uint8Array[], position = AT_OFFSET): number {
    return this.#each(targets, position, (target, at) => this.read(fd, target, at));
  }

  writev(fd: number, sources: readonly Uint8Array[], position = AT_OFFSET): number {
    return this.#each(sources, position, (source, at) => this.write(fd, source, at));
  }

  #each(
    spans: readonly Uint8Array[],
    position: number,
    move: (span: Uint8Array, at: number) => number,
  ): number {
    let done = 0;
    for (const span of spans) {
      const moved = move(span, position < 0 ? position : position + done);
      done += moved;
      if (moved < span.length) break;
    }
    return done;
  }

  fsync(fd: number): void {
    this.check(this.call(SYS_fsync, fd), "fsync");
  }

  fdatasync(fd: number): void {
    this.check(this.call(SYS_fdatasync, fd), "fdatasync");
  }

  ftruncate(fd: number, length: number): void {
    this.check(this.call(SYS_ftruncate, fd, length), "ftruncate");
  }

  truncate(path: CheckedPath, length: number): void {
    this.check(this.call(SYS_truncate, this.placePath(path), length), "truncate", path);
  }

  /** All of one open file to another, both at their offsets; returns 0 or -errno. */
  protected copyAll(from: number, to: number): number {
    let moved: number;
    do moved = this.call(SYS_copy_file_range, from, 0, to, 0, DATA_AREA, 0);
    while (moved > 0);
    return moved;
  }
}
