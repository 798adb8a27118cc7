// Pipes and FIFOs (Linux: fs/pipe.c): a bounded ring of pages between those who write and those who read.
//
// A slot of the ring holds a run of bytes in one page. A write first fills up the last page, when all that does not fill whole
// pages fits there, and takes a slot for each page of the rest: so a pipe can be full with fewer bytes than its capacity, as on
// Linux. A write of at most PIPE_BUF bytes is one piece.
//
// A Pipe is shared by the descriptions of it. pipe(2) makes one of its own; a FIFO's hangs on its inode while it is open, one
// for all names and descriptions. One queue is woken whole whenever bytes, room, a reader or a writer come or go.
//
// Nothing is moved while a lock is needed: the kernel lock is held from the look at the ring to the copy, and given up only to sleep.

import { allocDataPages, freePages, memoryIsShort } from "mm/page";
import { EAGAIN, EBUSY, EFAULT, EINVAL, ENOMEM, ENOTTY, ENXIO, EPERM, EPIPE } from "../abi/errno.ts";
import { O_ACCMODE, O_DIRECT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from "../abi/fcntl.ts";
import { FIONREAD } from "../abi/ioctl.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../abi/poll.ts";
import { free, RefCounted } from "../lib/ref-counted.ts";
import { errorOf } from "../lib/result.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { isKernelMemory } from "../mm/kernel-memory.ts";
import { WaitQueue } from "../sched/wait-queue.ts";
import { fileAccessed } from "./atime.ts";
import { realTime } from "./clock.ts";
import { Dentry } from "./dentry.ts";
import { FileDescription } from "./file-description.ts";
import { Mount } from "./mount.ts";

const PAGE: u32 = 4096;
/** Slots of a new pipe: 64 KiB. */
const SLOTS: u32 = 16;
/** What a process without CAP_SYS_RESOURCE may ask for (/proc/sys/fs/pipe-max-size). */
export const PIPE_MAX_SIZE: u32 = 1048576;
/** What anybody may. Linux: 2 GiB; here less, for the pages are the kernel's own memory. */
const CAPACITY_MAX: u32 = 16 * 1048576;

// A slot of the ring, 16 bytes: the page, where its bytes begin, how many there are, and whether they are a packet.
const SLOT_SHIFT: usize = 4;
const AT_PAGE: usize = 0;
const AT_START: usize = 4;
const AT_LENGTH: usize = 8;
/** PACKET, PAGE_OF_FILE, or 0. */
const AT_PACKET: usize = 12;
const PACKET: u32 = 1;
const PAGE_OF_FILE: u32 = 2;

@final
export class Pipe extends RefCounted {
  private slots: usize = heap.alloc((<usize>SLOTS) << SLOT_SHIFT);
  /** A power of two. */
  private slotCount: u32 = SLOTS;
  /** Counts up for ever; the slot is the number modulo slotCount. */
  private head: u32 = 0;
  private tail: u32 = 0;
  /** A page that was read empty, kept for the next write. */
  private spare: usize = 0;
  readers: u32 = 0;
  writers: u32 = 0;
  /** How often it was opened for reading and for writing: who waits for the other end looks whether this moved. */
  readerCount: u32 = 0;
  writerCount: u32 = 0;
  readonly queue: WaitQueue = new WaitQueue();

  destroy(): void {
    while (!this.isEmpty) this.dropFirst();
    if (this.spare) freePages(this.spare);
    heap.free(this.slots);
    free(this.queue);
  }

  get isEmpty(): bool {
    return this.head == this.tail;
  }
  get isFull(): bool {
    return this.head - this.tail >= this.slotCount;
  }
  /** In bytes. */
  get capacity(): u32 {
    return this.slotCount * PAGE;
  }

  /** Bytes that the free slots take. */
  get room(): u32 {
    return (this.slotCount - (this.head - this.tail)) * PAGE;
  }

  /** Bytes to be read. */
  get length(): u32 {
    let sum: u32 = 0;
    for (let at = this.tail; at != this.head; at++) sum += load<u32>(this.slot(at), AT_LENGTH);
    return sum;
  }

  /**
   * Sets the capacity to at least `size` bytes; returns what it is now (Linux: pipe_set_size()). Errors: EINVAL; EPERM above
   * PIPE_MAX_SIZE without `privileged`; ENOMEM; EBUSY when more slots are in use.
   */
  setCapacity(size: u32, privileged: bool): i32 {
    if (size > 1 << 31) return -EINVAL;
    let count: u32 = 1;
    while (<u64>count * PAGE < <u64>size) count <<= 1;
    if (count > this.slotCount && count * PAGE > PIPE_MAX_SIZE && !privileged) return -EPERM;
    if (<u64>count * PAGE > <u64>CAPACITY_MAX) return -ENOMEM;
    if (count > this.slotCount && memoryIsShort()) return -ENOMEM;
    const used = this.head - this.tail;
    if (used > count) return -EBUSY;
    const slots = heap.alloc((<usize>count) << SLOT_SHIFT);
    for (let i: u32 = 0; i < used; i++) {
      memory.copy(slots + ((<usize>i) << SLOT_SHIFT), this.slot(this.tail + i), 1 << SLOT_SHIFT);
    }
    heap.free(this.slots);
    this.slots = slots;
    this.slotCount = count;
    this.tail = 0;
    this.head = used;
    this.queue.wakeAll();
    return <i32>this.capacity;
  }

  /** Moves what there is to `to`, or one packet; returns the bytes. Never sleeps. */
  take(to: IovIter): u32 {
    let done: u32 = 0;
    while (to.remaining && !this.isEmpty) {
      const slot = this.slot(this.tail);
      const packet = load<u32>(slot, AT_PACKET) == PACKET;
      const start = load<u32>(slot, AT_START);
      const length = load<u32>(slot, AT_LENGTH);
      const moved = to.put(<usize>load<u32>(slot, AT_PAGE) + start, length);
      done += moved;
      store<u32>(slot, start + moved, AT_START);
      store<u32>(slot, length - moved, AT_LENGTH);
      // What does not fit of a packet is lost.
      if (moved == length || packet) this.dropFirst();
      if (packet) break;
    }
    return done;
  }

  /**
   * Takes what there is room for from `from`; returns the bytes, or -ENOMEM when not one could be kept. `packet`: each page is one.
   */
  put(from: IovIter, packet: bool, fresh: bool): i32 {
    let done: u32 = 0;
    const odd = from.remaining & (PAGE - 1);
    if (fresh && odd && !this.isEmpty) {
      const last = this.slot(this.head - 1);
      const end = load<u32>(last, AT_START) + load<u32>(last, AT_LENGTH);
      if (!load<u32>(last, AT_PACKET) && end + odd <= PAGE) {
        done = from.take(<usize>load<u32>(last, AT_PAGE) + end, odd);
        store<u32>(last, load<u32>(last, AT_LENGTH) + done, AT_LENGTH);
      }
    }
    while (from.remaining && !this.isFull) {
      const page = this.takePage();
      if (!page) return done ? <i32>done : -ENOMEM;
      const slot = this.slot(this.head);
      const moved = from.take(page, min(from.remaining, PAGE));
      store<u32>(slot, <u32>page, AT_PAGE);
      store<u32>(slot, 0, AT_START);
      store<u32>(slot, moved, AT_LENGTH);
      store<u32>(slot, packet ? PACKET : 0, AT_PACKET);
      this.head++;
      done += moved;
    }
    return <i32>done;
  }

  /** Takes at most a page from `from` to a slot of its own, to which no write adds. Preconditions: !isFull. */
  putPage(from: IovIter): i32 {
    const at = this.head;
    const moved = this.put(from, false, false);
    if (moved > 0) store<u32>(this.slot(at), PAGE_OF_FILE, AT_PACKET);
    return moved;
  }

  private slot(at: u32): usize {
    return this.slots + ((<usize>(at & (this.slotCount - 1))) << SLOT_SHIFT);
  }

  private takePage(): usize {
    const spare = this.spare;
    if (!spare) return allocDataPages(0);
    this.spare = 0;
    return spare;
  }

  private dropFirst(): void {
    const page = <usize>load<u32>(this.slot(this.tail), AT_PAGE);
    if (this.spare) freePages(page);
    else this.spare = page;
    this.tail++;
  }
}

/** An open end, or both, of a pipe. */
@final
export class PipeFile extends FileDescription {
  /** Pipe.writerCount when it was opened: POLLHUP is told of a FIFO once somebody has written since. */
  private readonly writersSeen: u32;

  /** Takes a reference on `pipe`, and is counted as a reader, a writer or both. */
  constructor(
    mount: Mount,
    dentry: Dentry,
    flags: u32,
    readonly pipe: Pipe,
  ) {
    super(mount, dentry, flags);
    pipe.incRef();
    this.writersSeen = pipe.writers ? pipe.writerCount - 1 : pipe.writerCount;
    if (this.canRead) {
      pipe.readers++;
      pipe.readerCount++;
    }
    if (this.canWrite) {
      pipe.writers++;
      pipe.writerCount++;
    }
    pipe.queue.wakeAll();
  }

  override destroy(): void {
    const pipe = this.pipe;
    const inode = this.inode;
    if (this.canRead) pipe.readers--;
    if (this.canWrite) pipe.writers--;
    pipe.queue.wakeAll();
    // The inode of a FIFO has its pipe for as long as somebody has it open.
    if (pipe.refs == 1 && inode.pipe == changetype<usize>(pipe)) inode.pipe = 0;
    pipe.decRef();
    super.destroy();
  }

  override isSeekable(): bool {
    return false;
  }

  /** Whether it has a name; the times of others stay what they were (Linux since 6.15). */
  private get isFifo(): bool {
    return this.dentry.parent !== null;
  }
  override get canNotWait(): bool {
    return !this.isFifo;
  }
  private get isNonblocking(): bool {
    return (this.flags & <u32>O_NONBLOCK) != 0;
  }

  /** Errors: EAGAIN, EINTR. 0 when there is nothing and nobody writes. */
  override read(to: IovIter, _offset: i64): i64 {
    const pipe = this.pipe;
    if (to.remaining == 0) return 0;
    while (pipe.isEmpty) {
      if (pipe.writers == 0) return 0;
      if (this.isNonblocking) return -EAGAIN;
      const result = pipe.queue.sleep(-1);
      if (result < 0) return result;
    }
    const done = pipe.take(to);
    pipe.queue.wakeAll();
    if (this.isFifo) fileAccessed(this);
    return done;
  }

  /** Errors: EPIPE (there are no signals), EAGAIN, ENOMEM, EINTR. */
  override write(from: IovIter, _offset: i64): i64 {
    const pipe = this.pipe;
    if (from.remaining == 0) return 0;
    let done: u32 = 0;
    let result = 0;
    let fresh = true;
    while (true) {
      if (pipe.readers == 0) {
        result = -EPIPE;
        break;
      }
      const moved = pipe.put(from, (this.flags & <u32>O_DIRECT) != 0, fresh);
      fresh = false;
      if (moved > 0) {
        done += <u32>moved;
        pipe.queue.wakeAll();
      }
      if (from.remaining == 0) break;
      result = moved < 0 ? moved : this.isNonblocking ? -EAGAIN : pipe.queue.sleep(-1);
      if (result < 0) break;
    }
    if (done == 0) return result;
    if (this.isFifo) this.inode.touchWritten(realTime());
    return done;
  }

  /**
   * Waits until a slot is free; returns how many bytes all free slots take (Linux: wait_for_space()). Errors: EPIPE, EAGAIN, EINTR.
   */
  waitForRoom(): i32 {
    const pipe = this.pipe;
    while (true) {
      if (pipe.readers == 0) return -EPIPE;
      if (!pipe.isFull) return <i32>pipe.room;
      if (this.isNonblocking) return -EAGAIN;
      const result = pipe.queue.sleep(-1);
      if (result < 0) return result;
    }
  }

  override poll(): u32 {
    const pipe = this.pipe;
    let events: u32 = 0;
    if (this.canRead) {
      if (!pipe.isEmpty) events |= <u32>(POLLIN | POLLRDNORM);
      if (pipe.writers == 0 && pipe.writerCount != this.writersSeen) events |= <u32>POLLHUP;
    }
    if (this.canWrite) {
      if (!pipe.isFull) events |= <u32>(POLLOUT | POLLWRNORM);
      if (pipe.readers == 0) events |= <u32>POLLERR;
    }
    return events;
  }

  override pollQueue(): WaitQueue | null {
    return this.pipe.queue;
  }

  override ioctl(request: u32, argument: usize): i64 {
    if (request != <u32>FIONREAD) return -ENOTTY;
    if (!isKernelMemory(argument, 4)) return -EFAULT;
    store<u32>(argument, this.pipe.length);
    return 0;
  }
}

/**
 * Opens a FIFO of any file system (Linux: fifo_open()): waits for the other end unless that is open, or both are asked for.
 * Errors: EINVAL; ENXIO for O_NONBLOCK and nobody who reads; EINTR.
 */
export function openFifo(mount: Mount, dentry: Dentry, flags: u32): usize {
  const access = flags & <u32>O_ACCMODE;
  if (access > <u32>O_RDWR) return errorOf(-EINVAL);
  const inode = dentry.file;
  const nonblocking = (flags & <u32>O_NONBLOCK) != 0;
  const there = inode.pipe;
  const readers: u32 = there ? changetype<Pipe>(there).readers : 0;
  if (access == <u32>O_WRONLY && nonblocking && readers == 0) return errorOf(-ENXIO);
  const pipe = there ? changetype<Pipe>(there) : new Pipe();
  inode.pipe = changetype<usize>(pipe);
  const file = new PipeFile(mount, dentry, flags, pipe);
  if (!there) pipe.decRef();
  if (access == <u32>O_RDWR || (access == <u32>O_RDONLY && nonblocking)) return changetype<usize>(file);
  const result = access == <u32>O_RDONLY ? waitForWriter(pipe) : waitForReader(pipe);
  if (result == 0) return changetype<usize>(file);
  file.decRef();
  return errorOf(result);
}

/** The other end may have come and gone again meanwhile: it was there. */
function waitForWriter(pipe: Pipe): i32 {
  const before = pipe.writerCount;
  let result = 0;
  while (pipe.writers == 0 && pipe.writerCount == before && result == 0) result = pipe.queue.sleep(-1);
  return result;
}

function waitForReader(pipe: Pipe): i32 {
  const before = pipe.readerCount;
  let result = 0;
  while (pipe.readers == 0 && pipe.readerCount == before && result == 0) result = pipe.queue.sleep(-1);
  return result;
}

/** The Pipe of a pipe's or FIFO's description, or null. */
export function pipeOf(file: FileDescription): Pipe | null {
  return file instanceof PipeFile ? changetype<PipeFile>(file).pipe : null;
}
