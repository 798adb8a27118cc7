import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { VERSION_WVISOR } from "../../src/common/p9-version.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { type Attributes, Message, type P9Client } from "../support/p9-client.ts";

const MANY = 1000;
const folder = scratch();
const at = (...names: string[]) => path.join(folder, ...names);
let gofer: Gofer;
let client: P9Client;

beforeAll(async () => {
  writeFileSync(at("file"), "hello world", { mode: 0o640 });
  writeFileSync(at("big"), Buffer.alloc(300_000, "0123456789"));
  symlinkSync("file", at("link"));
  mkdirSync(at("empty"));
  mkdirSync(at("many"));
  for (let i = 0; i < MANY; i++) writeFileSync(at("many", `entry-${i}-${"x".repeat(i % 60)}`), "");
  execFileSync("mkfifo", [at("fifo")]);
  gofer = new Gofer(await buildGofer(), [{ source: folder }]);
  client = gofer.connect();
});

afterAll(async () => {
  await gofer.stop();
  rmSync(folder, { recursive: true });
});

function opened(flags: number, ...names: string[]): number {
  const fid = client.reach(0, ...names);
  client.open(fid, flags);
  return fid;
}

/** What Linux says about a file, in the client's form. */
function linuxAttributes(file: string): Partial<Attributes> {
  const stat = lstatSync(file, { bigint: true });
  const time = (ns: bigint) => [ns / 1_000_000_000n, ns % 1_000_000_000n] as const;
  return {
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    nlink: stat.nlink,
    rdev: stat.rdev,
    size: stat.size,
    blksize: stat.blksize,
    blocks: stat.blocks,
    atime: time(stat.atimeNs),
    mtime: time(stat.mtimeNs),
    ctime: time(stat.ctimeNs),
    btime: time(stat.birthtimeNs),
  };
}

describe("Tgetattr", () => {
  test.each(["file", "big", "link", "empty", "fifo", "many"])("of %s is what Linux says", (name) => {
    const attributes = client.getattr(client.reach(0, name));
    expect(attributes).toMatchObject(linuxAttributes(at(name)));
    expect(attributes.valid & BigInt(p9.P9_GETATTR_BASIC)).toBe(BigInt(p9.P9_GETATTR_BASIC));
    expect(attributes.qid.path).toBe(lstatSync(at(name), { bigint: true }).ino);
  });

  test("the qid's type tells directories, symlinks and the rest apart", () => {
    const type = (name: string) => client.getattr(client.reach(0, name)).qid.type;
    expect(["empty", "link", "file", "fifo"].map(type)).toEqual([
      p9.P9_QTDIR,
      p9.P9_QTSYMLINK,
      p9.P9_QTFILE,
      p9.P9_QTFILE,
    ]);
  });

  test("Tstatfs is what Linux says", () => {
    const reply = client.call(p9.P9_TSTATFS, new Message().u32(0));
    const host = statfsSync(folder, { bigint: true });
    expect([reply.u32(), reply.u32(), reply.u64()]).toEqual([
      Number(host.type),
      Number(host.bsize),
      host.blocks,
    ]);
    reply.data(16);
    expect(reply.u64()).toBe(host.files);
    reply.data(16);
    expect([reply.u32(), reply.remaining]).toEqual([255, 0]);
  });

  test("Treadlink of what is no symlink is EINVAL", () => {
    expect(client.refusal(p9.P9_TREADLINK, new Message().u32(client.reach(0, "file")))).toBe("EINVAL");
  });
});

describe("Tlopen", () => {
  const refusal = (flags: number, ...names: string[]) =>
    client.refusal(p9.P9_TLOPEN, new Message().u32(client.reach(0, ...names)).u32(flags));

  test("gives the file's qid and leaves the transfer size to the client", () => {
    const fid = client.reach(0, "file");
    const reply = client.open(fid, fcntl.O_RDONLY);
    expect(reply.qid()).toEqual(client.getattr(fid).qid);
    expect(reply.u32()).toBe(0);
  });

  test("only regular files and directories are opened on the host", () => {
    expect(refusal(fcntl.O_RDONLY, "fifo")).toBe("ENXIO");
    expect(refusal(fcntl.O_WRONLY, "fifo")).toBe("ENXIO");
    expect(refusal(fcntl.O_RDONLY, "link")).toBe("ELOOP");
  });

  test("directories open for reading only, and O_DIRECTORY wants one", () => {
    for (const flags of [fcntl.O_WRONLY, fcntl.O_RDWR, fcntl.O_TRUNC])
      expect(refusal(flags, "empty")).toBe("EISDIR");
    expect(refusal(fcntl.O_DIRECTORY, "file")).toBe("ENOTDIR");
    expect(refusal(fcntl.O_DIRECTORY, "empty")).toBe("");
  });

  test("an open fid is not opened again, and access mode 3 is none", () => {
    const fid = opened(fcntl.O_RDONLY, "file");
    expect(client.refusal(p9.P9_TLOPEN, new Message().u32(fid).u32(0))).toBe("EINVAL");
    expect(refusal(fcntl.O_ACCMODE, "file")).toBe("EINVAL");
  });

  test("O_TRUNC empties the file", () => {
    writeFileSync(at("truncated"), "old");
    opened(fcntl.O_WRONLY | fcntl.O_TRUNC, "truncated");
    expect(statSync(at("truncated")).size).toBe(0);
  });

  test("flags that would change what is opened are dropped", () => {
    opened(fcntl.O_RDONLY | fcntl.O_CREAT | fcntl.O_EXCL | fcntl.O_DIRECT | fcntl.O_NOATIME, "file");
    expect(`${client.read(opened(fcntl.O_RDONLY | fcntl.O_PATH, "file"), 0, 5)}`).toBe("hello");
  });
});

describe("Tread and Twrite", () => {
  test("a read gives what is there and no more", () => {
    const fid = opened(fcntl.O_RDONLY, "file");
    expect(`${client.read(fid, 6, 100)}`).toBe("world");
    expect(client.read(fid, 11, 100)).toHaveLength(0);
    expect(client.read(fid, 0, 0)).toHaveLength(0);
    expect(client.read(fid, 2 ** 53, 10)).toHaveLength(0);
    expect(client.read(fid, 2n ** 63n - 11n, 10)).toHaveLength(0);
    const refusal = (offset: bigint, count: number) =>
      client.refusal(p9.P9_TREAD, new Message().u32(fid).u64(offset).u32(count));
    expect(refusal(2n ** 63n - 1n, 10)).toBe("EINVAL");
    expect(refusal(2n ** 63n, 1)).toBe("EINVAL");
    expect(refusal(2n ** 64n - 1n, 1)).toBe("EINVAL");
  });

  test("a read is cut to the message size, however large its count", () => {
    const fid = opened(fcntl.O_RDONLY, "big");
    const data = client.read(fid, 10, 0xffffffff);
    expect(data).toHaveLength(p9.P9_MSIZE - 11);
    expect(data.equals(readFileSync(at("big")).subarray(10, 10 + data.length))).toBe(true);
  });

  test("a write lands where it is told", () => {
    writeFileSync(at("written"), "aaaa");
    const fid = opened(fcntl.O_RDWR, "written");
    expect(client.write(fid, 2, Buffer.from("BCDE"))).toBe(4);
    expect(client.write(fid, 10, Buffer.alloc(0))).toBe(0);
    expect(readFileSync(at("written"), "utf8")).toBe("aaBCDE");
    expect(`${client.read(fid, 0, 100)}`).toBe("aaBCDE");
  });

  test("the largest write that a message holds is written", () => {
    writeFileSync(at("written-big"), "");
    const data = Buffer.alloc(p9.P9_MSIZE - p9.P9_IOHDRSZ, "abc");
    expect(client.write(opened(fcntl.O_WRONLY, "written-big"), 1, data)).toBe(data.length);
    expect(readFileSync(at("written-big")).subarray(1).equals(data)).toBe(true);
  });

  test("offsets beyond Linux's are EINVAL, beyond any file EFBIG", () => {
    const fid = opened(fcntl.O_WRONLY, "written");
    const fields = (offset: bigint) => new Message().u32(fid).u64(offset).u32(1).u8(0);
    expect(client.refusal(p9.P9_TWRITE, fields(2n ** 64n - 1n))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TWRITE, fields(2n ** 62n))).toBe("EFBIG");
  });

  test("the access mode holds", () => {
    const readOnly = opened(fcntl.O_RDONLY, "file");
    expect(client.refusal(p9.P9_TWRITE, new Message().u32(readOnly).u64(0).u32(1).u8(0))).toBe("EBADF");
    const writeOnly = opened(fcntl.O_WRONLY, "file");
    expect(client.refusal(p9.P9_TREAD, new Message().u32(writeOnly).u64(0).u32(1))).toBe("EBADF");
  });

  test("fids that are not open, and directories, have no data", () => {
    const known = client.reach(0, "file");
    expect(client.refusal(p9.P9_TREAD, new Message().u32(known).u64(0).u32(1))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TWRITE, new Message().u32(known).u64(0).u32(0))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TFSYNC, new Message().u32(known).u32(0))).toBe("EINVAL");
    const directory = opened(fcntl.O_RDONLY, "empty");
    expect(client.refusal(p9.P9_TREAD, new Message().u32(directory).u64(0).u32(1))).toBe("EISDIR");
  });

  test("a write whose count is not its data's length is refused whole", () => {
    writeFileSync(at("counted"), "");
    const fid = opened(fcntl.O_WRONLY, "counted");
    for (const count of [0, 1, 3, 0xffffffff]) {
      const fields = new Message().u32(fid).u64(0).u32(count).raw(Buffer.from("ab"));
      expect(client.refusal(p9.P9_TWRITE, fields)).toBe("EPROTO");
    }
    expect(statSync(at("counted")).size).toBe(0);
  });

  test("Tfsync is taken with and without its second field", () => {
    const fid = opened(fcntl.O_RDWR, "file");
    expect(client.refusal(p9.P9_TFSYNC, new Message().u32(fid))).toBe("");
    expect(client.refusal(p9.P9_TFSYNC, new Message().u32(fid).u32(1))).toBe("");
    expect(client.refusal(p9.P9_TFSYNC, new Message().u32(fid).u16(1))).toBe("EPROTO");
  });

  test("an open fid outlives its file's name", () => {
    writeFileSync(at("doomed"), "still here");
    const fid = opened(fcntl.O_RDWR, "doomed");
    unlinkSync(at("doomed"));
    expect(`${client.read(fid, 0, 100)}`).toBe("still here");
    expect(client.write(fid, 0, Buffer.from("STILL"))).toBe(5);
    expect(client.getattr(fid)).toMatchObject({ nlink: 0n, size: 10n });
    expect(client.refusal(p9.P9_TFSYNC, new Message().u32(fid))).toBe("");
  });
});

describe("Treaddir", () => {
  const names = (entries: { name: Buffer }[]) => entries.map((entry) => `${entry.name}`).sort();

  test("an empty directory has its two entries", () => {
    expect(names(client.list(opened(fcntl.O_RDONLY, "empty")))).toEqual([".", ".."]);
  });

  test.each([300, 1000, 8192, 0xffffffff])(
    "a thousand entries come each once, with a count of %d",
    (count) => {
      const entries = client.list(opened(fcntl.O_RDONLY, "many"), count);
      expect(names(entries)).toEqual([".", "..", ...readdirSync(at("many"))].sort());
    },
  );

  test("numbers and types are those of Tgetattr", () => {
    for (const entry of client.list(opened(fcntl.O_RDONLY))) {
      const { qid, mode } = client.getattr(client.reach(0, entry.name));
      expect({ type: entry.qid.type, path: entry.qid.path }).toEqual({ type: qid.type, path: qid.path });
      expect(entry.type).toBe((mode & 0o170000) >> 12);
    }
  });

  test("'..' of the root is the root, not what the host has above it", () => {
    const above = client.list(opened(fcntl.O_RDONLY)).find((entry) => `${entry.name}` === "..");
    expect(above?.qid.path).toBe(client.getattr(0).qid.path);
  });

  test("every cookie can be gone back to", () => {
    const fid = opened(fcntl.O_RDONLY, "many");
    const all = client.list(fid);
    for (const index of [500, 3, 998, 0, 700]) {
      const next = client.readdir(fid, all[index]!.offset, 4096)[0];
      expect(`${next?.name}`).toBe(`${all[index + 1]!.name}`);
    }
    expect(`${client.readdir(fid, 0, 4096)[0]?.name}`).toBe(`${all[0]!.name}`);
  });

  test("entries that are removed while it is read do not hide others", () => {
    mkdirSync(at("shrinking"));
    for (let i = 0; i < 200; i++) writeFileSync(at("shrinking", `f${i}`), "");
    const fid = opened(fcntl.O_RDONLY, "shrinking");
    const seen: string[] = [];
    let offset = 0n;
    for (;;) {
      const entries = client.readdir(fid, offset, 600);
      if (entries.length === 0) break;
      offset = entries.at(-1)!.offset;
      for (const { name } of entries) {
        seen.push(`${name}`);
        if (name[0] === 0x66) unlinkSync(at("shrinking", `${name}`));
      }
    }
    expect(seen).toHaveLength(202);
    expect(new Set(seen).size).toBe(202);
  });

  test("too little room for one entry is EINVAL, for it would look like the end", () => {
    const fid = opened(fcntl.O_RDONLY, "many");
    expect(client.refusal(p9.P9_TREADDIR, new Message().u32(fid).u64(0).u32(10))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TREADDIR, new Message().u32(fid).u64(0).u32(0))).toBe("EINVAL");
    expect(client.list(fid)).toHaveLength(MANY + 2);
  });

  test("files, and directories that are not open, have no entries", () => {
    const fields = (fid: number) => new Message().u32(fid).u64(0).u32(4096);
    expect(client.refusal(p9.P9_TREADDIR, fields(opened(fcntl.O_RDONLY, "file")))).toBe("ENOTDIR");
    expect(client.refusal(p9.P9_TREADDIR, fields(client.reach(0, "empty")))).toBe("EINVAL");
    const fid = opened(fcntl.O_RDONLY, "empty");
    expect(
      client.refusal(
        p9.P9_TREADDIR,
        new Message()
          .u32(fid)
          .u64(2n ** 64n - 1n)
          .u32(4096),
      ),
    ).toBe("EINVAL");
  });

  test("a reply is cut to the smallest message size", () => {
    client.version(VERSION_WVISOR, 4096);
    client.attach(0);
    const fid = opened(fcntl.O_RDONLY, "many");
    expect(client.list(fid, 0xffffffff)).toHaveLength(MANY + 2);
    client.version(VERSION_WVISOR);
    client.attach(0);
  });
});
