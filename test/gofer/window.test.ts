// A gofer through windows of shared memory: the tests of its sessions once more, and what only windows have.

import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ECONNRESET } from "../../assembly/abi/errno.ts";
import { O_RDONLY } from "../../assembly/abi/fcntl.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { buildGofer } from "../support/bundle.ts";
import { Gofer, requireNative, scratch, transport } from "../support/gofer.ts";
import { Message, type P9Client } from "../support/p9-client.ts";

transport.windows = true;

const SAME = ["session", "files", "changes", "walk", "extension", "lock", "xattr", "escape", "mounts"];

describe.each(SAME)("through a window, %s:", async (name) => {
  await import(`./${name}.test.ts`);
});

describe("a gofer with windows", () => {
  const native = requireNative();
  const folder = scratch();
  const SLOT = 10;
  const bytes = new Uint8Array(4);
  const PAGE = 4096;
  const REQUESTS_WRITTEN = 0;
  const FILE_BYTES = 60_000;
  let gofer: Gofer;

  beforeEach(async () => {
    writeFileSync(path.join(folder, "file"), new Uint8Array(FILE_BYTES));
    gofer = new Gofer(await buildGofer(), [{ source: folder }, { source: folder }]);
    native.registerMemory(SLOT, bytes);
    return async () => {
      await gofer.stop().catch((error) => {
        if (!gofer.process.killed) throw error;
      });
    };
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** Tread of the whole file, through a fid that is opened for it. */
  function readFile(client: P9Client): Buffer {
    const fid = client.reach(0, "file");
    client.open(fid, O_RDONLY);
    return new Message().u32(fid).u64(0).u32(FILE_BYTES).frame(p9.P9_TREAD, 7);
  }

  const works = (client: P9Client) =>
    expect(client.getattr(client.reach(0, "file")).size).toBe(BigInt(FILE_BYTES));

  /** Sends without waiting for replies. Returns how many it has taken nevertheless: one that is there already is taken. */
  function send(client: P9Client, frames: Uint8Array): number {
    const cancel = native.eventfd(1);
    const memory = new Uint8Array(p9.P9_MSIZE + 4);
    memory.set(frames);
    native.registerMemory(SLOT, memory);
    const { window } = client;
    const got = native.windowRpc(window!, SLOT, 0, frames.length, 0, p9.P9_MSIZE, SLOT, p9.P9_MSIZE, cancel);
    native.close(cancel);
    native.registerMemory(SLOT, bytes);
    return got > 0 ? 1 : 0;
  }

  test("ends a connection whose client lies about what it has written, and serves the other", () => {
    const [liar, other] = [gofer.connect(0), gofer.connect(1)];
    new DataView(bytes.buffer).setUint32(0, 0x7fff_ffff, true);
    native.pwrite(gofer.windows!.descriptors[0], SLOT, 0, 4, PAGE + REQUESTS_WRITTEN);
    native.eventfdSignal(gofer.windows!.descriptors[1]);
    works(other);
    expect(liar.receive()).toBe(-ECONNRESET);
    works(other);
  });

  test("ends a connection that speaks by its socket", () => {
    const [speaker, other] = [gofer.connect(0), gofer.connect(1)];
    speaker.sendRaw(new Message().u32(0).u64(0).frame(p9.P9_TGETATTR, 1));
    works(other);
    expect(speaker.receive()).toBe(-ECONNRESET);
  });

  test("serves others while one takes no replies, which all come in the end", () => {
    const [greedy, other] = [gofer.connect(0), gofer.connect(1)];
    const reads = 20;
    // Four of the replies fill the ring.
    const taken = send(greedy, Buffer.concat(new Array(reads).fill(readFile(greedy))));
    for (let i = 0; i < 10; i++) works(other);
    for (let i = taken; i < reads; i++) {
      const reply = greedy.receive();
      if (typeof reply === "number") throw new Error(`reply ${i}: ${reply}`);
      expect([reply.type, reply.u32()]).toEqual([p9.P9_RREAD, FILE_BYTES]);
    }
    works(greedy);
  });

  test("that is killed leaves nobody waiting", async () => {
    const client = gofer.connect(0);
    gofer.process.kill("SIGSTOP");
    send(client, new Message().u32(0).u64(0).frame(p9.P9_TGETATTR, 1));
    gofer.process.kill("SIGKILL");
    // It may have answered before it was stopped.
    const reply = client.receive();
    expect(typeof reply === "number" ? reply : client.receive()).toBe(-ECONNRESET);
    expect((await gofer.exit).signal).toBe("SIGKILL");
  });

  test("ends when its clients have gone", async () => {
    works(gofer.connect(0));
    expect(await gofer.stop()).toMatchObject({ code: 0, stderr: "" });
  });
});
