// The numbers of a connection's fids: the lowest that are free, so that a server's table stays small.

import { P9_NOFID } from "../../../assembly/abi/p9.ts";

export class FidNumbers {
  private readonly free: number[] = [];
  private next = 0;

  take(): number {
    const number = this.free.pop();
    if (number !== undefined) return number;
    if (this.next >= P9_NOFID) throw new RangeError("a connection has no more fids");
    return this.next++;
  }

  /** The server does not know this number any more. */
  release(number: number): void {
    this.free.push(number);
  }
}
