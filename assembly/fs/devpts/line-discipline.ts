// The line discipline: what comes from the master on its way to the terminal's readers (Linux: drivers/tty/n_tty.c).
//
// Input is a ring of 4,096 bytes with three positions. Between `tail` and `canonHead` lie finished lines; between `canonHead` and
// `head` the line that is being typed, which erase and kill may still change. A mark on a byte says that a line ends with it. In
// raw mode there are no lines, and everything between `tail` and `head` can be read.

import {
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ECHONL,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNCR,
  INLCR,
  ISIG,
  ISTRIP,
  IUCLC,
  IUTF8,
  IXANY,
  IXON,
  NOFLSH,
  VEOF,
  VEOL,
  VEOL2,
  VERASE,
  VINTR,
  VKILL,
  VLNEXT,
  VQUIT,
  VREPRINT,
  VSTART,
  VSTOP,
  VSUSP,
  VWERASE,
} from "../../abi/termios.ts";
import { IovIter } from "../../mm/iov-iter.ts";
import { isControl, Output } from "./output.ts";
import { Termios } from "./termios.ts";

/** N_TTY_BUF_SIZE. */
const SIZE: u32 = 4096;
const MASK: u32 = SIZE - 1;
/** Bytes of a line, its end not counted (Linux: the buffer less one). */
const LINE_MAX: u32 = SIZE - 1;

const BACKSPACE: u32 = 0x08;
const TAB: u32 = 0x09;
const LINE_FEED: u32 = 0x0a;
const RETURN: u32 = 0x0d;
const SPACE: u32 = 0x20;
const CARET: u32 = 0x5e;
const UNDERSCORE: u32 = 0x5f;

const ERASE_ONE: u32 = 0;
const ERASE_WORD: u32 = 1;
const ERASE_LINE: u32 = 2;

@final
export class LineDiscipline {
  /** SIZE bytes, and as many marks behind them. */
  private readonly bytes: usize = heap.alloc(SIZE * 2);
  private head: u32 = 0;
  private canonHead: u32 = 0;
  private tail: u32 = 0;
  /** The next byte is taken as it is (VLNEXT). */
  private literal: bool = false;
  /** Output waits for VSTART. */
  stopped: bool = false;

  private settings: Termios | null = null;
  private echoed: Output | null = null;

  /** Once, before anything else. Both outlive this. */
  begin(termios: Termios, output: Output): void {
    this.settings = termios;
    this.echoed = output;
  }

  private get termios(): Termios {
    return changetype<Termios>(changetype<usize>(this.settings));
  }
  private get output(): Output {
    return changetype<Output>(changetype<usize>(this.echoed));
  }

  destroy(): void {
    heap.free(this.bytes);
  }

  private at(position: u32): u32 {
    return load<u8>(this.bytes + (position & MASK));
  }
  private isMarked(position: u32): bool {
    return load<u8>(this.bytes + SIZE + (position & MASK)) != 0;
  }
  private mark(position: u32, value: u8): void {
    store<u8>(this.bytes + SIZE + (position & MASK), value);
  }

  /** Bytes that FIONREAD tells: of finished lines, or in raw mode of all. */
  get readable(): u32 {
    return this.termios.local(ICANON) ? this.canonHead - this.tail : this.head - this.tail;
  }

  /** Whether a reader gets something. */
  get isReadable(): bool {
    return this.readable > 0;
  }

  /**
   * Whether the next byte may come. A line that fills the buffer takes no more bytes but loses them, since only its end can empty
   * the buffer again.
   */
  get hasRoom(): bool {
    const overflows = this.termios.local(ICANON) && this.canonHead == this.tail;
    return overflows || this.head - this.tail < LINE_MAX;
  }

  /** Forgets all input (TCIFLUSH). */
  flush(): void {
    this.tail = this.head;
    this.canonHead = this.head;
    memory.fill(this.bytes + SIZE, 0, SIZE);
    this.literal = false;
  }

  /** Settings have changed; `wasCanonical`: what ICANON was. Linux: n_tty_set_termios(). */
  reconfigure(wasCanonical: bool): void {
    const canonical = this.termios.local(ICANON);
    if (canonical != wasCanonical) {
      memory.fill(this.bytes + SIZE, 0, SIZE);
      if (!canonical || this.head == this.tail) {
        this.canonHead = this.tail;
      } else {
        // What was typed so far counts as a line.
        this.mark(this.head - 1, 1);
        this.canonHead = this.head;
      }
      this.literal = false;
    }
    if (!this.termios.input(IXON)) this.stopped = false;
  }

  /** One byte from the master. Linux: n_tty_receive_char(). */
  receive(raw: u32): void {
    const termios = this.termios;
    let byte = termios.input(ISTRIP) ? raw & 0x7f : raw;
    if (termios.input(IUCLC) && termios.local(IEXTEN) && byte >= 0x41 && byte <= 0x5a) byte += 0x20;
    if (this.literal) {
      this.literal = false;
      this.keep(byte);
      return;
    }
    if (termios.input(IXON)) {
      if (termios.is(VSTART, byte)) {
        this.stopped = false;
        return;
      }
      if (termios.is(VSTOP, byte)) {
        this.stopped = true;
        return;
      }
    }
    if (
      termios.local(ISIG) &&
      (termios.is(VINTR, byte) || termios.is(VQUIT, byte) || termios.is(VSUSP, byte))
    ) {
      this.interrupt(byte);
      return;
    }
    if (this.stopped && termios.input(IXON) && termios.input(IXANY)) this.stopped = false;
    if (byte == RETURN) {
      if (termios.input(IGNCR)) return;
      if (termios.input(ICRNL)) byte = LINE_FEED;
    } else if (byte == LINE_FEED && termios.input(INLCR)) {
      byte = RETURN;
    }
    if (termios.local(ICANON) && this.edit(byte)) return;
    this.keep(byte);
  }

  /** Nobody is sent a signal here, but what is typed and written goes (Linux: isig(), n_tty_receive_signal_char()). */
  private interrupt(byte: u32): void {
    if (!this.termios.local(NOFLSH)) {
      this.output.queue.clear();
      this.flush();
    }
    if (this.termios.input(IXON)) this.stopped = false;
    if (this.termios.local(ECHO)) this.echo(byte);
  }

  /** What a byte means in a line. False when it is no more than a byte. */
  private edit(byte: u32): bool {
    const termios = this.termios;
    const extended = termios.local(IEXTEN);
    if (termios.is(VERASE, byte)) return this.erase(ERASE_ONE);
    if (termios.is(VKILL, byte)) return this.kill();
    if (extended && termios.is(VWERASE, byte)) return this.erase(ERASE_WORD);
    if (extended && termios.is(VLNEXT, byte)) {
      this.literal = true;
      if (termios.local(ECHO) && termios.local(ECHOCTL)) {
        this.output.queue.push(CARET);
        this.output.queue.push(BACKSPACE);
      }
      return true;
    }
    if (extended && termios.local(ECHO) && termios.is(VREPRINT, byte)) return this.reprint(byte);
    if (byte == LINE_FEED) {
      if (termios.local(ECHO | ECHONL)) this.output.write(LINE_FEED);
      return this.endLine(byte);
    }
    // The end of the file is a line's end that nobody reads.
    if (termios.is(VEOF, byte)) return this.endLine(0);
    if (termios.is(VEOL, byte) || (extended && termios.is(VEOL2, byte))) {
      if (termios.local(ECHO)) this.echo(byte);
      return this.endLine(byte);
    }
    return false;
  }

  private endLine(byte: u32): bool {
    // Its place is kept free: keep() stops one before.
    this.mark(this.head, 1);
    store<u8>(this.bytes + (this.head & MASK), <u8>byte);
    this.head++;
    this.canonHead = this.head;
    return true;
  }

  private keep(byte: u32): void {
    if (this.termios.local(ECHO)) {
      if (byte == LINE_FEED) {
        this.output.write(LINE_FEED);
      } else {
        if (this.head == this.canonHead) this.output.canonColumn = this.output.column;
        this.echo(byte);
      }
    }
    if (this.head - this.tail >= LINE_MAX) return;
    this.mark(this.head, 0);
    store<u8>(this.bytes + (this.head & MASK), <u8>byte);
    this.head++;
  }

  /** Control characters are shown as ^X (Linux: echo_char()). */
  private echo(byte: u32): void {
    if (this.termios.local(ECHOCTL) && isControl(byte) && byte != TAB) this.output.text(CARET, byte ^ 0x40);
    else this.output.write(byte);
  }

  /** VKILL: takes the line back. */
  private kill(): bool {
    const termios = this.termios;
    const visibly = termios.local(ECHOK) && termios.local(ECHOKE) && termios.local(ECHOE);
    if (termios.local(ECHO) && visibly) return this.erase(ERASE_LINE);
    if (this.head == this.canonHead) return true;
    this.head = this.canonHead;
    if (!termios.local(ECHO)) return true;
    this.echo(load<u8>(termios.cc + VKILL));
    if (termios.local(ECHOK)) this.output.write(LINE_FEED);
    return true;
  }

  /** Takes back a character, a word or the line (Linux: eraser()). */
  private erase(what: u32): bool {
    let inWord = false;
    while (this.head != this.canonHead) {
      const head = this.startOfCharacter();
      const byte = this.at(head);
      if (what == ERASE_WORD) {
        const ofWord = isAlphanumeric(byte) || byte == UNDERSCORE;
        if (!ofWord && inWord) break;
        inWord = inWord || ofWord;
      }
      this.head = head;
      if (this.termios.local(ECHO)) this.echoErase(byte, what);
      if (what == ERASE_ONE) break;
    }
    return true;
  }

  /** Where the last character begins: with IUTF8 bytes 10xxxxxx belong to the one before. */
  private startOfCharacter(): u32 {
    let head = this.head - 1;
    if (!this.termios.input(IUTF8)) return head;
    while (head != this.canonHead && (this.at(head) & 0xc0) == 0x80) head--;
    return head;
  }

  private echoErase(byte: u32, what: u32): void {
    const termios = this.termios;
    if (what == ERASE_ONE && !termios.local(ECHOE)) {
      this.echo(load<u8>(termios.cc + VERASE));
      return;
    }
    if (byte == TAB) {
      this.eraseTab();
      return;
    }
    const shown = termios.local(ECHOCTL);
    if (isControl(byte) && shown) this.eraseColumn();
    if (!isControl(byte) || shown) this.eraseColumn();
  }

  private eraseColumn(): void {
    this.output.text(BACKSPACE, SPACE);
    this.output.write(BACKSPACE);
  }

  /** As many columns back as the tab took, which follows from what stands before it in the line. */
  private eraseTab(): void {
    let columns: u32 = 0;
    let afterTab = false;
    let position = this.head;
    while (position != this.canonHead) {
      position--;
      const byte = this.at(position);
      if (byte == TAB) {
        afterTab = true;
        break;
      }
      if (isControl(byte)) {
        if (this.termios.local(ECHOCTL)) columns += 2;
      } else if (!this.termios.input(IUTF8) || (byte & 0xc0) != 0x80) {
        columns++;
      }
    }
    if (!afterTab) columns += this.output.canonColumn;
    for (let left = 8 - (columns & 7); left > 0; left--) {
      this.output.queue.push(BACKSPACE);
      if (this.output.column > 0) this.output.column--;
    }
  }

  private reprint(byte: u32): bool {
    this.echo(byte);
    this.output.write(LINE_FEED);
    for (let position = this.canonHead; position != this.head; position++) this.echo(this.at(position));
    return true;
  }

  /** Moves a line, or what `to` takes of it; in raw mode what there is. Returns how much; an end of file is 0. */
  moveTo(to: IovIter): u32 {
    const canonical = this.termios.local(ICANON);
    const end = canonical ? this.canonHead : this.head;
    let moved: u32 = 0;
    while (this.tail != end && to.remaining > 0) {
      const position = this.tail++;
      const ends = canonical && this.isMarked(position);
      this.mark(position, 0);
      if (!canonical) this.canonHead = this.tail;
      // The mark on a 0 is the end of the file, which is not read.
      if (ends && this.at(position) == 0) return moved;
      to.put(this.bytes + (position & MASK), 1);
      moved++;
      if (ends) return moved;
    }
    // An end of file right behind what filled the buffer was seen with it.
    if (canonical && moved > 0 && this.tail != end && this.isMarked(this.tail) && this.at(this.tail) == 0) {
      this.mark(this.tail++, 0);
    }
    return moved;
  }
}

function isAlphanumeric(byte: u32): bool {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x7a);
}
