// What clients can take of a gofer, together and over time. WVISOR_SCALE=1: 100,000 attaches, 1,000,000 walks.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { P9_MSIZE, P9_NOFID, P9_NONUNAME } from "../../assembly/abi/p9.ts";
import { VERSION_WVISOR } from "../../src/common/p9-version.ts";
import { CLIENTS_MAX } from "../../src/gofer/listener.ts";
import { ErrnoError, P9Client, type RemoteFile } from "../../src/p9/index.ts";
import { encode } from "../../src/p9/messages.ts";
import { ListeningGofer, STOPPED } from "../support/listening-gofer.ts";
import { SCALE, scaled } from "../support/scale.ts";
import { Stopwatch } from "../support/stopwatch.ts";

const OPEN_FIDS = 20_000;
const ATTACHES = scaled(100_000);
const CONNECTIONS = scaled(20_000, 200);
const WALKS = scaled(1_000_000);
/** What a client asks for at once. */
const BATCH = 100;
const MEBIBYTE = 1 << 20;
/**
 * How much more memory the gofer may have at the end than after the first third. 8 MiB are less than 13 bytes for each of the
 * walks in between, at full length: the heap of a process that leaks nothing moves by 2 or 3.
 */
const GROWTH = 8 * MEBIBYTE;
/** Whoever behaves is answered by then; an idle machine takes less than 50 ms. */
const LATEST_MS = 2000;
const TIMEOUT_MS = 300_000 + 3_600_000 * SCALE;

let folder: string;
let gofer: ListeningGofer;
let clients: P9Client[];
let sockets: Socket[];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "wvisor-resources-"));
  const root = path.join(folder, "root");
  mkdirSync(path.join(root, "a", "b", "c"), { recursive: true });
  writeFileSync(path.join(root, "file"), Buffer.alloc(1 << 20, "x"));
  clients = [];
  sockets = [];
  gofer = await ListeningGofer.start(["--listen", `unix:${folder}/socket`, "--root", root]);
});

afterEach(async () => {
  for (const client of clients) client.close();
  for (const socket of sockets) socket.destroy();
  expect(await gofer.stop()).toEqual(STOPPED);
  rmSync(folder, { recursive: true });
});

async function attach(): Promise<RemoteFile> {
  const client = await P9Client.connect(gofer.address);
  clients.push(client);
  return client.attach();
}

/** The errno's name that a call is refused with, or "". */
async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "";
  } catch (error) {
    if (error instanceof ErrnoError) return error.code;
    throw error;
  }
}

/** Uses `root` as a client would, again and again; stop() tells how long the slowest round took, in milliseconds. */
function witness(root: RemoteFile): { stop: () => Promise<{ rounds: number; slowestMs: number }> } {
  let isOver = false;
  const work = async () => {
    const stopwatch = new Stopwatch(gofer.pid);
    let [rounds, slowestMs] = [0, 0];
    while (!isOver) {
      stopwatch.lap();
      const file = await (await root.walk("file")).open();
      expect((await file.read(rounds, 100)).length).toBe(100);
      await file.clunk();
      slowestMs = Math.max(slowestMs, stopwatch.lap());
      rounds++;
    }
    return { rounds, slowestMs };
  };
  const working = work();
  return {
    stop: () => {
      isOver = true;
      return working;
    },
  };
}

/** Waits until the gofer has at most so many descriptors. */
async function settled(descriptors: number): Promise<void> {
  await expect.poll(() => gofer.descriptors(), { timeout: 20_000 }).toBeLessThanOrEqual(descriptors);
}

test("one client with 20,000 open files does not starve another one", { timeout: TIMEOUT_MS }, async () => {
  const watching = witness(await attach());
  const before = gofer.descriptors();
  const greedy = await attach();
  const refusals = new Map<string, number>();
  let opened = 0;
  const open = async () => {
    const file = await greedy.walk("file");
    const why = await refusal(file.open());
    if (why !== "") await file.clunk();
    return why;
  };
  for (let asked = 0; asked < OPEN_FIDS; asked += BATCH) {
    const batch = Array.from({ length: BATCH }, async () => {
      const why = await open().catch((error: ErrnoError) => error.code);
      if (why === "") opened++;
      else refusals.set(why, (refusals.get(why) ?? 0) + 1);
    });
    await Promise.all(batch);
  }
  // Somebody else can still come, and use files.
  const late = await attach();
  const file = await (await late.walk("file")).open();
  expect((await file.read(0, 10)).length).toBe(10);
  expect((await late.walk("a", "b", "c")).fid).toBeGreaterThan(0);
  expect(gofer.descriptors()).toBeLessThan(gofer.descriptorLimit());
  expect(await refusal(greedy.getattr())).toBe("");
  clients[1]!.close();
  clients[2]!.close();
  await settled(before + 10);
  const { rounds, slowestMs } = await watching.stop();
  console.log(
    `${opened} opened, ${JSON.stringify([...refusals])} refused; ${rounds} rounds beside, slowest ${slowestMs} ms`,
  );
  expect(opened).toBeGreaterThan(100);
  for (const why of refusals.keys()) expect(["EMFILE", "ENFILE"]).toContain(why);
  expect(slowestMs).toBeLessThan(LATEST_MS);
});

/**
 * Repeats `batch` until `full` is reached, each of them adding what it returns. Expects the descriptors to be as many as
 * before, and the memory to be where it was after a third, by the least that was seen then and in the last third.
 */
async function expectLevel(full: number, batch: () => Promise<number>): Promise<void> {
  await attach();
  const before = gofer.descriptors();
  const seen: number[] = [];
  for (let done = 0; done < full; ) {
    const next = done + full / 60;
    while (done < next) done += await batch();
    seen.push(gofer.residentBytes());
  }
  const third = Math.floor(seen.length / 3);
  const least = (values: readonly number[]) => Math.min(...values);
  const grown = least(seen.slice(-third)) - least(seen.slice(third, -third));
  console.log(`${full}: ${Math.round(least(seen) / 1024)} KiB, grown by ${grown / 1024} KiB`);
  await settled(before);
  expect(grown).toBeLessThan(GROWTH);
}

const ROUTES: readonly (readonly string[])[] = [["a", "b", "c"], ["file"], [], ["a", "..", "a"]];

test("walks leave nothing behind, those that fail neither", { timeout: TIMEOUT_MS }, async () => {
  const root = await attach();
  await expectLevel(WALKS, async () => {
    const one = async (index: number) => {
      if (index % 5 === 4) {
        expect(await refusal(root.walk("a", "none"))).toBe("ENOENT");
        return;
      }
      const made = await root.walk(...ROUTES[index % 5]!);
      await made.clunk();
    };
    await Promise.all(Array.from({ length: BATCH }, (_, index) => one(index)));
    return BATCH;
  });
});

test("attaches and detaches leave nothing behind", { timeout: TIMEOUT_MS }, async () => {
  const { session } = (await attach()) as unknown as { session: P9Client };
  await expectLevel(ATTACHES, async () => {
    const one = async () => {
      const root = await session.attach();
      await root.clunk();
    };
    await Promise.all(Array.from({ length: BATCH }, one));
    return BATCH;
  });
});

test("clients that come, open files and go leave nothing behind", { timeout: TIMEOUT_MS }, async () => {
  await expectLevel(CONNECTIONS, async () => {
    const one = async (index: number) => {
      const client = await P9Client.connect(gofer.address, { messageSize: 8192 });
      const root = await client.attach();
      const file = await (await root.walk("file")).open();
      await file.lock({ type: 1, start: 0n, length: BigInt(index), processId: index, clientId: "c" });
      client.close();
    };
    const several = CLIENTS_MAX >> 3;
    await Promise.all(Array.from({ length: several }, (_, index) => one(index)));
    // A client that was closed is there until the gofer sees it.
    await settled(gofer.descriptorLimit());
    return several;
  });
});

/** A connection that does what no client does. */
function hostile(bytes: Buffer, reads: boolean): Socket {
  const socket = connect(gofer.address.slice("unix:".length));
  socket.on("error", () => {});
  if (reads) socket.resume();
  else socket.pause();
  socket.write(bytes);
  sockets.push(socket);
  return socket;
}

const HELLO = Buffer.concat([
  encode("Tversion", 0xffff, { msize: P9_MSIZE, version: VERSION_WVISOR }),
  encode("Tattach", 0, { fid: 0, afid: P9_NOFID, uname: "", aname: "", uid: P9_NONUNAME }),
]);
const OPENED = Buffer.concat([
  HELLO,
  encode("Twalk", 1, { fid: 0, newfid: 1, names: [Buffer.from("file")] }),
  encode("Tlopen", 1, { fid: 1, flags: 0 }),
]);
const READ = encode("Tread", 2, { fid: 1, offset: 0n, count: 1 << 20 });

test("clients that read nothing, stop in a frame, say nothing or ask without end take nobody's time, nor memory", {
  timeout: TIMEOUT_MS,
}, async () => {
  const root = await attach();
  const before = gofer.residentBytes();
  const watching = witness(root);
  const reads = Buffer.concat([OPENED, ...new Array(20_000).fill(READ)]);
  const kinds: (() => Socket)[] = [
    () => hostile(reads, false),
    () => hostile(Buffer.concat([OPENED, READ.subarray(0, 9)]), true),
    () => hostile(Buffer.from([200, 0, 0]), true),
    () => hostile(Buffer.alloc(0), true),
    () => hostile(Buffer.concat([HELLO, ...new Array(5000).fill(encode("Tstatfs", 3, { fid: 0 }))]), true),
  ];
  for (let index = 0; index < CLIENTS_MAX - 1; index++) kinds[index % kinds.length]!();
  // Those that read get their answers meanwhile; the others' wait.
  await new Promise((resolve) => setTimeout(resolve, 3000 + 27_000 * SCALE));
  // The places are all taken: whoever comes now is told so at once.
  await expect(P9Client.connect(gofer.address)).rejects.toMatchObject({ code: "ERR_WVISOR_P9" });
  const grown = gofer.residentBytes() - before;
  for (const socket of sockets) socket.destroy();
  const late = async () => refusal(attach().catch(() => Promise.reject(new ErrnoError(11, "attach"))));
  await expect.poll(late, { timeout: 20_000 }).toBe("");
  const { rounds, slowestMs } = await watching.stop();
  console.log(`${rounds} rounds beside, slowest ${slowestMs} ms; grown by ${grown / MEBIBYTE} MiB`);
  expect(slowestMs).toBeLessThan(LATEST_MS);
  // An input of a message each (131 KiB), and V8's own.
  expect(grown).toBeLessThan(48 * MEBIBYTE);
});
