// Extended attributes over Txattrwalk, Txattrcreate and Txattrremove.

import { rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as p9 from "../../assembly/abi/p9.ts";
import { XATTR_CREATE, XATTR_REPLACE } from "../../assembly/abi/xattr.ts";
import { VERSION_9P2000L } from "../../src/common/p9-version.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { Message, type P9Client } from "../support/p9-client.ts";

let bundle: string;
let folder: string;
let gofer: Gofer;
let client: P9Client;
let file: number;

beforeAll(async () => {
  bundle = await buildGofer();
});

beforeEach(() => {
  folder = scratch();
  writeFileSync(path.join(folder, "file"), "x");
  gofer = new Gofer(bundle, [{ source: folder }, { source: folder, readonly: true }]);
  client = gofer.connect(0);
  file = client.reach(0, "file");
});

afterEach(async () => {
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  rmSync(folder, { recursive: true });
});

/** The value of an attribute, or the list of names; or why there is none. */
function get(fid: number, name: string): string {
  const made = client.fid();
  const fields = new Message().u32(fid).u32(made).string(name);
  const refused = client.refusal(p9.P9_TXATTRWALK, fields);
  if (refused !== "") return refused;
  const value = client.read(made, 0, 100_000).toString();
  client.clunk(made);
  return value;
}

function begin(fid: number, name: string, size: number | bigint, flags = 0): Message {
  return new Message().u32(fid).string(name).u64(size).u32(flags);
}

/** Sets an attribute; "" or why not. */
function set(name: string, value: string, flags = 0, target = "file"): string {
  const fid = client.reach(0, target);
  const refused = client.refusal(p9.P9_TXATTRCREATE, begin(fid, name, value.length, flags));
  if (refused !== "") return refused;
  if (value !== "") client.write(fid, 0, Buffer.from(value));
  return client.refusal(p9.P9_TCLUNK, new Message().u32(fid));
}

function remove(name: string): string {
  return client.refusal(p9.P9_TXATTRREMOVE, new Message().u32(file).string(name));
}

describe("extended attributes", () => {
  test("what was set is read, listed and removed", () => {
    expect(get(file, "user.a")).toBe("ENODATA");
    expect(set("user.a", "value")).toBe("");
    expect(set("user.b", "")).toBe("");
    expect(get(file, "user.a")).toBe("value");
    expect(get(file, "user.b")).toBe("");
    expect(get(file, "").split("\0").sort()).toEqual(["", "user.a", "user.b"]);
    expect(remove("user.a")).toBe("");
    expect(remove("user.a")).toBe("ENODATA");
    expect(get(file, "")).toBe("user.b\0");
  });

  test("XATTR_CREATE and XATTR_REPLACE are the host's to judge, at the clunk", () => {
    expect(set("user.a", "1", XATTR_REPLACE)).toBe("ENODATA");
    expect(set("user.a", "1", XATTR_CREATE)).toBe("");
    expect(set("user.a", "2", XATTR_CREATE)).toBe("EEXIST");
    expect(set("user.a", "2", XATTR_REPLACE)).toBe("");
    expect(get(file, "user.a")).toBe("2");
  });

  test("a value may be as long as Linux allows, and no longer", () => {
    expect(set("user.a", "x".repeat(3000))).toBe("");
    expect(get(file, "user.a")).toBe("x".repeat(3000));
    const fid = client.reach(0, "file");
    expect(client.refusal(p9.P9_TXATTRCREATE, begin(fid, "user.a", 65537))).toBe("E2BIG");
    expect(client.refusal(p9.P9_TXATTRCREATE, begin(fid, "user.a", 2n ** 64n - 1n))).toBe("E2BIG");
  });

  test("names are checked: none, too long, with a NUL, of another namespace", () => {
    expect(set("", "x")).toBe("ERANGE");
    expect(set(`user.${"n".repeat(251)}`, "x")).toBe("ERANGE");
    expect(set(`user.${"n".repeat(250)}`, "x")).toBe("");
    expect(set("user.a\0b", "x")).toBe("EINVAL");
    expect(set("os2.a", "x")).toBe("EOPNOTSUPP");
    expect(get(file, "system.other")).toBe("EOPNOTSUPP");
    expect(set("user.with/slash", "x")).toBe("");
  });

  test("they are the file's own: an open one without a name, and a symbolic link itself", () => {
    symlinkSync("file", path.join(folder, "link"));
    const link = client.reach(0, "link");
    expect(set("user.a", "x")).toBe("");
    expect(get(link, "user.a")).not.toBe("x");
    unlinkSync(path.join(folder, "file"));
    expect(get(file, "user.a")).toBe("x");
    expect(remove("user.a")).toBe("");
  });

  test("a value is written from front to back, whole", () => {
    const part = client.reach(0, "file");
    client.call(p9.P9_TXATTRCREATE, begin(part, "user.a", 6));
    expect(client.write(part, 0, Buffer.from("abc"))).toBe(3);
    const again = (offset: number | bigint, data: string) =>
      client.refusal(
        p9.P9_TWRITE,
        new Message().u32(part).u64(offset).u32(data.length).raw(Buffer.from(data)),
      );
    expect(again(0, "x")).toBe("EINVAL");
    expect(again(2n ** 63n - 1n, "x")).toBe("EINVAL");
    expect(again(3, "defg")).toBe("E2BIG");
    expect(client.refusal(p9.P9_TCLUNK, new Message().u32(part))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TCLUNK, new Message().u32(part))).toBe("EBADF");
    expect(get(file, "user.a")).toBe("ENODATA");
  });

  test("an attribute's fid can do nothing else", () => {
    expect(set("user.a", "value")).toBe("");
    const made = client.fid();
    client.call(p9.P9_TXATTRWALK, new Message().u32(file).u32(made).string("user.a"));
    expect(client.read(made, 3, 100).toString()).toBe("ue");
    expect(client.read(made, 2n ** 62n, 100).length).toBe(0);
    expect(client.refusal(p9.P9_TWRITE, new Message().u32(made).u64(0).u32(0))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TLOPEN, new Message().u32(made).u32(0))).toBe("EINVAL");
    expect(client.refusal(p9.P9_TXATTRCREATE, begin(made, "user.b", 1))).toBe("EBUSY");
    expect(client.refusal(p9.P9_TXATTRWALK, new Message().u32(file).u32(made).string(""))).toBe("EINVAL");
    const open = client.reach(0, "file");
    client.open(open, 0);
    expect(client.refusal(p9.P9_TXATTRCREATE, begin(open, "user.b", 1))).toBe("EBUSY");
  });

  test("values under way are bounded for each client", () => {
    const results = Array.from({ length: 70 }, () =>
      client.refusal(p9.P9_TXATTRCREATE, begin(client.reach(0, "file"), "user.a", 65536)),
    );
    expect(results.filter((result) => result === "").length).toBe(64);
    expect(results.at(-1)).toBe("ENOMEM");
  });

  test("on a read-only mount they can only be read", () => {
    expect(set("user.a", "x")).toBe("");
    client = gofer.connect(1);
    file = client.reach(0, "file");
    expect(get(file, "user.a")).toBe("x");
    expect(set("user.a", "y")).toBe("EROFS");
    expect(remove("user.a")).toBe("EROFS");
  });

  test("in plain 9P2000.L a value is removed by replacing it with one of no bytes, as Linux's client does", () => {
    client = gofer.connect(0, VERSION_9P2000L);
    file = client.reach(0, "file");
    expect(set("user.a", "x")).toBe("");
    expect(set("user.a", "", XATTR_REPLACE)).toBe("");
    expect(get(file, "user.a")).toBe("ENODATA");
    expect(set("user.a", "", XATTR_REPLACE)).toBe("ENODATA");
    expect(set("user.a", "", XATTR_CREATE)).toBe("");
    expect(get(file, "user.a")).toBe("");
    expect(set("user.b", "")).toBe("");
    expect(get(file, "user.b")).toBe("");
    expect(remove("user.a")).toBe("EOPNOTSUPP");
  });
});
