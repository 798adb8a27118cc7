// inotify(7): a queue of events of the files that are watched.
//
// An instance is a description; it owns its watches, and each watch holds a reference on its inode. A watch ends by
// inotify_rm_watch(2), by its file's end or unmount, after its first event when it is a one-shot, and with the instance.

import { memoryIsShort } from "mm/page";
import { EAGAIN, EEXIST, EFAULT, EINVAL, EMFILE, ENOSPC, ENOTTY } from "../abi/errno.ts";
import { O_NONBLOCK, O_RDONLY } from "../abi/fcntl.ts";
import {
  IN_ALL_EVENTS,
  IN_DELETE_SELF,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_ISDIR,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_MOVE_SELF,
  IN_ONESHOT,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
} from "../abi/inotify.ts";
import { FIONREAD } from "../abi/ioctl.ts";
import { ROOT_INOTIFY_COUNT } from "../abi/kernel-layout.ts";
import { POLLIN, POLLRDNORM } from "../abi/poll.ts";
import { equal } from "../lib/bytes.ts";
import { free } from "../lib/ref-counted.ts";
import { errorOf } from "../lib/result.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { isKernelMemory } from "../mm/kernel-memory.ts";
import { WaitQueue } from "../sched/wait-queue.ts";
import { Inode } from "../vfs/dentry.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Text } from "../vfs/text.ts";
import { listWatch, unlistWatch, Watch } from "../vfs/watch.ts";
import { anonymousMount, makeAnonymous } from "./anonymous.ts";

/** /proc/sys/fs/inotify/max_user_instances; here of all users together. */
const INSTANCES_MAX: u32 = 128;
/** Watches of one instance. Linux: of one user, by the machine's memory (max_user_watches). */
const WATCHES_MAX: u32 = 8192;
/** /proc/sys/fs/inotify/max_queued_events. */
const EVENTS_MAX: u32 = 16384;

// A queued event: next (u32), then struct inotify_event: wd (i32), mask, cookie, length of the name as it is read (u32); then the name's
// own length (u32) and its bytes.
const AT_WD: usize = 4;
const AT_MASK: usize = 8;
const AT_COOKIE: usize = 12;
const AT_PADDED: usize = 16;
const AT_LENGTH: usize = 20;
const AT_NAME: usize = 24;
/** sizeof(struct inotify_event): names are padded to multiples of it. */
const EVENT_SIZE: u32 = 16;

@final
class InotifyWatch extends Watch {
  nextInInstance: InotifyWatch | null = null;
  previousInInstance: InotifyWatch | null = null;

  /** Takes a reference on `inode`. */
  constructor(
    readonly instance: InotifyFile,
    readonly inode: Inode,
    readonly wd: i32,
    public mask: u32,
  ) {
    super();
    inode.incRef();
    this.fs = changetype<usize>(inode.fs);
    this.nextOnInode = changetype<Watch | null>(inode.watches);
    inode.watches = changetype<usize>(this);
    listWatch(this);
    inode.watched();
  }

  event(mask: u32, cookie: u32, name: usize, length: u32, gone: bool): void {
    if (!(this.mask & mask & <u32>IN_ALL_EVENTS)) return;
    if (gone && this.mask & <u32>IN_EXCL_UNLINK) return;
    const self = (mask & <u32>(IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
    this.instance.push(this.wd, self ? mask & ~(<u32>IN_ISDIR) : mask, cookie, name, length);
    if (this.mask & <u32>IN_ONESHOT) this.instance.drop(this);
  }

  lost(mask: u32): void {
    // Linux keeps IN_ISDIR from the events of a directory about itself, but not from this one.
    const tells = mask & <u32>IN_UNMOUNT && this.inode.isDirectory ? mask | <u32>IN_ISDIR : mask;
    if (mask & (this.mask | <u32>IN_UNMOUNT)) this.instance.push(this.wd, tells, 0, 0, 0);
    this.instance.drop(this);
  }

  /** Leaves the lists of the inode and of the kernel, and ends. */
  destroy(): void {
    const inode = this.inode;
    unlistWatch(this);
    let previous: Watch | null = null;
    let at = changetype<Watch | null>(inode.watches);
    while (at !== null && at !== this) {
      previous = at;
      at = at.nextOnInode;
    }
    if (previous === null) inode.watches = changetype<usize>(this.nextOnInode);
    else previous.nextOnInode = this.nextOnInode;
    inode.decRef();
    free(this);
  }
}

/** What a watch's mask may say of itself beside the events (Linux: INOTIFY_USER_MASK). */
const MASK_SHOWN: u32 = <u32>(IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT);

@final
export class InotifyFile extends FileDescription {
  private watches: InotifyWatch | null = null;
  private watchCount: u32 = 0;
  private lastWd: i32 = 0;
  private head: usize = 0;
  private tail: usize = 0;
  private eventCount: u32 = 0;
  /** The queue has IN_Q_OVERFLOW in it. */
  private overflows: bool = false;
  private readonly queue: WaitQueue = new WaitQueue();

  override destroy(): void {
    let watch = this.watches;
    while (watch !== null) {
      const next = watch.nextInInstance;
      watch.destroy();
      watch = next;
    }
    while (this.head) this.dropFirst();
    free(this.queue);
    store<u32>(ROOT_INOTIFY_COUNT, load<u32>(ROOT_INOTIFY_COUNT) - 1);
    super.destroy();
  }

  override isSeekable(): bool {
    return false;
  }

  override takesFlags(_writes: bool): bool {
    return false;
  }

  /** Linux: noop_llseek(). */
  override seek(_offset: i64, _whence: i32): i64 {
    return 0;
  }

  /**
   * Watches a file, or changes how it is watched; returns the watch descriptor. Errors: EEXIST with IN_MASK_CREATE, ENOSPC. Linux:
   * inotify_update_watch().
   */
  watch(inode: Inode, mask: u32): i32 {
    let at = changetype<Watch | null>(inode.watches);
    while (at !== null) {
      const known = changetype<InotifyWatch>(at);
      if (known.instance === this) {
        if (mask & <u32>IN_MASK_CREATE) return -EEXIST;
        known.mask = mask & <u32>IN_MASK_ADD ? known.mask | mask : mask;
        return known.wd;
      }
      at = at.nextOnInode;
    }
    if (this.watchCount >= WATCHES_MAX || this.lastWd == i32.MAX_VALUE || memoryIsShort()) return -ENOSPC;
    const made = new InotifyWatch(this, inode, ++this.lastWd, mask);
    const head = this.watches;
    made.nextInInstance = head;
    if (head !== null) head.previousInInstance = made;
    this.watches = made;
    this.watchCount++;
    return made.wd;
  }

  /** inotify_rm_watch(2). Errors: EINVAL. */
  unwatch(wd: i32): i32 {
    let at = this.watches;
    while (at !== null && at.wd != wd) at = at.nextInInstance;
    if (at === null) return -EINVAL;
    this.drop(at);
    return 0;
  }

  /** Ends a watch, and tells so. */
  drop(watch: InotifyWatch): void {
    const next = watch.nextInInstance;
    const previous = watch.previousInInstance;
    if (previous === null) this.watches = next;
    else previous.nextInInstance = next;
    if (next !== null) next.previousInInstance = previous;
    this.watchCount--;
    this.push(watch.wd, IN_IGNORED, 0, 0, 0);
    watch.destroy();
  }

  /** Queues an event, unless the last one says the same; when the queue is full, that there was more, unless it says so already. */
  push(wd: i32, mask: u32, cookie: u32, name: usize, length: u32): void {
    if (this.eventCount >= EVENTS_MAX || memoryIsShort()) {
      if (this.overflows) return;
      this.overflows = true;
      this.append(-1, IN_Q_OVERFLOW, 0, 0, 0);
    } else if (mask & <u32>IN_IGNORED || !this.isLast(wd, mask, name, length)) {
      this.append(wd, mask, cookie, name, length);
    }
    this.queue.wakeAll();
  }

  private isLast(wd: i32, mask: u32, name: usize, length: u32): bool {
    const tail = this.tail;
    if (!tail || load<i32>(tail, AT_WD) != wd || load<u32>(tail, AT_MASK) != mask) return false;
    return load<u32>(tail, AT_LENGTH) == length && (length == 0 || equal(tail + AT_NAME, name, length));
  }

  private append(wd: i32, mask: u32, cookie: u32, name: usize, length: u32): void {
    const event = heap.alloc(AT_NAME + length);
    store<u32>(event, 0);
    store<i32>(event, wd, AT_WD);
    store<u32>(event, mask, AT_MASK);
    store<u32>(event, cookie, AT_COOKIE);
    store<u32>(event, length ? (length + EVENT_SIZE) & ~(EVENT_SIZE - 1) : 0, AT_PADDED);
    store<u32>(event, length, AT_LENGTH);
    memory.copy(event + AT_NAME, name, length);
    if (this.tail) store<u32>(this.tail, <u32>event);
    else this.head = event;
    this.tail = event;
    this.eventCount++;
  }

  private dropFirst(): void {
    const event = this.head;
    this.head = <usize>load<u32>(event);
    if (!this.head) this.tail = 0;
    this.eventCount--;
    if (load<u32>(event, AT_MASK) & <u32>IN_Q_OVERFLOW) this.overflows = false;
    heap.free(event);
  }

  /** A line for each watch, the newest first (Linux: inotify_fdinfo()). */
  override showInfo(out: Text): void {
    let at = this.watches;
    while (at !== null) {
      const inode = at.inode;
      out
        .text("inotify wd:")
        .hex(<u64>at.wd, 1)
        .text(" ino:")
        .hex(inode.ino, 1);
      out
        .text(" sdev:")
        .hex(inode.fs.device, 1)
        .text(" mask:")
        .hex(at.mask & MASK_SHOWN, 1);
      out.text(" ignored_mask:0 \n");
      at = at.nextInInstance;
    }
  }

  /**
   * Whole events, as many as fit. Each buffer is read into by itself, the next one only when the last one is full (Linux:
   * do_loop_readv_writev()). Errors: EAGAIN, EINTR; EINVAL when the first event does not fit.
   */
  override read(to: IovIter, _offset: i64): i64 {
    let done: i64 = 0;
    do {
      const room = to.spanLength;
      const result = this.readInto(to, room);
      if (result < 0) return done ? done : result;
      done += result;
      if (result < <i64>room) break;
    } while (to.remaining);
    return done;
  }

  private readInto(to: IovIter, room: u32): i64 {
    while (!this.head) {
      const result = this.flags & <u32>O_NONBLOCK ? -EAGAIN : this.queue.sleep(-1);
      if (result < 0) return result;
    }
    let done: u32 = 0;
    while (this.head) {
      const event = this.head;
      const padded = load<u32>(event, AT_PADDED);
      if (EVENT_SIZE + padded > room - done) return done ? <i64>done : -EINVAL;
      to.put(event + AT_WD, EVENT_SIZE);
      putPadded(to, event + AT_NAME, load<u32>(event, AT_LENGTH), padded);
      done += EVENT_SIZE + padded;
      this.dropFirst();
    }
    return done;
  }

  override poll(): u32 {
    return this.head ? <u32>(POLLIN | POLLRDNORM) : 0;
  }

  override pollQueue(): WaitQueue | null {
    return this.queue;
  }

  override ioctl(request: u32, argument: usize): i64 {
    if (request != <u32>FIONREAD) return -ENOTTY;
    if (!isKernelMemory(argument, 4)) return -EFAULT;
    let bytes: u32 = 0;
    for (let event = this.head; event; event = <usize>load<u32>(event))
      bytes += EVENT_SIZE + load<u32>(event, AT_PADDED);
    store<u32>(argument, bytes);
    return 0;
  }
}

/** The name, and zeros up to `padded` bytes. */
function putPadded(to: IovIter, name: usize, length: u32, padded: u32): void {
  to.put(name, length);
  const zeros = heap.alloc(EVENT_SIZE);
  memory.fill(zeros, 0, EVENT_SIZE);
  to.put(zeros, padded - length);
  heap.free(zeros);
}

/** A new instance, or EMFILE; `flags` may have O_NONBLOCK. */
export function makeInotify(flags: u32): usize {
  const count = load<u32>(ROOT_INOTIFY_COUNT);
  if (count >= INSTANCES_MAX) return errorOf(-EMFILE);
  store<u32>(ROOT_INOTIFY_COUNT, count + 1);
  const dentry = makeAnonymous("anon_inode:inotify");
  const file = new InotifyFile(anonymousMount(), dentry, flags | <u32>O_RDONLY);
  dentry.decRef();
  return changetype<usize>(file);
}
