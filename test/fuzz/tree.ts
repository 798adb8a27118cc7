// A whole tree as lines, one for each name: what both sides must have equal after the same calls.

import { O_DIRECTORY, O_NOATIME, O_NONBLOCK, O_RDONLY } from "../../assembly/abi/fcntl.ts";
import { DT_DIR, DT_LNK, DT_REG, S_IFCHR, S_IFDIR, S_IFMT } from "../../assembly/abi/stat.ts";
import * as nr from "../../assembly/abi/syscall.ts";
import type { Call } from "../support/sys/target.ts";
import { join } from "./model.ts";
import { brief, buffersOf, type Entry, entriesOf, statText, type ViewContext } from "./view.ts";

/** Executes calls in order, as root with "/" as its directory and no descriptors open. */
export type Execute = (calls: readonly Call[]) => number[];

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_FDCWD = -100;
const LISTING = 131072;
const CONTENT = 16384;
const PATH_MAX = 4095;
/** The observer's only descriptor while it looks at a file. */
const FD = 0;
const SEEK_END = 2;
const ORIGIN = "trusted.overlay.origin";

function openCall(path: string, flags: number): Call {
  return { number: nr.SYS_openat, args: [AT_FDCWD, path, O_RDONLY | O_NOATIME | O_NONBLOCK | flags, 0] };
}
const CLOSE: Call = { number: nr.SYS_close, args: [FD] };

function list(execute: Execute, directory: string): Entry[] | number {
  const listing: Call = { number: nr.SYS_getdents64, args: [FD, Buffer.alloc(LISTING), LISTING] };
  const [opened, used] = execute([openCall(directory, O_DIRECTORY), listing, CLOSE]) as [number, number];
  if (opened < 0) return opened;
  return used < 0 ? used : entriesOf(buffersOf(listing)[0]!.subarray(0, used));
}

/** The first and last bytes of a regular file. */
function contentCalls(path: string): Call[] {
  return [
    openCall(path, 0),
    { number: nr.SYS_pread64, args: [FD, Buffer.alloc(CONTENT), CONTENT, 0] },
    { number: nr.SYS_lseek, args: [FD, -256, SEEK_END] },
    { number: nr.SYS_read, args: [FD, Buffer.alloc(256), 256] },
    CLOSE,
  ];
}

function xattrNames(path: string): Call {
  return { number: nr.SYS_llistxattr, args: [path, Buffer.alloc(4096), 4096] };
}

interface Look {
  readonly path: string;
  /** The number in its directory's listing. */
  readonly ino: bigint;
  readonly stat: Call;
  readonly xattrs: Call;
  /** What is in it, by its type. */
  readonly more: readonly Call[];
}

function lookAt(path: string, type: number, ino: bigint): Look {
  const stat: Call = {
    number: nr.SYS_newfstatat,
    args: [AT_FDCWD, path, Buffer.alloc(144), AT_SYMLINK_NOFOLLOW],
  };
  const more =
    type === DT_REG
      ? contentCalls(path)
      : type === DT_LNK
        ? [{ number: nr.SYS_readlinkat, args: [AT_FDCWD, path, Buffer.alloc(4096), 4096] }]
        : [];
  return { path, ino, stat, xattrs: xattrNames(path), more };
}

function textOf(call: Call, result: number): string {
  return result <= 0 ? `${result}` : `${brief(Buffer.concat(buffersOf(call)).subarray(0, result))}`;
}

/** The attributes of a file with their values, in the order of their names. */
function xattrText(execute: Execute, path: string, names: Call, result: number): string {
  if (result <= 0) return `${result}`;
  const list = buffersOf(names)[0]!.toString("latin1", 0, result).split("\0").filter(Boolean).sort();
  const calls = list.map(
    (name): Call => ({ number: nr.SYS_lgetxattr, args: [path, name, Buffer.alloc(4096), 4096] }),
  );
  const results = execute(calls);
  return list
    .map((name, index) => {
      // A handle says what is the file system's own.
      const text = name === ORIGIN ? `${results[index]!}` : textOf(calls[index]!, results[index]!);
      return `${name}=${text}`;
    })
    .join(" ");
}

function isWhiteout(stat: Buffer): boolean {
  return (stat.readUInt32LE(24) & S_IFMT) === S_IFCHR && stat.readBigUInt64LE(40) === 0n;
}

/** Linux's overlay makes its whiteouts links of one file, as old as the first; ours are files of their own. */
function whiteoutText(stat: Buffer): string {
  return `whiteout mode=${stat.readUInt32LE(24).toString(8)} uid=${stat.readUInt32LE(28)} gid=${stat.readUInt32LE(32)}`;
}

export interface TreeOptions extends ViewContext {
  /** Whether the numbers of listings are comparable with the files' own. */
  readonly listedInodes: boolean;
  readonly xattrs: boolean;
}

/** Lines "path: attributes, content, extended attributes" of the tree below `top`. */
export function treeOf(execute: Execute, options: TreeOptions, top = "/"): string[] {
  const lines: string[] = [];
  const pending = [top];
  // Which files are the same is told by the first name that each has.
  const firstNames = new Map<bigint, string>();
  while (pending.length > 0) {
    const directory = pending.pop()!;
    if (Buffer.byteLength(directory) > PATH_MAX - 260) continue;
    const entries = list(execute, directory);
    if (typeof entries === "number") {
      lines.push(`${directory}: listing ${entries}`);
      continue;
    }
    const looks = entries
      .filter(({ name }) => name !== "..")
      .map(({ name, type, ino }) =>
        lookAt(name === "." ? directory : join(directory, name), name === "." ? 0 : type, ino),
      );
    const calls = looks.flatMap(({ stat, xattrs, more }) => [
      stat,
      ...(options.xattrs ? [xattrs] : []),
      ...more,
    ]);
    const results = new Map(execute(calls).map((result, index) => [calls[index]!, result]));
    for (const { path, ino: listed, stat, xattrs, more } of looks) {
      const bytes = buffersOf(stat)[0]!;
      const found = results.get(stat)!;
      const parts = [
        found < 0 ? `${found}` : isWhiteout(bytes) ? whiteoutText(bytes) : statText(bytes, options),
      ];
      // Linux's overlay does not look again for the number of a new link while it remembers the listing, and knows that of a directory
      // that somebody else made, and that merges, once it was looked up.
      const isDirectory = (bytes.readUInt32LE(24) & S_IFMT) === S_IFDIR;
      const isListedAnew = (bytes.readBigUInt64LE(16) === 1n) !== isDirectory;
      if (options.listedInodes && isListedAnew && found === 0 && bytes.readBigUInt64LE(8) !== listed)
        parts.push("listed by another number");
      if (more.length > 0 && found === 0) {
        const ino = bytes.readBigUInt64LE(8);
        const first = firstNames.get(ino);
        if (first !== undefined) parts.push(`same as ${first}`);
        else firstNames.set(ino, path);
      }
      parts.push(...more.filter((call) => call !== CLOSE).map((call) => textOf(call, results.get(call)!)));
      if (options.xattrs) parts.push(xattrText(execute, path, xattrs, results.get(xattrs)!));
      lines.push(`${path}: ${parts.join(" | ")}`);
    }
    for (const { name, type } of entries) {
      if (type === DT_DIR && name !== "." && name !== "..") pending.push(join(directory, name));
    }
  }
  return lines;
}
