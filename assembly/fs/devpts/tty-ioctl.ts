// The requests of ioctl(2) that both sides of a terminal answer alike (Linux: tty_ioctl.c, tty_io.c, n_tty_ioctl_helper()). A
// master speaks for its terminal: its settings are the replica's.

import { EFAULT, EINVAL, ENOTTY, EPERM } from "../../abi/errno.ts";
import {
  TCFLSH,
  TCGETS,
  TCGETS2,
  TCSETS,
  TCSETS2,
  TCSETSF,
  TCSETSF2,
  TCSETSW,
  TCSETSW2,
  TCXONC,
  TIOCGWINSZ,
  TIOCSCTTY,
  TIOCSWINSZ,
} from "../../abi/ioctl.ts";
import {
  ICANON,
  TCIFLUSH,
  TCIOFF,
  TCIOFLUSH,
  TCION,
  TCOFLUSH,
  TCOOFF,
  TCOON,
  TERMIOS_SIZE,
  TERMIOS2_SIZE,
} from "../../abi/termios.ts";
import { isKernelMemory } from "../../mm/kernel-memory.ts";
import { Terminal } from "./terminal.ts";

const WINSIZE_SIZE: u64 = 8;

/** Results as ioctl(2)'s. Errors: EFAULT; ENOTTY for what no terminal knows. */
export function terminalIoctl(terminal: Terminal, request: u32, argument: usize): i64 {
  switch (request) {
    case TCGETS:
    case <u32>TCGETS2:
      return getSettings(terminal, argument, request == <u32>TCGETS2);
    case TCSETS:
    case TCSETSW:
      return setSettings(terminal, argument, false, false);
    case TCSETSF:
      return setSettings(terminal, argument, false, true);
    case TCSETS2:
    case TCSETSW2:
      return setSettings(terminal, argument, true, false);
    case TCSETSF2:
      return setSettings(terminal, argument, true, true);
    case TIOCGWINSZ:
      if (!isKernelMemory(argument, WINSIZE_SIZE)) return -EFAULT;
      store<u64>(argument, terminal.winsize);
      return 0;
    case TIOCSWINSZ:
      if (!isKernelMemory(argument, WINSIZE_SIZE)) return -EFAULT;
      terminal.winsize = load<u64>(argument);
      return 0;
    case TCFLSH:
      return flush(terminal, <u32>argument);
    case TCXONC:
      return flow(terminal, <u32>argument);
    // There are no sessions that a terminal could control.
    case TIOCSCTTY:
      return -EPERM;
    default:
      return -ENOTTY;
  }
}

function getSettings(terminal: Terminal, out: usize, speeds: bool): i64 {
  if (!isKernelMemory(out, speeds ? TERMIOS2_SIZE : TERMIOS_SIZE)) return -EFAULT;
  terminal.termios.put(out, speeds);
  return 0;
}

function setSettings(terminal: Terminal, from: usize, speeds: bool, flushes: bool): i64 {
  if (!isKernelMemory(from, speeds ? TERMIOS2_SIZE : TERMIOS_SIZE)) return -EFAULT;
  const wasCanonical = terminal.termios.local(ICANON);
  if (flushes) terminal.discipline.flush();
  terminal.termios.take(from, speeds);
  terminal.discipline.reconfigure(wasCanonical);
  terminal.wakeBoth();
  return 0;
}

function flush(terminal: Terminal, what: u32): i64 {
  if (what > <u32>TCIOFLUSH) return -EINVAL;
  if (what == TCIFLUSH || what == TCIOFLUSH) terminal.discipline.flush();
  if (what == TCOFLUSH || what == TCIOFLUSH) terminal.output.queue.clear();
  terminal.wakeBoth();
  return 0;
}

function flow(terminal: Terminal, what: u32): i64 {
  if (what == TCOOFF) terminal.discipline.stopped = true;
  else if (what == TCOON) terminal.discipline.stopped = false;
  else if (what != TCIOFF && what != TCION) return -EINVAL;
  terminal.wakeBoth();
  return 0;
}

/** Stores an int. Errors: EFAULT. */
export function putWord(at: usize, value: u32): i64 {
  if (!isKernelMemory(at, 4)) return -EFAULT;
  store<u32>(at, value);
  return 0;
}
