// The master side: what is written comes to the terminal as typed, what the terminal writes can be read.

import { EAGAIN, EFAULT, EIO } from "../../abi/errno.ts";
import { O_NONBLOCK } from "../../abi/fcntl.ts";
import { FIONREAD, TIOCGPGRP, TIOCGPTLCK, TIOCGPTN, TIOCOUTQ, TIOCSPTLCK } from "../../abi/ioctl.ts";
import { POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../abi/poll.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { isKernelMemory } from "../../mm/kernel-memory.ts";
import { pause } from "../../sched/pause.ts";
import { WaitQueue } from "../../sched/wait-queue.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { Mount } from "../../vfs/mount.ts";
import { Text } from "../../vfs/text.ts";
import { DevptsFilesystem } from "./instance.ts";
import { Terminal } from "./terminal.ts";
import { putWord, terminalIoctl } from "./tty-ioctl.ts";

/** Bytes that a write takes at once. */
const CHUNK: u32 = 256;

@final
export class MasterDescription extends FileDescription {
  /** Takes over the reference on `terminal`; takes one on `fs`. */
  constructor(
    mount: Mount,
    dentry: Dentry,
    flags: u32,
    private readonly fs: DevptsFilesystem,
    private readonly terminal: Terminal,
  ) {
    super(mount, dentry, flags);
    fs.incRef();
  }

  override destroy(): void {
    const terminal = this.terminal;
    terminal.hungUp = true;
    this.fs.removeTerminal(terminal);
    terminal.wakeBoth();
    terminal.decRef();
    this.fs.decRef();
    super.destroy();
  }

  /** Linux: pty_show_fdinfo(). */
  override showInfo(out: Text): void {
    out.text("tty-index:\t").decimal(this.terminal.index).byte(0x0a);
  }

  override isSeekable(): bool {
    return false;
  }

  /** Errors: EIO when all is read and no replica is open any more, EAGAIN, EINTR. */
  override read(to: IovIter, _offset: i64): i64 {
    const terminal = this.terminal;
    if (to.remaining == 0) return 0;
    while (true) {
      const moved = terminal.output.queue.moveTo(to);
      if (moved > 0) {
        terminal.replicaWait.wakeAll();
        return moved;
      }
      if (terminal.replicasLeft) return -EIO;
      if (this.flags & <u32>O_NONBLOCK) return -EAGAIN;
      const result = terminal.masterWait.sleep(-1);
      if (result < 0) return result;
    }
  }

  /** Errors: EAGAIN, EINTR; what was taken before counts. */
  override write(from: IovIter, _offset: i64): i64 {
    const terminal = this.terminal;
    const discipline = terminal.discipline;
    const total = from.remaining;
    const chunk = heap.alloc(CHUNK);
    let result: i64 = 0;
    let length: u32 = 0;
    let done: u32 = 0;
    let written: i64 = 0;
    while (result == 0 && (done < length || from.remaining > 0)) {
      if (done == length) {
        length = from.take(chunk, CHUNK);
        done = 0;
        if (length == 0) break;
      }
      // What the terminal echoes is lost when the master does not read it, as on Linux: else both would wait for ever.
      while (done < length && discipline.hasRoom) {
        discipline.receive(load<u8>(chunk + done++));
        written++;
      }
      terminal.wakeBoth();
      if (done == length) {
        // Bytes that nobody reads are lost, and so a write may go on for long.
        result = pause();
        continue;
      }
      result = this.flags & <u32>O_NONBLOCK ? -EAGAIN : terminal.masterWait.sleep(-1);
    }
    heap.free(chunk);
    assert(written <= <i64>total, "no byte is taken twice");
    return written > 0 ? written : result;
  }

  override pollQueue(): WaitQueue | null {
    return this.terminal.masterWait;
  }

  override poll(): u32 {
    const terminal = this.terminal;
    let events: u32 = 0;
    if (terminal.output.queue.length > 0) events |= <u32>(POLLIN | POLLRDNORM);
    if (terminal.discipline.hasRoom) events |= <u32>(POLLOUT | POLLWRNORM);
    if (terminal.replicasLeft) events |= POLLHUP;
    return events;
  }

  override ioctl(request: u32, argument: usize): i64 {
    const terminal = this.terminal;
    switch (request) {
      case <u32>TIOCGPTN:
        return putWord(argument, terminal.index);
      case <u32>TIOCGPTLCK:
        return putWord(argument, terminal.locked ? 1 : 0);
      case TIOCSPTLCK:
        if (!isKernelMemory(argument, 4)) return -EFAULT;
        terminal.locked = load<u32>(argument) != 0;
        return 0;
      case FIONREAD:
        return putWord(argument, terminal.output.queue.length);
      case TIOCOUTQ:
        return putWord(argument, 0);
      // Nobody is in the foreground.
      case TIOCGPGRP:
        return putWord(argument, 0);
      default:
        return terminalIoctl(terminal, request, argument);
    }
  }
}
