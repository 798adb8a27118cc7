// The fid numbers of one connection.
//
// States of a number
//   free      never used, or clunked and answered
//   in use    names a file of the server's; owned by whoever asked for it
//   queued    its owner is done with it; a Tclunk goes with the next request, in the order of queueing
//   leaving   the Tclunk was sent; the number is free again when the answer comes, whatever it says
//
// Each number has one link, for the list of free ones or for the queue, so that queueing needs no memory and cannot fail.

import { P9_NOFID } from "../abi/p9.ts";

/** Twice what a server of ours allows, so that a full queue of clunks never stands in the way. */
const FIDS_MAX: u32 = 32768;
const FIRST_CAPACITY: u32 = 256;
const NONE: u32 = 0xffffffff;

@final
export class FidTable {
  queued: u32 = 0;
  /** Numbers that are not free. */
  used: u32 = 0;
  private links: usize = heap.alloc((<usize>FIRST_CAPACITY) << 2);
  private capacity: u32 = FIRST_CAPACITY;
  /** Numbers from here on were never used. */
  private top: u32 = 0;
  private freeHead: u32 = NONE;
  private queueHead: u32 = NONE;
  private queueTail: u32 = NONE;

  destroy(): void {
    heap.free(this.links);
  }

  /** A free number, from now on in use; or P9_NOFID when there is none. */
  alloc(): u32 {
    const free = this.freeHead;
    if (free != NONE) {
      this.freeHead = load<u32>(this.linkOf(free));
      this.used++;
      return free;
    }
    if (this.top == this.capacity) {
      if (this.capacity == FIDS_MAX) return P9_NOFID;
      this.grow();
    }
    this.used++;
    return this.top++;
  }

  /** Makes a number that was in use or leaving free. */
  release(fid: u32): void {
    store<u32>(this.linkOf(fid), this.freeHead);
    this.freeHead = fid;
    this.used--;
  }

  /** The owner is done with a number in use. Never sleeps. */
  queue(fid: u32): void {
    store<u32>(this.linkOf(fid), NONE);
    if (this.queueTail == NONE) this.queueHead = fid;
    else store<u32>(this.linkOf(this.queueTail), fid);
    this.queueTail = fid;
    this.queued++;
  }

  /** Takes the first number off the queue: it is leaving. Preconditions: `queued` is not 0. */
  dequeue(): u32 {
    const fid = this.queueHead;
    assert(fid != NONE, "the queue is not empty");
    this.queueHead = load<u32>(this.linkOf(fid));
    if (this.queueHead == NONE) this.queueTail = NONE;
    this.queued--;
    return fid;
  }

  private linkOf(fid: u32): usize {
    assert(fid < this.capacity, "the fid is one of ours");
    return this.links + ((<usize>fid) << 2);
  }

  private grow(): void {
    const links = heap.alloc((<usize>this.capacity) << 3);
    memory.copy(links, this.links, (<usize>this.capacity) << 2);
    heap.free(this.links);
    this.links = links;
    this.capacity <<= 1;
  }
}
