// Archives as pax(1) of POSIX.1-2017 has them, which GNU tar, bsdtar and OCI tools read: a ustar header for each file, and an extended
// header in front of it with what ustar has no room for. The same files give the same bytes.

const BLOCK = 512;
const NAME_MAX = 100;
/** Seven and eleven octal digits. */
const NUMBER_MAX = 0o7777777;
const SIZE_MAX = 0o77777777777n;
const NANOSECONDS = 1_000_000_000n;

/** ustar's type flags. */
export const TAR_TYPES = {
  file: "0",
  link: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
} as const;

export type TarType = keyof typeof TAR_TYPES;

export interface TarEntry {
  /** Relative, as bytes; of a directory without a slash behind. */
  readonly path: Buffer;
  readonly type: TarType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a regular file; else 0. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly target?: Buffer;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Extended attributes by name, in the order in which they are written. */
  readonly xattrs?: ReadonlyMap<string, Buffer>;
}

/** All of one file: headers, then its bytes, of which there must be `size`. */
export function* tarFile(entry: TarEntry, content: Iterable<Buffer>): Generator<Buffer> {
  const records = paxRecords(entry);
  yield header(
    { ...entry, path: Buffer.from("pax"), size: BigInt(records.length), mtimeNs: 0n, mode: 0o644 },
    "x",
  );
  yield* padded([records]);
  yield header(entry, TAR_TYPES[entry.type]);
  yield* padded(content);
}

export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

function* padded(content: Iterable<Buffer>): Generator<Buffer> {
  let length = 0;
  for (const piece of content) {
    length += piece.length;
    yield piece;
  }
  if (length % BLOCK !== 0) yield Buffer.alloc(BLOCK - (length % BLOCK));
}

function paxRecords({ path, type, target, size, uid, gid, mtimeNs, xattrs }: TarEntry): Buffer {
  const records = [record("mtime", Buffer.from(seconds(mtimeNs)))];
  if (!fits(path, type)) records.push(record("path", type === "directory" ? withSlash(path) : path));
  if (target !== undefined && !fits(target, type)) records.push(record("linkpath", target));
  if (size > SIZE_MAX) records.push(record("size", Buffer.from(String(size))));
  if (uid > NUMBER_MAX) records.push(record("uid", Buffer.from(String(uid))));
  if (gid > NUMBER_MAX) records.push(record("gid", Buffer.from(String(gid))));
  for (const [name, value] of xattrs ?? []) records.push(record(`SCHILY.xattr.${name}`, value));
  return Buffer.concat(records);
}

/** In an ustar header: short, and of ASCII alone. */
function fits(name: Buffer, type: TarType): boolean {
  return name.length + (type === "directory" ? 1 : 0) <= NAME_MAX && name.every((byte) => byte < 0x80);
}

/** "LENGTH key=value\n", where the length counts its own digits. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length > length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function seconds(timeNs: bigint): string {
  const nanoseconds = ((timeNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  const whole = (timeNs - nanoseconds) / NANOSECONDS;
  // A fraction counts away from zero where the number is below it.
  if (whole < 0n && nanoseconds > 0n) return `-${-whole - 1n}.${fraction(NANOSECONDS - nanoseconds)}`;
  return `${whole}.${fraction(nanoseconds)}`;
}

function fraction(nanoseconds: bigint): string {
  return String(nanoseconds).padStart(9, "0");
}

function withSlash(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.from("/")]);
}

function header(
  { path, type, mode, uid, gid, size, mtimeNs, target, device }: TarEntry,
  flag: string,
): Buffer {
  const block = Buffer.alloc(BLOCK);
  const name = flag === TAR_TYPES.directory ? withSlash(path) : path;
  name.copy(block, 0, 0, NAME_MAX);
  const octal = (at: number, width: number, value: number | bigint): void => {
    block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  };
  const time = mtimeNs < 0n ? 0n : mtimeNs / NANOSECONDS;
  octal(100, 8, mode);
  octal(108, 8, uid > NUMBER_MAX ? 0 : uid);
  octal(116, 8, gid > NUMBER_MAX ? 0 : gid);
  octal(124, 12, size > SIZE_MAX ? 0n : size);
  octal(136, 12, time > SIZE_MAX ? 0n : time);
  block.write("        ", 148, "latin1");
  block.write(flag, 156, "latin1");
  if (flag !== "x") target?.copy(block, 157, 0, NAME_MAX);
  block.write("ustar\0" + "00", 257, "latin1");
  octal(329, 8, type === "character" || type === "block" ? (device?.major ?? 0) : 0);
  octal(337, 8, type === "character" || type === "block" ? (device?.minor ?? 0) : 0);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
