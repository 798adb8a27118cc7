// Files that answer later: which request waits for which, and what becomes of those that nobody waits for.

import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { AT_REMOVEDIR, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } from "../../assembly/abi/fcntl.ts";
import { P9_MSIZE, P9_NOFID, P9_NOTAG } from "../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFREG } from "../../assembly/abi/stat.ts";
import { VERSION_WVISOR } from "../../src/common/p9-version.ts";
import {
  ErrnoError,
  makeMemoryTree,
  makePair,
  P9Client,
  type RemoteFile,
  type ServedCall,
  type ServedFile,
  serveObject,
  serveStream,
} from "../../src/p9/index.ts";
import { decode, encode, type FieldsOf, type MessageName, messageName } from "../../src/p9/messages.ts";
import { Random } from "../fuzz/random.ts";
import { makeLate, type Pause } from "../support/late-tree.ts";
import { exercise, names, refusal } from "../support/p9-exercise.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(root: ServedFile, extension = true): Promise<{ client: P9Client; root: RemoteFile }> {
  const [ours, theirs] = makePair();
  serveStream(theirs, serveObject(root));
  const client = await P9Client.connect(ours, { extension });
  cleanups.push(() => client.close());
  return { client, root: await client.attach() };
}

/** Up to some milliseconds, by a seed; often none at all. */
function randomPauses(seed: number): Pause {
  const random = new Random(seed);
  return async () => {
    if (random.chance(0.3)) await sleep(random.below(3));
    else if (random.chance(0.5)) await Promise.resolve();
  };
}

describe("a tree that answers later", () => {
  test.each([true, false])("does what one does that answers at once (extension: %s)", async (extension) => {
    const { root } = await connect(makeLate(makeMemoryTree(), randomPauses(1)), extension);
    await exercise(root, { extended: extension });
  });

  test("is told of errors as they are", async () => {
    const { root } = await connect(makeLate(makeMemoryTree({ bytes: 1 << 16, files: 3 }), randomPauses(2)));
    const file = await (await root.walk()).create("file", O_RDWR, 0o644);
    expect(await refusal(file.write(1 << 16, Buffer.from("x")))).toBe("EFBIG");
    await root.mkdir("a", 0o755);
    expect(await refusal(root.mkdir("b", 0o755))).toBe("ENOSPC");
    expect(await refusal(root.walk("none"))).toBe("ENOENT");
  });
});

// ---- compared with a tree that answers at once

const NAMES = ["a", "b", "c"];

function digest(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}

/** One step of a client in a directory of its own: what came of it, as text. */
type Step = (dir: RemoteFile, random: Random) => Promise<unknown>;

const STEPS: readonly Step[] = [
  async (dir, random) => {
    const file = await (await dir.walk()).create(random.pick(NAMES), O_RDWR | O_CREAT, 0o600);
    // Together: the server keeps the order of what one fid is asked.
    const text = Buffer.alloc(1 + random.below(9000), `${random.below(10)}`);
    const done = await Promise.all([
      file.write(0, text),
      file.write(random.below(5000), Buffer.from("middle")),
      file.read(0, 9000),
      file.setattr({ size: BigInt(random.below(10_000)) }),
      file.getattr(),
      file.clunk(),
    ]);
    return [done[0], done[1], digest(done[2]), done[4].size];
  },
  async (dir, random) => (await dir.mkdir(random.pick(NAMES), 0o700)).type,
  (dir, random) => dir.unlink(random.pick(NAMES), random.chance(0.5) ? AT_REMOVEDIR : 0),
  (dir, random) => dir.rename(random.pick(NAMES), dir, random.pick(NAMES)),
  async (dir, random) => (await dir.symlink(random.pick(NAMES), "target")).type,
  async (dir, random) => {
    const file = await dir.walk(random.pick(NAMES));
    await dir.link(random.pick(NAMES), file).finally(() => file.clunk());
  },
  (dir) => names(dir),
  async (dir, random) => {
    const { attributes, file, status } = await dir.walkAttributes(random.pick(NAMES), random.pick(NAMES));
    await file?.clunk();
    return [attributes.map(({ mode, nlink }) => [mode, nlink]), status];
  },
  async (dir, random) => {
    const file = await (await dir.walk(random.pick(NAMES))).open(O_RDWR | (random.chance(0.3) ? O_TRUNC : 0));
    const parts = await Promise.all([file.read(0, 100), file.read(50, 100), file.read(3000, 100)]);
    await file.clunk();
    return parts.map(String);
  },
  async (dir, random) => {
    const file = await dir.walk(random.pick(NAMES));
    await file.setxattr("user.a", Buffer.from(`${random.below(9)}`)).finally(() => file.clunk());
  },
  async (dir, random) => {
    const file = await dir.walk(random.pick(NAMES));
    return `${await file.getxattr("user.a").finally(() => file.clunk())}`;
  },
  async (dir, random) => {
    const file = await dir.walk(random.pick(NAMES));
    await file.remove();
  },
];

/** What a client sees of `count` steps that a seed has picked, in the directory `name`. */
async function history(root: RemoteFile, name: string, seed: number, count: number): Promise<string[]> {
  const random = new Random(seed);
  await root.mkdir(name, 0o755);
  const dir = await root.walk(name);
  const seen: string[] = [];
  for (let i = 0; i < count; i++) {
    const step = random.below(STEPS.length);
    // A step of its own randomness, so that one that fails early does not shift the others.
    const own = new Random(random.below(1 << 30));
    const came = await STEPS[step]!(dir, own).catch((error: unknown) => {
      if (error instanceof ErrnoError) return error.code;
      throw error;
    });
    seen.push(
      `${step}: ${JSON.stringify(came, (_key, value) => (typeof value === "bigint" ? `${value}n` : value))}`,
    );
  }
  return seen;
}

test.each([11, 12, 13, 14])(
  "many clients at once see what they see of a tree that answers at once (seed %d)",
  async (seed) => {
    const plain = makeMemoryTree();
    const late = makeMemoryTree();
    const expected = await connect(plain);
    const errors: unknown[] = [];
    const provider = serveObject(makeLate(late, randomPauses(seed)), {
      onError: (error) => errors.push(error),
    });
    const roots: RemoteFile[] = [];
    for (let i = 0; i < 3; i++) {
      const [ours, theirs] = makePair();
      serveStream(theirs, provider);
      const client = await P9Client.connect(ours, { extension: i > 0 });
      cleanups.push(() => client.close());
      roots.push(await client.attach());
    }
    const clients = Array.from({ length: 9 }, (_, i) => `client-${i}`);
    const seen = await Promise.all(
      clients.map((name, i) => history(roots[i % roots.length]!, name, seed * 100 + i, 60)),
    );
    for (const [i, name] of clients.entries()) {
      expect(seen[i]).toEqual(await history(expected.root, name, seed * 100 + i, 60));
    }
    expect(errors).toEqual([]);
    // Nothing is held that is not held there: files that are removed are gone.
    expect(late.statfs().ffree).toBe(plain.statfs().ffree);
  },
);

// ---- single rules, frame by frame

interface Received {
  readonly which: MessageName;
  readonly tag: number;
  readonly fields: Record<string, unknown>;
}

const FENCE = 0x7777;
const FENCES = 5;

class RawClient {
  readonly received: Received[] = [];
  private readonly stream: Duplex;

  constructor(stream: Duplex) {
    this.stream = stream;
    let bytes = Buffer.alloc(0);
    stream.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= bytes.readUInt32LE(0)) {
        const frame = bytes.subarray(0, bytes.readUInt32LE(0));
        bytes = bytes.subarray(frame.length);
        const which = messageName(frame.readUInt8(4))!;
        this.received.push({ which, tag: frame.readUInt16LE(5), fields: decode(which, frame) });
      }
    });
  }

  send<N extends MessageName>(which: N, tag: number, fields: FieldsOf<N>): void {
    this.stream.write(encode(which, tag, fields));
  }

  /** Waits for `count` replies in all since the last time, and takes them: "Rread 5". */
  async take(count: number): Promise<string[]> {
    await expect.poll(() => this.received.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(count);
    return this.received
      .splice(0)
      .map(({ which, tag, fields }) =>
        which === "Rlerror" ? `errno ${fields.ecode} ${tag}` : `${which} ${tag}`,
      );
  }

  /** What has come when nothing more comes: other requests have been answered since, one after another. */
  async settled(): Promise<string[]> {
    for (let i = 0; i < FENCES; i++) {
      this.send("Tgetattr", FENCE, { fid: 0, mask: 0n });
      await expect.poll(() => this.received.some(({ tag }) => tag === FENCE), { interval: 1 }).toBe(true);
      this.received.splice(
        this.received.findIndex(({ tag }) => tag === FENCE),
        1,
      );
    }
    return this.take(0);
  }

  end(): void {
    this.stream.destroy();
  }
}

/** A method's call that the test ends. */
interface Waiting {
  readonly method: string;
  readonly call: ServedCall;
  go(): void;
  fail(error: Error): void;
}

function walk(client: RawClient, tag: number, newfid: number, ...way: string[]): void {
  client.send("Twalk", tag, { fid: 0, newfid, names: way.map((name) => Buffer.from(name)) });
}

const read = (fid: number) => ({ fid, offset: 0n, count: 10 });
const getattr = (fid: number) => ({ fid, mask: 0x7ffn });
const write = (fid: number, text: string) => ({ fid, offset: 0n, data: Buffer.from(text) });

/**
 * A tree in memory with the files "a" and "b" (fids 1 and 2, open) and the directory "d" (3), below fid 0. From now on the methods
 * that `slow` names wait until the test lets them go.
 */
async function begin(slow: readonly string[]) {
  let isOn = false;
  const tree = makeMemoryTree();
  const nobody = { uid: 0, gid: 0 };
  for (const name of ["a", "b"]) tree.create(Buffer.from(name), 0o644, nobody);
  tree.mkdir(Buffer.from("d"), 0o755, nobody);
  const waiting: Waiting[] = [];
  const called: string[] = [];
  const pause: Pause = (method, call) => {
    called.push(method);
    if (!isOn || !slow.includes(method)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      waiting.push({ method, call: call!, go: resolve, fail: reject });
    });
  };
  const errors: unknown[] = [];
  const [ours, theirs] = makePair();
  const provider = serveObject(makeLate(tree, pause), { onError: (error) => errors.push(error) });
  const connection = serveStream(theirs, provider);
  const client = new RawClient(ours);
  cleanups.push(() => client.end());
  client.send("Tversion", P9_NOTAG, { msize: P9_MSIZE, version: VERSION_WVISOR });
  client.send("Tattach", 0, { fid: 0, afid: P9_NOFID, uname: "", aname: "", uid: 0 });
  for (const [i, name] of ["a", "b", "d"].entries()) walk(client, i + 1, i + 1, name);
  client.send("Tlopen", 4, { fid: 1, flags: O_RDWR });
  client.send("Tlopen", 5, { fid: 2, flags: O_RDWR });
  const replies = await client.take(7);
  expect(replies.filter((reply) => reply.startsWith("errno"))).toEqual([]);
  isOn = true;
  called.length = 0;
  return { tree, client, waiting, called, errors, connection };
}

describe("requests", () => {
  test("that wait for a file let others pass, and are answered when they can be", async () => {
    const { client, waiting } = await begin(["read"]);
    client.send("Tread", 10, read(1));
    client.send("Tgetattr", 11, getattr(2));
    client.send("Tgetattr", 12, getattr(1));
    client.send("Tread", 13, read(2));
    client.send("Tread", 14, read(1));
    expect(await client.take(2)).toEqual(["Rgetattr 11", "Rgetattr 12"]);
    // Those that only read run beside each other, also on one fid.
    expect(waiting).toHaveLength(3);
    for (const index of [2, 0, 1]) waiting[index]!.go();
    expect(await client.take(3)).toEqual(["Rread 14", "Rread 10", "Rread 13"]);
  });

  test("that name one fid are answered in order when one of them changes something", async () => {
    const { client, waiting } = await begin(["write"]);
    client.send("Twrite", 10, write(1, "first"));
    client.send("Twrite", 11, write(1, "second"));
    client.send("Tread", 12, read(1));
    client.send("Tclunk", 13, { fid: 1 });
    walk(client, 14, 1, "b");
    client.send("Tread", 15, read(2));
    expect(await client.take(1)).toEqual(["Rread 15"]);
    expect(waiting).toHaveLength(1);
    waiting[0]!.go();
    await expect.poll(() => waiting.length).toBe(2);
    waiting[1]!.go();
    await expect.poll(() => client.received.length).toBe(5);
    expect(`${client.received[2]!.fields.data}`).toBe("second");
    expect(await client.take(5)).toEqual(["Rwrite 10", "Rwrite 11", "Rread 12", "Rclunk 13", "Rwalk 14"]);
  });

  test("may use a fid that is still being made", async () => {
    const { client, waiting } = await begin(["lookup"]);
    walk(client, 10, 9, "b");
    client.send("Tlopen", 11, { fid: 9, flags: O_RDONLY });
    client.send("Tread", 12, read(9));
    expect(await client.settled()).toEqual([]);
    waiting[0]!.go();
    expect(await client.take(3)).toEqual(["Rwalk 10", "Rlopen 11", "Rread 12"]);
  });

  test("call no method twice, however often they have to wait", async () => {
    const { client, called, tree } = await begin([]);
    client.send("Twrite", 9, write(2, "old"));
    client.send("Tlopen", 10, { fid: 3, flags: O_RDONLY });
    client.send("Twalkfids", 11, {
      fid: 0,
      skip: 0,
      names: [Buffer.from("d"), Buffer.from("x")],
      newfids: [20, 21],
    });
    client.send("Tcreateattr", 12, {
      dfid: 20,
      openfid: 22,
      newfid: 23,
      name: Buffer.from("x"),
      mode: 0o644,
      uid: 0,
      gid: 0,
    });
    client.send("Tremove", 13, { fid: 23 });
    await client.take(5);
    expect([...called].sort()).toEqual(
      [
        ["write"],
        ["attributes"],
        ["lookup", "attributes", "lookup"],
        ["create", "attributes", "attributes"],
        ["lookup", "attributes", "unlink"],
      ]
        .flat()
        .sort(),
    );
    expect([...tree.lookup(Buffer.from("d")).attributes().mode.toString(8)].join("")).toBe("40755");
  });

  test("with the tag of another one are refused", async () => {
    const { client, waiting } = await begin(["read"]);
    client.send("Tread", 10, read(1));
    client.send("Tgetattr", 10, getattr(2));
    expect(await client.take(1)).toEqual(["errno 22 10"]);
    waiting[0]!.go();
    expect(await client.take(1)).toEqual(["Rread 10"]);
    client.send("Tgetattr", 10, getattr(2));
    expect(await client.take(1)).toEqual(["Rgetattr 10"]);
  });

  test("are bounded in number: 32 wait for files, 64 for their turn, and the others are not read", async () => {
    const { client, waiting } = await begin(["read", "write"]);
    for (let tag = 0; tag < 500; tag++) client.send("Tread", tag, read(1));
    await expect.poll(() => waiting.length).toBe(32);
    for (let ended = 0; ended < 500; ended++) {
      await expect.poll(() => waiting.length, { interval: 1 }).toBeGreaterThan(ended);
      expect(waiting.length - ended).toBeLessThanOrEqual(32);
      waiting[ended]!.go();
    }
    expect(await client.take(500)).toHaveLength(500);
  });

  test("of all 65,535 tags at once are all answered", { timeout: 90_000 }, async () => {
    const { client } = await begin(["none"]);
    for (let tag = 0; tag < P9_NOTAG; tag++) client.send("Tgetattr", tag, getattr(1 + (tag % 3)));
    const replies = await client.take(P9_NOTAG);
    expect(new Set(replies).size).toBe(P9_NOTAG);
    expect(replies.every((reply) => reply.startsWith("Rgetattr"))).toBe(true);
  });
});

describe("Tflush", () => {
  test("of a request that only reads is answered at once, and the request never", async () => {
    const { client, waiting } = await begin(["read", "lookup"]);
    client.send("Tread", 10, read(1));
    walk(client, 11, 9, "a");
    await client.settled();
    client.send("Tflush", 12, { oldtag: 10 });
    client.send("Tflush", 13, { oldtag: 11 });
    expect(await client.take(2)).toEqual(["Rflush 12", "Rflush 13"]);
    expect(waiting.map(({ call }) => call.signal.aborted)).toEqual([true, true]);
    // Its tag is free again, though its method still runs; and what runs on a fid is waited for.
    client.send("Tgetattr", 10, getattr(2));
    client.send("Tclunk", 14, { fid: 1 });
    expect(await client.settled()).toEqual(["Rgetattr 10"]);
    waiting[0]!.go();
    waiting[1]!.fail(new Error("AbortError, or whatever"));
    expect(await client.take(1)).toEqual(["Rclunk 14"]);
    client.send("Tgetattr", 15, getattr(9));
    expect(await client.take(1)).toEqual(["errno 9 15"]);
  });

  test("of a request that may have changed something follows its answer", async () => {
    const { client, waiting, errors } = await begin(["write", "mkdir"]);
    client.send("Twrite", 10, write(1, "text"));
    client.send("Tmkdir", 11, { dfid: 3, name: Buffer.from("new"), mode: 0o755, gid: 0 });
    client.send("Tflush", 12, { oldtag: 10 });
    client.send("Tflush", 13, { oldtag: 11 });
    client.send("Tflush", 14, { oldtag: 10 });
    expect(await client.settled()).toEqual([]);
    expect(waiting.map(({ call }) => call.signal.aborted)).toEqual([true, true]);
    waiting[0]!.go();
    expect(await client.take(3)).toEqual(["Rwrite 10", "Rflush 12", "Rflush 14"]);
    waiting[1]!.fail(new Error("given up"));
    // EINTR; and nobody is told of an error that was asked for.
    expect(await client.take(2)).toEqual(["errno 4 11", "Rflush 13"]);
    expect(errors).toEqual([]);
  });

  test("of a request under way keeps it from calling further methods", async () => {
    const { client, waiting, called } = await begin(["setAttributes"]);
    client.send("Tclunk", 9, { fid: 1 });
    walk(client, 9, 1, "a");
    await client.take(2);
    called.length = 0;
    client.send("Tlopen", 10, { fid: 1, flags: O_RDWR | O_TRUNC });
    client.send("Tflush", 11, { oldtag: 10 });
    await expect.poll(() => waiting.map(({ call }) => call.signal.aborted)).toEqual([true]);
    waiting[0]!.go();
    expect(await client.take(2)).toEqual(["errno 4 10", "Rflush 11"]);
    expect(called).toEqual(["setAttributes"]);
    client.send("Tlopen", 12, { fid: 1, flags: O_RDONLY });
    expect(await client.take(1)).toEqual(["Rlopen 12"]);
  });

  test("of a request that has not begun drops it", async () => {
    const { client, waiting, called } = await begin(["write"]);
    client.send("Twrite", 10, write(1, "first"));
    client.send("Twrite", 11, write(1, "second"));
    client.send("Tread", 12, read(1));
    client.send("Tflush", 13, { oldtag: 11 });
    expect(await client.take(1)).toEqual(["Rflush 13"]);
    waiting[0]!.go();
    expect(await client.take(2)).toEqual(["Rwrite 10", "Rread 12"]);
    expect(called).toEqual(["write", "read"]);
  });

  test("of nothing, of itself and of another Tflush is answered", async () => {
    const { client, waiting } = await begin(["write"]);
    client.send("Twrite", 10, write(1, "text"));
    client.send("Tflush", 11, { oldtag: 999 });
    client.send("Tflush", 12, { oldtag: 12 });
    client.send("Tflush", 13, { oldtag: 10 });
    client.send("Tflush", 14, { oldtag: 13 });
    expect(await client.take(3)).toEqual(["Rflush 11", "Rflush 12", "Rflush 14"]);
    waiting[0]!.go();
    expect(await client.settled()).toEqual(["Rwrite 10"]);
  });

  test("reaches our client's callers as the reason of their signal", async () => {
    const pauses: ServedCall[] = [];
    const pause: Pause = async (method, call) => {
      if (method !== "read") return;
      pauses.push(call!);
      await new Promise((_resolve, reject) => {
        call!.signal.addEventListener("abort", () => reject(call!.signal.reason), { once: true });
      });
    };
    const { root } = await connect(makeLate(makeMemoryTree(), pause));
    const file = await (await root.walk()).create("file", O_RDWR, 0o644);
    const controller = new AbortController();
    const reading = file.read(0, 10, controller.signal);
    await expect.poll(() => pauses.length).toBe(1);
    controller.abort(new Error("given up"));
    await expect(reading).rejects.toThrow("given up");
    await file.clunk();
  });
});

describe("the end", () => {
  test("of a fid waits for close(), and tells what that says", async () => {
    const closed: string[] = [];
    const file = (name: string): ServedFile => ({
      attributes: () => ({ ino: 2, mode: S_IFREG | 0o644, size: 0 }),
      open: () => ({
        close: async () => {
          await sleep(5);
          closed.push(name);
          if (name === "full") throw Object.assign(new Error("full"), { code: "ENOSPC" });
        },
      }),
    });
    const dir: ServedFile = {
      attributes: async () => ({ ino: 1, mode: S_IFDIR | 0o755, size: 0 }),
      lookup: async (name) => file(`${name}`),
    };
    const { root } = await connect(dir);
    await (await (await root.walk("fine")).open()).clunk();
    expect(closed).toEqual(["fine"]);
    expect(await refusal((await (await root.walk("full")).open()).clunk())).toBe("ENOSPC");
    expect(closed).toEqual(["fine", "full"]);
  });

  test("of a connection tells all that runs, closes files when it has ended, and lets go of them", async () => {
    let references = 0;
    const closes: string[] = [];
    const calls: ServedCall[] = [];
    let go = (): void => {};
    const reading = new Promise<number>((resolve) => {
      go = () => resolve(0);
    });
    const counted = { acquire: () => references++, release: () => references-- };
    const file: ServedFile = {
      ...counted,
      attributes: () => ({ ino: 2, mode: S_IFREG | 0o644, size: 0 }),
      open: () => ({
        read: (_into, _offset, call) => {
          calls.push(call);
          return reading;
        },
        close: () => {
          closes.push("closed");
        },
      }),
    };
    const dir: ServedFile = {
      ...counted,
      attributes: () => ({ ino: 1, mode: S_IFDIR | 0o755, size: 0 }),
      lookup: () => file,
    };
    let isOpening = false;
    let openGate = (): void => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    const slow: ServedFile = {
      ...file,
      open: async (flags, call) => {
        isOpening = true;
        await gate;
        return file.open!(flags, call);
      },
    };
    const [ours, theirs] = makePair();
    const connection = serveStream(
      theirs,
      serveObject({ ...dir, lookup: (name) => (`${name}` === "slow" ? slow : file) }),
    );
    const client = await P9Client.connect(ours);
    const root = await client.attach();
    const open = await (await root.walk("file")).open();
    const read = refusalOf(open.read(0, 10));
    const late = refusalOf((await root.walk("slow")).open());
    await expect.poll(() => calls.length === 1 && isOpening).toBe(true);
    client.close();
    expect([await read, await late]).toEqual(["ERR_WVISOR_P9", "ERR_WVISOR_P9"]);
    await expect.poll(() => calls[0]!.signal.aborted).toBe(true);
    expect(closes).toEqual([]);
    openGate();
    go();
    await connection.ended;
    // The one that was open, and the one whose open() came too late.
    expect(closes).toEqual(["closed", "closed"]);
    expect(references).toBe(0);
  });

  test("of a session, by Tversion, comes when nothing runs; earlier requests are not answered", async () => {
    const { client, waiting, called } = await begin(["read", "write"]);
    client.send("Tread", 10, read(1));
    client.send("Twrite", 11, write(2, "text"));
    client.send("Twrite", 12, write(2, "more"));
    client.send("Tversion", P9_NOTAG, { msize: 8192, version: VERSION_WVISOR });
    client.send("Tgetattr", 10, getattr(0));
    await expect.poll(() => waiting.map(({ call }) => call.signal.aborted)).toEqual([true, true]);
    expect(await client.take(0)).toEqual([]);
    for (const each of waiting) each.go();
    expect(await client.take(2)).toEqual(["Rversion 65535", "errno 9 10"]);
    expect(called).toEqual(["read", "write"]);
  });
});

test("a root that cannot be asked is the error of Tattach", async () => {
  const [ours, theirs] = makePair();
  const root: ServedFile = {
    attributes: async () => {
      throw Object.assign(new Error("gone"), { code: "ESTALE" });
    },
  };
  serveStream(theirs, serveObject(root));
  const client = await P9Client.connect(ours);
  cleanups.push(() => client.close());
  expect(await refusal(client.attach())).toBe("ESTALE");
});

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "",
    (error: { code?: string }) => String(error.code),
  );
}
