// Hostile replies against the kernel's client: every call of the guest ends, the kernel's own assertions hold, and what a server
// has said is forgotten with it.
//
// A reply that cannot be true ends the connection, so that most guests live to see only a few: guest after guest they get a new
// server, in a kernel that stays. Half of the replies are the true ones with some bytes changed, which are believed for longer.

import { AT_FDCWD, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { P9_HEADER } from "../../../assembly/abi/p9.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import * as wasi from "../../../assembly/abi/wasi.ts";
import { MemoryServer } from "../../kernel/p9/memory-server.ts";
import { World } from "../../kernel/p9/world.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import { Random } from "../random.ts";
import { hostileReply } from "./frames.ts";
import type { Progress } from "./progress.ts";

/** What one guest calls before the next one comes. */
const CALLS = 25;
/** Guests of one kernel. */
const GUESTS = 1000;
const HOSTILE = 0.15;

export interface KernelReport {
  readonly frames: number;
  /** Those of them that were not true. */
  readonly hostile: number;
  readonly guests: number;
  /** The longest that one guest's calls took together. */
  readonly slowestMs: number;
}

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
  (w) => w.close(5),
  (w) => w.shrink(),
  (w) => w.syscall(nr.SYS_getxattr, "/hello", "user.a", Buffer.alloc(100), 100),
  (w) => w.syscall(nr.SYS_listxattr, "/hello", Buffer.alloc(100), 100),
  (w) => w.syscall(nr.SYS_setxattr, "/hello", "user.a", Buffer.from("v"), 1, 0),
  (w) => w.syscall(nr.SYS_removexattr, "/hello", "user.a"),
  (w) => w.syscall(nr.SYS_statfs, "/dir", Buffer.alloc(256)),
  (w) => w.syscall(nr.SYS_fallocate, w.syscall(nr.SYS_openat, AT_FDCWD, "/hello", O_RDWR, 0), 0, 0, 10),
];

/** A server that lies, of which some lies are its own idea and others one of `random`'s. */
class Liar extends MemoryServer {
  frames = 0;
  hostile = 0;

  constructor(random: Random) {
    super({
      extended: random.chance(0.7),
      donates: random.chance(0.3),
      acls: random.chance(0.3),
      lies: true,
    });
    this.file("/hello", "hello, world");
    this.directory("/dir");
    this.file("/dir/a", "a");
    this.symlink("/link", "dir/a");
    this.alter = (answer) => {
      this.frames++;
      if (!random.chance(HOSTILE)) return;
      this.hostile++;
      const { bytes, request } = answer;
      answer.bytes = random.chance(0.5)
        ? changed(random, bytes)
        : hostileReply(random, request, bytes.readUInt16LE(5));
    };
  }
}

/** The reply with other bytes in its fields. */
function changed(random: Random, reply: Buffer): Buffer {
  const bytes = Buffer.from(reply);
  for (let changes = 1 + random.below(2); changes > 0 && bytes.length > P9_HEADER; changes--) {
    const at = P9_HEADER + random.below(bytes.length - P9_HEADER);
    bytes[at] = random.pick([0, 1, 0x2f, 0x7f, 0x80, 0xff, random.below(256)]);
  }
  return bytes;
}

/** Lets guests of kernels of `module` have `frames` replies, as `seed` determines. */
export function attackKernel(
  module: WebAssembly.Module,
  frames: number,
  seed: number,
  progress?: Progress,
): KernelReport {
  const random = new Random(seed);
  const stopwatch = new Stopwatch();
  let [answered, hostile, guests, slowestMs] = [0, 0, 0, 0];
  while (answered < frames) {
    const world = new World(module, new MemoryServer());
    world.end();
    const objects = world.kernel.heap_objects();
    for (let guest = 0; guest < GUESTS && answered < frames; guest++) {
      const server = new Liar(random);
      stopwatch.lap();
      world.again(server, { shared: random.chance(0.5) });
      for (let calls = 0; calls < CALLS && world.root > 0; calls++) {
        random.pick(CALLS_OF_GUESTS)(world);
      }
      slowestMs = Math.max(slowestMs, stopwatch.lap());
      world.end();
      const left = world.kernel.heap_objects() - objects;
      if (left !== 0) throw new Error(`guest ${guests} has left ${left} objects in the kernel`);
      if (server.handles.size > 0) throw new Error(`guest ${guests} has left descriptors open`);
      answered += server.frames;
      hostile += server.hostile;
      guests++;
    }
    progress?.(answered);
  }
  return { frames: answered, hostile, guests, slowestMs };
}
