import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import * as stat from "../../assembly/abi/stat.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { Message, type P9Client } from "../support/p9-client.ts";

const isRoot = process.getuid?.() === 0;
const NEW = fcntl.O_RDWR | fcntl.O_CREAT | fcntl.O_EXCL;
const top = scratch();
let folder: string;
let gofer: Gofer;
let client: P9Client;
/** A fid of the test's own directory. */
let dir: number;
let count = 0;

beforeAll(async () => {
  gofer = new Gofer(await buildGofer(), [{ source: top }]);
  client = gofer.connect();
});

beforeEach(() => {
  const name = `test-${count++}`;
  folder = path.join(top, name);
  mkdirSync(folder);
  dir = client.reach(0, name);
});

afterAll(async () => {
  await gofer.stop();
  rmSync(top, { recursive: true });
});

const at = (...names: string[]) => path.join(folder, ...names);
const mkdirFields = (fid: number, name: string, mode = 0o755, gid = 0) =>
  new Message().u32(fid).string(name).u32(mode).u32(gid);
const symlinkFields = (fid: number, name: string, target: string | Uint8Array) =>
  new Message().u32(fid).string(name).string(target).u32(0);
const mknodFields = (fid: number, name: string, mode: number) =>
  new Message().u32(fid).string(name).u32(mode).u32(1).u32(3).u32(0);
const linkFields = (fid: number, target: number, name: string) =>
  new Message().u32(fid).u32(target).string(name);
const createFields = (fid: number, name: string, flags = NEW) =>
  new Message().u32(fid).string(name).u32(flags).u32(0o644).u32(0);
const renameatFields = (from: number, oldName: string, to: number, newName: string) =>
  new Message().u32(from).string(oldName).u32(to).string(newName);
const renameFields = (fid: number, to: number, name: string) => new Message().u32(fid).u32(to).string(name);
const unlinkFields = (fid: number, name: string, flags = 0) => new Message().u32(fid).string(name).u32(flags);

interface Changes {
  valid: number;
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number | bigint;
  atime?: readonly [number | bigint, number | bigint];
  mtime?: readonly [number | bigint, number | bigint];
}

function setattrFields(fid: number, changes: Changes): Message {
  const { valid, mode = 0, uid = 0, gid = 0, size = 0, atime = [0, 0], mtime = [0, 0] } = changes;
  const fields = new Message().u32(fid).u32(valid).u32(mode).u32(uid).u32(gid).u64(size);
  return fields.u64(atime[0]).u64(atime[1]).u64(mtime[0]).u64(mtime[1]);
}

const setattr = (fid: number, changes: Changes) =>
  client.refusal(p9.P9_TSETATTR, setattrFields(fid, changes));

describe("Tlcreate", () => {
  test("makes the file with exactly its mode, and the fid becomes the open file", () => {
    const reply = client.create(dir, "new", NEW, 0o666);
    expect(reply.qid()).toEqual(client.getattr(dir).qid);
    expect(reply.u32()).toBe(0);
    expect(client.write(dir, 0, Buffer.from("data"))).toBe(4);
    expect(`${client.read(dir, 0, 10)}`).toBe("data");
    expect(statSync(at("new")).mode & 0o7777).toBe(0o666);
    expect(readFileSync(at("new"), "utf8")).toBe("data");
  });

  test("opens an existing regular file unless O_EXCL is asked for", () => {
    writeFileSync(at("old"), "content");
    expect(client.refusal(p9.P9_TLCREATE, createFields(dir, "old"))).toBe("EEXIST");
    client.create(dir, "old", fcntl.O_RDONLY | fcntl.O_CREAT, 0o644);
    expect(`${client.read(dir, 0, 10)}`).toBe("content");
  });

  test("never opens anything but a regular file, and never follows", () => {
    symlinkSync("elsewhere", at("link"));
    execFileSync("mkfifo", [at("fifo")]);
    mkdirSync(at("dir"));
    const flags = fcntl.O_WRONLY | fcntl.O_CREAT;
    expect(client.refusal(p9.P9_TLCREATE, createFields(dir, "link", flags))).toBe("ELOOP");
    expect(client.refusal(p9.P9_TLCREATE, createFields(dir, "fifo", flags))).toBe("ENXIO");
    expect(client.refusal(p9.P9_TLCREATE, createFields(dir, "dir", flags))).toBe("EEXIST");
    expect(client.refusal(p9.P9_TLCREATE, createFields(dir, "dir", fcntl.O_CREAT))).toBe("EEXIST");
    expect(existsSync(at("elsewhere"))).toBe(false);
  });

  test("the fid must be a directory that is not open", () => {
    writeFileSync(at("file"), "");
    const file = client.reach(dir, "file");
    expect(client.refusal(p9.P9_TLCREATE, createFields(file, "x"))).toBe("ENOTDIR");
    client.open(dir, 0);
    expect(client.refusal(p9.P9_TLCREATE, createFields(dir, "x"))).toBe("EINVAL");
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  test("the created fid can be renamed, removed and cloned", () => {
    client.create(dir, "made", NEW, 0o644);
    const parent = client.reach(0, path.basename(folder));
    expect(client.refusal(p9.P9_TRENAME, renameFields(dir, parent, "moved"))).toBe("");
    expect(readdirSync(folder)).toEqual(["moved"]);
    const clone = client.reach(dir);
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(clone))).toBe("");
    expect(readdirSync(folder)).toEqual([]);
    expect(client.getattr(dir).nlink).toBe(0n);
  });
});

describe("Tmkdir, Tsymlink, Tmknod, Tlink", () => {
  test("a directory is made with exactly its mode", () => {
    const reply = client.call(p9.P9_TMKDIR, mkdirFields(dir, "d", 0o1777));
    expect(reply.qid()).toEqual(client.getattr(client.reach(dir, "d")).qid);
    expect(statSync(at("d")).mode & 0o7777).toBe(0o1777);
    expect(client.refusal(p9.P9_TMKDIR, mkdirFields(dir, "d"))).toBe("EEXIST");
  });

  test("a symlink holds any target", () => {
    for (const target of ["/etc/passwd", "../../x", "t".repeat(4095), "\xff"]) {
      const name = `l${target.length}`;
      const bytes = Buffer.from(target, "latin1");
      const reply = client.call(p9.P9_TSYMLINK, symlinkFields(dir, name, bytes));
      expect(reply.qid().type).toBe(p9.P9_QTSYMLINK);
      expect(readlinkSync(at(name), "buffer")).toEqual(bytes);
      const link = client.reach(dir, name);
      expect(client.call(p9.P9_TREADLINK, new Message().u32(link)).string()).toEqual(bytes);
    }
  });

  test("a symlink's target is not empty, not too long and without NUL", () => {
    expect(client.refusal(p9.P9_TSYMLINK, symlinkFields(dir, "l", ""))).toBe("ENOENT");
    expect(client.refusal(p9.P9_TSYMLINK, symlinkFields(dir, "l", "t".repeat(4096)))).toBe("ENAMETOOLONG");
    expect(client.refusal(p9.P9_TSYMLINK, symlinkFields(dir, "l", "a\0b"))).toBe("EINVAL");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("FIFOs, sockets and files are made; devices are not", () => {
    for (const type of [stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFREG]) {
      expect(client.refusal(p9.P9_TMKNOD, mknodFields(dir, `n${type}`, type | 0o600))).toBe("");
      expect(lstatSync(at(`n${type}`)).mode).toBe(type | 0o600);
    }
    expect(client.refusal(p9.P9_TMKNOD, mknodFields(dir, "c", stat.S_IFCHR | 0o600))).toBe("EPERM");
    expect(client.refusal(p9.P9_TMKNOD, mknodFields(dir, "b", stat.S_IFBLK | 0o600))).toBe("EPERM");
    expect(client.refusal(p9.P9_TMKNOD, mknodFields(dir, "d", stat.S_IFDIR | 0o600))).toBe("EINVAL");
  });

  test("a hard link is made to the file itself, also to a symlink", () => {
    writeFileSync(at("file"), "x");
    symlinkSync("file", at("sym"));
    expect(client.refusal(p9.P9_TLINK, linkFields(dir, client.reach(dir, "file"), "file2"))).toBe("");
    expect(client.refusal(p9.P9_TLINK, linkFields(dir, client.reach(dir, "sym"), "sym2"))).toBe("");
    expect(statSync(at("file2")).ino).toBe(statSync(at("file")).ino);
    expect(lstatSync(at("sym2")).ino).toBe(lstatSync(at("sym")).ino);
    expect(client.refusal(p9.P9_TLINK, linkFields(dir, dir, "dir2"))).toBe("EPERM");
    expect(client.refusal(p9.P9_TLINK, linkFields(dir, client.reach(dir, "file"), "sym"))).toBe("EEXIST");
  });

  test.runIf(isRoot)("what is made belongs to the attached user and the message's group", () => {
    const alice = client.fid();
    client.attach(alice, 1234);
    const own = client.reach(alice, path.basename(folder));
    const file = client.reach(own);
    client.create(file, "f", NEW, 0o4755, 77);
    client.call(p9.P9_TMKDIR, mkdirFields(own, "d", 0o700, 77));
    client.call(p9.P9_TSYMLINK, new Message().u32(own).string("l").string("t").u32(77));
    client.call(p9.P9_TMKNOD, mknodFields(own, "p", stat.S_IFIFO | 0o600));
    const owner = (name: string) => [lstatSync(at(name)).uid, lstatSync(at(name)).gid];
    expect(["f", "d", "l", "p"].map(owner)).toEqual([
      [1234, 77],
      [1234, 77],
      [1234, 77],
      [1234, 0],
    ]);
    expect(statSync(at("f")).mode & 0o7777).toBe(0o4755);
  });
});

describe("names that are no names", () => {
  const requests: readonly [number, (fid: number, name: string) => Message, string][] = [
    [p9.P9_TLCREATE, createFields, "EEXIST"],
    [p9.P9_TMKDIR, mkdirFields, "EEXIST"],
    [p9.P9_TSYMLINK, (fid, name) => symlinkFields(fid, name, "t"), "EEXIST"],
    [p9.P9_TMKNOD, (fid, name) => mknodFields(fid, name, stat.S_IFIFO), "EEXIST"],
    [p9.P9_TLINK, (fid, name) => linkFields(fid, fid, name), "EEXIST"],
    [p9.P9_TRENAMEAT, (fid, name) => renameatFields(fid, name, fid, "x"), "EBUSY"],
    [p9.P9_TRENAMEAT, (fid, name) => renameatFields(fid, "keep", fid, name), "EBUSY"],
    [p9.P9_TRENAME, (fid, name) => renameFields(fid, fid, name), "EBUSY"],
    [p9.P9_TUNLINKAT, unlinkFields, "EISDIR"],
  ];

  test.each(requests)("message %d refuses them", (type, fields, dots) => {
    writeFileSync(at("keep"), "");
    for (const name of ["", "/", "a/b", "../x", "/etc", "a\0"]) {
      expect(client.refusal(type, fields(dir, name))).toBe("EINVAL");
    }
    expect(client.refusal(type, fields(dir, "n".repeat(256)))).toBe("ENAMETOOLONG");
    expect([".", ".."].map((name) => client.refusal(type, fields(dir, name)))).toEqual([dots, dots]);
    expect(readdirSync(folder)).toEqual(["keep"]);
  });

  test("removing '.' and '..' as directories is refused as Linux does", () => {
    expect(client.refusal(p9.P9_TUNLINKAT, unlinkFields(dir, ".", fcntl.AT_REMOVEDIR))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TUNLINKAT, unlinkFields(dir, "..", fcntl.AT_REMOVEDIR))).toBe("ENOTEMPTY");
  });
});

describe("Trenameat and Trename", () => {
  test("move a file between directories and replace what is there", () => {
    mkdirSync(at("a"));
    mkdirSync(at("b"));
    writeFileSync(at("a", "one"), "1");
    writeFileSync(at("b", "two"), "2");
    const [a, b] = [client.reach(dir, "a"), client.reach(dir, "b")];
    expect(client.refusal(p9.P9_TRENAMEAT, renameatFields(a, "one", b, "two"))).toBe("");
    expect(readFileSync(at("b", "two"), "utf8")).toBe("1");
    expect(client.refusal(p9.P9_TRENAME, renameFields(client.reach(b, "two"), a, "back"))).toBe("");
    expect(readdirSync(at("a"))).toEqual(["back"]);
  });

  test("fids follow their file, whichever message moved it", () => {
    mkdirSync(at("a"));
    writeFileSync(at("f"), "x");
    const a = client.reach(dir, "a");
    const file = client.reach(dir, "f");
    const otherWayIn = client.reach(0, path.basename(folder), "f");
    client.call(p9.P9_TRENAMEAT, renameatFields(dir, "f", a, "g"));
    client.call(p9.P9_TRENAME, renameFields(file, dir, "h"));
    expect(readdirSync(folder).sort()).toEqual(["a", "h"]);
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(otherWayIn))).toBe("");
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("'..' of a directory that was moved is its new parent", () => {
    mkdirSync(at("a"));
    mkdirSync(at("b"));
    const [a, b] = [client.reach(dir, "a"), client.reach(dir, "b")];
    client.call(p9.P9_TRENAMEAT, renameatFields(dir, "b", a, "b"));
    expect(client.walk(b, client.fid(), "..")).toEqual([client.getattr(a).qid]);
  });

  test("a name that the host has given to another file is not touched", () => {
    writeFileSync(at("f"), "mine");
    const [renamed, removed] = [client.reach(dir, "f"), client.reach(dir, "f")];
    renameSync(at("f"), at("elsewhere"));
    writeFileSync(at("f"), "theirs");
    expect(client.refusal(p9.P9_TRENAME, renameFields(renamed, dir, "g"))).toBe("ENOENT");
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(removed))).toBe("ENOENT");
    expect(readFileSync(at("f"), "utf8")).toBe("theirs");
  });

  test("the host's refusals come through", () => {
    mkdirSync(at("a", "b"), { recursive: true });
    writeFileSync(at("f"), "");
    const b = client.reach(dir, "a", "b");
    expect(client.refusal(p9.P9_TRENAMEAT, renameatFields(dir, "a", b, "x"))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TRENAMEAT, renameatFields(dir, "f", dir, "a"))).toBe("EISDIR");
    expect(client.refusal(p9.P9_TRENAMEAT, renameatFields(dir, "a", dir, "f"))).toBe("ENOTDIR");
    expect(client.refusal(p9.P9_TRENAMEAT, renameatFields(dir, "nope", dir, "f"))).toBe("ENOENT");
    expect(client.refusal(p9.P9_TRENAMEAT, renameatFields(b, "x", 99999, "f"))).toBe("EBADF");
  });
});

describe("Tunlinkat and Tremove", () => {
  test("the flag must fit the file", () => {
    mkdirSync(at("d"));
    writeFileSync(at("f"), "");
    expect(client.refusal(p9.P9_TUNLINKAT, unlinkFields(dir, "d"))).toBe("EISDIR");
    expect(client.refusal(p9.P9_TUNLINKAT, unlinkFields(dir, "f", fcntl.AT_REMOVEDIR))).toBe("ENOTDIR");
    expect(client.refusal(p9.P9_TUNLINKAT, unlinkFields(dir, "f", 1))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TUNLINKAT, unlinkFields(dir, "f"))).toBe("");
    expect(client.refusal(p9.P9_TUNLINKAT, unlinkFields(dir, "d", fcntl.AT_REMOVEDIR))).toBe("");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("Tunlinkat leaves fids alone, Tremove clunks its own even when it fails", () => {
    mkdirSync(at("full", "x"), { recursive: true });
    writeFileSync(at("f"), "");
    const [full, file] = [client.reach(dir, "full"), client.reach(dir, "f")];
    client.call(p9.P9_TUNLINKAT, unlinkFields(dir, "f"));
    expect(client.getattr(file).nlink).toBe(0n);
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(full))).toBe("ENOTEMPTY");
    expect(client.refusal(p9.P9_TCLUNK, new Message().u32(full))).toBe("EBADF");
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(file))).toBe("ENOENT");
  });

  test("a symlink is removed itself", () => {
    writeFileSync(at("f"), "");
    symlinkSync("f", at("l"));
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(client.reach(dir, "l")))).toBe("");
    expect(readdirSync(folder)).toEqual(["f"]);
  });

  test("the root stays where it is", () => {
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(client.reach(0)))).toBe("EBUSY");
    expect(client.refusal(p9.P9_TRENAME, renameFields(0, dir, "root"))).toBe("EBUSY");
  });
});

describe("Tsetattr", () => {
  let file: number;

  beforeEach(() => {
    writeFileSync(at("f"), "0123456789", { mode: 0o644 });
    file = client.reach(dir, "f");
  });

  test("size cuts and extends, with and without an open descriptor", () => {
    expect(setattr(file, { valid: p9.P9_SETATTR_SIZE, size: 4 })).toBe("");
    expect(readFileSync(at("f"), "utf8")).toBe("0123");
    client.open(file, fcntl.O_RDWR);
    expect(setattr(file, { valid: p9.P9_SETATTR_SIZE, size: 6 })).toBe("");
    expect(readFileSync(at("f"), "utf8")).toBe("0123\0\0");
    const reader = client.reach(dir, "f");
    client.open(reader, fcntl.O_RDONLY);
    expect(setattr(reader, { valid: p9.P9_SETATTR_SIZE, size: 1 })).toBe("");
    expect(statSync(at("f")).size).toBe(1);
  });

  test("a size that stays changes the file with MTIME, as by ftruncate(2), and not without, as by truncate(2)", () => {
    // What truncate(2) makes of it is the file system's to say.
    const stays = (change: () => void): boolean => {
      utimesSync(at("f"), 1, 1);
      change();
      return statSync(at("f")).mtimeMs === 1000;
    };
    const byPath = stays(() => truncateSync(at("f"), 10));
    expect(stays(() => setattr(file, { valid: p9.P9_SETATTR_SIZE, size: 10 }))).toBe(byPath);
    const valid = p9.P9_SETATTR_SIZE | p9.P9_SETATTR_MTIME;
    expect(stays(() => setattr(file, { valid, size: 10 }))).toBe(false);
  });

  test("a change of nothing moves the change time", () => {
    const before = statSync(at("f"), { bigint: true }).ctimeNs;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
    expect(setattr(file, { valid: p9.P9_SETATTR_CTIME })).toBe("");
    expect(statSync(at("f"), { bigint: true }).ctimeNs).toBeGreaterThan(before);
  });

  test("sizes that no file has, and files that have none", () => {
    expect(setattr(file, { valid: p9.P9_SETATTR_SIZE, size: 2n ** 63n })).toBe("EINVAL");
    expect(setattr(file, { valid: p9.P9_SETATTR_SIZE, size: 2n ** 62n })).toBe("EFBIG");
    expect(setattr(dir, { valid: p9.P9_SETATTR_SIZE })).toBe("EISDIR");
    symlinkSync("f", at("l"));
    expect(setattr(client.reach(dir, "l"), { valid: p9.P9_SETATTR_SIZE })).toBe("EINVAL");
    expect(statSync(at("f")).size).toBe(10);
  });

  test("the mode is set without the type, and not on a symlink", () => {
    expect(setattr(file, { valid: p9.P9_SETATTR_MODE, mode: 0o100000 | 0o4711 })).toBe("");
    expect(statSync(at("f")).mode).toBe(0o100000 | 0o4711);
    symlinkSync("f", at("l"));
    expect(setattr(client.reach(dir, "l"), { valid: p9.P9_SETATTR_MODE, mode: 0 })).toBe("EOPNOTSUPP");
    expect(statSync(at("f")).mode & 0o7777).toBe(0o4711);
  });

  test("times are set, left alone or now; before 1970 too", () => {
    const both =
      p9.P9_SETATTR_ATIME | p9.P9_SETATTR_ATIME_SET | p9.P9_SETATTR_MTIME | p9.P9_SETATTR_MTIME_SET;
    expect(setattr(file, { valid: both, atime: [-5, 7], mtime: [1_000_000_000, 999_999_999] })).toBe("");
    expect(client.getattr(file)).toMatchObject({
      atime: [BigInt.asUintN(64, -5n), 7n],
      mtime: [1_000_000_000n, 999_999_999n],
    });
    expect(setattr(file, { valid: p9.P9_SETATTR_ATIME, atime: [1, 1] })).toBe("");
    const { atime, mtime } = client.getattr(file);
    expect(Math.abs(Number(atime[0]) - Date.now() / 1000)).toBeLessThan(60);
    expect(mtime).toEqual([1_000_000_000n, 999_999_999n]);
  });

  test("special nanoseconds are no nanoseconds", () => {
    const valid = p9.P9_SETATTR_MTIME | p9.P9_SETATTR_MTIME_SET;
    for (const nanoseconds of [1_000_000_000, stat.UTIME_NOW, stat.UTIME_OMIT, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(setattr(file, { valid, mtime: [1, nanoseconds] })).toBe("EINVAL");
    }
    expect(setattr(file, { valid, mtime: [2n ** 60n, 0] })).toBe("EINVAL");
  });

  test("a symlink's own times are set", () => {
    symlinkSync("f", at("l"));
    const before = statSync(at("f")).mtimeMs;
    const valid = p9.P9_SETATTR_MTIME | p9.P9_SETATTR_MTIME_SET;
    expect(setattr(client.reach(dir, "l"), { valid, mtime: [12, 0] })).toBe("");
    expect([lstatSync(at("l")).mtimeMs, statSync(at("f")).mtimeMs]).toEqual([12_000, before]);
  });

  test.runIf(isRoot)("owner and mode together keep the set-id bits", () => {
    const valid = p9.P9_SETATTR_UID | p9.P9_SETATTR_GID | p9.P9_SETATTR_MODE;
    expect(setattr(file, { valid, uid: 55, gid: 66, mode: 0o6755 })).toBe("");
    const { uid, gid, mode } = statSync(at("f"));
    expect([uid, gid, mode & 0o7777]).toEqual([55, 66, 0o6755]);
    expect(setattr(file, { valid: p9.P9_SETATTR_UID, uid: 0xffff_fffe })).toBe("");
    expect(statSync(at("f")).uid).toBe(0xffff_fffe);
  });

  test("an owner of -1 and unknown bits are refused", () => {
    expect(setattr(file, { valid: p9.P9_SETATTR_UID, uid: 0xffffffff })).toBe("EINVAL");
    expect(setattr(file, { valid: p9.P9_SETATTR_GID, gid: 0xffffffff })).toBe("EINVAL");
    expect(setattr(file, { valid: 0x200 })).toBe("EINVAL");
    expect(setattr(file, { valid: p9.P9_SETATTR_CTIME })).toBe("");
  });

  test("a file whose name is gone is still changed, through its fid", () => {
    client.open(file, fcntl.O_RDWR);
    linkSync(at("f"), at("witness"));
    unlinkSync(at("f"));
    chmodSync(at("witness"), 0o400);
    expect(setattr(file, { valid: p9.P9_SETATTR_SIZE, size: 3 })).toBe("");
    expect(setattr(file, { valid: p9.P9_SETATTR_MODE, mode: 0o600 })).toBe("");
    const { size, mode } = statSync(at("witness"));
    expect([size, mode & 0o7777]).toEqual([3, 0o600]);
    unlinkSync(at("witness"));
    expect(setattr(file, { valid: p9.P9_SETATTR_SIZE, size: 1 })).toBe("");
    expect(client.getattr(file).size).toBe(1n);
  });
});
