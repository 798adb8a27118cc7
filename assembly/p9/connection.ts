// One 9P connection: requests out, answers in, and what is to be remembered between them.
//
// A conversation
//   begin()                 takes the connection's lock; queued Tclunks are written in front of what comes
//   start(), write, finish()   one request, or several that are sent together and answered in order
//   receive()               the first one sends; each returns one answer, with `reader` at its fields
//   end()                   releases the lock
// Between two receive() nothing else is needed; after the last answer another request may be started.
//
// Sleep
//   begin() may wait for the lock, receive() waits for the server with the kernel lock released. Whatever callers know but
//   do not hold may have changed after either. Fids may be queued for clunking by others meanwhile, all the time.
//
// Death
//   A thread that is killed while it waits leaves requests behind. They stay in the list of pending ones, abandoned: when
//   somebody else receives the late answer, the fid that it made is clunked and a descriptor that it brought is closed.
//
// Trust
//   The server is as little trusted as the guest. An answer that is not one (wrong size, unknown tag, another type) makes
//   the connection broken: from then on everything is -EIO. So does the end of the stream.

import { allocPages } from "mm/page";
import { ECANCELED, EINTR, EIO, EMSGSIZE, ENOMEM } from "../abi/errno.ts";
import {
  P9_CLUNKS_MAX,
  P9_HEADER,
  P9_MSIZE,
  P9_NOFID,
  P9_RCREATEATTR,
  P9_RLCREATE,
  P9_RLERROR,
  P9_RLOPEN,
  P9_TCLUNK,
  P9_TCLUNKS,
  P9_TVERSION,
  P9_TWALKATTR,
  P9_TWALKFIDS,
} from "../abi/p9.ts";
import { REFUSED_BY_HOST, REFUSED_GOFER_GONE } from "../abi/refusal.ts";
import { closeConnection, closeHandle, p9Rpc } from "../host.ts";
import { ByteReader } from "../lib/byte-reader.ts";
import { ByteWriter } from "../lib/byte-writer.ts";
import { free } from "../lib/ref-counted.ts";
import { lockKernel, unlockKernel } from "../sched/kernel-lock.ts";
import { refuseByServer } from "../sched/refusal.ts";
import { SleepLock } from "../sched/sleep-lock.ts";
import { currentThread } from "../sched/thread.ts";
import { FidTable } from "./fid-table.ts";
import { Pending, PendingList } from "./pending.ts";

// A thread's message buffer: where p9Rpc() puts a descriptor, then requests, then the answer.
const BUFFER_ORDER: u32 = 6;
const REQUEST: usize = 16;
const RESPONSE: usize = 131072;

/** Tclunks in one send. Their answers, which nobody reads meanwhile, must fit into the socket whatever its size. */
const CLUNKS_PER_SEND: u32 = 64;
const CLUNK_SIZE: u32 = 11;
/** What of a message buffer's request half Tclunks may take. */
export const CLUNK_ROOM: u32 = 1024;
/** Beyond this many requests without an answer no Tclunk is added. */
const PENDING_SOFT_MAX: u32 = 512;
/** A server that leaves this many unanswered is not a server. */
const PENDING_MAX: u32 = 4096;
/** Linux's MAX_ERRNO; from 512 on they are the kernel's own and never a process's. */
const ERRNO_MAX: u32 = 4095;
const ERRNO_END: u32 = 512;
const ERROR_SIZE: u32 = 11;
/** Rwalkattr and Rwalkfids up to and including nwattr. */
const WALKATTR_HEAD: u32 = 13;
const WALKATTR_COUNT: usize = 11;

@final
export class Connection {
  readonly fids: FidTable = new FidTable();
  /** Over the fields of the last answer. They lie in the thread's own buffer, until its next conversation. */
  readonly reader: ByteReader = new ByteReader();
  readonly writer: ByteWriter = new ByteWriter();
  /** The largest message, as negotiated. */
  msize: u32 = P9_MSIZE;
  /** wVisor's extension is on. */
  extended: bool = false;
  /** Rlopen, Rlcreate and Rcreateattr may bring a descriptor. */
  donates: bool = false;
  broken: bool = false;
  /** The handle that came with the last answer, or -1. Whoever takes it sets it to -1. */
  descriptor: i32 = -1;

  private readonly lock: SleepLock = new SleepLock();
  private readonly pending: PendingList = new PendingList();
  private buffer: usize = 0;
  /** The next request of this conversation whose answer is due; those behind it in the list follow. */
  private wanted: Pending | null = null;
  private firstUnsent: Pending | null = null;
  private message: usize = 0;
  /** Why nothing is due although somebody asks. */
  private failure: i32 = 0;

  /** `id` names the socket to the host. */
  constructor(private readonly id: i32) {}

  destroy(): void {
    const leaving = this.pending.countFids(this.fids);
    assert(this.broken || this.fids.used == this.fids.queued + leaving, "every fid was given back");
    this.fids.destroy();
    free(this.fids);
    this.pending.destroy();
    free(this.pending);
    free(this.reader);
    free(this.writer);
    free(this.lock);
    closeConnection(this.id);
  }

  /** Errors: EIO on a broken connection, EINTR when the thread is to end, ENOMEM. */
  begin(): i32 {
    if (this.broken) return refuseByServer(EIO, REFUSED_GOFER_GONE);
    const thread = currentThread();
    if (thread.isDead()) return -EINTR;
    if (!thread.messageBuffer) {
      thread.messageBuffer = allocPages(BUFFER_ORDER);
      if (!thread.messageBuffer) return -ENOMEM;
    }
    const locked = this.lock.acquire();
    if (locked < 0) return locked;
    if (!this.broken && this.pending.count >= PENDING_MAX) this.fail();
    if (this.broken) {
      this.lock.release();
      return refuseByServer(EIO, REFUSED_GOFER_GONE);
    }
    this.buffer = thread.messageBuffer;
    this.rewind();
    this.putClunks();
    return 0;
  }

  end(): void {
    this.discardUnsent();
    this.abandon(0);
    this.lock.release();
  }

  /** Begins a request of type `type` that makes `newFid`, or no fid: P9_NOFID. */
  start(type: u32, newFid: u32): void {
    if (this.firstUnsent === null) this.rewind();
    const pending =
      type == <u32>P9_TVERSION ? this.pending.pushUntagged(type, newFid) : this.pending.push(type, newFid);
    if (this.firstUnsent === null) this.firstUnsent = pending;
    if (this.wanted === null) this.wanted = pending;
    this.putHeader(pending);
  }

  /** Ends the request that start() began. */
  finish(): void {
    const size = <u32>(this.writer.position - this.message);
    if (size > this.msize) this.writer.overrun = true;
    store<u32>(this.message, size);
  }

  /**
   * The answer to the oldest request that waits for one: 0 with `reader` at its fields, or what Rlerror said. On any error
   * a fid that the request would have made is free again, or somebody else's task.
   */
  receive(): i32 {
    const wanted = this.wanted;
    if (wanted === null) return this.failure;
    while (true) {
      const length = this.exchange();
      if (length < 0) return length;
      const response = this.buffer + RESPONSE;
      const pending = this.identify(response, <u32>length);
      const descriptor = load<i32>(this.buffer);
      if (pending === wanted) return this.accept(wanted, response, <u32>length, descriptor);
      if (descriptor >= 0) closeHandle(descriptor);
      if (pending === null || !pending.abandoned) return this.fail();
      if (!this.settle(pending, response, <u32>length)) return this.fail();
    }
  }

  /** The server broke the protocol, or is gone. Returns -EIO. */
  fail(): i32 {
    this.broken = true;
    this.failure = -EIO;
    this.wanted = null;
    this.firstUnsent = null;
    this.pending.destroy();
    if (this.descriptor >= 0) closeHandle(this.descriptor);
    this.descriptor = -1;
    return refuseByServer(EIO, REFUSED_GOFER_GONE);
  }

  /** The descriptor that came with the last answer, or -1; from now on the caller's. */
  takeDescriptor(): i32 {
    const descriptor = this.descriptor;
    this.descriptor = -1;
    return descriptor;
  }

  private rewind(): void {
    const capacity = <u32>(RESPONSE - REQUEST);
    this.writer.reset(this.buffer + REQUEST, capacity);
  }

  /** As start(), for a request that makes a chain of fids, one for each component behind the first `skip`. */
  startChain(type: u32, chain: u32, skip: u32): void {
    this.start(type, chain);
    const pending = changetype<Pending>(changetype<usize>(this.pending.last));
    pending.isChain = true;
    pending.skip = skip;
  }

  private putHeader(pending: Pending): void {
    const writer = this.writer;
    this.message = writer.position;
    writer.u32(0);
    writer.u8(pending.type);
    writer.u16(pending.tag);
  }

  private putClunks(): void {
    if (this.pending.count >= PENDING_SOFT_MAX) return;
    if (this.extended) {
      if (this.fids.queued > 0) this.putClunkChain();
      return;
    }
    let left = min(this.fids.queued, CLUNKS_PER_SEND);
    while (left > 0) {
      const pending = this.pending.push(P9_TCLUNK, this.fids.dequeue());
      pending.abandoned = true;
      if (this.firstUnsent === null) this.firstUnsent = pending;
      this.putHeader(pending);
      this.writer.u32(pending.fid);
      store<u32>(this.message, CLUNK_SIZE);
      left--;
    }
  }

  /** One message for many fids: one answer to wait past, and one turn of the server. */
  private putClunkChain(): void {
    const count = min<u32>(this.fids.queued, P9_CLUNKS_MAX);
    const pending = this.pending.push(P9_TCLUNKS, this.fids.dequeueChain(count));
    pending.abandoned = true;
    pending.isChain = true;
    if (this.firstUnsent === null) this.firstUnsent = pending;
    this.putHeader(pending);
    const writer = this.writer;
    writer.u16(count);
    for (let fid = pending.fid; fid != P9_NOFID; fid = this.fids.nextInChain(fid)) writer.u32(fid);
    store<u32>(this.message, <u32>(writer.position - this.message));
  }

  /**
   * Sends what is unsent and receives one message; its length, or after having cleaned up -EINTR, -EIO, or -EMSGSIZE when the
   * server would not take a request of this size.
   */
  private exchange(): i32 {
    const request = this.buffer + REQUEST;
    const requestLength = this.firstUnsent === null ? 0 : <u32>(this.writer.position - request);
    if (requestLength && this.writer.overrun) {
      this.discardUnsent();
      this.failure = -EMSGSIZE;
      return -EMSGSIZE;
    }
    const thread = changetype<usize>(currentThread());
    const buffer = this.buffer;
    store<i32>(buffer, -1);
    unlockKernel();
    const length = p9Rpc(thread, this.id, request, requestLength, buffer + RESPONSE, this.msize, buffer);
    lockKernel();
    if (length == -ECANCELED) {
      this.discardUnsent();
      return -EINTR;
    }
    this.firstUnsent = null;
    if (length == -EINTR) {
      this.abandon(-EINTR);
      return -EINTR;
    }
    return length < 0 ? this.fail() : length;
  }

  /** The request that a message answers, or null when it is no answer. */
  private identify(response: usize, length: u32): Pending | null {
    if (length < <u32>P9_HEADER || length > this.msize || load<u32>(response) != length) return null;
    const pending = this.pending.find(load<u16>(response, 5));
    if (pending === null) return null;
    const type = <u32>load<u8>(response, 4);
    if (type == <u32>P9_RLERROR) return length == ERROR_SIZE ? pending : null;
    return type == pending.type + 1 ? pending : null;
  }

  private accept(wanted: Pending, response: usize, length: u32, descriptor: i32): i32 {
    const type = <u32>load<u8>(response, 4);
    const isOpen = type == <u32>P9_RLOPEN || type == <u32>P9_RLCREATE || type == <u32>P9_RCREATEATTR;
    if (descriptor >= 0) {
      if (isOpen && this.donates && this.descriptor < 0) this.descriptor = descriptor;
      else closeHandle(descriptor);
    }
    const fid = wanted.fid;
    const isChain = wanted.isChain;
    this.wanted = wanted.next;
    this.pending.remove(wanted);
    if (type == <u32>P9_RLERROR) {
      if (isChain) this.fids.releaseChain(fid);
      else if (fid != P9_NOFID) this.fids.release(fid);
      return this.errorOf(load<u32>(response, P9_HEADER));
    }
    this.reader.reset(response + P9_HEADER, length - P9_HEADER);
    return 0;
  }

  /** A server's errno as ours. */
  errorOf(errno: u32): i32 {
    if (errno == 0 || errno > ERRNO_MAX) return this.fail();
    // EINTR means to our callers that their thread is to end.
    return refuseByServer(errno == <u32>EINTR || errno >= ERRNO_END ? EIO : <i32>errno, REFUSED_BY_HOST);
  }

  /** A late answer to what nobody waits for. False when it cannot be one. */
  private settle(pending: Pending, response: usize, length: u32): bool {
    const type = <u32>load<u8>(response, 4);
    const fid = pending.fid;
    let made = type != <u32>P9_RLERROR;
    if (pending.isChain) {
      if (made && pending.type == <u32>P9_TWALKFIDS) {
        if (length < WALKATTR_HEAD) return false;
        this.settleWalk(pending, load<u16>(response, WALKATTR_COUNT));
      } else if (made && pending.type != <u32>P9_TCLUNKS) {
        this.fids.queueChain(fid);
      } else {
        this.fids.releaseChain(fid);
      }
      this.pending.remove(pending);
      return true;
    }
    if (made && pending.type == <u32>P9_TWALKATTR) {
      if (length < WALKATTR_HEAD) return false;
      made = load<u32>(response, P9_HEADER) == 0;
    }
    if (fid != P9_NOFID) {
      if (made && pending.type != <u32>P9_TCLUNK) this.fids.queue(fid);
      else this.fids.release(fid);
    }
    this.pending.remove(pending);
    return true;
  }

  /** A walk of fids that nobody waits for: those that it made are given back. */
  private settleWalk(pending: Pending, walked: u32): void {
    let fid = pending.fid;
    let made = walked > pending.skip ? walked - pending.skip : 0;
    while (fid != P9_NOFID) {
      const next = this.fids.nextInChain(fid);
      if (made > 0) {
        made--;
        this.fids.queue(fid);
      } else {
        this.fids.release(fid);
      }
      fid = next;
    }
  }

  /** Nobody will wait for the answers that are due. */
  private abandon(failure: i32): void {
    let at = this.wanted;
    while (at !== null) {
      at.abandoned = true;
      at = at.next;
    }
    this.wanted = null;
    this.failure = failure;
  }

  /** Takes back what was never sent: fids to clunk are queued again, fids to be made are free. */
  private discardUnsent(): void {
    let at = this.firstUnsent;
    if (at === null) return;
    while (at !== null) {
      const next = at.next;
      if (at.type == <u32>P9_TCLUNKS) this.fids.queueChain(at.fid);
      else if (at.isChain) this.fids.releaseChain(at.fid);
      else if (at.type == <u32>P9_TCLUNK) this.fids.queue(at.fid);
      else if (at.fid != P9_NOFID) this.fids.release(at.fid);
      this.pending.remove(at);
      at = next;
    }
    this.firstUnsent = null;
    this.wanted = null;
    this.failure = -EINTR;
  }
}
