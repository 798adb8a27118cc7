// eventfd(2): a counter that is written to and read from.

import { EAGAIN, EINVAL } from "../abi/errno.ts";
import { O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { POLLIN, POLLOUT } from "../abi/poll.ts";
import { free } from "../lib/ref-counted.ts";
import { IovIter } from "../mm/iov-iter.ts";
import { WaitQueue } from "../sched/wait-queue.ts";
import { FileDescription } from "../vfs/file-description.ts";
import { Text } from "../vfs/text.ts";
import { anonymousMount, makeAnonymous, nextAnonymousId } from "./anonymous.ts";

/** The largest value that the counter takes. */
const COUNT_MAX: u64 = u64.MAX_VALUE - 1;
const VALUE: u32 = 8;

@final
export class EventFile extends FileDescription {
  count: u64 = 0;
  private readonly id: u64 = nextAnonymousId();
  /** A read takes one, not all. */
  semaphore: bool = false;
  private readonly queue: WaitQueue = new WaitQueue();

  override destroy(): void {
    free(this.queue);
    super.destroy();
  }

  override takesFlags(writes: bool): bool {
    return !writes;
  }

  override get canNotWait(): bool {
    return true;
  }

  /** Linux: eventfd_show_fdinfo(). */
  override showInfo(out: Text): void {
    let digits = 1;
    for (let rest = this.count >> 4; rest; rest >>= 4) digits++;
    out
      .text("eventfd-count: ")
      .spaces(16 - digits)
      .hex(this.count, 1);
    out.text("\neventfd-id: ").decimal(this.id);
    out.text("\neventfd-semaphore: ").text(this.semaphore ? "1\n" : "0\n");
  }

  override isSeekable(): bool {
    return false;
  }

  /** Linux: noop_llseek(). */
  override seek(_offset: i64, _whence: i32): i64 {
    return 0;
  }

  /** Errors: EINVAL for less than eight bytes, EAGAIN, EINTR. */
  override read(to: IovIter, _offset: i64): i64 {
    if (to.remaining < VALUE) return -EINVAL;
    while (this.count == 0) {
      const result = this.sleep();
      if (result < 0) return result;
    }
    const value: u64 = this.semaphore ? 1 : this.count;
    this.count -= value;
    const bytes = heap.alloc(VALUE);
    store<u64>(bytes, value);
    to.put(bytes, VALUE);
    heap.free(bytes);
    this.queue.wakeAll();
    return VALUE;
  }

  /** Errors: EINVAL for other than eight bytes (Linux 6.7) and for 2^64 - 1, EAGAIN, EINTR. */
  override write(from: IovIter, _offset: i64): i64 {
    if (from.remaining != VALUE) return -EINVAL;
    const bytes = heap.alloc(VALUE);
    from.take(bytes, VALUE);
    const value = load<u64>(bytes);
    heap.free(bytes);
    if (value == u64.MAX_VALUE) return -EINVAL;
    while (COUNT_MAX - this.count < value) {
      const result = this.sleep();
      if (result < 0) return result;
    }
    this.count += value;
    this.queue.wakeAll();
    return VALUE;
  }

  private sleep(): i32 {
    return this.flags & <u32>O_NONBLOCK ? -EAGAIN : this.queue.sleep(-1);
  }

  override poll(): u32 {
    return (this.count ? <u32>POLLIN : 0) | (this.count < COUNT_MAX ? <u32>POLLOUT : 0);
  }

  override pollQueue(): WaitQueue | null {
    return this.queue;
  }
}

/** A new counter; `flags` may have O_NONBLOCK. */
export function makeEventFile(count: u32, flags: u32, semaphore: bool): FileDescription {
  const dentry = makeAnonymous("anon_inode:[eventfd]");
  const file = new EventFile(anonymousMount(), dentry, flags | <u32>O_RDWR);
  dentry.decRef();
  file.count = count;
  file.semaphore = semaphore;
  return file;
}
