// Tlock and Tgetlock: what one client locks is locked for all who use the host's file.

import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { O_RDWR } from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, scratch } from "../support/gofer.ts";
import { Message, type P9Client } from "../support/p9-client.ts";

const READ = p9.P9_LOCK_TYPE_RDLCK;
const WRITE = p9.P9_LOCK_TYPE_WRLCK;
const UNLOCK = p9.P9_LOCK_TYPE_UNLCK;

let bundle: string;
let folder: string;
let gofer: Gofer;

beforeAll(async () => {
  bundle = await buildGofer();
});

beforeEach(() => {
  folder = scratch();
  writeFileSync(path.join(folder, "file"), "0123456789");
  gofer = new Gofer(bundle, [{ source: folder }, { source: folder }]);
});

afterEach(async () => {
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  rmSync(folder, { recursive: true });
});

function opened(client: P9Client): number {
  const fid = client.reach(0, "file");
  client.open(fid, O_RDWR);
  return fid;
}

function fields(fid: number, type: number, start: number | bigint, length: number, process: number): Message {
  return new Message().u32(fid).u8(type).u32(0).u64(start).u64(length).u32(process).string("me");
}

/** Whether the lock was granted. */
function lock(client: P9Client, fid: number, type: number, start = 0, length = 0, process = 1): boolean {
  return client.call(p9.P9_TLOCK, fields(fid, type, start, length, process)).u8() === p9.P9_LOCK_SUCCESS;
}

function probe(client: P9Client, fid: number, type: number, start: number, length: number, process = 1) {
  const message = new Message().u32(fid).u8(type).u64(start).u64(length).u32(process).string("me");
  const reply = client.call(p9.P9_TGETLOCK, message);
  return [reply.u8(), Number(reply.u64()), Number(reply.u64()), reply.u32(), `${reply.string()}`];
}

describe("locks", () => {
  test("hold against other clients, by ranges, and are not in their owner's way", () => {
    const [one, two] = [gofer.connect(0), gofer.connect(1)];
    const [a, b] = [opened(one), opened(two)];
    expect(lock(one, a, WRITE, 0, 5)).toBe(true);
    expect(lock(one, opened(one), WRITE, 2, 5)).toBe(true);
    expect(lock(two, b, READ, 4, 1)).toBe(false);
    expect(lock(two, b, READ, 7, 0)).toBe(true);
    expect(probe(two, b, WRITE, 0, 0)).toEqual([WRITE, 0, 7, 0, ""]);
    expect(probe(two, b, READ, 7, 3)).toEqual([UNLOCK, 7, 3, 0, ""]);
    expect(lock(one, a, UNLOCK, 0, 0)).toBe(true);
    expect(lock(two, b, WRITE, 0, 0)).toBe(true);
  });

  test("of two processes of one client are two owners'", () => {
    const one = gofer.connect(0);
    const fid = opened(one);
    expect(lock(one, fid, READ, 0, 0, 1)).toBe(true);
    expect(lock(one, fid, READ, 0, 0, 2)).toBe(true);
    expect(lock(one, fid, WRITE, 0, 0, 2)).toBe(false);
    expect(lock(one, fid, UNLOCK, 0, 0, 1)).toBe(true);
    expect(lock(one, fid, WRITE, 0, 0, 2)).toBe(true);
  });

  test("end with their fid", () => {
    const [one, two] = [gofer.connect(0), gofer.connect(1)];
    const [a, b] = [opened(one), opened(two)];
    expect(lock(one, a, WRITE)).toBe(true);
    expect(lock(two, b, WRITE)).toBe(false);
    one.clunk(a);
    expect(lock(two, b, WRITE)).toBe(true);
  });

  test("what is no lock is refused", () => {
    const one = gofer.connect(0);
    const fid = opened(one);
    const refusal = (message: Message) => one.refusal(p9.P9_TLOCK, message);
    expect(refusal(fields(fid, 3, 0, 0, 1))).toBe("EINVAL");
    expect(refusal(fields(one.reach(0, "file"), WRITE, 0, 0, 1))).toBe("EINVAL");
    expect(refusal(fields(0, WRITE, 0, 0, 1))).toBe("EINVAL");
    expect(refusal(fields(999, WRITE, 0, 0, 1))).toBe("EBADF");
    expect(refusal(fields(fid, WRITE, 2n ** 63n - 1n, 2, 1))).toBe("EINVAL");
    expect(refusal(fields(fid, WRITE, 2n ** 63n, 0, 1))).toBe("EINVAL");
    const unknown = new Message().u32(fid).u8(3).u64(0).u64(0).u32(1).string("me");
    expect(one.refusal(p9.P9_TGETLOCK, unknown)).toBe("EINVAL");
  });

  test("are all told to Linux's client, which asks for none", () => {
    const [one, two] = [gofer.connect(0), gofer.connect(1)];
    const [a, b] = [opened(one), opened(two)];
    expect(probe(two, b, UNLOCK, 0, 0)).toEqual([UNLOCK, 0, 0, 0, ""]);
    expect(lock(one, a, READ, 3, 4)).toBe(true);
    expect(probe(two, b, UNLOCK, 0, 0)).toEqual([READ, 3, 4, 0, ""]);
    expect(probe(one, a, UNLOCK, 0, 0), "its own are not in the way").toEqual([UNLOCK, 0, 0, 0, ""]);
  });
});
