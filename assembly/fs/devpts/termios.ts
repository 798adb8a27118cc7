// The settings of one terminal (Linux: struct ktermios, tty_std_termios).

import {
  B38400,
  CREAD,
  CS8,
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ICANON,
  ICRNL,
  IEXTEN,
  ISIG,
  IXON,
  NCCS,
  ONLCR,
  OPOST,
} from "../../abi/termios.ts";

/** INIT_C_CC: ^C ^\ DEL ^U ^D, TIME 0, MIN 1, none, ^Q ^S ^Z, none, ^R ^O ^W ^V, none. */
const FIRST_CC: usize = memory.data<u8>([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0]);
const SPEED: u32 = 38400;
/** Where c_line and c_cc lie in struct termios. */
const LINE: usize = 16;
const CC: usize = 17;
const ISPEED: usize = 36;
const OSPEED: usize = 40;

@final
export class Termios {
  iflag: u32 = <u32>(ICRNL | IXON);
  oflag: u32 = <u32>(OPOST | ONLCR);
  cflag: u32 = <u32>(B38400 | CS8 | CREAD);
  lflag: u32 = <u32>(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
  line: u8 = 0;
  readonly cc: usize = heap.alloc(NCCS);
  private ispeed: u32 = SPEED;
  private ospeed: u32 = SPEED;

  constructor() {
    memory.copy(this.cc, FIRST_CC, NCCS);
  }

  destroy(): void {
    heap.free(this.cc);
  }

  input(flag: u32): bool {
    return (this.iflag & flag) != 0;
  }
  output(flag: u32): bool {
    return (this.oflag & flag) != 0;
  }
  local(flag: u32): bool {
    return (this.lflag & flag) != 0;
  }
  /** Whether `byte` is the control character `index`; 0 is none. */
  is(index: u32, byte: u32): bool {
    const set: u32 = load<u8>(this.cc + index);
    return set != 0 && set == byte;
  }

  /** Writes a struct termios, or termios2 with `speeds`. */
  put(out: usize, speeds: bool): void {
    store<u32>(out, this.iflag);
    store<u32>(out, this.oflag, 4);
    store<u32>(out, this.cflag, 8);
    store<u32>(out, this.lflag, 12);
    store<u8>(out, this.line, LINE);
    memory.copy(out + CC, this.cc, NCCS);
    if (!speeds) return;
    store<u32>(out, this.ispeed, ISPEED);
    store<u32>(out, this.ospeed, OSPEED);
  }

  /** Reads one. A pseudoterminal has eight bits and no parity whatever is asked (Linux: pty_set_termios()). */
  take(from: usize, speeds: bool): void {
    this.iflag = load<u32>(from);
    this.oflag = load<u32>(from, 4);
    this.cflag = (load<u32>(from, 8) & ~CSIZE_PARENB) | <u32>(CS8 | CREAD);
    this.lflag = load<u32>(from, 12);
    this.line = load<u8>(from, LINE);
    memory.copy(this.cc, from + CC, NCCS);
    if (!speeds) return;
    this.ispeed = load<u32>(from, ISPEED);
    this.ospeed = load<u32>(from, OSPEED);
  }
}

const CSIZE_PARENB: u32 = 0o60 | 0o400;
