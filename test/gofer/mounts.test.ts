import {
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { S_IFIFO } from "../../assembly/abi/stat.ts";
import { VERSION_9P2000L } from "../../src/common/p9-version.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, requireNative, scratch } from "../support/gofer.ts";
import { Message, type P9Client } from "../support/p9-client.ts";

const native = requireNative();
const folder = scratch();
let gofer: Gofer;

beforeAll(async () => {
  mkdirSync(path.join(folder, "dir"));
  writeFileSync(path.join(folder, "file"), "content");
  symlinkSync("file", path.join(folder, "link"));
  const mounts = [
    { source: folder, readonly: true, donate: true },
    { source: folder, donate: true },
    { source: folder, donate: false },
    { source: path.join(folder, "file"), readonly: true },
  ];
  gofer = new Gofer(await buildGofer(), mounts);
});

afterAll(async () => {
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  rmSync(folder, { recursive: true });
});

/** What is in the tree, deep enough to notice a change. */
function snapshot(): unknown {
  const text = readFileSync(path.join(folder, "file"), "utf8");
  return [readdirSync(folder, { recursive: true }), text, readlinkSync(path.join(folder, "link"))];
}

describe("a read-only mount", () => {
  const setattr = (fid: number, valid: number) =>
    new Message().u32(fid).u32(valid).u32(0).u32(0).u32(0).u64(0).u64(0).u64(0).u64(0).u64(0);
  const cases: readonly [string, number, (dir: number, file: number) => Message][] = [
    ["Tlcreate", p9.P9_TLCREATE, (dir) => new Message().u32(dir).string("x").u32(2).u32(0o644).u32(0)],
    [
      "Tlcreate of what exists",
      p9.P9_TLCREATE,
      (dir) => new Message().u32(dir).string("file").u32(0).u32(0).u32(0),
    ],
    ["Tmkdir", p9.P9_TMKDIR, (dir) => new Message().u32(dir).string("x").u32(0o755).u32(0)],
    ["Tsymlink", p9.P9_TSYMLINK, (dir) => new Message().u32(dir).string("x").string("t").u32(0)],
    ["Tmknod", p9.P9_TMKNOD, (dir) => new Message().u32(dir).string("x").u32(S_IFIFO).u32(0).u32(0).u32(0)],
    ["Tlink", p9.P9_TLINK, (dir, file) => new Message().u32(dir).u32(file).string("x")],
    ["Trenameat", p9.P9_TRENAMEAT, (dir) => new Message().u32(dir).string("file").u32(dir).string("x")],
    ["Trename", p9.P9_TRENAME, (dir, file) => new Message().u32(file).u32(dir).string("x")],
    ["Tunlinkat", p9.P9_TUNLINKAT, (dir) => new Message().u32(dir).string("file").u32(0)],
    ["Tunlinkat of a directory", p9.P9_TUNLINKAT, (dir) => new Message().u32(dir).string("dir").u32(0x200)],
    ["Tsetattr of the size", p9.P9_TSETATTR, (_, file) => setattr(file, p9.P9_SETATTR_SIZE)],
    ["Tsetattr of the mode", p9.P9_TSETATTR, (_, file) => setattr(file, p9.P9_SETATTR_MODE)],
    ["Tsetattr of nothing", p9.P9_TSETATTR, (_, file) => setattr(file, 0)],
    ["Tlopen for writing", p9.P9_TLOPEN, (_, file) => new Message().u32(file).u32(fcntl.O_WRONLY)],
    ["Tlopen for both", p9.P9_TLOPEN, (_, file) => new Message().u32(file).u32(fcntl.O_RDWR)],
    ["Tlopen with access mode 3", p9.P9_TLOPEN, (_, file) => new Message().u32(file).u32(fcntl.O_ACCMODE)],
    ["Tlopen with O_TRUNC", p9.P9_TLOPEN, (_, file) => new Message().u32(file).u32(fcntl.O_TRUNC)],
    ["Tremove", p9.P9_TREMOVE, (_, file) => new Message().u32(file)],
  ];

  test.each(cases)("refuses %s", (_name, type, fields) => {
    const before = snapshot();
    const client = gofer.connect(0);
    expect(client.refusal(type, fields(client.reach(0), client.reach(0, "file")))).toBe("EROFS");
    expect(snapshot()).toEqual(before);
  });

  test("cannot be written through a fid that is open for reading", () => {
    const client = gofer.connect(0);
    const file = client.reach(0, "file");
    client.open(file, fcntl.O_RDONLY);
    expect(client.refusal(p9.P9_TWRITE, new Message().u32(file).u64(0).u32(1).u8(0))).toBe("EBADF");
  });

  test("of one file refuses too", () => {
    const client = gofer.connect(3);
    expect(client.refusal(p9.P9_TLOPEN, new Message().u32(0).u32(fcntl.O_WRONLY))).toBe("EROFS");
    expect(client.refusal(p9.P9_TSETATTR, setattr(0, p9.P9_SETATTR_SIZE))).toBe("EROFS");
  });
});

describe("a donated descriptor", () => {
  const accessOf = (fd: number) => native.fcntlGetFlags(fd) & fcntl.O_ACCMODE;

  function open(client: P9Client, name: string, flags: number): number {
    return client.open(client.reach(0, name), flags).fd;
  }

  test("comes with Rlopen of a regular file and has exactly the access asked for", () => {
    const client = gofer.connect(1);
    for (const access of [fcntl.O_RDONLY, fcntl.O_WRONLY, fcntl.O_RDWR]) {
      const fd = open(client, "file", access);
      expect(accessOf(fd)).toBe(access);
      native.close(fd);
    }
    const fd = open(client, "file", fcntl.O_RDONLY);
    const buffer = Buffer.alloc(100);
    expect(buffer.toString("utf8", 0, readSync(fd, buffer, 0, 100, 0))).toBe("content");
    native.close(fd);
  });

  test("comes with Rlcreate", () => {
    const client = gofer.connect(1);
    const { fd } = client.create(client.reach(0, "dir"), "made", fcntl.O_RDWR | fcntl.O_EXCL, 0o600);
    expect([accessOf(fd), fstatSync(fd).isFile()]).toEqual([fcntl.O_RDWR, true]);
    native.close(fd);
    rmSync(path.join(folder, "dir", "made"));
  });

  test("of a read-only mount reads only", () => {
    const fd = open(gofer.connect(0), "file", fcntl.O_RDONLY);
    expect(accessOf(fd)).toBe(fcntl.O_RDONLY);
    native.close(fd);
  });

  test("leaves the fid open, and the fid leaves it open", () => {
    const client = gofer.connect(1);
    const file = client.reach(0, "file");
    const { fd } = client.open(file, fcntl.O_RDONLY);
    expect(`${client.read(file, 0, 7)}`).toBe("content");
    client.clunk(file);
    expect(fstatSync(fd).size).toBe(7);
    native.close(fd);
  });

  test("is never a directory", () => {
    expect(open(gofer.connect(1), "dir", fcntl.O_RDONLY)).toBe(-1);
  });

  test("needs both the mount's leave and our version", () => {
    expect(open(gofer.connect(2), "file", fcntl.O_RDONLY)).toBe(-1);
    expect(open(gofer.connect(1, VERSION_9P2000L), "file", fcntl.O_RDONLY)).toBe(-1);
  });
});
