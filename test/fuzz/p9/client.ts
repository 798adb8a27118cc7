// Hostile replies against the client: whatever comes, every call ends, in a value or in an error.

import { Duplex } from "node:stream";
import { AT_REMOVEDIR, O_CREAT, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { ErrnoError, P9Client, type RemoteFile, WvisorError } from "../../../src/p9/index.ts";
import { encode } from "../../../src/p9/messages.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import { Random } from "../random.ts";
import { hostileReply } from "./frames.ts";
import type { Progress } from "./progress.ts";

/** For ever, on a machine that has other things to do. */
const PATIENCE_MS = 20_000;
/** Entries that a caller would take of a directory that never ends. */
const ENTRIES_MAX = 50;

export interface ClientReport {
  readonly frames: number;
  readonly connections: number;
  readonly errors: number;
  readonly slowestMs: number;
}

/** A stream whose other end answers each request with something hostile. */
class HostileServer extends Duplex {
  frames = 0;
  private readonly random: Random;
  private isHonest = true;

  constructor(random: Random) {
    super();
    this.random = random;
  }

  override _read(): void {
    // It is pushed, when there is something.
  }

  override _write(request: Buffer, _encoding: BufferEncoding, done: () => void): void {
    for (let at = 0; at < request.length; at += request.readUInt32LE(at)) {
      this.reply(request.readUInt8(at + 4), request.readUInt16LE(at + 5));
    }
    done();
  }

  private reply(type: number, tag: number): void {
    this.frames++;
    // So that there is a session to be attacked.
    if (this.isHonest) {
      this.isHonest = type === 100;
      const qid = { type: 0x80, version: 0, path: 1n };
      if (type === 100) this.push(encode("Rversion", tag, { msize: 8192, version: "9P2000.L.wvisor.1" }));
      else this.push(encode("Rattach", tag, { qid }));
      return;
    }
    const bytes = hostileReply(this.random, type, tag);
    if (this.random.chance(0.2)) {
      const cut = this.random.below(bytes.length);
      this.push(bytes.subarray(0, cut));
      this.push(bytes.subarray(cut));
    } else {
      this.push(bytes);
    }
  }

  /** Says no more. What is not answered, or only in part, would be waited for. */
  hangUp(): void {
    if (!this.readableEnded && !this.destroyed) this.push(null);
  }
}

type Operation = (file: RemoteFile, random: Random) => Promise<unknown>;

const OPERATIONS: readonly Operation[] = [
  (file) => file.walk("a", "b").then((made) => made.clunk()),
  (file) => file.walk(...new Array(20).fill("x")),
  (file) => file.walkAttributes("a", "b"),
  (file) => file.getattr(),
  (file) => file.setattr({ size: 1n, mtimeNs: "now" }),
  (file) => file.statfs(),
  (file) => file.readlink(),
  (file) => file.walk().then((made) => made.open(O_RDWR)),
  (file) => file.walk().then((made) => made.create("new", O_RDWR | O_CREAT, 0o644)),
  (file) => file.read(0, 1000),
  (file) => file.write(0, Buffer.alloc(100)),
  (file) => file.fsync(),
  async (file) => {
    let taken = 0;
    for await (const _entry of file.entries()) if (++taken === ENTRIES_MAX) return;
  },
  (file) => file.mkdir("d", 0o755),
  (file) => file.symlink("s", "target"),
  (file) => file.link("l", file),
  (file) => file.rename("a", file, "b"),
  (file) => file.unlink("a", AT_REMOVEDIR),
  (file) => file.unlink("a"),
  (file) => file.getxattr("user.a"),
  (file) => file.listxattr(),
  (file) => file.setxattr("user.a", Buffer.alloc(20_000)),
  (file) => file.removexattr("user.a"),
  (file) => file.lock({ type: 1, start: 0n, length: 0n, processId: 1, clientId: "x" }),
  (file) => file.getlock({ type: 1, start: 0n, length: 0n, processId: 1, clientId: "x" }),
  (file) => file.seek(0n, 3),
  (file) => file.copyRange(0n, file, 0n, 1n),
  (file, random) => {
    const aborted = new AbortController();
    if (random.chance(0.5)) queueMicrotask(() => aborted.abort(new ErrnoError(4, "aborted")));
    return file.read(0, 10, aborted.signal);
  },
];

/** Lets a client do something until it has had `frames` replies that `seed` determines. */
export async function attackClient(frames: number, seed: number, progress?: Progress): Promise<ClientReport> {
  const random = new Random(seed);
  const stopwatch = new Stopwatch();
  let [answered, connections, errors, slowestMs] = [0, 0, 0, 0];
  while (answered < frames) {
    const server = new HostileServer(random);
    const client = await P9Client.connect(server);
    const root = await client.attach();
    connections++;
    for (let turns = 0; turns < 50 && !server.destroyed; turns++) {
      stopwatch.lap();
      const several = Array.from({ length: 1 + random.below(3) }, () =>
        random.pick(OPERATIONS)(root, random),
      );
      const results = await settled(server, several);
      slowestMs = Math.max(slowestMs, stopwatch.lap());
      for (const result of results) {
        if (result.status === "fulfilled") continue;
        errors++;
        const { reason } = result;
        if (!(reason instanceof ErrnoError || reason instanceof WvisorError)) throw reason;
      }
    }
    client.close();
    answered += server.frames;
    progress?.(answered);
  }
  return { frames: answered, connections, errors, slowestMs };
}

/** The calls' results. A server that has answered all in its way, and not so that all can go on, hangs up. */
async function settled(
  server: HostileServer,
  calls: readonly Promise<unknown>[],
): Promise<PromiseSettledResult<unknown>[]> {
  let isSettled = false;
  const all = Promise.allSettled(calls).finally(() => {
    isSettled = true;
  });
  let frames = -1;
  while (!isSettled && frames !== server.frames) {
    frames = server.frames;
    for (let i = 0; i < 4 && !isSettled; i++) await new Promise((resolve) => setImmediate(resolve));
  }
  if (!isSettled) server.hangUp();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("the client waits for ever")), PATIENCE_MS);
  });
  try {
    return await Promise.race([all, late]);
  } finally {
    clearTimeout(timer);
  }
}
