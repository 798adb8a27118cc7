// What the tests of the native helper share: the helper itself, a registered memory, scratch directories, processes.

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { onTestFinished } from "vitest";
import { buildNative } from "../../scripts/build-native.mjs";
import { loadNative, type Native } from "../../src/native/index.ts";

buildNative();

const helper = loadNative();
if (helper === undefined) throw new Error("the native helper does not load");
export const native: Native = helper;

export const ADDON = fileURLToPath(new URL("../../build/native/wv.node", import.meta.url));

const PAGE = 65536;

/** A shared Wasm memory in slot 0, with room handed out from its start. */
export class Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  private used = 0;

  constructor(pages = 4, slot = 0) {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    if (native.registerMemory(slot, this.bytes) !== 0) throw new Error("registerMemory");
  }

  get size(): number {
    return this.bytes.length;
  }

  room(length: number): number {
    const offset = this.used;
    this.used += (length + 7) & ~7;
    if (this.used > this.size) throw new Error("the test memory is too small");
    return offset;
  }

  put(data: string | Uint8Array): number {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const offset = this.room(bytes.length);
    this.bytes.set(bytes, offset);
    return offset;
  }

  name(text: string): number {
    return this.put(`${text}\0`);
  }

  text(offset: number, length: number): string {
    return Buffer.from(this.bytes.slice(offset, offset + length)).toString();
  }

  /** (offset, length) pairs for readv and writev. */
  vectors(...spans: [offset: number, length: number][]): number {
    const offset = this.room(spans.length * 8);
    spans.forEach(([start, length], index) => {
      this.view.setUint32(offset + index * 8, start, true);
      this.view.setUint32(offset + index * 8 + 4, length, true);
    });
    return offset;
  }

  int(offset: number): number {
    return this.view.getInt32(offset, true);
  }
}

export const PAGE_BYTES = PAGE;

/** A new directory that goes away with the test. */
export function scratch(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "wv-native-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const ours = new Set<number>();

/** Closes `fd` when the test is over, unless closeNow() did. */
export function owned(fd: number): number {
  if (fd < 0) throw new Error(`not a descriptor: ${fd}`);
  ours.add(fd);
  onTestFinished(() => closeNow(fd));
  return fd;
}

/** The number may belong to somebody else from now on, so it is closed only once. */
export function closeNow(fd: number): void {
  if (ours.delete(fd)) native.close(fd);
}

/** How many descriptors this process has (the one that looks is always among them). */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Two connected sockets. */
export function pair(memory: Memory): [number, number] {
  const out = memory.room(8);
  if (native.socketpair(0, out) !== 0) throw new Error("socketpair");
  return [owned(memory.int(out)), owned(memory.int(out + 4))];
}

/** Runs `source` in another JavaScript thread, with `n` the helper, `m` 64 KiB in slot 0 and `data` what was passed. */
export function inThread(source: string, data: unknown): Promise<unknown> {
  const prelude = `
    const { parentPort, workerData: data } = require("node:worker_threads");
    const n = require(${JSON.stringify(ADDON)});
    const m = new Uint8Array(new SharedArrayBuffer(65536));
    n.registerMemory(0, m);
    const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  `;
  const worker = new Worker(`${prelude}${source}`, { eval: true, workerData: data });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", resolve);
    worker.once("exit", () => resolve(undefined));
  });
}

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Waits for the end of `child` and what it wrote. */
export function outcome(child: ChildProcess): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Starts Node on `source`, with `n`, and `m` 64 KiB in slot 0. */
export function spawnNode(source: string, options: SpawnOptions = {}): ChildProcess {
  const prelude = `
    const n = require(${JSON.stringify(ADDON)});
    const m = Buffer.from(new Uint8Array(65536).buffer);
    n.registerMemory(0, new Uint8Array(m.buffer));
  `;
  return spawn(process.execPath, ["-e", `${prelude}${source}`], { env: {}, ...options });
}
