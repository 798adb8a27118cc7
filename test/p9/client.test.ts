// The client against servers of every kind, played by the test.

import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { P9_HEADER } from "../../assembly/abi/p9.ts";
import { makePair, P9Client, type RemoteFile } from "../../src/p9/index.ts";
import {
  type CallName,
  decode,
  encode,
  type FieldsOf,
  type MessageName,
  messageName,
} from "../../src/p9/messages.ts";

interface Frame {
  readonly name: string;
  readonly type: number;
  readonly hex: string;
}

const goldens: readonly Frame[] = JSON.parse(
  readFileSync(new URL("../fixtures/p9/frames.json", import.meta.url), "utf8"),
);

interface Request {
  readonly which: MessageName;
  readonly tag: number;
  readonly fields: Record<string, unknown>;
}

/** The other end: takes whole requests, and sends what it is told. */
class Script {
  readonly stream: Duplex;
  private readonly requests: Request[] = [];
  private wake = () => {};
  private bytes = Buffer.alloc(0);

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("data", (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      while (this.bytes.length >= 4 && this.bytes.length >= this.bytes.readUInt32LE(0)) {
        const frame = this.bytes.subarray(0, this.bytes.readUInt32LE(0));
        this.bytes = this.bytes.subarray(frame.length);
        const which = messageName(frame.readUInt8(4))!;
        this.requests.push({ which, tag: frame.readUInt16LE(5), fields: decode(which, frame) });
      }
      this.wake();
    });
  }

  async next(): Promise<Request> {
    while (this.requests.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.requests.shift()!;
  }

  send<N extends MessageName>(which: N, tag: number, fields: FieldsOf<N>): void {
    this.stream.write(encode(which, tag, fields));
  }

  async answer<N extends MessageName>(which: N, fields: FieldsOf<N>): Promise<Request> {
    const request = await this.next();
    this.send(which, request.tag, fields);
    return request;
  }
}

let script: Script;
let ours: Duplex;

beforeEach(() => {
  const [a, b] = makePair();
  ours = a;
  script = new Script(b);
});

afterEach(() => {
  ours.destroy();
  script.stream.destroy();
});

const ROOT = { type: 0x80, version: 0, path: 1n };

/** A client that has agreed on the extension, and its root. */
async function attached(): Promise<{ client: P9Client; root: RemoteFile }> {
  const connecting = P9Client.connect(ours);
  await script.answer("Rversion", { msize: 8192, version: "9P2000.L.wvisor.1" });
  const client = await connecting;
  const attaching = client.attach();
  await script.answer("Rattach", { qid: ROOT });
  return { client, root: await attaching };
}

const BROKEN = { code: "ERR_WVISOR_P9" };

describe("the version", () => {
  test("that extends the protocol is asked for first, and the plain one when that is unknown", async () => {
    const connecting = P9Client.connect(ours);
    const first = await script.answer("Rversion", { msize: 8192, version: "unknown" });
    expect(first.fields).toEqual({ msize: 131072, version: "9P2000.L.wvisor.1" });
    const second = await script.answer("Rversion", { msize: 8192, version: "9P2000.L" });
    expect(second.fields.version).toBe("9P2000.L");
    const client = await connecting;
    expect([client.extended, client.messageSize]).toEqual([false, 8192]);
  });

  test("is asked for again when the first is answered by an error, as diod does", async () => {
    const connecting = P9Client.connect(ours);
    await script.answer("Rlerror", { ecode: 5 });
    await script.answer("Rversion", { msize: 65536, version: "9P2000.L" });
    expect((await connecting).extended).toBe(false);
  });

  test("may be answered by the plain one at once", async () => {
    const connecting = P9Client.connect(ours);
    await script.answer("Rversion", { msize: 4096, version: "9P2000.L" });
    expect((await connecting).extended).toBe(false);
  });

  test("can be the plain one from the start", async () => {
    const connecting = P9Client.connect(ours, { extension: false, messageSize: 4096 });
    const asked = await script.answer("Rversion", { msize: 4096, version: "9P2000.L" });
    expect(asked.fields).toEqual({ msize: 4096, version: "9P2000.L" });
    expect((await connecting).extended).toBe(false);
  });

  test("that the server has never heard of is the end", async () => {
    const connecting = P9Client.connect(ours);
    await script.answer("Rversion", { msize: 8192, version: "9P2000" });
    await script.answer("Rversion", { msize: 8192, version: "9P2000.u" });
    await expect(connecting).rejects.toMatchObject(BROKEN);
  });

  test.each([0, 6, 4095, 131073, 0xffffffff])("with messages of %d bytes is refused", async (msize) => {
    const connecting = P9Client.connect(ours);
    await script.answer("Rversion", { msize, version: "9P2000.L" });
    await expect(connecting).rejects.toMatchObject(BROKEN);
  });

  test("is not asked for with a size that no server takes", async () => {
    await expect(P9Client.connect(ours, { messageSize: 4095 })).rejects.toThrow(RangeError);
  });
});

describe("a reply", () => {
  const replies = goldens.filter(
    ({ type }) => type % 2 === 1 && !/lerror|version|auth/.test(messageName(type)!),
  );

  test.each(replies.map((frame) => [frame.name, frame] as const))(
    "%s that is cut anywhere, or too long, ends the connection",
    async (_name, frame) => {
      const whole = Buffer.from(frame.hex, "hex");
      for (let length = P9_HEADER; length <= whole.length + 1; length++) {
        if (length === whole.length) continue;
        const [near, far] = makePair();
        ours = near;
        script = new Script(far);
        const { client } = await attached();
        const call = messageName(frame.type)!.slice(1) as CallName;
        const request = goldens.find(({ type }) => type === frame.type - 1)!;
        const fields = decode(`T${call}`, Buffer.from(request.hex, "hex"));
        const calling = client.connection.call(call, fields as never);
        const { tag } = await script.next();
        const bytes = Buffer.concat([whole, Buffer.alloc(1)]).subarray(0, length);
        bytes.writeUInt32LE(length, 0);
        bytes.writeUInt16LE(tag, 5);
        script.stream.write(bytes);
        await expect(calling, `${length} bytes`).rejects.toMatchObject(BROKEN);
        await expect(client.attach()).rejects.toMatchObject(BROKEN);
      }
    },
  );

  const wrong: readonly (readonly [string, (tag: number) => Buffer])[] = [
    ["to a tag that nobody has used", (tag) => encode("Rgetattr", tag + 1, attributes())],
    ["of another type", (tag) => encode("Rclunk", tag, {})],
    ["that is a request", (tag) => encode("Tclunk", tag, { fid: 0 })],
    ["that is an error without an errno", (tag) => encode("Rlerror", tag, { ecode: 0 })],
    ["that is an error no Linux has", (tag) => encode("Rlerror", tag, { ecode: 4096 })],
    ["without a size", () => Buffer.alloc(8)],
    ["larger than was agreed", (tag) => sized(encode("Rclunk", tag, {}), 8193)],
    ["smaller than a header", (tag) => sized(encode("Rclunk", tag, {}), 6)],
  ];

  test.each(wrong)("%s ends the connection, and all that wait for it", async (_what, make) => {
    const { client, root } = await attached();
    const calls = [root.getattr(), root.statfs()];
    const { tag } = await script.next();
    await script.next();
    script.stream.write(make(tag === 0 ? 0 : tag));
    if (make(0).readUInt8(4) === 25) script.stream.write(encode("Rgetattr", 999, attributes()));
    for (const call of calls) await expect(call).rejects.toMatchObject(BROKEN);
    await expect(client.attach()).rejects.toMatchObject(BROKEN);
  });

  test("may come in any order", async () => {
    const { root } = await attached();
    const [read, link] = [root.read(0, 10), root.readlink()];
    const [first, second] = [await script.next(), await script.next()];
    script.send("Rreadlink", second.tag, { target: Buffer.from("target") });
    script.send("Rread", first.tag, { data: Buffer.from("data") });
    expect([`${await read}`, `${await link}`]).toEqual(["data", "target"]);
  });

  test("with more than was asked for is an error", async () => {
    const { root } = await attached();
    const reading = root.read(0, 3);
    await script.answer("Rread", { data: Buffer.from("four") });
    await expect(reading).rejects.toMatchObject({ code: "EIO" });
    const writing = root.write(0, Buffer.from("x"));
    await script.answer("Rwrite", { count: 2 });
    await expect(writing).rejects.toMatchObject({ code: "EIO" });
    const walking = root.walk("a");
    await script.answer("Rwalk", { qids: [ROOT, ROOT] });
    await expect(walking).rejects.toMatchObject({ code: "EIO" });
  });
});

describe("a request that is given up", () => {
  test("is flushed: it fails when the server has agreed, and its tag is free then", async () => {
    const { root } = await attached();
    const aborted = new AbortController();
    const reading = root.read(0, 10, aborted.signal);
    const read = await script.next();
    aborted.abort(new Error("given up"));
    const flush = await script.next();
    expect([flush.which, flush.fields.oldtag]).toEqual(["Tflush", read.tag]);
    const other = root.getattr();
    const next = await script.next();
    expect([read.tag, flush.tag]).not.toContain(next.tag);
    script.send("Rflush", flush.tag, {});
    await expect(reading).rejects.toThrow("given up");
    script.send("Rgetattr", next.tag, attributes());
    await other;
    void root.statfs().catch(() => {});
    void root.statfs().catch(() => {});
    const tags = [(await script.next()).tag, (await script.next()).tag];
    expect(tags.every((tag) => tag <= 2)).toBe(true);
  });

  test("succeeds when its reply came before", async () => {
    const { root } = await attached();
    const aborted = new AbortController();
    const reading = root.read(0, 10, aborted.signal);
    const read = await script.next();
    aborted.abort(new Error("given up"));
    const flush = await script.next();
    script.send("Rread", read.tag, { data: Buffer.from("in time") });
    script.send("Rflush", flush.tag, {});
    expect(`${await reading}`).toBe("in time");
  });

  test("is not even sent when that was known", async () => {
    const { root } = await attached();
    await expect(root.read(0, 10, AbortSignal.abort(new Error("never")))).rejects.toThrow("never");
  });
});

test("a server that goes away ends all that wait", async () => {
  const { root } = await attached();
  const calls = [root.getattr(), root.statfs()];
  await script.next();
  script.stream.end();
  for (const call of calls) await expect(call).rejects.toMatchObject(BROKEN);
});

test("a request that is larger than the server takes is not sent", async () => {
  const { root } = await attached();
  await expect(root.symlink("name", Buffer.alloc(9000, "x"))).rejects.toThrow(RangeError);
});

test("older servers are asked by older messages", async () => {
  const { root } = await attached();
  const renaming = root.rename("a", root, "b");
  await script.answer("Rlerror", { ecode: 95 });
  await script.answer("Rwalk", { qids: [{ ...ROOT, type: 0, path: 2n }] });
  expect((await script.answer("Rrename", {})).which).toBe("Trename");
  await script.answer("Rclunk", {});
  await renaming;
  const removing = root.unlink("a");
  await script.answer("Rlerror", { ecode: 95 });
  await script.answer("Rwalk", { qids: [{ ...ROOT, type: 0, path: 2n }] });
  expect((await script.answer("Rremove", {})).which).toBe("Tremove");
  await removing;
});

function attributes(): FieldsOf<"Rgetattr"> {
  return decode("Rgetattr", Buffer.from(goldens.find(({ name }) => name === "Rgetattr")!.hex, "hex"));
}

function sized(frame: Buffer, size: number): Buffer {
  frame.writeUInt32LE(size, 0);
  return frame;
}
