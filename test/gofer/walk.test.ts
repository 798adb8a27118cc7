import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as p9 from "../../assembly/abi/p9.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { Message, P9Client } from "../support/p9-client.ts";

const DEEP = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
const folder = scratch();
let gofer: Gofer;
let client: P9Client;

beforeAll(async () => {
  mkdirSync(path.join(folder, ...DEEP), { recursive: true });
  writeFileSync(path.join(folder, "file"), "hello");
  symlinkSync("a", path.join(folder, "link"));
  symlinkSync("nowhere", path.join(folder, "dangling"));
  writeFileSync(Buffer.from(`${folder}/\xff\xfe`, "latin1"), "");
  gofer = new Gofer(await buildGofer(), [{ source: folder }, { source: path.join(folder, "file") }]);
  client = gofer.connect();
});

afterAll(async () => {
  await gofer.stop();
  rmSync(folder, { recursive: true });
});

function refusal(fid: number, newFid: number, ...names: (string | Uint8Array)[]): string {
  return client.refusal(p9.P9_TWALK, P9Client.walkFields(fid, newFid, names));
}

describe("Twalk", () => {
  test("no names clone the fid", () => {
    const fid = client.fid();
    expect(client.walk(0, fid)).toEqual([]);
    expect(client.getattr(fid)).toEqual(client.getattr(0));
  });

  test("sixteen names give sixteen qids, seventeen are refused", () => {
    const fid = client.fid();
    expect(client.walk(0, fid, ...DEEP)).toHaveLength(16);
    expect(client.getattr(fid).qid.type).toBe(p9.P9_QTDIR);
    expect(refusal(0, client.fid(), ...DEEP, "q")).toBe("EINVAL");
  });

  test("a walk that stops early gives the qids so far and makes no fid", () => {
    const fid = client.fid();
    expect(client.walk(0, fid, "a", "b", "nope", "d")).toHaveLength(2);
    expect(client.refusal(p9.P9_TCLUNK, new Message().u32(fid))).toBe("EBADF");
  });

  test("the first name's failure is an error", () => {
    expect(refusal(0, client.fid(), "nope")).toBe("ENOENT");
    expect(refusal(client.reach(0, "file"), client.fid(), "x")).toBe("ENOTDIR");
    expect(refusal(client.reach(0, "link"), client.fid(), "b")).toBe("ENOTDIR");
  });

  test("a symlink is a file of its own and never followed", () => {
    const fid = client.fid();
    expect(client.walk(0, fid, "link").map((qid) => qid.type)).toEqual([p9.P9_QTSYMLINK]);
    expect(client.walk(0, client.fid(), "link", "b")).toHaveLength(1);
    expect(`${client.call(p9.P9_TREADLINK, new Message().u32(fid)).string()}`).toBe("a");
    expect(client.reach(0, "dangling")).toBeGreaterThan(0);
  });

  test("'..' goes to the parent and stays at the root", () => {
    const root = client.getattr(0).qid;
    const a = client.getattr(client.reach(0, "a")).qid;
    expect(client.walk(0, client.fid(), "..", "..", "a", "b", "..")).toEqual([
      root,
      root,
      a,
      expect.objectContaining({ type: p9.P9_QTDIR }),
      a,
    ]);
    expect(refusal(client.reach(0, "file"), client.fid(), "..")).toBe("ENOTDIR");
  });

  test("'.' is the directory itself", () => {
    expect(client.walk(0, client.fid(), ".", "a", ".")).toHaveLength(3);
  });

  test("a fid may be replaced by its own walk unless it is open", () => {
    const fid = client.reach(0, "a");
    client.walk(fid, fid, "b");
    expect(client.getattr(fid).qid).toEqual(client.getattr(client.reach(0, "a", "b")).qid);
    client.open(fid, 0);
    expect(refusal(fid, fid, "c")).toBe("EBUSY");
    expect(client.walk(fid, client.fid(), "c")).toHaveLength(1);
  });

  test("a new fid that is in use, or is NOFID, is refused", () => {
    const fid = client.reach(0, "a");
    expect(refusal(0, fid, "file")).toBe("EINVAL");
    expect(client.getattr(fid).qid.type).toBe(p9.P9_QTDIR);
    expect(refusal(0, p9.P9_NOFID, "file")).toBe("EBADF");
    expect(refusal(123456, client.fid(), "file")).toBe("EBADF");
  });

  test("a walk that fails leaves the fid that it would have replaced", () => {
    const fid = client.reach(0, "a");
    expect(client.walk(fid, fid, "b", "nope")).toHaveLength(1);
    expect(client.getattr(fid).qid).toEqual(client.getattr(client.reach(0, "a")).qid);
  });

  test("names are bytes", () => {
    expect(client.walk(0, client.fid(), Buffer.from([0xff, 0xfe]))).toHaveLength(1);
    expect(refusal(0, client.fid(), Buffer.from([0xff]))).toBe("ENOENT");
  });

  test("names that cannot be names are refused wherever they stand", () => {
    for (const name of ["", "a/b", "/", "../..", "a\0b"]) {
      expect(refusal(0, client.fid(), name)).toBe("EINVAL");
      expect(refusal(0, client.fid(), "a", name)).toBe("EINVAL");
    }
    expect(refusal(0, client.fid(), "x".repeat(256))).toBe("ENAMETOOLONG");
    expect(refusal(0, client.fid(), "x".repeat(255))).toBe("ENOENT");
  });

  test("the root of a mount of one file is that file", () => {
    const other = gofer.connect(1);
    expect(other.getattr(0).size).toBe(5n);
    expect(other.refusal(p9.P9_TWALK, P9Client.walkFields(0, 1, [".."]))).toBe("ENOTDIR");
    expect(other.refusal(p9.P9_TWALK, P9Client.walkFields(0, 1, ["file"]))).toBe("ENOTDIR");
    other.open(0, 0);
    expect(`${other.read(0, 0, 100)}`).toBe("hello");
  });
});

describe("Twalkattr", () => {
  test("gives each component's attributes and makes the fid", () => {
    const fid = client.fid();
    const { status, attributes } = client.walkAttributes(0, fid, "a", "b");
    expect(status).toBe("");
    expect(attributes).toEqual([client.getattr(client.reach(0, "a")), client.getattr(fid)]);
  });

  test("tells what was reached and why it went no further, also at the first name", () => {
    const fid = client.fid();
    const partial = client.walkAttributes(0, fid, "a", "nope", "c");
    expect([partial.status, partial.attributes.length]).toEqual(["ENOENT", 1]);
    const none = client.walkAttributes(0, fid, "nope");
    expect([none.status, none.attributes.length]).toEqual(["ENOENT", 0]);
    const link = client.walkAttributes(0, fid, "link", "b");
    expect([link.status, link.attributes.length]).toEqual(["ENOTDIR", 1]);
    const file = client.walkAttributes(0, fid, "file", "x");
    expect([file.status, file.attributes.length]).toEqual(["ENOTDIR", 1]);
    expect(client.refusal(p9.P9_TCLUNK, new Message().u32(fid))).toBe("EBADF");
  });

  test("no names clone the fid and give its own attributes", () => {
    const fid = client.fid();
    expect(client.walkAttributes(0, fid).attributes).toEqual([client.getattr(fid)]);
  });

  test("NOFID walks without making a fid", () => {
    expect(client.walkAttributes(0, p9.P9_NOFID, "a", "b").attributes).toHaveLength(2);
    expect(client.walkAttributes(0, p9.P9_NOFID).attributes).toHaveLength(1);
  });

  test("the longest reply fits the smallest message size", () => {
    const { version } = client.version("9P2000.L.wvisor.1", 4096);
    expect(version).toBe("9P2000.L.wvisor.1");
    client.attach(0);
    expect(client.walkAttributes(0, client.fid(), ...DEEP).attributes).toHaveLength(16);
    client.version("9P2000.L.wvisor.1");
    client.attach(0);
  });
});
