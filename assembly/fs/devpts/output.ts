// Output processing: what a terminal writes on its way to the master (Linux: n_tty.c do_output_char()).

import { OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY } from "../../abi/termios.ts";
import { ByteQueue } from "./queue.ts";
import { Termios } from "./termios.ts";

const BACKSPACE: u32 = 0x08;
const TAB: u32 = 0x09;
const LINE_FEED: u32 = 0x0a;
const RETURN: u32 = 0x0d;
const SPACE: u32 = 0x20;
/** The most bytes that one byte becomes: a tab in blanks. */
export const OUTPUT_MAX: u32 = 8;

export function isControl(byte: u32): bool {
  return byte < SPACE || byte == 0x7f;
}

@final
export class Output {
  readonly queue: ByteQueue = new ByteQueue();
  /** Where the cursor is, as far as it can be known. */
  column: u32 = 0;
  /** Where it was when the line that is being typed began. */
  canonColumn: u32 = 0;

  private settings: Termios | null = null;

  /** Once, before anything else. The settings outlive this. */
  begin(termios: Termios): void {
    this.settings = termios;
  }

  private get termios(): Termios {
    return changetype<Termios>(changetype<usize>(this.settings));
  }

  /** Whether any byte can be written whole. */
  get hasRoom(): bool {
    return this.queue.room >= OUTPUT_MAX;
  }

  /** Writes one byte as the settings say. */
  write(byte: u32): void {
    if (this.termios.output(OPOST)) this.process(byte);
    else this.queue.push(byte);
  }

  text(first: u32, second: u32): void {
    this.write(first);
    this.write(second);
  }

  private process(byte: u32): void {
    const termios = this.termios;
    const queue = this.queue;
    switch (byte) {
      case LINE_FEED:
        if (termios.output(ONLRET)) this.column = 0;
        if (termios.output(ONLCR)) {
          this.column = 0;
          queue.push(RETURN);
        }
        this.canonColumn = this.column;
        break;
      case RETURN:
        if (termios.output(ONOCR) && this.column == 0) return;
        if (termios.output(OCRNL)) {
          if (termios.output(ONLRET)) this.toStart();
          queue.push(LINE_FEED);
          return;
        }
        this.toStart();
        break;
      case TAB: {
        const blanks: u32 = 8 - (this.column & 7);
        this.column += blanks;
        if ((termios.oflag & <u32>TABDLY) == <u32>TABDLY) {
          for (let i: u32 = 0; i < blanks; i++) queue.push(SPACE);
          return;
        }
        break;
      }
      case BACKSPACE:
        if (this.column > 0) this.column--;
        break;
      default:
        if (isControl(byte)) break;
        this.column++;
        if (termios.output(OLCUC) && byte >= 0x61 && byte <= 0x7a) {
          queue.push(byte - 0x20);
          return;
        }
    }
    queue.push(byte);
  }

  private toStart(): void {
    this.column = 0;
    this.canonColumn = 0;
  }
}
