// `wvisor gofer --bundle` as a sandbox would start it: with sockets, the configuration and a pipe for the list of mounts.

import { type ChildProcess, type IOType, spawn } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Duplex } from "node:stream";
import { VERSION_WVISOR } from "../../src/common/p9-version.ts";
import { CLI } from "./cli.ts";
import { requireNative } from "./gofer.ts";
import { P9Client, socketPair } from "./p9-client.ts";

const FIRST_FD = 3;

export interface TestMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

/** A bundle below `folder`, whose root is there and empty. */
export function makeBundle(folder: string, mounts: readonly TestMount[] = [], root: object = {}): string {
  const bundle = path.join(folder, "bundle");
  mkdirSync(path.join(bundle, "rootfs"), { recursive: true });
  writeFileSync(path.join(bundle, "config.json"), JSON.stringify(specOf(mounts, root)));
  return bundle;
}

export function specOf(mounts: readonly TestMount[], root: object = {}): object {
  const process = { args: ["/program"], cwd: "/" };
  return { ociVersion: "1.0.2", process, root: { path: "rootfs", ...root }, mounts };
}

export interface StartOptions {
  /** How many connections there are; their descriptors are 3 and up. */
  readonly connections: number;
  readonly flags?: readonly string[];
  /** More descriptors, after those of the connections, the configuration and the list. */
  readonly more?: readonly (number | IOType)[];
  /** Instead of the file of the bundle. */
  readonly specFd?: number;
  /** In front of the command. */
  readonly launcher?: readonly string[];
}

export class ContainerGofer {
  readonly clients: P9Client[];
  readonly process: ChildProcess;
  readonly exit: Promise<{ code: number | null; signal: string | null; stderr: string }>;
  /** What came over the descriptor of the list, when it was closed. */
  readonly list: Promise<string>;

  constructor(bundle: string, options: StartOptions) {
    const { connections, flags = [], more = [], launcher = [] } = options;
    const native = requireNative();
    const pairs = Array.from({ length: connections }, () => socketPair(native));
    const specFd = options.specFd ?? openSync(path.join(bundle, "config.json"), "r");
    const first = FIRST_FD + connections;
    const ioFds = pairs.map((_pair, index) => FIRST_FD + index).join(",");
    const own = [
      "--bundle",
      bundle,
      "--io-fds",
      ioFds,
      "--spec-fd",
      `${first}`,
      "--mounts-fd",
      `${first + 1}`,
    ];
    const [command, ...args] = [...launcher, process.execPath, CLI, "gofer", ...own, ...flags];
    const theirs = pairs.map((pair) => pair[1]);
    this.process = spawn(command!, args, {
      stdio: ["ignore", "ignore", "pipe", ...theirs, specFd, "pipe", ...more],
    });
    for (const fd of [...theirs, specFd]) native.close(fd);
    this.clients = pairs.map((pair) => new P9Client(native, pair[0]));
    this.list = collect(this.stream(first + 1));
    const stderr = collect(this.process.stderr!);
    this.exit = new Promise((resolve) => {
      this.process.on("exit", async (code, signal) => resolve({ code, signal, stderr: await stderr }));
    });
  }

  /** The client of a mount, with a version agreed on and fid 0 attached. */
  connect(index = 0, version: string = VERSION_WVISOR): P9Client {
    const client = this.clients[index]!;
    client.version(version);
    client.attach(0);
    return client;
  }

  /** Our end of a descriptor that was given as "pipe". */
  stream(fd: number): Duplex {
    return (this.process.stdio as unknown as Duplex[])[fd]!;
  }

  /** Closes all connections and waits for the end. */
  stop() {
    for (const client of this.clients) client.close();
    return this.exit;
  }
}

/** All that comes until the stream is closed, by whichever side. */
function collect(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  stream.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return new Promise((resolve) => stream.once("close", () => resolve(text)));
}
