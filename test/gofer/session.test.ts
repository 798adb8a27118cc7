import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as p9 from "../../assembly/abi/p9.ts";
import { VERSION_9P2000L, VERSION_WVISOR } from "../../src/common/p9-version.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { Message, type P9Client, type Reply } from "../support/p9-client.ts";

const folder = scratch();
let gofer: Gofer;
let client: P9Client;

beforeAll(async () => {
  writeFileSync(path.join(folder, "file"), "hello");
  gofer = new Gofer(await buildGofer(), [{ source: folder }]);
  client = gofer.clients[0]!;
});

afterAll(async () => {
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  rmSync(folder, { recursive: true });
});

describe("Tversion", () => {
  test("nothing else is answered before a version is agreed on", () => {
    const fields = new Message().u32(0).u32(p9.P9_NOFID).string("u").string("").u32(0);
    expect(client.refusal(p9.P9_TATTACH, fields)).toBe("EPROTO");
    expect(client.refusal(p9.P9_TCLUNK, new Message().u32(0))).toBe("EPROTO");
  });

  test("the smaller message size of both is agreed on", () => {
    expect(client.version(VERSION_9P2000L, 8192).messageSize).toBe(8192);
    expect(client.version(VERSION_9P2000L, 0xffffffff).messageSize).toBe(p9.P9_MSIZE);
  });

  test("a message size below 4,096 is refused", () => {
    expect(client.refusal(p9.P9_TVERSION, new Message().u32(4095).string(VERSION_9P2000L))).toBe("EMSGSIZE");
    expect(client.version(VERSION_9P2000L, 4096).messageSize).toBe(4096);
  });

  test("our own extension is answered as asked, another one with plain 9P2000.L", () => {
    expect(client.version(VERSION_WVISOR).version).toBe(VERSION_WVISOR);
    expect(client.version("9P2000.L.Google.7").version).toBe(VERSION_9P2000L);
    expect(client.version("9P2000.L.wvisor.2").version).toBe(VERSION_9P2000L);
  });

  test("other protocols are unknown, and then nothing is served", () => {
    for (const name of ["9P2000", "9P2000.u", "9P2000.Lx", "", "9p2000.l"]) {
      expect(client.version(name).version).toBe("unknown");
      expect(client.refusal(p9.P9_TCLUNK, new Message().u32(0))).toBe("EPROTO");
    }
  });

  test("in mid-session it clunks every fid", () => {
    client.version(VERSION_9P2000L);
    client.attach(0);
    client.open(client.reach(0, "file"), 0);
    client.version(VERSION_9P2000L);
    expect(client.refusal(p9.P9_TGETATTR, new Message().u32(0).u64(0))).toBe("EBADF");
    client.attach(0);
  });

  test("Twalkattr exists only with our extension", () => {
    client.version(VERSION_9P2000L);
    client.attach(0);
    const fields = new Message().u32(0).u32(1).u16(0);
    expect(client.refusal(p9.P9_TWALKATTR, fields)).toBe("EOPNOTSUPP");
    client.version(VERSION_WVISOR);
    client.attach(0);
    expect(client.refusal(p9.P9_TWALKATTR, fields)).toBe("");
  });
});

describe("Tattach and what else needs no file", () => {
  beforeEach(() => {
    client.version(VERSION_WVISOR);
    client.attach(0);
  });

  test("a second attach gives another fid for the same root", () => {
    expect(client.attach(1)).toEqual(client.getattr(0).qid);
  });

  test("a fid in use and NOFID are refused", () => {
    const fields = (fid: number) => new Message().u32(fid).u32(p9.P9_NOFID).string("u").string("").u32(0);
    expect(client.refusal(p9.P9_TATTACH, fields(0))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TATTACH, fields(p9.P9_NOFID))).toBe("EBADF");
  });

  test("an authentication fid and another tree are refused", () => {
    const fields = (auth: number, tree: string) =>
      new Message().u32(9).u32(auth).string("u").string(tree).u32(0);
    expect(client.refusal(p9.P9_TATTACH, fields(5, ""))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TATTACH, fields(p9.P9_NOFID, "/etc"))).toBe("ENOENT");
    expect(client.refusal(p9.P9_TATTACH, fields(p9.P9_NOFID, "/"))).toBe("");
  });

  test("Tauth is answered with ENOENT, which means that none is needed", () => {
    expect(client.refusal(p9.P9_TAUTH, new Message().u32(9).string("u").string("").u32(0))).toBe("ENOENT");
  });

  test("Tflush is always answered, also for a tag that nobody used and for its own", () => {
    for (const oldTag of [1, 2, 999, p9.P9_NOTAG]) {
      const reply = client.exchange(new Message().u16(oldTag).frame(p9.P9_TFLUSH, 2)) as Reply;
      expect(reply.type).toBe(p9.P9_RFLUSH);
    }
  });

  test("Tclunk frees the fid, once", () => {
    client.attach(4);
    client.clunk(4);
    expect(client.refusal(p9.P9_TCLUNK, new Message().u32(4))).toBe("EBADF");
    client.attach(4);
  });

  test("replies carry their request's tag", () => {
    for (const tag of [0, 1, 0x7fff, 0xfffe]) {
      const reply = client.exchange(new Message().u32(0).u64(0).frame(p9.P9_TGETATTR, tag)) as Reply;
      expect([reply.type, reply.tag]).toEqual([p9.P9_RGETATTR, tag]);
    }
  });
});
