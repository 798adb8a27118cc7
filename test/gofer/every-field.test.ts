// What no client should send, in every message and field that could take it: each is refused for its own reason, and nothing
// outside the root is touched. escape.test.ts has what the host does meanwhile.

import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { Socket } from "node:net";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { S_IFIFO } from "../../assembly/abi/stat.ts";
import { errnoName } from "../../src/common/errors.ts";
import { P9Client as LibraryClient } from "../../src/p9/client/client.ts";
import { encode, type FieldsOf, MESSAGES, type MessageName } from "../../src/p9/messages.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import type { P9Client, Reply } from "../support/p9-client.ts";

let bundle: string;
let top: string;
let root: string;
let gofer: Gofer;
let client: P9Client;

beforeAll(async () => {
  bundle = await buildGofer();
});

beforeEach(() => {
  top = scratch();
  root = path.join(top, "root");
  mkdirSync(path.join(root, "directory", "sub"), { recursive: true });
  mkdirSync(path.join(top, "outside"));
  writeFileSync(path.join(top, "outside", "secret"), "outside");
  writeFileSync(path.join(root, "file"), "content");
  symlinkSync("../outside/secret", path.join(root, "link"));
});

afterEach(async () => {
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  expect(readFileSync(path.join(top, "outside", "secret"), "utf8")).toBe("outside");
  rmSync(top, { recursive: true });
});

function start(source = root, options: { readonly?: boolean } = {}, launcher: readonly string[] = []): void {
  gofer = new Gofer(bundle, [{ source, ...options }], launcher);
  client = gofer.connect();
}

/** The errno's name that a message is refused with, or "". */
function refusal<N extends MessageName>(which: N, fields: FieldsOf<N>): string {
  const reply = client.exchange(encode(which, 1, fields)) as Reply;
  if (reply.fd >= 0) throw new Error("a descriptor came along");
  return reply.type === p9.P9_RLERROR ? errnoName(reply.u32()) : "";
}

const DIRECTORY = 1;
const FILE = 2;
const LINK = 3;
const FREE = 100;

/** A message of each type that names an entry, and how: `name` where the entry is, or is to be. */
const NAMED: Readonly<Record<string, (name: Buffer) => [MessageName, FieldsOf<MessageName>]>> = {
  Twalk: (name) => ["Twalk", { fid: 0, newfid: FREE, names: [name] }],
  "Twalk, second": (name) => ["Twalk", { fid: 0, newfid: FREE, names: [Buffer.from("directory"), name] }],
  Twalkattr: (name) => ["Twalkattr", { fid: 0, newfid: FREE, names: [name] }],
  Twalkfids: (name) => ["Twalkfids", { fid: 0, skip: 0, names: [name], newfids: [FREE] }],
  Tmultigetattr: (name) => ["Tmultigetattr", { dfid: DIRECTORY, names: [name], newfids: [FREE] }],
  Tlcreate: (name) => ["Tlcreate", { fid: DIRECTORY, name, flags: O_RDWR | O_CREAT, mode: 0o644, gid: 0 }],
  Tcreateattr: (name) => [
    "Tcreateattr",
    { dfid: DIRECTORY, openfid: FREE, newfid: FREE + 1, name, mode: 0o644, uid: 0, gid: 0 },
  ],
  Tsymlink: (name) => ["Tsymlink", { dfid: DIRECTORY, name, target: Buffer.from("x"), gid: 0 }],
  Tmknod: (name) => ["Tmknod", { dfid: DIRECTORY, name, mode: S_IFIFO | 0o644, major: 0, minor: 0, gid: 0 }],
  Tmkdir: (name) => ["Tmkdir", { dfid: DIRECTORY, name, mode: 0o755, gid: 0 }],
  Tlink: (name) => ["Tlink", { dfid: DIRECTORY, fid: FILE, name }],
  Trename: (name) => ["Trename", { fid: FILE, dfid: DIRECTORY, name }],
  "Trenameat, old": (name) => [
    "Trenameat",
    { olddfid: DIRECTORY, oldname: name, newdfid: DIRECTORY, newname: Buffer.from("new") },
  ],
  "Trenameat, new": (name) => [
    "Trenameat",
    { olddfid: 0, oldname: Buffer.from("file"), newdfid: DIRECTORY, newname: name },
  ],
  "Trenameat2, old": (name) => [
    "Trenameat2",
    { olddfid: DIRECTORY, oldname: name, newdfid: DIRECTORY, newname: Buffer.from("new"), flags: 0 },
  ],
  "Trenameat2, new": (name) => [
    "Trenameat2",
    { olddfid: 0, oldname: Buffer.from("file"), newdfid: DIRECTORY, newname: name, flags: 0 },
  ],
  Tunlinkat: (name) => ["Tunlinkat", { dfid: DIRECTORY, name, flags: 0 }],
};

/** Those that walk: "." and ".." lead somewhere there. */
const WALKS = /^T(walk|multigetattr)/;
const DOT_ERRORS: Readonly<Record<string, string>> = {
  Tlcreate: "EEXIST",
  Tcreateattr: "EEXIST",
  Tsymlink: "EEXIST",
  Tmknod: "EEXIST",
  Tmkdir: "EEXIST",
  Tlink: "EEXIST",
  Tunlinkat: "EISDIR",
};

describe("names", () => {
  beforeEach(() => {
    start();
    client.walk(0, DIRECTORY, "directory");
    client.walk(0, FILE, "file");
    client.walk(0, LINK, "link");
  });

  test("every message with a name is tried", () => {
    const named = Object.entries(MESSAGES).filter(([, { fields }]) =>
      Object.values(fields).some((kind) => kind.name === "name" || kind.name === "name*"),
    );
    const tried = new Set(Object.keys(NAMED).map((key) => key.split(",")[0]));
    expect(named.map(([which]) => which).filter((which) => !tried.has(which))).toEqual([]);
  });

  const wrong: readonly (readonly [string, Buffer, string])[] = [
    ["without a byte", Buffer.alloc(0), "EINVAL"],
    ["with a slash", Buffer.from("../outside/secret"), "EINVAL"],
    ["that are a slash", Buffer.from("/"), "EINVAL"],
    ["that are absolute", Buffer.from("/etc/passwd"), "EINVAL"],
    ["with a NUL", Buffer.from("file\0"), "EINVAL"],
    ["that begin with a NUL", Buffer.from("\0file"), "EINVAL"],
    ["of 256 bytes", Buffer.alloc(256, "x"), "ENAMETOOLONG"],
    ["of 65,535 bytes", Buffer.alloc(65535, "x"), "ENAMETOOLONG"],
  ];

  test.each(wrong)("%s are refused everywhere", (_what, name, errno) => {
    for (const [key, make] of Object.entries(NAMED)) {
      const [which, fields] = make(name);
      expect(`${key}: ${refusal(which, fields)}`).toBe(`${key}: ${errno}`);
      expect(refusal("Tgetattr", { fid: FREE, mask: 0n }), `${key} has made no fid`).toBe("EBADF");
    }
  });

  test.each([".", ".."])("%j is no name of an entry", (name) => {
    for (const [key, make] of Object.entries(NAMED)) {
      if (WALKS.test(key)) continue;
      const [which, fields] = make(Buffer.from(name));
      expect(`${key}: ${refusal(which, fields)}`).toBe(`${key}: ${DOT_ERRORS[key] ?? "EBUSY"}`);
    }
    expect(refusal("Tunlinkat", { dfid: DIRECTORY, name: Buffer.from(name), flags: 0x200 })).toBe(
      name === "." ? "EINVAL" : "ENOTEMPTY",
    );
  });

  test("a target may be anything: it is text", () => {
    for (const target of ["/etc/passwd", "../../../..", ".", "a//b", "\xff"]) {
      const name = Buffer.from(`to ${Buffer.from(target).toString("hex")}`);
      expect(refusal("Tsymlink", { dfid: 0, name, target: Buffer.from(target, "latin1"), gid: 0 })).toBe("");
    }
    expect(
      refusal("Tsymlink", { dfid: 0, name: Buffer.from("s"), target: Buffer.from("a\0b"), gid: 0 }),
    ).toBe("EINVAL");
    expect(
      refusal("Tsymlink", { dfid: 0, name: Buffer.from("s"), target: Buffer.alloc(4096, "x"), gid: 0 }),
    ).toBe("ENAMETOOLONG");
  });

  test("names of attributes are no paths either", () => {
    for (const name of ["user./../x", "system.nfs4_acl", "../x", "x".repeat(255)]) {
      const answer = refusal("Txattrwalk", { fid: FILE, newfid: FREE, name: Buffer.from(name) });
      expect([name, answer]).toEqual([name, name.startsWith("user.") ? "ENODATA" : "EOPNOTSUPP"]);
    }
    expect(refusal("Txattrwalk", { fid: FILE, newfid: FREE, name: Buffer.alloc(256, "x") })).toBe("ERANGE");
    expect(refusal("Txattrwalk", { fid: FILE, newfid: FREE, name: Buffer.from("user.a\0b") })).toBe("EINVAL");
  });
});

describe("fids", () => {
  beforeEach(() => {
    start();
    client.walk(0, DIRECTORY, "directory");
    client.walk(0, FILE, "file");
    client.walk(0, LINK, "link");
  });

  test("in use are not made again, by any message", () => {
    const names = [Buffer.from("file")];
    for (const newfid of [DIRECTORY, FILE, LINK]) {
      expect(refusal("Twalk", { fid: 0, newfid, names })).toBe("EINVAL");
      expect(refusal("Twalkattr", { fid: 0, newfid, names })).toBe("EINVAL");
      expect(refusal("Twalkfids", { fid: 0, skip: 0, names, newfids: [newfid] })).toBe("EINVAL");
      expect(refusal("Tattach", { fid: newfid, afid: p9.P9_NOFID, uname: "", aname: "", uid: 0 })).toBe(
        "EINVAL",
      );
      expect(refusal("Txattrwalk", { fid: FILE, newfid, name: Buffer.alloc(0) })).toBe("EINVAL");
      expect(refusal("Ttmpfile", { dfid: 0, newfid, mode: 0o600, uid: 0, gid: 0 })).toBe("EINVAL");
      const made = { dfid: 0, name: Buffer.from("new"), mode: 0o600, uid: 0, gid: 0 };
      expect(refusal("Tcreateattr", { ...made, openfid: newfid, newfid: FREE })).toBe("EINVAL");
      expect(refusal("Tcreateattr", { ...made, openfid: FREE, newfid })).toBe("EINVAL");
      expect(refusal("Tcreateattr", { ...made, openfid: FREE, newfid: FREE })).toBe("EINVAL");
    }
    const twice = { fid: 0, skip: 0, names: [names[0]!, names[0]!], newfids: [FREE, FREE] };
    expect(refusal("Twalkfids", twice)).toBe("EINVAL");
  });

  test("that are open are walked from, but not replaced, opened again or made an attribute", () => {
    expect(refusal("Tlopen", { fid: DIRECTORY, flags: O_RDONLY })).toBe("");
    expect(refusal("Twalk", { fid: DIRECTORY, newfid: FREE, names: [Buffer.from("sub")] })).toBe("");
    expect(refusal("Twalk", { fid: DIRECTORY, newfid: DIRECTORY, names: [Buffer.from("sub")] })).toBe(
      "EBUSY",
    );
    expect(refusal("Tlopen", { fid: DIRECTORY, flags: O_RDONLY })).toBe("EINVAL");
    expect(refusal("Txattrcreate", { fid: DIRECTORY, name: Buffer.from("user.a"), size: 1n, flags: 0 })).toBe(
      "EBUSY",
    );
    const create = { fid: DIRECTORY, name: Buffer.from("new"), flags: O_RDWR, mode: 0o644, gid: 0 };
    expect(refusal("Tlcreate", create)).toBe("EINVAL");
  });

  test("whose directories the host moves about let go of everything, also after a rename into what was below", () => {
    const descriptors = () => readdirSync(`/proc/${gofer.process.pid}/fd`).length;
    mkdirSync(path.join(root, "top", "middle", "bottom"), { recursive: true });
    const before = descriptors();
    const [above, below] = [50, 51];
    client.walk(0, above, "top");
    client.walk(above, below, "middle", "bottom");
    renameSync(path.join(root, "top", "middle"), path.join(root, "elsewhere"));
    const move = { olddfid: 0, oldname: Buffer.from("top"), newdfid: below, newname: Buffer.from("top") };
    expect(refusal("Trenameat", move)).toBe("");
    expect(existsSync(path.join(root, "elsewhere", "bottom", "top"))).toBe(true);
    // The way up that the server knows ends at the root, whatever the host has made of it.
    expect(client.walk(above, FREE, "..", "..", "..").at(-1)).toEqual(client.getattr(0).qid);
    for (const fid of [above, below, FREE]) client.clunk(fid);
    expect(descriptors()).toBe(before);
  });

  test("of the other mounts and connections are unknown", async () => {
    const other = new Gofer(bundle, [{ source: path.join(top, "outside") }, { source: root }]);
    const [outside, inside] = [other.connect(0), other.connect(1)];
    outside.walk(0, 50, "secret");
    const reply = inside.exchange(
      encode("Tlink", 1, { dfid: 0, fid: 50, name: Buffer.from("stolen") }),
    ) as Reply;
    expect([reply.type, reply.u32()]).toEqual([p9.P9_RLERROR, 9]);
    expect((await other.stop()).code).toBe(0);
  });
});

describe("files that are more than files", () => {
  test("FIFOs and devices are seen, and never opened", () => {
    execFileSync("mkfifo", [path.join(root, "fifo")]);
    const special = ["fifo"];
    // The terminal of nobody: opening it would be an error of its own, reading /dev/zero would never end.
    if (spawnSync("mknod", [path.join(root, "zero"), "c", "1", "5"]).status === 0) special.push("zero");
    if (spawnSync("mknod", [path.join(root, "disk"), "b", "7", "0"]).status === 0) special.push("disk");
    start();
    for (const name of special) {
      const fid = client.reach(0, name);
      for (const flags of [O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC]) {
        const started = performance.now();
        expect([name, refusal("Tlopen", { fid, flags })]).toEqual([name, "ENXIO"]);
        const create = { fid: client.reach(0), name: Buffer.from(name), flags, mode: 0o644, gid: 0 };
        expect([name, refusal("Tlcreate", create)]).toEqual([name, "ENXIO"]);
        expect(performance.now() - started).toBeLessThan(1000);
      }
      const exclusive = {
        fid: client.reach(0),
        name: Buffer.from(name),
        flags: O_RDWR | O_EXCL,
        mode: 0,
        gid: 0,
      };
      expect(refusal("Tlcreate", exclusive)).toBe("EEXIST");
      expect(refusal("Tread", { fid, offset: 0n, count: 10 })).toBe("EINVAL");
      const truncate = { fid, valid: p9.P9_SETATTR_SIZE, mode: 0, uid: 0, gid: 0, size: 0n };
      const times = { atimeSeconds: 0n, atimeNanoseconds: 0n, mtimeSeconds: 0n, mtimeNanoseconds: 0n };
      expect(refusal("Tsetattr", { ...truncate, ...times })).toBe("EINVAL");
    }
  });

  test("a hard link to a file outside is that file: a read-only mount keeps it", () => {
    linkSync(path.join(top, "outside", "secret"), path.join(root, "hard"));
    start(root, { readonly: true });
    const fid = client.reach(0, "hard");
    expect(refusal("Tlopen", { fid, flags: O_RDWR })).toBe("EROFS");
    expect(refusal("Tlopen", { fid, flags: O_RDONLY | O_TRUNC })).toBe("EROFS");
  });

  test("magic links of a /proc below the root are links, and lead nowhere", () => {
    start("/proc");
    for (const name of ["self", "thread-self"]) {
      const fid = client.reach(0, name);
      expect(client.getattr(fid).qid.type).toBe(p9.P9_QTSYMLINK);
      expect(refusal("Tlopen", { fid, flags: O_RDONLY })).toBe("ELOOP");
    }
    const pid = String(gofer.process.pid);
    for (const magic of ["root", "cwd", "exe", "fd/0"]) {
      const way = [pid, ...magic.split("/")];
      const fid = client.reach(0, ...way);
      expect([magic, client.getattr(fid).qid.type]).toEqual([magic, p9.P9_QTSYMLINK]);
      expect(refusal("Tlopen", { fid, flags: O_RDONLY })).toBe("ELOOP");
      const beyond = [...way, "etc", "passwd"].map((name) => Buffer.from(name));
      const walked = client.exchange(encode("Twalk", 1, { fid: 0, newfid: FREE, names: beyond })) as Reply;
      expect([walked.type, walked.u16()]).toEqual([p9.P9_RWALK, way.length]);
      expect(refusal("Twalk", { fid, newfid: FREE, names: [Buffer.from("etc")] })).toBe("ENOTDIR");
    }
  });

  const canMount = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;

  test.skipIf(!canMount)("a mount inside the root is part of the tree, and its .. is the tree's", () => {
    mkdirSync(path.join(root, "mounted"));
    const script = `mount -t tmpfs none "$1" && mkdir "$1/inner" && shift && exec "$@"`;
    start(root, {}, ["unshare", "-m", "sh", "-c", script, "sh", path.join(root, "mounted")]);
    const qids = client.walk(0, FREE, "mounted", "inner", "..", "..", "..", "..");
    expect(qids).toHaveLength(6);
    expect(qids.at(-1)).toEqual(client.getattr(0).qid);
    expect(qids[2]).toEqual(qids[0]);
    expect(new Set(qids.slice(0, 2).map(({ path: number }) => number)).size).toBe(2);
    const inner = client.reach(0, "mounted", "inner");
    expect(refusal("Trename", { fid: inner, dfid: 0, name: Buffer.from("moved") })).toBe("EXDEV");
    expect(refusal("Tunlinkat", { dfid: 0, name: Buffer.from("mounted"), flags: 0x200 })).toBe("EBUSY");
  });
});

describe("numbers", () => {
  beforeEach(() => start());

  test.each([
    [0, "EMSGSIZE"],
    [6, "EMSGSIZE"],
    [4095, "EMSGSIZE"],
    [4096, ""],
    [0xffffffff, ""],
  ])("a message size of %d", (msize, errno) => {
    const reply = client.exchange(encode("Tversion", 0xffff, { msize, version: "9P2000.L" })) as Reply;
    if (errno !== "") expect([reply.type, errnoName(reply.u32())]).toEqual([p9.P9_RLERROR, errno]);
    else expect([reply.type, reply.u32()]).toEqual([p9.P9_RVERSION, Math.min(msize, p9.P9_MSIZE)]);
  });

  test("counts above what a message holds are cut to it", () => {
    client.version("9P2000.L", 4096);
    client.attach(0);
    writeFileSync(path.join(root, "file"), Buffer.alloc(10_000, "x"));
    const fid = client.reach(0, "file");
    client.open(fid, O_RDONLY);
    for (const count of [4096 - 11, 4096, 0x7fffffff, 0xffffffff]) {
      expect(client.read(fid, 0, count).length).toBe(4096 - 11);
    }
    const directory = client.reach(0);
    client.open(directory, O_RDONLY);
    expect(client.readdir(directory, 0, 0xffffffff).length).toBeGreaterThan(3);
    // A count that says more than the message has.
    const lie = encode("Twrite", 1, { fid, offset: 0n, data: Buffer.from("abc") });
    lie.writeUInt32LE(0xffffffff, p9.P9_HEADER + 12);
    const reply = client.exchange(lie) as Reply;
    expect([reply.type, errnoName(reply.u32())]).toEqual([p9.P9_RLERROR, "EPROTO"]);
  });

  test("offsets at the end of what there is", () => {
    const fid = client.reach(0, "file");
    client.open(fid, O_RDWR);
    const read = (offset: bigint) => refusal("Tread", { fid, offset, count: 10 });
    const write = (offset: bigint) => refusal("Twrite", { fid, offset, data: Buffer.from("x") });
    expect([read(2n ** 62n), read(2n ** 63n - 11n), read(2n ** 63n), read(2n ** 64n - 1n)]).toEqual([
      "",
      "",
      "EINVAL",
      "EINVAL",
    ]);
    expect(["EFBIG", "EINVAL"]).toContain(write(2n ** 63n - 1n));
    expect([write(2n ** 63n), write(2n ** 64n - 1n)]).toEqual(["EINVAL", "EINVAL"]);
    const lock = { fid, type: 1, flags: 0, processId: 1, clientId: "x" };
    expect(refusal("Tlock", { ...lock, start: 2n ** 63n - 1n, length: 1n })).toBe("");
    expect(refusal("Tlock", { ...lock, start: 2n ** 63n, length: 1n })).toBe("EINVAL");
    expect(refusal("Tlock", { ...lock, start: 1n, length: 2n ** 64n - 1n })).toBe("EINVAL");
    expect(readFileSync(path.join(root, "file"), "utf8")).toBe("content");
  });
});

describe("tags", () => {
  beforeEach(() => start());

  test("all of them are outstanding at once, and each is answered", { timeout: 60_000 }, async () => {
    const stream = new Socket({ fd: client.socket });
    client.close = () => stream.destroy();
    const library = await LibraryClient.connect(stream);
    const file = await library.attach();
    const answers = Array.from({ length: 70_000 }, () => file.getattr());
    expect(library.connection.outstanding).toBeLessThanOrEqual(0xffff);
    await expect.poll(() => library.connection.outstanding, { interval: 1 }).toBeGreaterThan(0xff00);
    const first = await answers[0]!;
    for (const answer of answers) expect((await answer).qid).toEqual(first.qid);
  });

  test("one that is used twice is answered twice, in order", () => {
    const frames = [
      encode("Tgetattr", 7, { fid: 0, mask: 0n }),
      encode("Tstatfs", 7, { fid: 0 }),
      encode("Tflush", 7, { oldtag: 7 }),
      encode("Tclunk", 7, { fid: 99 }),
    ];
    client.sendRaw(Buffer.concat(frames));
    const types = frames.map(() => {
      const reply = client.receive() as Reply;
      expect(reply.tag).toBe(7);
      return reply.type;
    });
    expect(types).toEqual([p9.P9_RGETATTR, p9.P9_RSTATFS, p9.P9_RFLUSH, p9.P9_RLERROR]);
  });
});
