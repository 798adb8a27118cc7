// Requests that were sent, or are about to be, and are not answered: by tag, in the order of sending.
//
// A server mostly answers in order, so that what is looked for is near the front.

import { P9_NOFID, P9_NOTAG } from "../abi/p9.ts";
import { free } from "../lib/ref-counted.ts";
import { FidTable } from "./fid-table.ts";

@final
export class Pending {
  next: Pending | null = null;
  /** `fid` is the first of a chain (p9/fid-table.ts). */
  isChain: bool = false;
  /** Of a walk of fids: how many components get none. */
  skip: u32 = 0;
  /** Nobody waits for the answer any more: a Tclunk, or a request whose thread was killed. */
  abandoned: bool = false;

  constructor(
    public tag: u32,
    /** The T message's type. */
    public type: u32,
    /** The fid that the request makes, or that a clunk frees, or the first of several; else P9_NOFID. */
    public fid: u32,
  ) {}
}

@final
export class PendingList {
  count: u32 = 0;
  private head: Pending | null = null;
  private tail: Pending | null = null;
  private lastTag: u32 = 0;

  destroy(): void {
    let at = this.head;
    while (at !== null) {
      const next = at.next;
      free(at);
      at = next;
    }
    this.head = null;
    this.tail = null;
    this.count = 0;
  }

  /** Adds a request at the end, under a tag that no other has. */
  push(type: u32, fid: u32): Pending {
    let tag = this.lastTag;
    do {
      tag = tag >= <u32>P9_NOTAG - 1 ? 0 : tag + 1;
    } while (this.find(tag) !== null);
    this.lastTag = tag;
    return this.append(new Pending(tag, type, fid));
  }

  /** As push(), for Tversion, which has no tag. */
  pushUntagged(type: u32, fid: u32): Pending {
    return this.append(new Pending(P9_NOTAG, type, fid));
  }

  /** How many fids the requests make or free. */
  countFids(fids: FidTable): u32 {
    let count: u32 = 0;
    let at = this.head;
    while (at !== null) {
      let fid = at.fid;
      while (fid != P9_NOFID) {
        count++;
        fid = at.isChain ? fids.nextInChain(fid) : P9_NOFID;
      }
      at = at.next;
    }
    return count;
  }

  /** The request that was added last. */
  get last(): Pending | null {
    return this.tail;
  }

  find(tag: u32): Pending | null {
    let at = this.head;
    while (at !== null && at.tag != tag) at = at.next;
    return at;
  }

  /** Takes `pending` out and frees it. */
  remove(pending: Pending): void {
    let previous: Pending | null = null;
    let at = this.head;
    while (at !== null && at !== pending) {
      previous = at;
      at = at.next;
    }
    assert(at !== null, "the request is in the list");
    if (previous === null) this.head = pending.next;
    else previous.next = pending.next;
    if (this.tail === pending) this.tail = previous;
    this.count--;
    free(pending);
  }

  private append(pending: Pending): Pending {
    const tail = this.tail;
    if (tail === null) this.head = pending;
    else tail.next = pending;
    this.tail = pending;
    this.count++;
    return pending;
  }
}
