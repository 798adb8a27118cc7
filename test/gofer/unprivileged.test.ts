// The gofer as an ordinary user: the host's permissions hold, and nobody is given anything. Needs root, to become one.

import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { S_IFIFO } from "../../assembly/abi/stat.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { Message, type P9Client } from "../support/p9-client.ts";

const USER = 65534;
const isRoot = process.getuid?.() === 0;
const folder = scratch();
let gofer: Gofer;
let client: P9Client;
let alice: number;

describe.runIf(isRoot)("a gofer without privileges", () => {
  beforeAll(async () => {
    chownSync(folder, USER, USER);
    mkdirSync(path.join(folder, "closed"), { mode: 0o700 });
    writeFileSync(path.join(folder, "closed", "secret"), "");
    writeFileSync(path.join(folder, "roots"), "readable");
    const launcher = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
    gofer = new Gofer(await buildGofer(), [{ source: folder }], launcher);
    client = gofer.connect();
    alice = client.fid();
    client.attach(alice, 1234);
  });

  afterAll(async () => {
    expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
    rmSync(folder, { recursive: true });
  });

  test("makes everything its own, whoever attached", () => {
    client.create(client.reach(alice), "file", fcntl.O_RDWR | fcntl.O_EXCL, 0o640, 77);
    client.call(p9.P9_TMKDIR, new Message().u32(alice).string("dir").u32(0o750).u32(77));
    client.call(p9.P9_TSYMLINK, new Message().u32(alice).string("link").string("file").u32(77));
    client.call(
      p9.P9_TMKNOD,
      new Message()
        .u32(1)
        .string("fifo")
        .u32(S_IFIFO | 0o600)
        .u32(0)
        .u32(0)
        .u32(77),
    );
    for (const name of ["file", "dir", "link", "fifo"]) {
      const { uid, gid } = lstatSync(path.join(folder, name));
      expect([name, uid, gid]).toEqual([name, USER, USER]);
    }
  });

  test("links, and changes mode, times and size of its own files", () => {
    const fid = client.reach(0, "file");
    expect(client.refusal(p9.P9_TLINK, new Message().u32(0).u32(fid).string("file2"))).toBe("");
    const valid = p9.P9_SETATTR_MODE | p9.P9_SETATTR_SIZE | p9.P9_SETATTR_MTIME;
    const fields = new Message().u32(fid).u32(valid).u32(0o4600).u32(0).u32(0).u64(10);
    expect(client.refusal(p9.P9_TSETATTR, fields.u64(0).u64(0).u64(0).u64(0))).toBe("");
    const { mode, size, nlink } = statSync(path.join(folder, "file2"));
    expect([mode & 0o7777, size, nlink]).toEqual([0o4600, 10, 2]);
  });

  test("is refused what the host refuses", () => {
    expect(client.walkAttributes(0, p9.P9_NOFID, "closed", "secret").status).toBe("EACCES");
    const open = (name: string, flags: number) =>
      client.refusal(p9.P9_TLOPEN, new Message().u32(client.reach(0, name)).u32(flags));
    expect(open("roots", fcntl.O_WRONLY)).toBe("EACCES");
    expect(open("closed", fcntl.O_RDONLY)).toBe("EACCES");
    const owner = new Message().u32(client.reach(0, "file")).u32(p9.P9_SETATTR_UID).u32(0).u32(0).u32(0);
    expect(client.refusal(p9.P9_TSETATTR, owner.u64(0).u64(0).u64(0).u64(0).u64(0))).toBe("EPERM");
  });

  test("reads without touching the access time where it may, and otherwise reads all the same", () => {
    const fid = client.reach(0, "roots");
    client.open(fid, fcntl.O_RDONLY | fcntl.O_NOATIME);
    expect(`${client.read(fid, 0, 100)}`).toBe("readable");
  });

  test("an open descriptor keeps its access when the mode goes", () => {
    const fid = client.reach(0, "file");
    client.open(fid, fcntl.O_RDWR);
    chmodSync(path.join(folder, "file"), 0);
    const fields = new Message().u32(fid).u32(p9.P9_SETATTR_SIZE).u32(0).u32(0).u32(0).u64(3);
    expect(client.refusal(p9.P9_TSETATTR, fields.u64(0).u64(0).u64(0).u64(0))).toBe("");
    expect(statSync(path.join(folder, "file")).size).toBe(3);
  });
});
