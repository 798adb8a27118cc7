// Hostile replies against the kernel's client: every call of the guest ends, and the kernel's own assertions hold.

import { beforeAll, expect, test } from "vitest";
import { AT_FDCWD, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import { hostileReply } from "../../fuzz/p9/frames.ts";
import { Random } from "../../fuzz/random.ts";
import { SCALE, scaled } from "../../support/scale.ts";
import { MemoryServer } from "./memory-server.ts";
import { kernelModule, World } from "./world.ts";

/** Sandboxes, each of which ends with its first reply that cannot be true. */
const WORLDS = scaled(10_000);
const CALLS = 40;
const SEED = 20_251_123;
const HANG_MS = 1000;
const TIMEOUT_MS = 300_000 + 3_600_000 * SCALE;

type Call = (world: World) => unknown;

const CALLS_OF_GUESTS: readonly Call[] = [
  (w) => w.statError("dir"),
  (w) => w.statError("dir/a"),
  (w) => w.statError("none"),
  (w) => w.read(w.open("hello")),
  (w) => w.write(w.open("hello"), "text"),
  (w) => w.open("new", wasi.OFLAGS_CREAT),
  (w) => w.readdir(w.open("dir", 2, 0, false)),
  (w) => w.mkdir("made"),
  (w) => w.symlink("x", "s"),
  (w) => w.link("hello", "h"),
  (w) => w.rename("hello", "bye"),
  (w) => w.rename("bye", "hello"),
  (w) => w.unlink("h"),
  (w) => w.readlink("link"),
  (w) => w.setSize(w.open("hello"), 3),
  (w) => w.sync(w.open("hello")),
  (w) => w.syscall(nr.SYS_getxattr, "/hello", "user.a", Buffer.alloc(100), 100),
  (w) => w.syscall(nr.SYS_setxattr, "/hello", "user.a", Buffer.from("v"), 1, 0),
  (w) => w.syscall(nr.SYS_fallocate, w.syscall(nr.SYS_openat, AT_FDCWD, "/hello", O_RDWR, 0), 0, 0, 10),
];

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await kernelModule();
});

function populated(random: Random): World {
  const server = new MemoryServer({ extended: random.chance(0.7), lies: true });
  server.file("/hello", "hello, world");
  server.directory("/dir");
  server.file("/dir/a", "a");
  server.symlink("/link", "dir/a");
  return new World(module, server, { shared: random.chance(0.5) });
}

test("the kernel outlives every server", { timeout: TIMEOUT_MS }, () => {
  const random = new Random(SEED);
  let [hostile, slowestMs] = [0, 0];
  for (let made = 0; made < WORLDS; made++) {
    const world = populated(random);
    world.server.alter = (answer) => {
      if (!random.chance(0.15)) return;
      hostile++;
      answer.bytes = hostileReply(random, answer.request, answer.bytes.readUInt16LE(5));
    };
    for (let calls = 0; calls < CALLS; calls++) {
      const start = performance.now();
      random.pick(CALLS_OF_GUESTS)(world);
      slowestMs = Math.max(slowestMs, performance.now() - start);
    }
  }
  console.log(`kernel: ${JSON.stringify({ worlds: WORLDS, hostile, slowestMs })}`);
  expect(hostile).toBeGreaterThan(WORLDS);
  expect(slowestMs).toBeLessThan(HANG_MS);
});
