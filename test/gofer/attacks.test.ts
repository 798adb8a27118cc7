// Attacks that need no wrong message: what a client asks is well-formed, and either it or somebody on the host means no good.
// every-field.test.ts has the wrong messages, escape.test.ts what the host plants on the way.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { errnoName } from "../../src/common/errors.ts";
import { encode, type FieldsOf, type MessageName } from "../../src/p9/messages.ts";
import { COPY_MAX } from "../../src/p9/server/handlers/range.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { Message, type P9Client, type Reply } from "../support/p9-client.ts";
import { Watch } from "../support/watch.ts";

/** Of the host's open(2): an access mode, O_APPEND, O_NONBLOCK, O_DSYNC, O_LARGEFILE, O_DIRECTORY, O_NOFOLLOW, O_NOATIME, O_CLOEXEC, O_SYNC. */
const HARMLESS =
  0o3 | 0o2000 | 0o4000 | 0o10000 | 0o100000 | 0o200000 | 0o400000 | 0o1000000 | 0o2000000 | 0o4010000;
const NO_TIMES = { atimeSeconds: 1n, atimeNanoseconds: 1n, mtimeSeconds: 1n, mtimeNanoseconds: 1n };
/** A message that waits for somebody takes 45 s and more. */
const AT_ONCE_MS = 10_000;

let bundle: string;
let top: string;
let root: string;
let secret: string;
let gofer: Gofer;
let client: P9Client;

beforeAll(async () => {
  bundle = await buildGofer();
});

beforeEach(() => {
  top = scratch();
  root = path.join(top, "root");
  secret = path.join(top, "outside", "secret");
  mkdirSync(path.join(root, "directory", "sub"), { recursive: true });
  mkdirSync(path.join(root, "other"));
  mkdirSync(path.join(top, "outside"));
  writeFileSync(secret, "outside");
  writeFileSync(path.join(root, "file"), "content");
  symlinkSync("../outside/secret", path.join(root, "link"));
  gofer = new Gofer(bundle, [{ source: root }, { source: root }]);
  client = gofer.connect();
});

afterEach(async () => {
  // Also that no filter has killed it.
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  expect(readFileSync(secret, "utf8")).toBe("outside");
  rmSync(top, { recursive: true });
});

function refusal<N extends MessageName>(which: N, fields: FieldsOf<N>): string {
  const reply = client.exchange(encode(which, 1, fields)) as Reply;
  if (reply.fd >= 0) closeSync(reply.fd);
  return reply.type === p9.P9_RLERROR ? errnoName(reply.u32()) : "";
}

const name = (text: string): Buffer => Buffer.from(text);

describe("flags of open", () => {
  /** The open flags (proc(5): fdinfo, octal) of the descriptors that the gofer has of `file`. */
  function flagsOf(file: string): number[] {
    const { ino } = lstatSync(file);
    const folder = `/proc/${gofer.process.pid}`;
    return readdirSync(`${folder}/fdinfo`).flatMap((fd) => {
      const info = readFileSync(`${folder}/fdinfo/${fd}`, "utf8");
      if (!info.includes(`ino:\t${ino}\n`)) return [];
      return [Number.parseInt(/^flags:\s+([0-7]+)/m.exec(info)![1]!, 8)];
    });
  }

  test("of every bit are the host's only where they are harmless", () => {
    const O_PATH = 0o10000000;
    for (let bit = 0; bit < 32; bit++) {
      const flags = (1 << bit) >>> 0;
      const created = `created-${bit}`;
      const onFile = client.reach(0, "file");
      const inDirectory = client.reach(0, "directory");
      const opened = refusal("Tlopen", { fid: onFile, flags });
      expect(["", "ENOTDIR"]).toContain(opened);
      const make = { fid: inDirectory, name: name(created), flags, mode: 0o600, gid: 0 };
      const made = refusal("Tlcreate", make);
      expect(["", "EINVAL"]).toContain(made);
      if (made === "") expect(lstatSync(path.join(root, "directory", created)).isFile()).toBe(true);
      for (const file of [path.join(root, "file"), path.join(root, "directory", created)]) {
        if (file.endsWith(created) && made !== "") continue;
        const all = flagsOf(file);
        expect(all.length).toBeGreaterThan(0);
        const data = all.filter((each) => (each & O_PATH) === 0);
        for (const each of data) expect((each & ~HARMLESS).toString(8), `bit ${bit}`).toBe("0");
      }
      client.clunk(onFile);
      client.clunk(inDirectory);
    }
  });
});

describe("a symbolic link's fid", () => {
  test("changes the link and never what it names, whatever is to change", () => {
    const before = lstatSync(secret);
    const fid = client.reach(0, "link");
    for (let valid = 0; valid < 0x200; valid++) {
      const answer = refusal("Tsetattr", { fid, valid, mode: 0o4777, uid: 7, gid: 8, size: 0n, ...NO_TIMES });
      // The mode is no link's own, and it has no size to be set.
      const reason = valid & p9.P9_SETATTR_MODE ? "EOPNOTSUPP" : valid & p9.P9_SETATTR_SIZE ? "EINVAL" : "";
      expect(["", "EPERM"].includes(answer) && reason === "" ? "" : answer).toBe(reason);
    }
    const { mode, uid, gid, size, mtimeMs, ctimeMs } = lstatSync(secret);
    expect({ mode, uid, gid, size, mtimeMs, ctimeMs }).toEqual({
      mode: before.mode,
      uid: before.uid,
      gid: before.gid,
      size: before.size,
      mtimeMs: before.mtimeMs,
      ctimeMs: before.ctimeMs,
    });
  });

  test("has no attributes of what it names, nor gives it any", () => {
    const { ctimeMs } = lstatSync(secret);
    for (const attribute of ["user.a", "trusted.a", "security.a", "system.posix_acl_access"]) {
      const fid = client.reach(0, "link");
      const begun = refusal("Txattrcreate", { fid, name: name(attribute), size: 1n, flags: 0 });
      const written = begun === "" ? refusal("Twrite", { fid, offset: 0n, data: name("v") }) : "";
      const set = begun === "" ? refusal("Tclunk", { fid }) : begun;
      expect([attribute, written]).toEqual([attribute, ""]);
      // Linux: users' attributes are for files and directories, the others for those who may administer.
      expect([attribute, ["EPERM", "EOPNOTSUPP", "EINVAL"].includes(set)]).toEqual([attribute, true]);
    }
    expect(lstatSync(secret).ctimeMs).toBe(ctimeMs);
  });
});

describe("a root", () => {
  test("that is moved away stays what it was, and what is put in its place is nobody's", () => {
    const moved = path.join(top, "moved");
    renameSync(root, moved);
    symlinkSync("outside", root);
    expect(client.walk(0, client.fid(), "..", "..", "file")).toHaveLength(3);
    expect(refusal("Twalk", { fid: 0, newfid: 50, names: [name("secret")] })).toBe("ENOENT");
    expect(refusal("Tmkdir", { dfid: 0, name: name("new"), mode: 0o755, gid: 0 })).toBe("");
    expect(readdirSync(moved)).toContain("new");
    client.attach(60);
    expect(client.getattr(60).qid).toEqual(client.getattr(0).qid);
    unlinkSync(root);
    renameSync(moved, root);
  });

  test("that is removed has nothing and takes nothing", () => {
    rmSync(root, { recursive: true });
    expect(client.walk(0, client.fid(), "..", "..")).toHaveLength(2);
    expect(refusal("Twalk", { fid: 0, newfid: 50, names: [name("file")] })).toBe("ENOENT");
    expect(refusal("Tmkdir", { dfid: 0, name: name("new"), mode: 0o755, gid: 0 })).toBe("ENOENT");
    expect(refusal("Tlcreate", { fid: 0, name: name("new"), flags: O_RDWR, mode: 0o644, gid: 0 })).toBe(
      "ENOENT",
    );
    expect(refusal("Tsymlink", { dfid: 0, name: name("s"), target: name("t"), gid: 0 })).toBe("ENOENT");
    mkdirSync(root);
  });

  test.each(["..", "../outside", "outside", "/..", "//", ".", " "])("is not called %j", (aname) => {
    const attach = { fid: 70, afid: p9.P9_NOFID, uname: "", aname, uid: p9.P9_NONUNAME };
    expect(refusal("Tattach", attach)).toBe("ENOENT");
  });
});

describe("a file without a name", () => {
  test("gets none by a link, and a removed directory gets no entries", () => {
    const file = client.reach(0, "file");
    const directory = client.reach(0, "directory", "sub");
    unlinkSync(path.join(root, "file"));
    rmdirSync(path.join(root, "directory", "sub"));
    expect(refusal("Tlink", { dfid: 0, fid: file, name: name("again") })).toBe("ENOENT");
    expect(refusal("Trename", { fid: file, dfid: 0, name: name("again") })).toBe("ENOENT");
    expect(refusal("Tmkdir", { dfid: directory, name: name("d"), mode: 0o755, gid: 0 })).toBe("ENOENT");
    const create = { fid: directory, name: name("f"), flags: O_RDWR, mode: 0o644, gid: 0 };
    expect(refusal("Tlcreate", create)).toBe("ENOENT");
    expect(refusal("Tlink", { dfid: 0, fid: directory, name: name("again") })).toBe("EPERM");
    expect(client.walk(directory, client.fid(), "..", "..", "..").at(-1)).toEqual(client.getattr(0).qid);
  });

  test("of another name now is not removed by its old one", () => {
    const fid = client.reach(0, "file");
    renameSync(path.join(root, "file"), path.join(root, "hidden"));
    writeFileSync(path.join(root, "file"), "another");
    expect(refusal("Tremove", { fid })).toBe("ENOENT");
    expect(readFileSync(path.join(root, "file"), "utf8")).toBe("another");
    renameSync(path.join(root, "hidden"), path.join(root, "file"));
  });
});

describe("cookies", () => {
  test("that no listing gave lead to names of the same directory or nowhere", () => {
    for (let i = 0; i < 50; i++) writeFileSync(path.join(root, "directory", `in-${i}`), "");
    for (let i = 0; i < 50; i++) writeFileSync(path.join(root, "other", `out-${i}`), "");
    const [fid, other] = [client.reach(0, "directory"), client.reach(0, "other")];
    client.open(fid, O_RDONLY);
    client.open(other, O_RDONLY);
    const foreign = client.list(other).map(({ offset }) => offset);
    const wild = [1n, 2n, 2n ** 31n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
    for (const offset of [...foreign, ...wild]) {
      const reply = client.exchange(encode("Treaddir", 1, { fid, offset, count: 4096 })) as Reply;
      if (reply.type === p9.P9_RLERROR) {
        expect([offset, errnoName(reply.u32())]).toEqual([offset, "EINVAL"]);
        continue;
      }
      for (const entry of reply.entries()) expect(entry.name.toString()).toMatch(/^(\.\.?|sub|in-\d+)$/);
    }
    // And it can still be read as it should be.
    expect(client.list(fid)).toHaveLength(53);
  });
});

describe("what would wait", () => {
  let holder: ChildProcess | undefined;

  afterEach(() => {
    holder?.kill("SIGKILL");
    holder = undefined;
  });

  test("a file under somebody's lease is EAGAIN at once, also to be cut off", {
    timeout: 60_000,
  }, async () => {
    const program = path.join(top, "lease");
    execFileSync("cc", ["-O1", "-o", program, path.join(import.meta.dirname, "../support/lease.c")]);
    holder = spawn(program, [path.join(root, "file")], { stdio: ["pipe", "pipe", "inherit"] });
    expect(`${await new Promise((resolve) => holder!.stdout!.once("data", resolve))}`).toBe("held\n");
    const fid = client.reach(0, "file");
    const start = performance.now();
    for (const flags of [O_RDONLY, O_WRONLY, O_RDWR]) {
      expect(refusal("Tlopen", { fid, flags })).toBe("EAGAIN");
      const create = {
        fid: client.reach(0),
        name: name("file"),
        flags: flags | O_CREAT,
        mode: 0o644,
        gid: 0,
      };
      expect(refusal("Tlcreate", create)).toBe("EAGAIN");
    }
    for (const valid of [p9.P9_SETATTR_SIZE, p9.P9_SETATTR_SIZE | p9.P9_SETATTR_MTIME]) {
      const cut = { fid, valid, mode: 0, uid: 0, gid: 0, size: 0n, ...NO_TIMES };
      expect(refusal("Tsetattr", cut)).toBe("EAGAIN");
    }
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
    expect(readFileSync("/proc/locks", "utf8")).toContain("LEASE");
  });

  test("a copy of more than others should wait for is cut", () => {
    truncateSync(path.join(root, "file"), 4 * COPY_MAX);
    writeFileSync(path.join(root, "copy"), "");
    const [from, to] = [client.reach(0, "file"), client.reach(0, "copy")];
    client.open(from, O_RDONLY);
    client.open(to, O_RDWR);
    for (const length of [COPY_MAX, COPY_MAX + 1, 2n ** 62n, 2n ** 63n - 1n]) {
      const copy = { fid: from, offset: 0n, tofid: to, tooffset: 0n, length: BigInt(length) };
      const reply = client.exchange(encode("Tcopyrange", 1, copy)) as Reply;
      expect([reply.type, reply.u64()]).toEqual([p9.P9_RCOPYRANGE, BigInt(COPY_MAX)]);
    }
    const backwards = { fid: to, offset: 0n, tofid: from, tooffset: 0n, length: 1n };
    expect(refusal("Tcopyrange", backwards)).toBe("EBADF");
  });

  test("FIFOs, sockets and devices are not even tried", async () => {
    const special = ["fifo"];
    execFileSync("mkfifo", [path.join(root, "fifo")]);
    try {
      execFileSync("mknod", [path.join(root, "device"), "c", "1", "5"], { stdio: "ignore" });
      special.push("device");
    } catch {
      console.log("not run for a device: it cannot be made here");
    }
    const watch = await Watch.start(
      path.join(top, "watch"),
      special.map((file) => path.join(root, file)),
    );
    for (const file of special) {
      const fid = client.reach(0, file);
      for (let flags = 0; flags < 3; flags++) {
        expect(refusal("Tlopen", { fid, flags })).toBe("ENXIO");
      }
      const again = { fid: client.reach(0), name: name(file), flags: O_RDWR | O_CREAT, mode: 0o600, gid: 0 };
      expect(refusal("Tlcreate", again)).toBe("ENXIO");
      expect(refusal("Tlcreate", { ...again, flags: O_RDWR | O_CREAT | O_EXCL })).toBe("EEXIST");
    }
    // Who reads a FIFO lets its writer in, and this is seen.
    expect(await watch.events(() => closeSync(openSync(path.join(root, "fifo"), O_RDWR)))).toEqual([]);
  });
});

describe("two names of one file", () => {
  test("one of which is outside are still one file inside: it is only ever changed by whom the mount lets", async () => {
    linkSync(secret, path.join(root, "hard"));
    const readonly = new Gofer(bundle, [{ source: root, readonly: true }]);
    const other = readonly.connect();
    const fid = other.reach(0, "hard");
    const fields = new Message().u32(fid).u32(O_RDWR);
    expect(other.refusal(p9.P9_TLOPEN, fields)).toBe("EROFS");
    expect(other.refusal(p9.P9_TREMOVE, new Message().u32(fid))).toBe("EROFS");
    expect(await readonly.stop()).toEqual({ code: 0, signal: null, stderr: "" });
    expect(lstatSync(secret).nlink).toBe(2);
  });
});

describe("flushes", () => {
  test("of what is under way, of themselves and of nothing are answered in order, and what they flush before them", () => {
    const fid = client.reach(0, "file");
    client.open(fid, O_RDONLY);
    const frames: Buffer[] = [];
    const expected: [type: number, tag: number][] = [];
    for (let round = 0; round < 200; round++) {
      const tag = round % 5;
      frames.push(
        encode("Tread", tag, { fid, offset: 0n, count: 7 }),
        encode("Tflush", tag + 10, { oldtag: tag }),
        encode("Tflush", tag + 10, { oldtag: tag + 10 }),
        encode("Tgetattr", tag, { fid, mask: 0n }),
        encode("Tflush", 0xffff, { oldtag: 0xfffe }),
      );
      expected.push(
        [p9.P9_RREAD, tag],
        [p9.P9_RFLUSH, tag + 10],
        [p9.P9_RFLUSH, tag + 10],
        [p9.P9_RGETATTR, tag],
        [p9.P9_RFLUSH, 0xffff],
      );
    }
    client.sendRaw(Buffer.concat(frames));
    const seen = expected.map(() => {
      const { type, tag } = client.receive() as Reply;
      return [type, tag];
    });
    expect(seen).toEqual(expected);
  });
});
