// The descriptors that came with a message: whoever handles it takes what it wants, and the rest is closed.

import type { Native } from "../native/interface.ts";

const TAKEN = -1;

export class PassedFiles {
  private readonly native: Native;
  private readonly fds: number[] = [];

  constructor(native: Native) {
    this.native = native;
  }

  /** How many came, taken or not. */
  get count(): number {
    return this.fds.length;
  }

  /** Ownership: takes `fd`. */
  add(fd: number): void {
    this.fds.push(fd);
  }

  /** A descriptor that stays ours. Preconditions: `index` is below count, and nobody took it. */
  get(index: number): number {
    return this.fds[index]!;
  }

  /** The same, and from now on the caller's. */
  take(index: number): number {
    const fd = this.fds[index]!;
    this.fds[index] = TAKEN;
    return fd;
  }

  /** All of them, from now on the caller's. */
  takeAll(): number[] {
    return this.fds.map((_fd, index) => this.take(index));
  }

  close(): void {
    for (const fd of this.fds) if (fd !== TAKEN) this.native.close(fd);
    this.fds.fill(TAKEN);
  }
}
