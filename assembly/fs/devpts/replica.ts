// The terminal itself, /dev/pts/N, as programs have it for their input and output.

import { EAGAIN, EIO, ENOTTY, ETIMEDOUT } from "../../abi/errno.ts";
import { O_NONBLOCK } from "../../abi/fcntl.ts";
import { FIONREAD, TIOCGPGRP, TIOCGSID, TIOCNOTTY, TIOCOUTQ, TIOCSPGRP } from "../../abi/ioctl.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../abi/poll.ts";
import { ICANON, VMIN, VTIME } from "../../abi/termios.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { pause } from "../../sched/pause.ts";
import { WaitQueue } from "../../sched/wait-queue.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { FileDescription } from "../../vfs/file-description.ts";
import { Mount } from "../../vfs/mount.ts";
import { Terminal } from "./terminal.ts";
import { putWord, terminalIoctl } from "./tty-ioctl.ts";

/** TIME counts tenths of a second. */
const TENTH: i64 = 100_000_000;
const CHUNK: u32 = 256;

@final
export class ReplicaDescription extends FileDescription {
  /** Takes a reference on `terminal`. */
  constructor(
    mount: Mount,
    dentry: Dentry,
    flags: u32,
    private readonly terminal: Terminal,
  ) {
    super(mount, dentry, flags);
    terminal.incRef();
    terminal.replicas++;
    terminal.replicasLeft = false;
  }

  override destroy(): void {
    const terminal = this.terminal;
    if (--terminal.replicas == 0) terminal.replicasLeft = true;
    terminal.wakeBoth();
    terminal.decRef();
    super.destroy();
  }

  override isSeekable(): bool {
    return false;
  }

  /**
   * A line; or in raw mode at least MIN bytes, or what there is after TIME (Linux: n_tty_read()). 0 at an end of file and once the
   * terminal is hung up. Errors: EIO when that happens while it sleeps, EAGAIN, EINTR.
   */
  override read(to: IovIter, _offset: i64): i64 {
    const terminal = this.terminal;
    const discipline = terminal.discipline;
    if (to.remaining == 0) return 0;
    let least: u32 = 1;
    /** What is left of the time to wait: negative for ever. */
    let wait: i64 = -1;
    /** How long the next byte may take once there is one. */
    let between: i64 = -1;
    if (!terminal.termios.local(ICANON)) {
      const time = <i64>load<u8>(terminal.termios.cc + VTIME) * TENTH;
      const minimum: u32 = load<u8>(terminal.termios.cc + VMIN);
      if (minimum == 0) wait = time;
      else if (time > 0) between = time;
      least = max<u32>(minimum, 1);
    }
    let moved: u32 = 0;
    if (terminal.hungUp) return 0;
    while (true) {
      if (terminal.hungUp) return moved > 0 ? <i64>moved : -EIO;
      if (discipline.isReadable) {
        moved += discipline.moveTo(to);
        terminal.masterWait.wakeAll();
        if (moved >= least || to.remaining == 0 || terminal.termios.local(ICANON)) return moved;
        if (between >= 0) wait = between;
      }
      if (wait == 0) return moved;
      if (this.flags & <u32>O_NONBLOCK) return moved > 0 ? <i64>moved : -EAGAIN;
      const result = terminal.replicaWait.sleep(wait);
      if (result < 0 && !discipline.isReadable)
        return moved > 0 || result == -ETIMEDOUT ? <i64>moved : result;
    }
  }

  /** Errors: EIO once the terminal is hung up, EAGAIN, EINTR; what was written before counts. */
  override write(from: IovIter, _offset: i64): i64 {
    const terminal = this.terminal;
    const output = terminal.output;
    const chunk = heap.alloc(CHUNK);
    let written: i64 = 0;
    let result: i64 = 0;
    let length: u32 = 0;
    let done: u32 = 0;
    while (result == 0 && (done < length || from.remaining > 0)) {
      if (done == length) {
        length = from.take(chunk, CHUNK);
        done = 0;
        if (length == 0) break;
      }
      if (terminal.hungUp) {
        result = -EIO;
        break;
      }
      while (done < length && output.hasRoom && !terminal.discipline.stopped) {
        output.write(load<u8>(chunk + done++));
        written++;
      }
      terminal.masterWait.wakeAll();
      if (done == length) {
        // Bytes that the settings swallow take no room, and so a write may go on for long.
        result = pause();
        continue;
      }
      result = this.flags & <u32>O_NONBLOCK ? -EAGAIN : terminal.replicaWait.sleep(-1);
    }
    heap.free(chunk);
    return written > 0 ? written : result;
  }

  override pollQueue(): WaitQueue | null {
    return this.terminal.replicaWait;
  }

  override poll(): u32 {
    const terminal = this.terminal;
    if (terminal.hungUp) return <u32>(POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM);
    let events: u32 = 0;
    if (terminal.discipline.isReadable) events |= <u32>(POLLIN | POLLRDNORM);
    if (terminal.output.hasRoom && !terminal.discipline.stopped) events |= <u32>(POLLOUT | POLLWRNORM);
    return events;
  }

  /** Errors: EIO once the terminal is hung up; ENOTTY for the foreground of a terminal that controls no session. */
  override ioctl(request: u32, argument: usize): i64 {
    const terminal = this.terminal;
    if (terminal.hungUp) return -EIO;
    switch (request) {
      case FIONREAD:
        return putWord(argument, terminal.discipline.readable);
      case TIOCOUTQ:
        return putWord(argument, terminal.output.queue.length);
      case TIOCGPGRP:
      case TIOCSPGRP:
      case TIOCGSID:
      case TIOCNOTTY:
        return -ENOTTY;
      default:
        return terminalIoctl(terminal, request, argument);
    }
  }
}
