// Runs the gofer as a process of its own, with one socket for each mount, and clients at the other ends.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { VERSION_WVISOR } from "../../src/common/p9-version.ts";
import { loadNative } from "../../src/native/index.ts";
import type { Native } from "../../src/native/interface.ts";
import { P9Client, socketPair } from "./p9-client.ts";

export interface TestMount {
  readonly source: string;
  readonly readonly?: boolean;
  readonly donate?: boolean;
}

export function requireNative(): Native {
  const native = loadNative();
  if (native === undefined) throw new Error("the native helper is not built: npm run build:native");
  return native;
}

/** Whether gofers of this file's tests are spoken to through windows of shared memory instead of their sockets. */
export const transport = { windows: false };

/** A new empty directory. */
export function scratch(): string {
  return mkdtempSync(path.join(tmpdir(), "wvisor-gofer-"));
}

/** A descriptor from which `text` can be read to its end. */
export function readable(text: string): number {
  const folder = scratch();
  const file = path.join(folder, "config.json");
  writeFileSync(file, text);
  const fd = openSync(file, "r");
  unlinkSync(file);
  rmSync(folder, { recursive: true });
  return fd;
}

/** The client's side of a memory of windows. */
export class TestWindows {
  /** Of the memory and of the bell. */
  readonly descriptors: readonly [number, number];
  private readonly native: Native;
  private readonly map: number;

  constructor(native: Native, count: number) {
    this.native = native;
    this.descriptors = [native.windowsCreate(count), native.eventfd(0)];
    this.map = native.windowsMap(...this.descriptors);
    if (this.map < 0) throw new Error(`windowsMap: ${this.map}`);
  }

  open(index: number, socket: number): number {
    return this.native.windowOpen(this.map, index, socket, 0);
  }

  close(): void {
    for (const fd of this.descriptors) this.native.close(fd);
    this.native.windowsUnmap(this.map);
  }
}

export class Gofer {
  readonly clients: P9Client[];
  readonly windows: TestWindows | undefined;
  readonly process: ChildProcess;
  readonly exit: Promise<{ code: number | null; signal: string | null; stderr: string }>;

  /** `launcher` is put in front of the command, as prlimit(1) is. */
  constructor(bundle: string, mounts: readonly TestMount[], launcher: readonly string[] = []) {
    const native = requireNative();
    const pairs = mounts.map(() => socketPair(native));
    const configFd = 3 + mounts.length;
    const windows = transport.windows ? new TestWindows(native, mounts.length) : undefined;
    const config = mounts.map(({ source, readonly = false, donate = false }, index) => {
      return { fd: 3 + index, source, readonly, donate, window: windows && index };
    });
    const numbers = windows && { memory: configFd + 1, bell: configFd + 2 };
    const configuration = readable(JSON.stringify({ mounts: config, windows: numbers }));
    const [command, ...args] = [...launcher, process.execPath, bundle, `--config-fd=${configFd}`];
    this.process = spawn(command!, args, {
      stdio: [
        "ignore",
        "ignore",
        "pipe",
        ...pairs.map((pair) => pair[1]),
        configuration,
        ...(windows?.descriptors ?? []),
      ],
      env: {},
    });
    native.close(configuration);
    for (const pair of pairs) native.close(pair[1]);
    this.clients = pairs.map((pair, index) => new P9Client(native, pair[0], windows?.open(index, pair[0])));
    this.windows = windows;
    let stderr = "";
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    this.exit = new Promise((resolve) => {
      this.process.on("close", (code, signal) => resolve({ code, signal, stderr }));
    });
  }

  /** The client of a mount, with a version agreed on and fid 0 attached. */
  connect(index = 0, version: string = VERSION_WVISOR): P9Client {
    const client = this.clients[index]!;
    client.version(version);
    client.attach(0);
    return client;
  }

  /** Closes all connections and waits for the end, which must be a good one. */
  async stop() {
    for (const client of this.clients) client.close();
    this.windows?.close();
    const end = await this.exit;
    if (end.code !== 0 || end.signal !== null) {
      throw new Error(`the gofer ended by ${end.signal ?? end.code}\n${end.stderr}`);
    }
    return end;
  }
}
