// The options of a tmpfs, as mount(2) gets them (Linux: shmem_parse_one(), shmem_parse_monolithic()).

import { pagesMax } from "mm/page";
import { EINVAL } from "../../abi/errno.ts";

/** What an inode, or another name of one, takes of the space for inodes; extended attributes take from it too (Linux: BOGO_INODE_SIZE). */
export const INODE_SPACE: u64 = 1024;

export const HUGE_NEVER: u32 = 0;
export const HUGE_ALWAYS: u32 = 1;
export const HUGE_WITHIN_SIZE: u32 = 2;
export const HUGE_ADVISE: u32 = 3;

const COMMA: u8 = 0x2c;
const EQUALS: u8 = 0x3d;
const PERCENT: u8 = 0x25;
const ZERO: u32 = 0x30;
/** (uid_t)-1. */
const NOBODY: u64 = 0xffffffff;

@final
export class TmpfsOptions {
  /** size= or nr_blocks= was given. */
  hasPages: bool = false;
  /** In pages of 4 KiB; 0: no limit. */
  pages: u64 = 0;
  hasInodes: bool = false;
  /** 0: no limit. */
  inodes: u64 = 0;
  /** Permission bits of the root. */
  mode: u32 = 0o1777;
  uid: u32 = 0;
  gid: u32 = 0;
  readonly: bool = false;
  /** HUGE_*: remembered and shown, no more. */
  huge: u32 = HUGE_NEVER;
  noswap: bool = false;

  /** Where a number is read. */
  private at: usize = 0;
  /** The end of the option's value. */
  private end: usize = 0;

  /** Takes what the text says. Errors: EINVAL for an unknown option or a bad value. */
  parse(data: usize, length: u32): i32 {
    const end = data + length;
    let at = data;
    while (at < end) {
      const stop = endOfOption(at, end);
      const result = stop > at ? this.parseOne(at, stop) : 0;
      if (result < 0) return result;
      at = stop + 1;
    }
    return 0;
  }

  private parseOne(name: usize, end: usize): i32 {
    let stop = name;
    while (stop < end && load<u8>(stop) != EQUALS) stop++;
    if (stop == end) return this.parseFlag(name, end);
    this.at = stop + 1;
    this.end = end;
    // "=" with nothing behind it is a bad value.
    if (this.at == end) return -EINVAL;
    if (is(name, stop, "size")) return this.parseSize();
    if (is(name, stop, "nr_blocks")) return this.parseBlocks();
    if (is(name, stop, "nr_inodes")) return this.parseInodes();
    if (is(name, stop, "mode")) return this.parseMode();
    if (is(name, stop, "uid")) return this.parseOwner(true);
    if (is(name, stop, "gid")) return this.parseOwner(false);
    if (is(name, stop, "mpol")) return this.isValue("default") || this.isValue("local") ? 0 : -EINVAL;
    return is(name, stop, "huge") ? this.parseHuge() : -EINVAL;
  }

  private parseFlag(name: usize, end: usize): i32 {
    if (is(name, end, "ro") || is(name, end, "rw")) {
      this.readonly = is(name, end, "ro");
      return 0;
    }
    if (is(name, end, "inode32") || is(name, end, "inode64")) return 0;
    if (is(name, end, "noswap")) {
      this.noswap = true;
      return 0;
    }
    if (is(name, end, "sync") || is(name, end, "async") || is(name, end, "dirsync")) return 0;
    return is(name, end, "lazytime") || is(name, end, "nolazytime") ? 0 : -EINVAL;
  }

  private parseSize(): i32 {
    let size = this.readSize();
    if (this.at < this.end && load<u8>(this.at) == PERCENT) {
      // Of the machine's memory, which here is the kernel's.
      size = ((size * pagesMax()) << 12) / 100;
      this.at++;
    }
    if (this.at != this.end) return -EINVAL;
    this.hasPages = true;
    this.pages = (size >> 12) + <u64>((size & 4095) != 0);
    return 0;
  }

  private parseBlocks(): i32 {
    const pages = this.readSize();
    if (this.at != this.end || pages > <u64>i64.MAX_VALUE) return -EINVAL;
    this.hasPages = true;
    this.pages = pages;
    return 0;
  }

  private parseInodes(): i32 {
    const inodes = this.readSize();
    if (this.at != this.end || inodes > u64.MAX_VALUE / INODE_SPACE) return -EINVAL;
    this.hasInodes = true;
    this.inodes = inodes;
    return 0;
  }

  /** Octal, whatever it begins with. */
  private parseMode(): i32 {
    const mode = this.readDigits(8);
    if (this.at != this.end || mode > <u64>u32.MAX_VALUE) return -EINVAL;
    this.mode = <u32>mode & 0o7777;
    return 0;
  }

  private parseOwner(isUser: bool): i32 {
    const id = this.readNumber();
    if (this.at != this.end || id >= NOBODY) return -EINVAL;
    if (isUser) this.uid = <u32>id;
    else this.gid = <u32>id;
    return 0;
  }

  /** Pages are never huge here. What asks for them "when it helps" gets what it asks for. */
  private parseHuge(): i32 {
    if (this.isValue("never")) this.huge = HUGE_NEVER;
    else if (this.isValue("always")) this.huge = HUGE_ALWAYS;
    else if (this.isValue("within_size")) this.huge = HUGE_WITHIN_SIZE;
    else if (this.isValue("advise")) this.huge = HUGE_ADVISE;
    else return -EINVAL;
    return 0;
  }

  private isValue(text: string): bool {
    return is(this.at, this.end, text);
  }

  /** A number and its suffix k, m, g, t, p or e (Linux: memparse()). */
  private readSize(): u64 {
    const number = this.readNumber();
    if (this.at == this.end) return number;
    let shift: u64 = 0;
    switch (load<u8>(this.at) | 0x20) {
      case 0x6b:
        shift = 10;
        break;
      case 0x6d:
        shift = 20;
        break;
      case 0x67:
        shift = 30;
        break;
      case 0x74:
        shift = 40;
        break;
      case 0x70:
        shift = 50;
        break;
      case 0x65:
        shift = 60;
        break;
      default:
        return number;
    }
    this.at++;
    return number << shift;
  }

  /** Decimal, octal behind a 0, hexadecimal behind 0x (Linux: simple_strtoull() with a base of 0). */
  private readNumber(): u64 {
    if (this.at == this.end || load<u8>(this.at) != <u8>ZERO) return this.readDigits(10);
    if (this.at + 2 < this.end && (load<u8>(this.at, 1) | 0x20) == 0x78 && digitAt(this.at + 2) < 16) {
      this.at += 2;
      return this.readDigits(16);
    }
    return this.readDigits(8);
  }

  /** 0 when there is no digit: then the number ends where it began, which is not the value's end. */
  private readDigits(base: u32): u64 {
    let value: u64 = 0;
    while (this.at < this.end && digitAt(this.at) < base) {
      value = value * base + digitAt(this.at);
      this.at++;
    }
    return value;
  }
}

/** The digit's value, or 255. */
function digitAt(at: usize): u32 {
  const byte: u32 = load<u8>(at);
  if (byte >= ZERO && byte < ZERO + 10) return byte - ZERO;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : 255;
}

/** The next comma; one in front of a digit belongs to the value, as in the node lists of mpol= (Linux: shmem_next_opt()). */
function endOfOption(at: usize, end: usize): usize {
  let stop = at;
  while (stop < end) {
    if (load<u8>(stop) == COMMA && (stop + 1 == end || digitAt(stop + 1) > 9)) return stop;
    stop++;
  }
  return end;
}

function is(at: usize, end: usize, text: string): bool {
  if (<usize>text.length != end - at) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) != <i32>load<u8>(at + i)) return false;
  return true;
}
