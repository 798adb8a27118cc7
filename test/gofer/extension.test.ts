// The messages that "9P2000.L.wvisor.1" adds, but for those of attributes and locks, against a real directory.

import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  O_RDONLY,
  O_RDWR,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  SEEK_DATA,
  SEEK_HOLE,
} from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { VERSION_9P2000L, VERSION_WVISOR } from "../../src/common/p9-version.ts";
import { FIDS_MAX } from "../../src/p9/server/fid-table.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { type Attributes, Message, type P9Client } from "../support/p9-client.ts";

const PUNCH_HOLE = 3;
const isRoot = process.getuid?.() === 0;

let bundle: string;
let folder: string;
let gofer: Gofer;
let client: P9Client;

beforeAll(async () => {
  bundle = await buildGofer();
});

beforeEach(() => {
  folder = scratch();
  mkdirSync(path.join(folder, "a", "b"), { recursive: true });
  writeFileSync(path.join(folder, "a", "b", "file"), "text");
  writeFileSync(path.join(folder, "other"), "other");
  symlinkSync("a", path.join(folder, "link"));
  gofer = new Gofer(bundle, [
    { source: folder, donate: true },
    { source: folder, readonly: true },
  ]);
  client = gofer.connect(0);
});

afterEach(async () => {
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  rmSync(folder, { recursive: true });
});

function walkFields(fid: number, skip: number, names: string[], fids: number[]): Message {
  const message = new Message().u32(fid).u16(skip).u16(names.length);
  for (const name of names) message.string(name);
  for (const each of fids) message.u32(each);
  return message;
}

function walkFids(fid: number, skip: number, names: string[], fids: number[]) {
  const reply = client.call(p9.P9_TWALKFIDS, walkFields(fid, skip, names, fids));
  const status = reply.u32();
  const attributes: Attributes[] = [];
  for (let count = reply.u16(); count > 0; count--) attributes.push(reply.attributes());
  return { status, inodes: attributes.map(({ qid }) => Number(qid.path)) };
}

const inode = (...parts: string[]): number => lstatSync(path.join(folder, ...parts)).ino;
const isFid = (fid: number): boolean => client.refusal(p9.P9_TGETATTR, new Message().u32(fid).u64(0)) === "";

describe("Twalkfids", () => {
  test("gives each component a fid, but the first ones", () => {
    const { status, inodes } = walkFids(0, 1, ["a", "b", "file"], [10, 11]);
    expect(status).toBe(0);
    expect(inodes).toEqual([inode("a"), inode("a", "b"), inode("a", "b", "file")]);
    expect(Number(client.getattr(10).qid.path)).toBe(inode("a", "b"));
    expect(Number(client.getattr(11).qid.path)).toBe(inode("a", "b", "file"));
  });

  test("keeps what it reached when a name is missing, is a file, or a link", () => {
    expect(walkFids(0, 0, ["a", "none", "x"], [10, 11, 12])).toEqual({ status: 2, inodes: [inode("a")] });
    expect([10, 11, 12].map(isFid)).toEqual([true, false, false]);
    expect(walkFids(0, 0, ["other", "x"], [20, 21])).toEqual({ status: 20, inodes: [inode("other")] });
    expect(walkFids(0, 0, ["link", "b"], [30, 31])).toEqual({ status: 20, inodes: [inode("link")] });
    expect(walkFids(0, 0, ["none"], [40])).toEqual({ status: 2, inodes: [] });
    expect(isFid(40)).toBe(false);
  });

  test("refuses fids that are in use, twice the same, or none, and makes none then", () => {
    const refusal = (skip: number, fids: number[]) =>
      client.refusal(p9.P9_TWALKFIDS, walkFields(0, skip, ["a", "b"], fids));
    expect(refusal(0, [10, 0])).toBe("EINVAL");
    expect(refusal(0, [10, 10])).toBe("EINVAL");
    expect(refusal(0, [10, p9.P9_NOFID])).toBe("EBADF");
    expect(refusal(3, [])).toBe("EINVAL");
    expect(refusal(0xffff, [])).toBe("EINVAL");
    expect(client.refusal(p9.P9_TWALKFIDS, walkFields(0, 0, new Array(17).fill("a"), []))).not.toBe("");
    expect(client.refusal(p9.P9_TWALKFIDS, walkFields(0, 0, ["a/b"], [10]))).toBe("EINVAL");
    expect(isFid(10)).toBe(false);
  });

  test("never leaves the tree", () => {
    expect(walkFids(0, 0, ["..", ".."], [10, 11]).inodes).toEqual([inode(), inode()]);
  });

  test("counts all its fids against the limit", () => {
    const names = new Array(16).fill(".");
    let next = 1;
    let refused = "";
    while (refused === "") {
      const fids = Array.from({ length: 16 }, () => next++);
      refused = client.refusal(p9.P9_TWALKFIDS, walkFields(0, 0, names, fids));
    }
    expect(refused).toBe("ENFILE");
    expect(next).toBeGreaterThan(FIDS_MAX - 32);
    expect(next).toBeLessThan(FIDS_MAX + 32);
  });
});

describe("Tmultigetattr", () => {
  const fields = (fid: number, names: string[], fids: number[]) => {
    const message = new Message().u32(fid).u16(names.length);
    for (const name of names) message.string(name);
    for (const each of fids) message.u32(each);
    return message;
  };

  const ask = (fid: number, names: string[], fids: number[]) => {
    const reply = client.call(p9.P9_TMULTIGETATTR, fields(fid, names, fids));
    return Array.from({ length: reply.u16() }, () => {
      const status = reply.u32();
      return status === 0 ? Number(reply.attributes().qid.path) : -status;
    });
  };

  test("tells about each name, and makes a fid on each that is there and wanted", () => {
    const names = ["a", "none", "other", "link", "..", "."];
    expect(ask(0, names, [10, 11, p9.P9_NOFID, 13, 14, 15])).toEqual([
      inode("a"),
      -2,
      inode("other"),
      inode("link"),
      inode(),
      inode(),
    ]);
    expect([10, 11, 13, 14, 15].map(isFid)).toEqual([true, false, true, true, true]);
    expect(ask(10, ["b"], [20])).toEqual([inode("a", "b")]);
    expect(ask(0, [], [])).toEqual([]);
  });

  test("answers as many as the message holds", () => {
    client.version(VERSION_WVISOR, 4096);
    client.attach(0);
    const reply = client.call(
      p9.P9_TMULTIGETATTR,
      fields(
        0,
        new Array(64).fill("a"),
        Array.from({ length: 64 }, (_, i) => 10 + i),
      ),
    );
    const count = reply.u16();
    expect(count).toBeGreaterThan(20);
    expect(count).toBeLessThan(27);
    expect([10 + count - 1, 10 + count].map(isFid)).toEqual([true, false]);
  });

  test("refuses what is no list of names, and makes no fid then", () => {
    const refusal = (fid: number, names: string[], fids: number[]) =>
      client.refusal(p9.P9_TMULTIGETATTR, fields(fid, names, fids));
    expect(refusal(0, new Array(65).fill("a"), [])).toBe("EINVAL");
    expect(refusal(0, ["a", "a/b"], [10, 11])).toBe("EINVAL");
    expect(refusal(0, ["a", ""], [10, 11])).toBe("EINVAL");
    expect(refusal(0, ["a", "a"], [10, 10])).toBe("EINVAL");
    expect(refusal(0, ["a", "a"], [10, 0])).toBe("EINVAL");
    expect(refusal(99, ["a"], [10])).toBe("EBADF");
    expect(refusal(0, ["a"], [])).toBe("EPROTO");
    expect(refusal(0, ["a"], [10, 11])).toBe("EPROTO");
    expect(isFid(10)).toBe(false);
    expect(ask(0, ["other"], [30])).toEqual([inode("other")]);
    expect(refusal(30, ["a"], [31])).toBe("ENOTDIR");
  });
});

describe("Tclunks", () => {
  test("frees all that it names, and passes over others", () => {
    walkFids(0, 0, ["a", "b", "file"], [10, 11, 12]);
    client.call(p9.P9_TCLUNKS, new Message().u16(3).u32(10).u32(999).u32(12));
    expect([10, 11, 12].map(isFid)).toEqual([false, true, false]);
    client.call(p9.P9_TCLUNKS, new Message().u16(2).u32(11).u32(11));
    const many = new Message().u16(65);
    for (let i = 0; i < 65; i++) many.u32(i);
    expect(client.refusal(p9.P9_TCLUNKS, many)).toBe("EINVAL");
    expect(isFid(0)).toBe(true);
  });
});

function createFields(open: number, fid: number, name: string, mode = 0o640, uid = 0, gid = 0): Message {
  return new Message().u32(0).u32(open).u32(fid).string(name).u32(mode).u32(uid).u32(gid);
}

describe("Tcreateattr", () => {
  test("makes, opens, gives, describes, and donates a file in one message", () => {
    const owner = isRoot ? 1234 : process.getuid!();
    const reply = client.call(p9.P9_TCREATEATTR, createFields(10, 11, "new", 0o640, owner, owner));
    const attributes = reply.attributes();
    expect(attributes).toMatchObject({ mode: 0o100640, uid: owner, size: 0n, nlink: 1n });
    expect(Number(attributes.qid.path)).toBe(inode("new"));
    expect(client.write(10, 0, Buffer.from("written"))).toBe(7);
    const buffer = Buffer.alloc(7);
    readSync(reply.fd, buffer, 0, 7, 0);
    expect(`${buffer}`).toBe("written");
    expect(fstatSync(reply.fd).ino).toBe(inode("new"));
    closeSync(reply.fd);
    expect(client.getattr(11).size).toBe(7n);
    expect(client.refusal(p9.P9_TLOPEN, new Message().u32(11).u32(0))).toBe("");
  });

  test("is exclusive, and follows nothing", () => {
    symlinkSync("/tmp/nowhere", path.join(folder, "dangling"));
    for (const name of ["other", "a", "link", "dangling"]) {
      expect(client.refusal(p9.P9_TCREATEATTR, createFields(10, 11, name))).toBe("EEXIST");
    }
    expect([10, 11].map(isFid)).toEqual([false, false]);
  });

  test("refuses bad fids and names, and makes nothing then", () => {
    const refusal = (message: Message) => client.refusal(p9.P9_TCREATEATTR, message);
    const before = readdirSync(folder);
    expect(refusal(createFields(10, 10, "new"))).toBe("EINVAL");
    expect(refusal(createFields(0, 10, "new"))).toBe("EINVAL");
    expect(refusal(createFields(10, 0, "new"))).toBe("EINVAL");
    expect(refusal(createFields(10, p9.P9_NOFID, "new"))).toBe("EBADF");
    expect(refusal(createFields(10, 11, "a/b"))).toBe("EINVAL");
    expect(refusal(createFields(10, 11, ".."))).toBe("EEXIST");
    expect(refusal(createFields(10, 11, ""))).toBe("EINVAL");
    expect(readdirSync(folder)).toEqual(before);
    client = gofer.connect(1);
    expect(client.refusal(p9.P9_TCREATEATTR, createFields(10, 11, "new"))).toBe("EROFS");
  });
});

describe("Ttmpfile", () => {
  const fields = (fid: number) => new Message().u32(0).u32(fid).u32(0o600).u32(0).u32(0);

  test("makes a file that no directory has, until it is linked", () => {
    const before = readdirSync(folder);
    const refused = client.refusal(p9.P9_TTMPFILE, fields(10));
    // Not every file system of the host has unnamed files.
    if (refused === "EOPNOTSUPP") return;
    expect(refused).toBe("");
    expect(client.getattr(10)).toMatchObject({ mode: 0o100600, nlink: 0n, size: 0n });
    expect(readdirSync(folder)).toEqual(before);
    const open = client.fid() + 100;
    client.walk(10, open);
    closeSync(client.open(open, O_RDWR).fd);
    client.write(open, 0, Buffer.from("text"));
    client.call(p9.P9_TLINK, new Message().u32(0).u32(10).string("named"));
    expect(readFileSync(path.join(folder, "named"), "utf8")).toBe("text");
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(10))).toBe("ENOENT");
  });

  test("is refused where nothing may be made", () => {
    const file = client.reach(0, "other");
    const inFile = new Message().u32(file).u32(10).u32(0o600).u32(0).u32(0);
    expect(client.refusal(p9.P9_TTMPFILE, inFile)).toBe("ENOTDIR");
    expect(client.refusal(p9.P9_TTMPFILE, fields(0))).toBe("EINVAL");
    client = gofer.connect(1);
    expect(client.refusal(p9.P9_TTMPFILE, fields(10))).toBe("EROFS");
  });
});

describe("Trenameat2", () => {
  const fields = (from: string, to: string, flags: number) =>
    new Message().u32(0).string(from).u32(0).string(to).u32(flags);

  test("exchanges two names, and the fids that had them know", () => {
    const [a, other] = [client.reach(0, "a"), client.reach(0, "other")];
    client.call(p9.P9_TRENAMEAT2, fields("a", "other", RENAME_EXCHANGE));
    expect(lstatSync(path.join(folder, "other")).isDirectory()).toBe(true);
    expect(readFileSync(path.join(folder, "a"), "utf8")).toBe("other");
    // By the name that each has now.
    client.call(p9.P9_TREMOVE, new Message().u32(other));
    expect(readdirSync(folder)).toEqual(["link", "other"]);
    expect(client.refusal(p9.P9_TREMOVE, new Message().u32(a))).toBe("ENOTEMPTY");
  });

  test("does not replace when told so, and refuses what makes no sense", () => {
    const refusal = (from: string, to: string, flags: number) =>
      client.refusal(p9.P9_TRENAMEAT2, fields(from, to, flags));
    expect(refusal("other", "link", RENAME_NOREPLACE)).toBe("EEXIST");
    expect(refusal("other", "none", RENAME_EXCHANGE)).toBe("ENOENT");
    expect(refusal("other", "link", RENAME_NOREPLACE | RENAME_EXCHANGE)).toBe("EINVAL");
    expect(refusal("other", "new", 8)).toBe("EINVAL");
    expect(refusal("other", "..", 0)).toBe("EBUSY");
    expect(refusal("other", "new", RENAME_NOREPLACE)).toBe("");
    client = gofer.connect(1);
    expect(refusal("new", "other", 0)).toBe("EROFS");
  });

  test.runIf(isRoot)("leaves a whiteout [needs root]", () => {
    const refused = client.refusal(p9.P9_TRENAMEAT2, fields("other", "moved", RENAME_WHITEOUT));
    if (refused === "EINVAL") return;
    expect(lstatSync(path.join(folder, "other"))).toMatchObject({ rdev: 0 });
    expect(lstatSync(path.join(folder, "other")).isCharacterDevice()).toBe(true);
  });
});

describe("ranges", () => {
  function opened(name: string, flags = O_RDWR): number {
    const fid = client.reach(0, name);
    const { fd } = client.open(fid, flags);
    if (fd >= 0) closeSync(fd);
    return fid;
  }
  const seek = (fid: number, whence: number, offset: number | bigint): Message =>
    new Message().u32(fid).u32(whence).u64(offset);

  test("data and holes are found, and holes are made", () => {
    truncateSync(path.join(folder, "other"), 1 << 20);
    const fid = opened("other");
    expect(client.call(p9.P9_TSEEK, seek(fid, SEEK_DATA, 0)).u64()).toBe(0n);
    const hole = client.call(p9.P9_TSEEK, seek(fid, SEEK_HOLE, 0)).u64();
    expect(hole).toBeLessThanOrEqual(1n << 20n);
    expect(client.refusal(p9.P9_TSEEK, seek(fid, SEEK_DATA, 2 ** 40))).toBe("ENXIO");
    expect(client.refusal(p9.P9_TSEEK, seek(fid, SEEK_DATA, 2n ** 63n - 1n))).toBe("ENXIO");
    expect(client.refusal(p9.P9_TSEEK, seek(fid, SEEK_DATA, 2n ** 64n - 1n))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TSEEK, seek(fid, 2, 0))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TSEEK, seek(client.reach(0, "other"), SEEK_DATA, 0))).toBe("EINVAL");
    const allocate = (mode: number, offset: number | bigint, length: number | bigint) =>
      client.refusal(p9.P9_TALLOCATE, new Message().u32(fid).u32(mode).u64(offset).u64(length));
    expect(allocate(0, 0, 2 << 20)).toBe("");
    expect(lstatSync(path.join(folder, "other")).size).toBe(2 << 20);
    expect(allocate(PUNCH_HOLE, 0, 4096)).toBe("");
    expect(readFileSync(path.join(folder, "other")).subarray(0, 5).equals(Buffer.alloc(5))).toBe(true);
    expect(allocate(0, 2n ** 63n, 1)).toBe("EINVAL");
    expect(allocate(0, 2n ** 63n - 1n, 2)).toBe("EFBIG");
    expect(allocate(0, 0, 0)).toBe("EINVAL");
  });

  test("data is copied between two open files", () => {
    const [from, to] = [opened("other", O_RDONLY), client.reach(0, "a")];
    client.open(to, O_RDONLY);
    const file = client.reach(0, "a", "b", "file");
    closeSync(client.open(file, O_RDWR).fd);
    const copy = (source: number, target: number, length: number | bigint) =>
      new Message().u32(source).u64(1).u32(target).u64(2).u64(length);
    expect(client.call(p9.P9_TCOPYRANGE, copy(from, file, 100)).u64()).toBe(4n);
    expect(readFileSync(path.join(folder, "a", "b", "file"), "utf8")).toBe("tether");
    expect(client.refusal(p9.P9_TCOPYRANGE, copy(file, from, 1))).toBe("EBADF");
    expect(client.refusal(p9.P9_TCOPYRANGE, copy(from, to, 1))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TCOPYRANGE, copy(from, file, 2n ** 63n))).toBe("EINVAL");
  });
});

test("plain 9P2000.L has none of them", () => {
  client = gofer.connect(0, VERSION_9P2000L);
  for (let type = p9.P9_TWALKFIDS; type <= p9.P9_TCONNECT; type += 2) {
    expect(client.refusal(type, new Message().u16(0))).toBe("EOPNOTSUPP");
  }
});
