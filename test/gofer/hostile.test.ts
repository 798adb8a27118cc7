// What a client can do that no client should: the gofer answers or drops the connection, and serves the others.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as fcntl from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { FIDS_MAX } from "../../src/p9/server/fid-table.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, requireNative, scratch } from "../support/gofer.ts";
import { Message, P9Client, type RefusedError, type Reply, socketPair } from "../support/p9-client.ts";

interface Frame {
  readonly name: string;
  readonly type: number;
  readonly hex: string;
}

const native = requireNative();
const frames: readonly Frame[] = JSON.parse(
  readFileSync(new URL("../fixtures/p9/frames.json", import.meta.url), "utf8"),
);
const requests = frames.filter(({ type }) => type % 2 === 0);
let bundle: string;
let folder: string;
let gofer: Gofer;
/** On connection 0. */
let client: P9Client;
/** On connection 1, which nothing may disturb. */
let witness: P9Client;

beforeAll(async () => {
  bundle = await buildGofer();
});

beforeEach(() => {
  folder = scratch();
  mkdirSync(path.join(folder, "a", "b"), { recursive: true });
  writeFileSync(path.join(folder, "file"), Buffer.alloc(8192, "x"));
  start(2);
});

afterEach(async () => {
  expect(witness.getattr(0).qid.type).toBe(p9.P9_QTDIR);
  expect(await gofer.stop()).toEqual({ code: 0, signal: null, stderr: "" });
  // Not rmSync, which one of these trees is too deep for.
  execFileSync("rm", ["-rf", folder]);
});

function start(mounts: number, launcher: readonly string[] = []): void {
  gofer = new Gofer(bundle, new Array(mounts).fill({ source: folder }), launcher);
  client = gofer.connect(0);
  witness = gofer.connect(1);
}

async function restart(mounts: number, launcher: readonly string[] = []): Promise<void> {
  await gofer.stop();
  start(mounts, launcher);
}

/** `bytes` with its size field made true. */
function sized(bytes: Buffer): Buffer {
  const frame = Buffer.from(bytes);
  frame.writeUInt32LE(frame.length, 0);
  return frame;
}

/** The errno of an Rlerror, or -1 for any other reply. */
function errorOf(reply: Reply | number): number {
  if (typeof reply === "number") throw new Error(`connection lost: ${reply}`);
  return reply.type === p9.P9_RLERROR ? reply.u32() : -1;
}

const EPROTO = 71;
const EOPNOTSUPP = 95;

describe("frames", () => {
  test("every message cut anywhere, or with a byte too many, is EPROTO", () => {
    for (const { name, type, hex } of requests) {
      const whole = Buffer.from(hex, "hex");
      for (let length = p9.P9_HEADER; length < whole.length; length++) {
        // The form of Tfsync without its last field is the old one.
        if (type === p9.P9_TFSYNC && length === whole.length - 4) continue;
        const error = errorOf(client.exchange(sized(whole.subarray(0, length))));
        expect(`${name} cut to ${length}: ${error}`).toBe(`${name} cut to ${length}: ${EPROTO}`);
      }
      expect(errorOf(client.exchange(sized(Buffer.concat([whole, Buffer.from([0])]))))).toBe(EPROTO);
    }
  });

  test("replies and unknown types are EOPNOTSUPP, whatever they hold", () => {
    const known = new Set(requests.map(({ type }) => type));
    for (let type = 0; type < 256; type++) {
      if (known.has(type)) continue;
      for (const size of [0, 4, 100]) {
        const frame = new Message().raw(Buffer.alloc(size, type)).frame(type, 5);
        expect(`${type}: ${errorOf(client.exchange(frame))}`).toBe(`${type}: ${EOPNOTSUPP}`);
      }
    }
  });

  test.each([0, 1, 6, p9.P9_MSIZE + 1, 0x7fffffff, 0xffffffff])(
    "a size of %d ends the connection",
    (size) => {
      const frame = Buffer.alloc(64);
      frame.writeUInt32LE(size, 0);
      client.sendRaw(frame);
      expect(client.receive()).toBeLessThan(0);
    },
  );

  test("the agreed size counts, not the largest possible", () => {
    client.version("9P2000.L", 4096);
    client.sendRaw(new Message().raw(Buffer.alloc(4096 - p9.P9_HEADER)).frame(p9.P9_TCLUNK, 1));
    expect(errorOf(client.receive())).toBe(EPROTO);
    client.sendRaw(new Message().raw(Buffer.alloc(4097 - p9.P9_HEADER)).frame(p9.P9_TCLUNK, 1));
    expect(client.receive()).toBeLessThan(0);
  });

  test("a message may come byte by byte, and several at once", () => {
    const frame = new Message().u32(0).u64(0).frame(p9.P9_TGETATTR, 9);
    for (const byte of frame) {
      expect(witness.getattr(0).nlink).toBeGreaterThan(0n);
      client.sendRaw(Buffer.from([byte]));
    }
    expect((client.receive() as Reply).type).toBe(p9.P9_RGETATTR);
    client.sendRaw(Buffer.concat([...new Array(300).fill(frame), frame.subarray(0, 5)]));
    for (let i = 0; i < 300; i++) expect((client.receive() as Reply).type).toBe(p9.P9_RGETATTR);
    client.sendRaw(frame.subarray(5));
    expect((client.receive() as Reply).type).toBe(p9.P9_RGETATTR);
  });

  test("a client that goes in the middle of a message is gone", () => {
    client.sendRaw(new Message().u32(0).frame(p9.P9_TCLUNK, 1).subarray(0, 8));
    native.close(client.socket);
    expect(witness.getattr(0).nlink).toBeGreaterThan(0n);
    client.close = () => {};
  });

  test("a client that goes before its replies is gone", () => {
    const fid = client.reach(0, "file");
    client.open(fid, 0);
    client.sendRaw(
      Buffer.concat(new Array(500).fill(new Message().u32(fid).u64(0).u32(8192).frame(p9.P9_TREAD, 1))),
    );
    native.close(client.socket);
    expect(witness.getattr(0).nlink).toBeGreaterThan(0n);
    client.close = () => {};
  });

  test("a client that takes no replies keeps nobody waiting, and gets them all later", () => {
    const fid = client.reach(0, "file");
    client.open(fid, 0);
    const count = 1500;
    const read = new Message().u32(fid).u64(0).u32(8192).frame(p9.P9_TREAD, 1);
    client.sendRaw(Buffer.concat(new Array(count).fill(read)));
    for (let i = 0; i < 20; i++) expect(witness.getattr(0).nlink).toBeGreaterThan(0n);
    for (let i = 0; i < count; i++) expect((client.receive() as Reply).remaining).toBe(4 + 8192);
    expect(client.getattr(0)).toEqual(witness.getattr(0));
  });

  test("a descriptor that a client sends is not kept", async () => {
    const [ours, theirs] = socketPair(native);
    const memory = new Uint8Array(64);
    native.registerMemory(9, memory);
    memory.set(new Message().u32(0).u64(0).frame(p9.P9_TGETATTR, 3));
    native.p9Send(client.socket, 9, 0, 19, theirs);
    expect((client.receive() as Reply).type).toBe(p9.P9_RGETATTR);
    native.close(theirs);
    // The other end is closed only if the gofer has no copy: reading gives the end instead of waiting.
    expect(native.read(ours, 9, 0, 1)).toBe(0);
    native.close(ours);
  });

  test("messages with any byte changed are answered", () => {
    const targets = requests.filter(({ type }) => type !== p9.P9_TVERSION);
    for (let fid = 1; fid < 4; fid++) client.walk(0, fid, "file");
    let seed = 12345;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let round = 0; round < 4000; round++) {
      const frame = Buffer.from(targets[random(targets.length)]!.hex, "hex");
      for (let changes = random(4); changes >= 0; changes--) {
        // Neither the size nor the type.
        const at = 5 + random(frame.length - 5);
        frame[at] = [0, 1, 2, 0x2f, 0x2e, 0x7f, 0x80, 0xff, random(256)][random(9)]!;
      }
      const reply = client.exchange(frame);
      if (typeof reply === "number")
        throw new Error(`round ${round}: ${frame.toString("hex")} ended the connection`);
      expect(reply.tag).toBe(frame.readUInt16LE(5));
    }
  });
});

describe("fids", () => {
  test("unknown ones are EBADF in every message that has one", () => {
    for (const { name, type, hex } of requests) {
      if ([p9.P9_TVERSION, p9.P9_TAUTH, p9.P9_TATTACH, p9.P9_TFLUSH].includes(type)) continue;
      const frame = Buffer.from(hex, "hex");
      // Which passes over those that it does not know.
      if (type === p9.P9_TCLUNKS) continue;
      frame.writeUInt32LE(0xfffffffe, p9.P9_HEADER);
      expect(`${name}: ${errorOf(client.exchange(frame))}`).toBe(`${name}: 9`);
    }
  });

  test("have a limit for each client, which leaves the others alone", () => {
    let made = 0;
    let refusal = "";
    for (let fid = 1; fid <= 20_000 && refusal === ""; fid++) {
      refusal = client.refusal(p9.P9_TWALK, P9Client.walkFields(0, fid, []));
      if (refusal === "") made++;
    }
    expect([refusal, made]).toEqual(["ENFILE", FIDS_MAX - 1]);
    const own = client.walkAttributes(0, p9.P9_NOFID, "a", "b");
    expect(own.attributes).toHaveLength(2);
    expect(witness.reach(0, "a", "b")).toBeGreaterThan(0);
    client.clunk(1);
    expect(client.walk(0, 1, "a")).toHaveLength(1);
  });

  test("use descriptors up to a share of what the process has", async () => {
    await restart(2, ["prlimit", "--nofile=512:512"]);
    const open = () => {
      const fid = client.reach(0, "file");
      client.open(fid, fcntl.O_RDONLY);
    };
    const untilRefused = (act: () => void): [refusal: string, done: number] => {
      let done = 0;
      try {
        for (; done < 1000; done++) act();
      } catch (error) {
        return [(error as RefusedError).code, done];
      }
      return ["", done];
    };
    const [refusal, opened] = untilRefused(open);
    expect(refusal).toBe("EMFILE");
    expect(opened).toBeGreaterThan(100);
    // A few are left for names: what was opened can still be found and removed.
    expect(client.refusal(p9.P9_TMKDIR, new Message().u32(0).string("y").u32(0o755).u32(0))).toBe("");
    const [noName, names] = untilRefused(() => client.reach(0, "file"));
    expect(noName).toBe("EMFILE");
    expect(names).toBeGreaterThan(5);
    expect(client.refusal(p9.P9_TMKDIR, new Message().u32(0).string("x").u32(0o755).u32(0))).toBe("EMFILE");
    for (let i = 0; i < 100; i++) witness.open(witness.reach(0, "file"), fcntl.O_RDONLY);
    client.version("9P2000.L");
    client.attach(0);
    open();
  });

  test("hold the whole way down, and free it with the last one", () => {
    const descriptors = () => readdirSync(`/proc/${gofer.process.pid}/fd`).length;
    const before = descriptors();
    const fid = client.reach(0, "a");
    for (let depth = 0; depth < 1000; depth++) {
      client.call(p9.P9_TMKDIR, new Message().u32(fid).string("d").u32(0o755).u32(0));
      client.walk(fid, fid, "d");
    }
    expect(descriptors()).toBe(before + 1001);
    expect(client.walk(fid, client.fid(), ...new Array(16).fill(".."))).toHaveLength(16);
    client.clunk(fid);
    expect(descriptors()).toBe(before + 1001 - 16);
  });
});
