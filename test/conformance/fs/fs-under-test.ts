// What the conformance suite asks of a file system: system calls by their names, errors by theirs.
//
// Paths are relative to an empty directory that belongs to one test. A failed call throws an Error whose `code` is an errno
// name, as Node's own do.

/** What not every backend can do or show. */
export type Capability =
  /** as(): other users and umasks. */
  | "users"
  /** chmod(), and `mode` in stat(). */
  | "chmod"
  | "hardLinks"
  /** A directory's link count is two more than its subdirectories. */
  | "directoryLinks"
  /** Blocks that were never written are not stored, and `blocks` in stat() tells. */
  | "blocks";

export interface OpenFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly create?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
  readonly append?: boolean;
  readonly directory?: boolean;
  readonly nofollow?: boolean;
}

export type FileType = "file" | "directory" | "symlink" | "other";

export interface StatUnderTest {
  readonly type: FileType;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly nlink: bigint;
  readonly size: bigint;
  /** Nanoseconds since the epoch. */
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
  /** Permission bits; with `chmod`. */
  readonly mode: number | undefined;
  /** In units of 512 bytes; with `blocks`. */
  readonly blocks: bigint | undefined;
}

export interface FileUnderTest {
  /** At `position`, or at the file's own offset. */
  read(length: number, position?: number): Uint8Array;
  write(data: Uint8Array, position?: number): number;
  truncate(size: number): void;
  stat(): StatUnderTest;
  sync(): void;
  close(): void;
}

export interface FsUnderTest {
  readonly capabilities: ReadonlySet<Capability>;
  open(path: string, flags: OpenFlags): FileUnderTest;
  /** Mode 0777 and the umask. */
  mkdir(path: string): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  symlink(target: string, path: string): void;
  readlink(path: string): string;
  stat(path: string): StatUnderTest;
  lstat(path: string): StatUnderTest;
  /** Names with their types, in any order, without "." and "..". */
  readdir(path: string): (readonly [name: string, type: FileType])[];
  /** In seconds; both are set. */
  utimes(path: string, atime: number, mtime: number): void;
  lutimes(path: string, atime: number, mtime: number): void;
  chmod(path: string, mode: number): void;
  /** Does `use` as this user, who is in the group of the same number and no other, and has capabilities only as user 0. */
  as(uid: number, umask: number, use: () => void): void;
}

/** One test's file system. `dispose` also fails the test when something was left behind. */
export interface Backend {
  readonly fs: FsUnderTest;
  dispose(): void;
}

export type Check = (name: string, body: (fs: FsUnderTest) => void, needs?: readonly Capability[]) => void;

/** The name of the errno that `step` fails with, or "ok". */
export function errno(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== "string") throw error;
    return code;
  }
  return "ok";
}

export function writeFile(fs: FsUnderTest, path: string, content = ""): void {
  const file = fs.open(path, { write: true, create: true, truncate: true });
  if (content !== "") file.write(Buffer.from(content));
  file.close();
}

export function readFile(fs: FsUnderTest, path: string): string {
  const file = fs.open(path, { read: true });
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = file.read(4096);
    if (part.length === 0) break;
    parts.push(part);
  }
  file.close();
  return Buffer.concat(parts).toString();
}

/** Opens and closes. */
export function tryOpen(fs: FsUnderTest, path: string, flags: OpenFlags): void {
  fs.open(path, flags).close();
}

export function names(fs: FsUnderTest, path: string): string[] {
  return fs
    .readdir(path)
    .map(([name]) => name)
    .sort();
}
