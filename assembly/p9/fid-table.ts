// The fid numbers of one connection.
//
// States of a number
//   free      never used, or clunked and answered
//   in use    names a file of the server's; owned by whoever asked for it
//   queued    its owner is done with it; a Tclunk goes with the next request, in the order of queueing
//   leaving   the Tclunk was sent; the number is free again when the answer comes, whatever it says
//
// Each number has one link, for the list of free ones or for the queue, so that queueing needs no memory and cannot fail.
//
// Chains. Numbers that belong to one request are linked the same way, from the first to the last, which has no next one.

import { P9_NOFID } from "../abi/p9.ts";

/** Twice what a server of ours allows, so that a full queue of clunks never stands in the way. */
const FIDS_MAX: u32 = 32768;
const FIRST_CAPACITY: u32 = 256;
/** Equal to P9_NOFID. */
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
    store<u32>(this.linkOf(fid), NONE);
    return fid;
  }

  /** A chain of `count` free numbers, from now on in use; or P9_NOFID when there are not as many. */
  allocChain(count: u32): u32 {
    let head: u32 = NONE;
    for (let i: u32 = 0; i < count; i++) {
      const fid = this.alloc();
      if (fid == P9_NOFID) {
        this.releaseChain(head);
        return P9_NOFID;
      }
      store<u32>(this.linkOf(fid), head);
      head = fid;
    }
    return head;
  }

  /** The number behind one in its chain, or P9_NOFID. */
  nextInChain(fid: u32): u32 {
    return load<u32>(this.linkOf(fid));
  }

  /** Ends a chain behind `fid`; what followed is a chain of its own, or P9_NOFID. */
  cutChain(fid: u32): u32 {
    const rest = this.nextInChain(fid);
    store<u32>(this.linkOf(fid), NONE);
    return rest;
  }

  /** Takes up to `count` numbers off the queue, as a chain: they are leaving. Preconditions: `queued` is not 0. */
  dequeueChain(count: u32): u32 {
    const head = this.dequeue();
    let last = head;
    while (--count > 0 && this.queued > 0) {
      const fid = this.dequeue();
      store<u32>(this.linkOf(last), fid);
      last = fid;
    }
    return head;
  }

  /** As release(), for a chain; P9_NOFID is an empty one. */
  releaseChain(head: u32): void {
    while (head != NONE) {
      const next = this.nextInChain(head);
      this.release(head);
      head = next;
    }
  }

  /** As queue(), for a chain. */
  queueChain(head: u32): void {
    while (head != NONE) {
      const next = this.nextInChain(head);
      this.queue(head);
      head = next;
    }
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
