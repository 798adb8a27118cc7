// One 9P connection: through a window of shared memory, and by its socket.
//
// Measured: what the client waits for, the median over single round trips, of a message that only comes back (64 bytes, from another
// Node process) and of the gofer's (getattr, a read of 4 KiB). Client and servers share one CPU, so that the time is that of the
// work and not of waking an idle core; the two kinds take turns of some trips each, so that whatever else the machine does falls on
// both. Not included: donated descriptors, which need no message to read, and several requests sent together. Meant to notice: system
// calls and copies per message.
//
//   node bench/channel.mjs [--rounds N] [--cpu N]
//
// The verdict: the window is at least 1.5 times as fast for each of the messages.

import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { duration, machine, summarize, table, writeResults } from "./harness.mjs";

const SELF = fileURLToPath(import.meta.url);
const HELPER = fileURLToPath(new URL("../build/native/wv.node", import.meta.url));
const GOFER = fileURLToPath(new URL("../build/gofer.js", import.meta.url));
const PINNED = "WVISOR_BENCH_PINNED";
const FASTER = 1.5;
/** Trips of one kind in a row, of which the first ones find the caches full of the other's. */
const TURN = 20;
const COLD = 5;
const WARM_UP = 3000;
const TURNS = 100;

const SLOT = 0;
const REQUEST = 4096;
const RESPONSE = 1 << 18;
const CAPACITY = 1 << 17;
const FD_OUT = RESPONSE + CAPACITY;
const SOCKET_FD = 3;
const MEMORY_FD = 4;
const BELL_FD = 5;
const CONFIG_FD = 6;
const EPOLLIN_EPOLLET = 0x80000001;
const NOFID = 0xffffffff;
const NOTAG = 0xffff;

const native = createRequire(import.meta.url)(HELPER);
const bytes = new Uint8Array(new SharedArrayBuffer(1 << 19));
const view = new DataView(bytes.buffer);
native.registerMemory(SLOT, bytes);

/** A server that sends every message back, waiting as the gofer does. */
function echo(windowed) {
  const epoll = native.epollCreate();
  native.epollAdd(epoll, SOCKET_FD);
  if (!windowed) {
    for (;;) {
      native.epollWait(epoll, SLOT, 0, 8, -1);
      const got = native.read(SOCKET_FD, SLOT, REQUEST, CAPACITY);
      if (got <= 0) return;
      native.p9Send(SOCKET_FD, SLOT, REQUEST, got, -1);
    }
  }
  native.epollAdd(epoll, BELL_FD);
  native.epollInterest(epoll, BELL_FD, EPOLLIN_EPOLLET);
  const map = native.windowsMap(MEMORY_FD, BELL_FD);
  const window = native.windowOpen(map, 0, SOCKET_FD, 1);
  for (;;) {
    if (native.windowsNext(map, 1) < 0) {
      const count = native.epollWait(epoll, SLOT, 0, 8, -1);
      for (let i = 0; i < count; i++) if (view.getInt32(i * 8, true) === SOCKET_FD) return;
      continue;
    }
    const got = native.windowReceive(window, SLOT, REQUEST, CAPACITY);
    if (got > 0) native.windowSend(window, SLOT, REQUEST, got, -1, 0);
  }
}

/** A server and our end of it: rpc(length) sends what lies at REQUEST, and returns the length of what came to RESPONSE. */
function connect(kind, args, config = "") {
  native.socketpair(SLOT, 0);
  const [ours, theirs] = [view.getInt32(0, true), view.getInt32(4, true)];
  const memory = native.windowsCreate(1);
  const bell = native.eventfd(0);
  const map = native.windowsMap(memory, bell);
  const window = native.windowOpen(map, 0, ours, 0);
  const configuration = openSync(config === "" ? "/dev/null" : config, "r");
  const stdio = ["ignore", "ignore", "inherit", theirs, memory, bell, configuration];
  const child = spawn(process.execPath, ["--no-warnings", "--v8-pool-size=1", ...args], { stdio, env: {} });
  for (const fd of [theirs, memory, bell, configuration]) closeSync(fd);
  const call = kind === "socket" ? native.p9Rpc : native.windowRpc;
  const end = kind === "socket" ? ours : window;
  const rpc = (length) => {
    const got = call(end, SLOT, REQUEST, length, RESPONSE, CAPACITY, SLOT, FD_OUT, -1);
    if (got < 0) throw new Error(`${kind}: errno ${-got}`);
    return got;
  };
  const close = () => {
    native.close(ours);
    native.windowsUnmap(map);
    return new Promise((resolve) => child.once("exit", resolve));
  };
  return { rpc, close };
}

/** Writes a message of these fields, [bytes, value] or a string each, to REQUEST. Returns its length. */
function put(type, tag, ...fields) {
  let at = REQUEST + 4;
  const number = (size, value) => {
    if (size === 8) view.setBigUint64(at, BigInt(value), true);
    else if (size === 4) view.setUint32(at, value, true);
    else if (size === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
    at += size;
  };
  number(1, type);
  number(2, tag);
  for (const field of fields) {
    if (typeof field !== "string") {
      number(...field);
      continue;
    }
    number(2, field.length);
    for (const byte of Buffer.from(field)) number(1, byte);
  }
  view.setUint32(REQUEST, at - REQUEST, true);
  return at - REQUEST;
}

/** A connection to a gofer, with fid 1 the open file. */
function attach(server) {
  const call = (...message) => {
    server.rpc(put(...message));
    if (view.getUint8(RESPONSE + 4) !== message[0] + 1) throw new Error(`message ${message[0]} was refused`);
  };
  call(100, NOTAG, [4, CAPACITY], "9P2000.L");
  call(104, 1, [4, 0], [4, NOFID], "bench", "", [4, NOFID]);
  call(110, 1, [4, 0], [4, 1], [2, 1], "file");
  call(12, 1, [4, 1], [4, 0]);
  return server;
}

const MESSAGES = {
  "64 bytes": { gofer: false, put: () => put(0, 1, ...new Array(57).fill([1, 0])) },
  getattr: { gofer: true, put: () => put(24, 1, [4, 1], [8, 0x7ff]) },
  "read 4 KiB": { gofer: true, put: () => put(116, 1, [4, 1], [8, 0], [4, 4096]) },
};

function goferConfig(directory, window) {
  const file = path.join(directory, window === undefined ? "socket.json" : "window.json");
  const mount = {
    fd: SOCKET_FD,
    source: path.join(directory, "tree"),
    readonly: true,
    donate: false,
    window,
  };
  const windows = window === undefined ? undefined : { memory: MEMORY_FD, bell: BELL_FD };
  writeFileSync(file, JSON.stringify({ mounts: [mount], windows }));
  return file;
}

function turn(server, length, samples) {
  for (let i = 0; i < TURN; i++) {
    const start = process.hrtime.bigint();
    server.rpc(length);
    const took = Number(process.hrtime.bigint() - start);
    if (i >= COLD) samples.push(took);
  }
}

/** All kinds of server on one message, in turns: kind to its samples. */
function measure(servers, { put: write }) {
  const length = write();
  const samples = new Map([...servers.keys()].map((kind) => [kind, []]));
  for (const server of servers.values()) for (let i = 0; i < WARM_UP; i++) server.rpc(length);
  for (let i = 0; i < TURNS; i++)
    for (const [kind, server] of servers) turn(server, length, samples.get(kind));
  return samples;
}

async function round(directory, results) {
  const gofer = (kind, window) =>
    attach(connect(kind, [GOFER, `--config-fd=${CONFIG_FD}`], goferConfig(directory, window)));
  const echoes = new Map([
    ["socket", connect("socket", [SELF, "echo", "socket"])],
    ["window", connect("window", [SELF, "echo", "window"])],
  ]);
  const gofers = new Map([
    ["socket", gofer("socket")],
    ["window", gofer("window", 0)],
  ]);
  for (const [name, message] of Object.entries(MESSAGES)) {
    for (const [kind, samples] of measure(message.gofer ? gofers : echoes, message)) {
      const known = results.get(name) ?? new Map();
      known.set(kind, [...(known.get(kind) ?? []), summarize(samples).median]);
      results.set(name, known);
    }
  }
  for (const server of [...echoes.values(), ...gofers.values()]) await server.close();
}

async function main() {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "5" }, cpu: { type: "string", default: "0" } },
  });
  if (process.env[PINNED] === undefined) {
    const pinned = ["-c", values.cpu, process.execPath, SELF, ...process.argv.slice(2)];
    const { status } = spawnSync("taskset", pinned, {
      stdio: "inherit",
      env: { ...process.env, [PINNED]: "1" },
    });
    process.exit(status ?? 1);
  }
  const directory = mkdtempSync(path.join(tmpdir(), "wvisor-bench-channel-"));
  mkdirSync(path.join(directory, "tree"));
  writeFileSync(path.join(directory, "tree", "file"), new Uint8Array(65536));
  const samples = new Map();
  try {
    for (let i = 0; i < Number(values.rounds); i++) await round(directory, samples);
  } finally {
    rmSync(directory, { recursive: true });
  }
  const results = new Map(
    [...samples].map(([name, kinds]) => [
      name,
      new Map([...kinds].map(([kind, list]) => [kind, summarize(list)])),
    ]),
  );
  const rows = [["", "socket", "window", "faster"]];
  let slowest = Number.POSITIVE_INFINITY;
  for (const [name, kinds] of results) {
    const [socket, window] = [kinds.get("socket").median, kinds.get("window").median];
    slowest = Math.min(slowest, socket / window);
    rows.push([name, duration(socket), duration(window), `${(socket / window).toFixed(2)}x`]);
  }
  console.log(`${JSON.stringify(machine())}\n${table(rows)}`);
  console.log(writeResults("channel", results));
  console.log(
    `${slowest >= FASTER ? "met" : "NOT MET"}: at least ${FASTER} times as fast (${slowest.toFixed(2)})`,
  );
  process.exitCode = slowest >= FASTER ? 0 : 1;
}

if (process.argv[2] === "echo") echo(process.argv[3] === "window");
else await main();
