// The numbers that name files to clients: one per (device, inode), the same as long as the gofer runs.
//
//   path = prefix << 48 | inode's low 48 bits
//
// A prefix stands for one (device, inode's high 16 bits). The first one met is 0, so that a tree on one ordinary file
// system shows its own inode numbers. File systems that use the high bits (overlayfs with xino) use few values there.

/** The prefix of everything that came after all others were taken. */
const PREFIX_OVERFLOW = 0xffff;

export class QidPaths {
  private readonly prefixes = new Map<string, number>();
  private lastMajor = -1;
  private lastMinor = -1;
  private lastTop = -1;
  private lastPattern = 0;

  /** The path's high 32 bits. Its low 32 bits are the inode's. */
  high(major: number, minor: number, inodeHigh: number): number {
    return (this.pattern(major, minor, inodeHigh >>> 16) ^ (inodeHigh & 0xffff)) >>> 0;
  }

  /** The path's high 32 bits, less (exclusive or) the inode's 16 bits below its top ones, which are `top`. */
  pattern(major: number, minor: number, top: number): number {
    if (major !== this.lastMajor || minor !== this.lastMinor || top !== this.lastTop) {
      this.lastPattern = this.patternOf(major, minor, top);
      this.lastMajor = major;
      this.lastMinor = minor;
      this.lastTop = top;
    }
    return this.lastPattern;
  }

  private patternOf(major: number, minor: number, top: number): number {
    const prefix = this.prefixOf(major, minor, top);
    // Beyond 65,535 prefixes uniqueness ends, but a path is still the same each time: nothing has to be remembered.
    const mixed = prefix === PREFIX_OVERFLOW ? (top ^ (major << 8) ^ minor) & 0xffff : 0;
    return ((prefix << 16) | mixed) >>> 0;
  }

  private prefixOf(major: number, minor: number, top: number): number {
    const key = `${major}:${minor}:${top}`;
    const known = this.prefixes.get(key);
    if (known !== undefined) return known;
    if (this.prefixes.size >= PREFIX_OVERFLOW) return PREFIX_OVERFLOW;
    const prefix = this.prefixes.size;
    this.prefixes.set(key, prefix);
    return prefix;
  }
}
