// preview1 under random calls: every function with arguments that are sometimes right and mostly are not, on all file systems.
//
// The kernel is the one with assertions. A trap in it fails the test, and so does a reference that is lost or given back twice:
// when all is released, nothing is left. WVISOR_SCALE makes it longer, WVISOR_SEED another one.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serve, type TestGofer } from "../support/gofer-mount.ts";
import { Preview1Driver } from "../support/preview1-driver.ts";
import { scaled } from "../support/scale.ts";
import { kernelModules, makeMachine, makeTask, memoryNamespace } from "../support/wvisor.ts";

const CALLS = scaled(2_000_000);
const SEED = Number(process.env.WVISOR_SEED ?? 1);
/** Registered devices stay for the kernel's life. */
const OBJECTS_LEFT = 16;

/**
 * What a sensible call has in each place: f descriptor, p path, n its length, v iovecs, c their number, a address, b bytes, l
 * lookup flags, o open flags, d descriptor flags, t time flags, s small number; in capitals 64 bits: I number, R rights. What
 * ends the guest, or may wait for ever, is called elsewhere.
 */
const SIGNATURES: Readonly<Record<string, string>> = {
  args_get: "aa",
  args_sizes_get: "aa",
  clock_res_get: "sa",
  clock_time_get: "sIa",
  environ_get: "aa",
  environ_sizes_get: "aa",
  fd_advise: "fIIs",
  fd_allocate: "fII",
  fd_close: "f",
  fd_datasync: "f",
  fd_fdstat_get: "fa",
  fd_fdstat_set_flags: "fd",
  fd_fdstat_set_rights: "fRR",
  fd_filestat_get: "fa",
  fd_filestat_set_size: "fI",
  fd_filestat_set_times: "fIIt",
  fd_pread: "fvcIa",
  fd_prestat_dir_name: "fab",
  fd_prestat_get: "fa",
  fd_pwrite: "fvcIa",
  fd_read: "fvca",
  fd_readdir: "fabIa",
  fd_renumber: "ff",
  fd_seek: "fIsa",
  fd_sync: "f",
  fd_tell: "fa",
  fd_write: "fvca",
  path_create_directory: "fpn",
  path_filestat_get: "flpna",
  path_filestat_set_times: "flpnIIt",
  path_link: "flpnfpn",
  path_open: "flpnoRRda",
  path_readlink: "fpnaba",
  path_remove_directory: "fpn",
  path_rename: "fpnfpn",
  path_symlink: "pnfpn",
  path_unlink_file: "fpn",
  random_get: "ab",
  sched_yield: "",
  sock_accept: "fsa",
  sock_recv: "fvcsaa",
  sock_send: "fvcsa",
  sock_shutdown: "fs",
};

const SIZE = 16 * 65536;
/** Paths lie here, one every PATH_STRIDE bytes; iovecs below. */
const PATHS = 4096;
const PATH_STRIDE = 64;
const WORDS = ["a", "b", "c", "d", "..", ".", "", "link", "work", "tmp", "host", "shared", "dev", "null"];
const PATH_COUNT = 64;
/** Where calls put what they return. */
const DATA = 16384;
const DESCRIPTORS = 24;
const PREOPENS = ["/work", "/host", "/shared", "/tmp", "/host/a/made", "/shared/made"];
const ODD_NUMBERS = [
  -1,
  -2,
  -8,
  0x7fffffff,
  -0x80000000,
  SIZE,
  SIZE - 1,
  SIZE - 4,
  SIZE - 8,
  SIZE + 1,
  4095,
  4096,
];
const LONG_NUMBERS = [0n, 1n, 2n, -1n, 4096n, 65536n, 1n << 31n, 1n << 53n, (1n << 62n) - 1n, 1n << 62n];
const EDGES = [(1n << 63n) - 1n, -(1n << 63n), 0x1fffffffn];

class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

let folder: string;
let gofer: TestGofer;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wvisor-fuzz-"));
  for (const name of ["one", "two", "lower"]) mkdirSync(path.join(folder, name, "a"), { recursive: true });
  writeFileSync(path.join(folder, "lower", "b"), "lower");
  const mount = (name: string, readonly = false) => ({
    source: path.join(folder, name),
    readonly,
    donate: true,
  });
  gofer = serve(mount("one"), mount("two"), mount("lower", true));
});

afterAll(() => {
  gofer.close();
  rmSync(folder, { recursive: true });
});

/** New paths and iovecs in guest memory. */
function scatter(driver: Preview1Driver, random: Random): void {
  const view = new DataView(driver.memory.buffer);
  const bytes = new Uint8Array(driver.memory.buffer);
  for (let at = 0; at < PATHS; at += 8) {
    view.setUint32(at, random.below(24) === 0 ? random.of(ODD_NUMBERS) : random.below(SIZE), true);
    view.setUint32(at + 4, random.below(24) === 0 ? random.of(ODD_NUMBERS) : random.below(512), true);
  }
  for (let i = 0; i < PATH_COUNT; i++) {
    const text = Array.from({ length: 1 + random.below(4) }, () => random.of(WORDS)).join("/");
    bytes.fill(0x2f, PATHS + i * PATH_STRIDE, PATHS + (i + 1) * PATH_STRIDE);
    bytes.set(Buffer.from(text), PATHS + i * PATH_STRIDE);
  }
}

function argument(random: Random, kind: string): number | bigint {
  if (kind === "I") return random.below(8) === 0 ? random.of(EDGES) : random.of(LONG_NUMBERS);
  if (kind === "R") return random.below(4) === 0 ? random.of(LONG_NUMBERS) : 0x1fffffffn;
  if (random.below(24) === 0) return random.of(ODD_NUMBERS);
  switch (kind) {
    case "f":
      return random.below(DESCRIPTORS);
    case "p":
      return PATHS + random.below(PATH_COUNT) * PATH_STRIDE;
    case "n":
      return 1 + random.below(20);
    case "v":
      return 8 * random.below(PATHS / 8);
    case "c":
      return random.below(8);
    case "l":
      return random.below(3) === 0 ? 1 : 0;
    case "o":
      return random.below(16) & (random.below(2) === 0 ? 1 : 15);
    case "d":
      return random.below(32) & (random.below(2) === 0 ? 1 : 31);
    case "t":
      return random.below(16);
    case "b":
      return random.below(4096);
    case "a":
      return DATA + random.below(SIZE - DATA);
    default:
      return random.below(4);
  }
}

test(`${CALLS} random calls neither trap nor lose anything (seed ${SEED})`, { timeout: 600_000 }, () => {
  const machine = makeMachine({ modules: kernelModules("peek", true), sockets: gofer.sockets });
  const { kernel } = machine;
  const before = kernel.heap_objects();
  const namespace = memoryNamespace(machine);
  const tree = (index: number, shared: boolean, readonly = false) =>
    machine.gofer(index, { readonly, shared, uid: 0 });
  machine.mount(
    namespace,
    machine.overlay(machine.tmpfs("mode=777"), [tree(2, false, true)]),
    "/work",
    false,
  );
  machine.mount(namespace, tree(0, false), "/host", false);
  machine.mount(namespace, tree(1, true), "/shared", false);
  machine.mount(namespace, machine.tmpfs("size=64k,mode=777"), "/host/a/made/point", false);
  machine.mount(namespace, machine.tmpfs("size=64k,mode=777"), "/shared/made/point", false);

  const random = new Random(SEED);
  const names = Object.keys(SIGNATURES);
  const seen = new Set<string>();
  let done = 0;
  while (done < CALLS) {
    const driver = new Preview1Driver(machine);
    const task = makeTask(machine, namespace, { env: ["A=b"] }, []);
    // Calls of before may have moved them.
    const there = PREOPENS.filter((at) => machine.isDirectory(task, at));
    for (const at of there) machine.preopen(task, at, at);
    driver.enter(task);
    for (let i = 0; i < 2000; i++) {
      if (i % 50 === 0) scatter(driver, random);
      const name = random.below(8) === 0 ? "path_open" : random.of(names);
      // Few closes, so that there is something to work with.
      if (/close|renumber|set_rights/.test(name) && random.below(8) !== 0) continue;
      const args = [...SIGNATURES[name]!].map((kind) => argument(random, kind));
      const errno = driver.errno(name, ...args);
      seen.add(`${name} ${errno === 0}`);
      done++;
    }
    expect(driver.kernel.task_finish(task, 0)).toBe(1);
    kernel.task_free(task);
  }
  // Nearly each function that can succeed did, and each that can fail.
  const telling = names.filter((name) => !/^sock|random_get|args|environ|sched/.test(name));
  const without = (outcome: string) => telling.filter((name) => !seen.has(`${name} ${outcome}`));
  expect(without("true").length, `never succeeded: ${without("true")}`).toBeLessThan(4);
  expect(without("false")).toEqual([]);
  kernel.namespace_release(namespace);
  expect(kernel.heap_objects() - before).toBeLessThan(OBJECTS_LEFT);
});
