// What is asked of every server of 9P2000.L, by wVisor's client.

import { expect } from "vitest";
import {
  AT_REMOVEDIR,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
} from "../../assembly/abi/fcntl.ts";
import { P9_LOCK_TYPE_UNLCK, P9_LOCK_TYPE_WRLCK } from "../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from "../../assembly/abi/stat.ts";
import { ErrnoError, type RemoteFile } from "../../src/p9/index.ts";

export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "";
  } catch (error) {
    if (error instanceof ErrnoError) return error.code;
    throw error;
  }
}

export async function names(file: RemoteFile): Promise<string[]> {
  const directory = await (await file.walk()).open(O_RDONLY);
  const found: string[] = [];
  for await (const entry of directory.entries()) found.push(Buffer.from(entry.name).toString());
  await directory.clunk();
  return found.sort();
}

export async function write(directory: RemoteFile, name: string, text: string): Promise<void> {
  const file = await (await directory.walk()).create(name, O_RDWR | O_CREAT, 0o644);
  await file.write(0, Buffer.from(text));
  await file.clunk();
}

export async function read(directory: RemoteFile, ...way: string[]): Promise<string> {
  const file = await (await directory.walk(...way)).open(O_RDONLY);
  const data = await file.read(0, 1 << 16);
  await file.clunk();
  return data.toString();
}

/** Where servers differ. */
export interface Abilities {
  /** wVisor's extension. */
  readonly extended: boolean;
  /** ".." leads up from below, and nowhere from the root. */
  readonly dotDot?: boolean;
  /** A symbolic link or a FIFO is never opened at the server. */
  readonly safeOpens?: boolean;
  readonly xattrs?: boolean;
  /** Locks are of ranges, and not of files. */
  readonly rangeLocks?: boolean;
}

/** What any tree does alike, seen from its root. */
export async function exercise(root: RemoteFile, abilities: Abilities): Promise<void> {
  const { extended, dotDot = true, safeOpens = true, xattrs = true, rangeLocks = true } = abilities;
  expect(root.qid.type).toBe(0x80);
  await root.mkdir("d", 0o755);
  expect(await refusal(root.mkdir("d", 0o755))).toBe("EEXIST");
  const d = await root.walk("d");
  await write(d, "file", "hello");
  expect(await read(root, "d", "file")).toBe("hello");
  expect(await refusal(root.walk("d", "file", "x"))).toBe("ENOTDIR");
  expect(await refusal(root.walk("d", "none"))).toBe("ENOENT");
  expect(await refusal(root.walk("none", "x"))).toBe("ENOENT");
  if (dotDot) expect((await root.walk("d", "..", "..", "d")).qid.path).toBe(d.qid.path);

  const made = await root.walkAttributes("d", "file");
  expect(made.attributes.map(({ mode }) => mode & S_IFMT)).toEqual([S_IFDIR, S_IFREG]);
  expect(made.attributes[1]!.size).toBe(5n);
  const missing = await root.walkAttributes("d", "none");
  expect([missing.attributes.length, missing.file, missing.status]).toEqual([1, undefined, 2]);

  const file = await (await d.walk("file")).open(O_RDWR);
  expect(await file.write(5, Buffer.from(", world"))).toBe(7);
  expect((await file.read(7, 100)).toString()).toBe("world");
  expect((await file.read(100, 100)).length).toBe(0);
  await file.fsync();
  await file.setattr({ size: 3n, mode: 0o600, mtimeNs: -1_500_000_000n });
  const changed = await file.getattr();
  expect([changed.size, changed.mode, changed.mtimeSeconds, changed.mtimeNanoseconds]).toEqual([
    3n,
    S_IFREG | 0o600,
    -2n,
    500_000_000n,
  ]);
  expect(await refusal(file.open())).toBe("EINVAL");
  expect(await refusal(d.open(O_RDWR))).toBe("EISDIR");
  expect(await refusal((await d.walk()).create("file", O_RDWR | O_CREAT | O_EXCL, 0o644))).toBe("EEXIST");
  const truncated = await (await d.walk()).create("file", O_RDWR | O_CREAT | O_TRUNC, 0o644);
  expect((await file.getattr()).size).toBe(0n);
  await truncated.clunk();

  await d.symlink("link", "file");
  const link = await d.walk("link");
  expect((await link.readlink()).toString()).toBe("file");
  expect((await link.getattr()).mode & S_IFMT).toBe(S_IFLNK);
  if (safeOpens) expect(await refusal(link.open())).toBe("ELOOP");
  await d.mknod("fifo", S_IFIFO | 0o644);
  if (safeOpens) expect(await refusal((await d.walk("fifo")).open())).toBe("ENXIO");
  await d.link("second", file);
  expect((await file.getattr()).nlink).toBe(2n);
  expect(await names(d)).toEqual([".", "..", "fifo", "file", "link", "second"]);

  await d.rename("second", root, "moved");
  expect(await refusal(d.walk("second"))).toBe("ENOENT");
  expect((await root.walk("moved")).qid.path).toBe((await file.getattr()).qid.path);
  expect(await refusal(root.rename("d", d, "inside"))).toBe("EINVAL");
  if (extended) {
    expect(await refusal(d.rename("file", root, "moved", RENAME_NOREPLACE))).toBe("EEXIST");
    await d.rename("link", root, "moved", RENAME_EXCHANGE);
    expect((await root.walk("moved")).qid.type).toBe(2);
  } else {
    expect(await refusal(d.rename("file", root, "moved", RENAME_EXCHANGE))).toBe("EINVAL");
  }

  if (xattrs) await exerciseAttributes(file);
  if (rangeLocks) await exerciseLocks(file);
  expect((await root.statfs()).namelen).toBe(255);
  expect(await refusal(root.unlink("d", AT_REMOVEDIR))).toBe("ENOTEMPTY");
  expect(await refusal(root.unlink("d"))).toBe("EISDIR");
  expect(await refusal(d.unlink("file", AT_REMOVEDIR))).toBe("ENOTDIR");
  await d.unlink("file");
  await file.write(0, Buffer.from("still here"));
  expect((await file.read(0, 100)).toString()).toBe("still here");
  await file.clunk();
  for (const name of (await names(d)).slice(2)) await d.unlink(name);
  await d.remove();
  await (await root.walk("moved")).remove();
  expect(await names(root)).toEqual([".", ".."]);
}

async function exerciseAttributes(file: RemoteFile): Promise<void> {
  await file.setxattr("user.a", Buffer.from("value"));
  expect((await file.getxattr("user.a")).toString()).toBe("value");
  expect(await file.listxattr()).toEqual(["user.a"]);
  expect(await refusal(file.getxattr("user.b"))).toBe("ENODATA");
  await file.removexattr("user.a");
  expect(await file.listxattr()).toEqual([]);
}

async function exerciseLocks(file: RemoteFile): Promise<void> {
  const lock = { type: P9_LOCK_TYPE_WRLCK, start: 10n, length: 5n, processId: 1, clientId: "a" };
  expect(await file.lock(lock)).toBe(true);
  expect(await file.lock({ ...lock, processId: 2 })).toBe(false);
  expect(await file.lock({ ...lock, processId: 2, start: 15n })).toBe(true);
  const found = await file.getlock({ ...lock, processId: 3 });
  expect([found.type, found.start, found.length]).toEqual([P9_LOCK_TYPE_WRLCK, 10n, 5n]);
  expect(await file.lock({ ...lock, type: P9_LOCK_TYPE_UNLCK })).toBe(true);
  expect(await file.lock({ ...lock, processId: 2 })).toBe(true);
}
