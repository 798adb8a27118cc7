// What of a call's answer is compared: a text that is equal on both sides.
//
// Left out: device numbers, sizes and offsets of directories, the order of names, counters of statfs. Times that
// the test set are compared as they are; others by the tick (epochs.ts) in which they lie. Inodes have the names of the order in which
// each side showed them.

import { S_IFDIR, S_IFMT, S_IFREG } from "../../assembly/abi/stat.ts";
import type { Call } from "../support/sys/target.ts";
import type { Epochs } from "./epochs.ts";

/** Numbers files as they are met, by device and inode. */
export class InodeNames {
  readonly #names = new Map<string, number>();

  name(device: string, ino: bigint): number {
    const key = `${device} ${ino}`;
    const known = this.#names.get(key) ?? this.#names.size;
    this.#names.set(key, known);
    return known;
  }
}

export interface ViewContext {
  /** Undefined where a file system may use a number again. */
  readonly inodes: InodeNames | undefined;
  readonly epochs: Epochs;
  /** Whether blocks of regular files are comparable. */
  readonly blocks: boolean;
  /** Whether the link counts of directories are. */
  readonly directoryLinks: boolean;
}

export type View = (call: Call, result: number, context: ViewContext) => string;

export function buffersOf(call: Call): Buffer[] {
  return call.args.flatMap((argument) => {
    if (argument instanceof Uint8Array)
      return [Buffer.from(argument.buffer, argument.byteOffset, argument.length)];
    if (Array.isArray(argument)) return argument.map((span: Uint8Array) => Buffer.from(span));
    return [];
  });
}

/** Bytes as short text: runs are counted. */
export function brief(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/([\s\S])\1{7,}/g, (run: string, char: string) => `${char}*${run.length} `)
    .replace(/[^ -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
}

function time(bytes: Buffer, at: number, epochs: Epochs): string {
  return epochs.name(bytes.readBigInt64LE(at) * 1_000_000_000n + BigInt(bytes.readUInt32LE(at + 8)));
}

/**
 * An access time that the test did not set only says that it is of now: whether relatime moves one depends on whether it is behind the
 * others, and by Linux's coarse clock it may be as they are where ours tells them apart.
 */
function accessTime(bytes: Buffer, at: number, epochs: Epochs): string {
  return time(bytes, at, epochs).replace(/^tick.*/, "now");
}

/** Our tmpfs keeps what is behind this in larger blocks than Linux's pages. */
const SMALL = 65536n;

/** Without the times of a file that has no type: all event counters and the like are one, as old as the system. */
function comparable(type: number, parts: readonly string[]): string {
  return parts.filter((part) => type !== 0 || !/^.time=/.test(part)).join(" ");
}

/** Attributes as text, from a struct stat. */
export function statText(bytes: Buffer, { inodes, epochs, blocks, directoryLinks }: ViewContext): string {
  const mode = bytes.readUInt32LE(24);
  const type = mode & S_IFMT;
  const parts = [
    `mode=${mode.toString(8)}`,
    `uid=${bytes.readUInt32LE(28)}`,
    `gid=${bytes.readUInt32LE(32)}`,
    `rdev=${bytes.readBigUInt64LE(40)}`,
    `atime=${accessTime(bytes, 72, epochs)}`,
    `mtime=${time(bytes, 88, epochs)}`,
    `ctime=${time(bytes, 104, epochs)}`,
  ];
  if (type !== S_IFDIR || directoryLinks) parts.push(`nlink=${bytes.readBigUInt64LE(16)}`);
  if (type !== S_IFDIR) parts.push(`size=${bytes.readBigInt64LE(48)}`);
  if (type === S_IFREG && blocks && bytes.readBigInt64LE(48) <= SMALL) {
    parts.push(`blocks=${bytes.readBigInt64LE(64)}`);
  }
  if (inodes !== undefined)
    parts.push(`file=${inodes.name(`${bytes.readBigUInt64LE(0)}`, bytes.readBigUInt64LE(8))}`);
  return comparable(type, parts);
}

/** st_dev as stat(2) has it. */
function deviceOf(major: number, minor: number): string {
  return `${((minor & ~0xff) << 12) | (major << 8) | (minor & 0xff)}`;
}

function statxText(bytes: Buffer, { inodes, epochs, blocks, directoryLinks }: ViewContext): string {
  const mode = bytes.readUInt16LE(28);
  const type = mode & S_IFMT;
  const mask = bytes.readUInt32LE(0) & 0xfff;
  const parts = [
    `mask=${mask.toString(16)}`,
    `mode=${mode.toString(8)}`,
    `uid=${bytes.readUInt32LE(20)}`,
    `gid=${bytes.readUInt32LE(24)}`,
    `atime=${accessTime(bytes, 64, epochs)}`,
    `ctime=${time(bytes, 96, epochs)}`,
    `mtime=${time(bytes, 112, epochs)}`,
    `rdev=${bytes.readUInt32LE(128)}:${bytes.readUInt32LE(132)}`,
  ];
  if (mask & 0x800) parts.push(`btime=${time(bytes, 80, epochs)}`);
  if (type !== S_IFDIR || directoryLinks) parts.push(`nlink=${bytes.readUInt32LE(16)}`);
  if (type !== S_IFDIR) parts.push(`size=${bytes.readBigUInt64LE(40)}`);
  if (type === S_IFREG && blocks && bytes.readBigUInt64LE(40) <= SMALL) {
    parts.push(`blocks=${bytes.readBigUInt64LE(48)}`);
  }
  if (inodes !== undefined) {
    const device = deviceOf(bytes.readUInt32LE(136), bytes.readUInt32LE(140));
    parts.push(`file=${inodes.name(device, bytes.readBigUInt64LE(32))}`);
  }
  return comparable(type, parts);
}

export interface Entry {
  readonly name: string;
  readonly ino: bigint;
  readonly type: number;
}

/** The entries that getdents64 gave, sorted by name. */
export function entriesOf(bytes: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + 19 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at + 16);
    const end = bytes.indexOf(0, at + 19);
    const name = bytes.toString("utf8", at + 19, end);
    entries.push({ name, ino: bytes.readBigUInt64LE(at), type: bytes.readUInt8(at + 18) });
    at += length;
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Only whether it worked, or how it failed: for results that depend on the order of names in a directory. */
const outcome = (result: number): string => (result < 0 ? `${result}` : "done");

export const VIEWS = {
  result: (_call, result) => `${result}`,
  outcome: (_call, result) => outcome(result),
  /** Bytes up to the result. */
  bytes: (call, result) =>
    result < 0 ? `${result}` : `${result} ${brief(Buffer.concat(buffersOf(call)).subarray(0, result))}`,
  /** All buffers. */
  out: (call, result) => (result < 0 ? `${result}` : `${result} ${buffersOf(call).map(brief).join(",")}`),
  stat: (call, result, context) => (result < 0 ? `${result}` : statText(buffersOf(call)[0]!, context)),
  statx: (call, result, context) => (result < 0 ? `${result}` : statxText(buffersOf(call)[0]!, context)),
  entries: (call, result) =>
    result < 0
      ? `${result}`
      : entriesOf(buffersOf(call)[0]!.subarray(0, result))
          .map(({ name, type }) => `${type} ${brief(Buffer.from(name))}`)
          .join(", "),
  /** Names that each end by NUL, in any order. */
  names: (call, result) =>
    result <= 0
      ? `${result}`
      : brief(
          Buffer.from(
            buffersOf(call)[0]!.toString("latin1", 0, result).split("\0").filter(Boolean).sort().join(" "),
            "latin1",
          ),
        ),
  /**
   * Events of inotify. The numbers that join the halves of a rename are the system's own, and those of files without a name the file
   * system's; and so is how long these are.
   */
  events: (call, result) => {
    if (result < 0) return `${result}`;
    const bytes = Buffer.concat(buffersOf(call));
    const events: string[] = [];
    let numbered = false;
    for (let at = 0; at < result; at += 16 + bytes.readUInt32LE(at + 12)) {
      // The descriptor may have become another file's.
      if (at + 16 > result) return `${result} ${brief(bytes.subarray(0, result))}`;
      const name = bytes.subarray(at + 16, at + 16 + bytes.readUInt32LE(at + 12));
      const moved = bytes.readUInt32LE(at + 8) === 0 ? "" : " moved";
      const unnamed = /^#\d+\0*$/.test(name.toString("latin1"));
      numbered ||= unnamed;
      const shown = unnamed ? "#" : brief(name);
      events.push(`${bytes.readInt32LE(at)} ${bytes.readUInt32LE(at + 4).toString(16)}${moved} ${shown}`);
    }
    return `${numbered ? "" : `${result} `}${events.join(", ")}`;
  },
  /** The length of names, and the file system's block size. */
  statfs: (call, result) =>
    result < 0
      ? `${result}`
      : `bsize=${buffersOf(call)[0]!.readBigInt64LE(8)} namelen=${buffersOf(call)[0]!.readBigInt64LE(64)}`,
} as const satisfies Record<string, View>;

export type ViewName = keyof typeof VIEWS;
