// Pseudoterminals. Linux hands what a master writes to the line discipline on a thread of its own: a reader that finds nothing
// tries again for a while.

import { describe, expect, test } from "vitest";
import { EAGAIN, EBADF, EINVAL, EIO, ENOENT, ENOTTY, EPERM, ESPIPE } from "../../../../assembly/abi/errno.ts";
import { O_CREAT, O_NONBLOCK, O_PATH, O_RDWR } from "../../../../assembly/abi/fcntl.ts";
import {
  FIONBIO,
  FIONREAD,
  TCFLSH,
  TCGETS,
  TCSETS,
  TCSETSF,
  TIOCGPTLCK,
  TIOCGPTN,
  TIOCGWINSZ,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from "../../../../assembly/abi/ioctl.ts";
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
  IUTF8,
  OCRNL,
  ONLCR,
  ONLRET,
  OPOST,
  TABDLY,
  TCIFLUSH,
  TERMIOS_SIZE,
  VEOL,
  VMIN,
  VTIME,
} from "../../../../assembly/abi/termios.ts";
import { Calls } from "../../../support/sys/calls.ts";
import type { Target } from "../../../support/sys/target.ts";

const O_NOCTTY = 0o400;
const OPEN = O_RDWR | O_NOCTTY | O_NONBLOCK;
const INPUT_FLAGS = 0;
const OUTPUT_FLAGS = 4;
const LOCAL_FLAGS = 12;
const CONTROL = 17;
const TRIES = 200;

export function wait(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

export function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export class Pty {
  readonly sys: Calls;
  readonly master: number;
  readonly replica: number;
  readonly path: string;

  constructor(sys: Calls) {
    this.sys = sys;
    this.master = sys.open("/pts/ptmx", OPEN);
    expect(this.master).toBeGreaterThanOrEqual(0);
    expect(sys.ioctl(this.master, TIOCSPTLCK, word(0))).toBe(0);
    this.path = `/pts/${this.number(TIOCGPTN)}`;
    this.replica = sys.open(this.path, OPEN);
    expect(this.replica).toBeGreaterThanOrEqual(0);
  }

  number(request: number, fd = this.master): number {
    const bytes = Buffer.alloc(4);
    expect(this.sys.ioctl(fd, request, bytes)).toBe(0);
    return bytes.readUInt32LE();
  }

  settings(): Buffer {
    const bytes = Buffer.alloc(TERMIOS_SIZE);
    expect(this.sys.ioctl(this.replica, TCGETS, bytes)).toBe(0);
    return bytes;
  }

  /** Clears and then sets flags at an offset of struct termios. */
  change(at: number, clear: number, set: number): void {
    const bytes = this.settings();
    bytes.writeUInt32LE(((bytes.readUInt32LE(at) & ~clear) | set) >>> 0, at);
    expect(this.sys.ioctl(this.replica, TCSETS, bytes)).toBe(0);
  }

  control(index: number, value: number): void {
    const bytes = this.settings();
    bytes[CONTROL + index] = value;
    expect(this.sys.ioctl(this.replica, TCSETS, bytes)).toBe(0);
  }

  raw(minimum = 1, time = 0): void {
    this.change(LOCAL_FLAGS, ICANON | ECHO | ISIG | IEXTEN, 0);
    this.control(VMIN, minimum);
    this.control(VTIME, time);
  }

  type(text: string | Uint8Array): void {
    expect(this.sys.write(this.master, text)).toBe(Buffer.from(text).length);
  }

  /** What `fd` gives, as text; its errno when it goes on giving nothing. */
  take(fd: number, length = 1000): string | number {
    for (let tries = 0; ; tries++) {
      const got = this.sys.read(fd, length);
      if (typeof got !== "number") return got.toString("latin1");
      if (got !== -EAGAIN || tries === TRIES) return got;
      wait(1);
    }
  }

  line(length = 1000): string | number {
    return this.take(this.replica, length);
  }

  /** All that the master has to read, once `length` bytes are there. */
  shown(length: number): string {
    let whole = "";
    while (whole.length < length) {
      const part = this.take(this.master);
      if (typeof part === "number") break;
      whole += part;
    }
    return whole;
  }

  nothing(fd: number): void {
    wait(5);
    expect(this.sys.read(fd, 100)).toBe(-EAGAIN);
  }
}

export function ptyCases(make: () => Target): void {
  function start(): { target: Target; sys: Calls; pty: Pty } {
    const target = make();
    const sys = new Calls(target.process());
    return { target, sys, pty: new Pty(sys) };
  }

  describe("a pseudoterminal", () => {
    test("comes with a node of its number, the mount's mode and group (DP-01)", () => {
      const { target, sys, pty } = start();
      expect(pty.path).toBe("/pts/0");
      expect(sys.stat(pty.path)).toMatchObject({ mode: 0o20620, uid: 0, gid: 5, rdev: 136 << 8, ino: 3 });
      expect(sys.stat("/pts/ptmx")).toMatchObject({ mode: 0o20666, rdev: (5 << 8) | 2, ino: 2 });
      expect(sys.stat("/pts")).toMatchObject({ mode: 0o40755, ino: 1 });
      const second = new Pty(sys);
      expect(second.path).toBe("/pts/1");
      target.end();
    });

    test("loses its node with its master, and gives its number to the next", () => {
      const { target, sys, pty } = start();
      const second = new Pty(sys);
      expect(sys.close(pty.replica)).toBe(0);
      expect(sys.close(pty.master)).toBe(0);
      expect(sys.stat("/pts/0")).toBe(-ENOENT);
      expect(sys.open("/pts/0", OPEN)).toBe(-ENOENT);
      expect(new Pty(sys).path).toBe("/pts/0");
      expect(second.path).toBe("/pts/1");
      target.end();
    });

    test("is locked until the master unlocks it", () => {
      const { target, sys } = start();
      const master = sys.open("/pts/ptmx", OPEN);
      const bytes = Buffer.alloc(4);
      expect(sys.ioctl(master, TIOCGPTN, bytes)).toBe(0);
      const path = `/pts/${bytes.readUInt32LE()}`;
      expect(sys.ioctl(master, TIOCGPTLCK, bytes)).toBe(0);
      expect(bytes.readUInt32LE()).toBe(1);
      expect(sys.open(path, OPEN)).toBe(-EIO);
      expect(sys.ioctl(master, TIOCSPTLCK, word(0))).toBe(0);
      expect(sys.open(path, OPEN)).toBeGreaterThanOrEqual(0);
      target.end();
    });

    test("takes no names of anybody else's", () => {
      const { target, sys, pty } = start();
      expect(sys.mkdir("/pts/dir")).toBe(-EPERM);
      expect(sys.unlink(pty.path)).toBe(-EPERM);
      expect(sys.symlink("x", "/pts/link")).toBe(-EPERM);
      expect(sys.stat("/pts/00")).toBe(-ENOENT);
      target.end();
    });

    test("begins with Linux's settings", () => {
      const { target, pty } = start();
      const settings = pty.settings();
      expect(settings.toString("hex")).toBe(
        `${"00050000"}${"05000000"}${"bf000000"}${"3b8a0000"}00${"031c7f150400010011131a00120f17160000" + "00"}`,
      );
      target.end();
    });

    test("has a size that both sides know", () => {
      const { target, sys, pty } = start();
      const size = Buffer.from(Uint16Array.of(24, 80, 640, 480).buffer);
      const back = Buffer.alloc(8, 0xff);
      expect(sys.ioctl(pty.replica, TIOCGWINSZ, back)).toBe(0);
      expect(back).toEqual(Buffer.alloc(8));
      expect(sys.ioctl(pty.master, TIOCSWINSZ, size)).toBe(0);
      expect(sys.ioctl(pty.replica, TIOCGWINSZ, back)).toBe(0);
      expect(back).toEqual(size);
      target.end();
    });

    test("knows what is for a master, and what is for no terminal", () => {
      const { target, sys, pty } = start();
      expect(sys.ioctl(pty.replica, TIOCGPTN, Buffer.alloc(4))).toBe(-ENOTTY);
      expect(sys.ioctl(pty.master, 0x1234, Buffer.alloc(4))).toBe(-ENOTTY);
      expect(sys.ioctl(pty.replica, TCFLSH, 7)).toBe(-EINVAL);
      const file = sys.open("/file", O_CREAT | O_RDWR);
      expect(sys.ioctl(file, TCGETS, Buffer.alloc(TERMIOS_SIZE))).toBe(-ENOTTY);
      expect(sys.ioctl(99, TCGETS, Buffer.alloc(TERMIOS_SIZE))).toBe(-EBADF);
      expect(sys.ioctl(sys.open(pty.path, O_PATH), TCGETS, Buffer.alloc(TERMIOS_SIZE))).toBe(-EBADF);
      expect(sys.pread(pty.replica, 1, 0)).toBe(-ESPIPE);
      target.end();
    });

    test("can be made to wait, or not, by FIONBIO", () => {
      const { target, sys, pty } = start();
      expect(sys.ioctl(pty.replica, FIONBIO, word(0))).toBe(0);
      pty.type("x\n");
      expect(sys.read(pty.replica, 10)).toEqual(Buffer.from("x\n"));
      expect(sys.ioctl(pty.replica, FIONBIO, word(1))).toBe(0);
      expect(sys.read(pty.replica, 10)).toBe(-EAGAIN);
      target.end();
    });
  });

  describe("a terminal's lines", () => {
    test("are read one by one, once they are whole", () => {
      const { target, pty } = start();
      pty.type("one\ntwo");
      expect(pty.line()).toBe("one\n");
      pty.nothing(pty.replica);
      pty.type("\n");
      expect(pty.line(2)).toBe("tw");
      expect(pty.line()).toBe("o\n");
      target.end();
    });

    test("are echoed, a line feed as carriage return and line feed", () => {
      const { target, pty } = start();
      pty.type("abc\r");
      expect(pty.line()).toBe("abc\n");
      expect(pty.shown(5)).toBe("abc\r\n");
      target.end();
    });

    test("can be corrected by erase, word erase and kill", () => {
      const { target, pty } = start();
      pty.type("abx\x7fc\n");
      expect(pty.line()).toBe("abc\n");
      expect(pty.shown(10)).toBe("abx\b \bc\r\n");
      pty.type("one two \x17three\n");
      expect(pty.line()).toBe("one three\n");
      pty.type("wrong\x15right\n");
      expect(pty.line()).toBe("right\n");
      pty.type("\x7f\x7f\x17\x15ok\n");
      expect(pty.line()).toBe("ok\n");
      target.end();
    });

    test("show what was erased in Linux's way", () => {
      const { target, pty } = start();
      pty.type("ab cd\x17\n");
      expect(pty.line()).toBe("ab \n");
      expect(pty.shown(13)).toBe("ab cd\b \b\b \b\r\n");
      pty.type("xy\x15\n");
      expect(pty.shown(10)).toBe("xy\b \b\b \b\r\n");
      pty.type("a\tb\x7f\x7f\x7f\n");
      const erased = `a\tb\b \b${"\b".repeat(7)}\b \b\r\n`;
      expect(pty.shown(erased.length)).toBe(erased);
      pty.type("\x01\x7f\n");
      expect(pty.shown(10)).toBe("^A\b \b\b \b\r\n");
      pty.change(LOCAL_FLAGS, ECHOE, 0);
      pty.type("ab\x7f\n");
      expect(pty.shown(6)).toBe("ab^?\r\n");
      pty.change(LOCAL_FLAGS, ECHOKE, 0);
      pty.type("ab\x15\n");
      expect(pty.shown(8)).toBe("ab^U\r\n\r\n");
      pty.change(LOCAL_FLAGS, ECHOK, 0);
      pty.type("ab\x15\n");
      expect(pty.shown(6)).toBe("ab^U\r\n");
      target.end();
    });

    test("erase whole characters of UTF-8 when told so", () => {
      const { target, pty } = start();
      pty.change(INPUT_FLAGS, 0, IUTF8);
      pty.type("aä\x7fb\n");
      expect(pty.line()).toBe("ab\n");
      target.end();
    });

    test("end with an end of file, which is read as nothing", () => {
      const { target, pty } = start();
      pty.type("abc\x04");
      expect(pty.line()).toBe("abc");
      pty.nothing(pty.replica);
      pty.type("\x04");
      expect(pty.line()).toBe("");
      pty.nothing(pty.replica);
      target.end();
    });

    test("leave no end of file behind what just filled the buffer", () => {
      const { target, pty } = start();
      pty.type("abc\x04");
      expect(pty.line(3)).toBe("abc");
      pty.nothing(pty.replica);
      target.end();
    });

    test("end with another character that VEOL names", () => {
      const { target, pty } = start();
      pty.control(VEOL, ";".charCodeAt(0));
      pty.type("one;two\n");
      expect(pty.line()).toBe("one;");
      expect(pty.line()).toBe("two\n");
      target.end();
    });

    test("take a control character as it is behind ^V", () => {
      const { target, pty } = start();
      pty.type("a\x16\x7fb\n");
      expect(pty.line()).toBe("a\x7fb\n");
      expect(pty.shown(9)).toBe("a^\b^?b\r\n");
      target.end();
    });

    test("are shown again by ^R", () => {
      const { target, pty } = start();
      pty.type("ab\x12\n");
      expect(pty.line()).toBe("ab\n");
      expect(pty.shown(10)).toBe("ab^R\r\nab\r\n");
      target.end();
    });

    test("are dropped by ^C", () => {
      const { target, pty } = start();
      pty.type("abc\x03de\n");
      expect(pty.line()).toBe("de\n");
      target.end();
    });

    test("lose what does not fit, but not their ends", () => {
      const { target, pty } = start();
      pty.change(LOCAL_FLAGS, ECHO, 0);
      pty.type("x".repeat(3000));
      wait(5);
      pty.type("y".repeat(2000));
      wait(5);
      pty.type("\n");
      const line = pty.line(8192);
      expect(line).toBe(`${"x".repeat(3000)}${"y".repeat(1095)}\n`);
      target.end();
    });

    test("count for FIONREAD once they are whole", () => {
      const { target, pty } = start();
      pty.type("abc");
      wait(5);
      expect(pty.number(FIONREAD, pty.replica)).toBe(0);
      pty.type("\nde");
      wait(20);
      expect(pty.number(FIONREAD, pty.replica)).toBe(4);
      target.end();
    });
  });

  describe("a terminal's settings", () => {
    test("switch echo, and the echo of line ends alone", () => {
      const { target, pty } = start();
      pty.change(LOCAL_FLAGS, ECHO, 0);
      pty.type("secret\n");
      expect(pty.line()).toBe("secret\n");
      pty.nothing(pty.master);
      pty.change(LOCAL_FLAGS, 0, ECHONL);
      pty.type("secret\n");
      expect(pty.shown(2)).toBe("\r\n");
      target.end();
    });

    test("show control characters as they are without ECHOCTL", () => {
      const { target, pty } = start();
      pty.change(LOCAL_FLAGS, ECHOCTL, 0);
      pty.type("\x01\n");
      expect(pty.shown(3)).toBe("\x01\r\n");
      target.end();
    });

    test("say what a carriage return and a line feed become", () => {
      const { target, pty } = start();
      pty.raw();
      pty.change(INPUT_FLAGS, ICRNL, 0);
      pty.type("a\rb\n");
      expect(pty.line()).toBe("a\rb\n");
      pty.change(INPUT_FLAGS, 0, INLCR | IGNCR);
      pty.type("a\rb\n");
      expect(pty.line()).toBe("ab\r");
      pty.change(INPUT_FLAGS, INLCR | IGNCR, ISTRIP);
      pty.type(Buffer.from([0xe1, 0x62]));
      expect(pty.line()).toBe("ab");
      target.end();
    });

    test("say what the terminal's output becomes", () => {
      const { target, sys, pty } = start();
      const written = (text: string, length: number): string => {
        expect(sys.write(pty.replica, text)).toBe(text.length);
        return pty.shown(length);
      };
      expect(written("a\nb", 4)).toBe("a\r\nb");
      pty.change(OUTPUT_FLAGS, ONLCR, 0);
      expect(written("a\nb", 3)).toBe("a\nb");
      pty.change(OUTPUT_FLAGS, 0, OCRNL);
      expect(written("a\rb", 3)).toBe("a\nb");
      pty.change(OUTPUT_FLAGS, OCRNL, ONLRET | TABDLY | ONLCR);
      expect(written("\n\tab\tc", 19)).toBe(`\r\n${" ".repeat(8)}ab${" ".repeat(6)}c`);
      pty.change(OUTPUT_FLAGS, OPOST, 0);
      expect(written("a\n\t", 3)).toBe("a\n\t");
      target.end();
    });

    test("make it raw: bytes are read as they come", () => {
      const { target, pty } = start();
      pty.raw();
      pty.type("a\x03\x04\x7f");
      expect(pty.line()).toBe("a\x03\x04\x7f");
      pty.nothing(pty.replica);
      pty.raw(0);
      expect(pty.sys.read(pty.replica, 10)).toEqual(Buffer.alloc(0));
      pty.type("xy");
      wait(20);
      expect(pty.line(1)).toBe("x");
      expect(pty.line()).toBe("y");
      target.end();
    });

    test("give what was typed so far when lines end, and take it as a line when they begin", () => {
      const { target, pty } = start();
      pty.type("half");
      wait(20);
      pty.nothing(pty.replica);
      pty.raw();
      expect(pty.line()).toBe("half");
      pty.type("more");
      wait(20);
      pty.change(LOCAL_FLAGS, 0, ICANON);
      expect(pty.line()).toBe("more");
      target.end();
    });

    test("drop input with TCSETSF and TCFLSH", () => {
      const { target, sys, pty } = start();
      pty.type("gone\n");
      wait(20);
      expect(sys.ioctl(pty.replica, TCSETSF, pty.settings())).toBe(0);
      pty.nothing(pty.replica);
      pty.type("gone\n");
      wait(20);
      expect(sys.ioctl(pty.replica, TCFLSH, TCIFLUSH)).toBe(0);
      pty.nothing(pty.replica);
      target.end();
    });
  });

  describe("the end of a terminal", () => {
    test("is an end of file for its readers, and EIO for who writes, when the master goes", () => {
      const { target, sys, pty } = start();
      expect(sys.close(pty.master)).toBe(0);
      expect(sys.read(pty.replica, 10)).toEqual(Buffer.alloc(0));
      expect(sys.write(pty.replica, "x")).toBe(-EIO);
      expect(sys.ioctl(pty.replica, TCGETS, Buffer.alloc(TERMIOS_SIZE))).toBe(-EIO);
      target.end();
    });

    test("is EIO for a master that has read all, until it is opened again", () => {
      const { target, sys, pty } = start();
      expect(sys.write(pty.replica, "last")).toBe(4);
      expect(sys.close(pty.replica)).toBe(0);
      expect(pty.take(pty.master)).toBe("last");
      expect(pty.take(pty.master)).toBe(-EIO);
      const again = sys.open(pty.path, OPEN);
      expect(again).toBeGreaterThanOrEqual(0);
      pty.nothing(pty.master);
      target.end();
    });
  });
}
