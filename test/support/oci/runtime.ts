// A runtime of containers as an engine uses it: wVisor's built command line, or another one beside it.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Finished, ROOT, runCommand } from "../cli.ts";

/** Containers have namespaces, and no other user may make these here. */
export const needsRoot: string | undefined =
  process.getuid?.() === 0 ? undefined : "containers are made by root";

/** What engines get. */
export const WVISOR = path.join(ROOT, "build/wvisor");
const MONITOR = path.join(ROOT, "build/test-monitor");

/** test/support/oci/monitor.c, compiled. */
export function buildMonitor(): string {
  return compileC(path.join(ROOT, "test/support/oci/monitor.c"), MONITOR);
}

export function compileC(source: string, output: string): string {
  const draft = `${output}.${process.pid}`;
  const { status, stderr } = spawnSync("cc", ["-static", "-O1", "-o", draft, source], { encoding: "utf8" });
  if (status !== 0) throw new Error(`compiling ${source}: ${stderr}`);
  renameSync(draft, output);
  return output;
}

export interface OciState {
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export class Runtime {
  readonly command: readonly string[];
  /** Where it keeps its containers. */
  readonly root: string;

  constructor(root: string, command: readonly string[] = [WVISOR]) {
    this.root = root;
    this.command = command;
  }

  arguments(args: readonly string[]): string[] {
    return [...this.command.slice(1), "--root", this.root, ...args];
  }

  /** Runs a command of it to its end. What it starts must hold none of the streams. */
  run(...args: string[]): Finished {
    return runCommand(this.command[0]!, this.arguments(args), { env: { PATH: process.env.PATH ?? "" } });
  }

  /** The exit code of a command that leaves processes behind: these get /dev/null. */
  code(...args: string[]): number | null {
    const { status } = spawnSync(this.command[0]!, this.arguments(args), { stdio: "ignore" });
    return status;
  }

  state(id: string): OciState {
    const { code, stdout, stderr } = this.run("state", id);
    if (code !== 0) throw new Error(`state ${id}: ${stderr}`);
    return JSON.parse(stdout) as OciState;
  }
}

/** A command that leaves a process behind, under a monitor that waits for that one. */
export class Monitored {
  readonly process: ChildProcess;
  /** The output of the container's, then of the monitor. */
  output = "";
  errors = "";
  readonly #closed: Promise<void>;

  constructor(
    runtime: Runtime,
    pidFile: string,
    args: readonly string[],
    stdin: "ignore" | "pipe" = "ignore",
  ) {
    const command = [pidFile, runtime.command[0]!, ...runtime.arguments(args)];
    this.process = spawn(MONITOR, command, {
      stdio: [stdin, "pipe", "pipe"],
      env: { PATH: process.env.PATH ?? "", NODE_OPTIONS: "--no-such-option", SECRET: "of-the-engine" },
    });
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.#closed = new Promise((resolve) => this.process.on("close", () => resolve()));
  }

  /** What the command ended with, and the pid of the process that it left. */
  async started(): Promise<{ code: number; pid: number }> {
    const [, code, pid] = await this.match(/started (\d+) (\d+)\n/);
    return { code: Number(code), pid: Number(pid) };
  }

  /** "exited N" or "signalled N", for that process. */
  async ended(): Promise<string> {
    const [, how] = await this.match(/((?:exited|signalled) \d+)\n/);
    return how!;
  }

  async match(pattern: RegExp): Promise<RegExpExecArray> {
    let over = false;
    void this.#closed.then(() => {
      over = true;
    });
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (over) throw new Error(`ended without ${pattern}: ${this.output}${this.errors}`);
      await Promise.race([this.#closed, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  }
}

export interface BundleOptions {
  readonly args: readonly string[];
  /** Files of the root directory, by their paths in there, and where they are taken from. */
  readonly files: Readonly<Record<string, string>>;
  readonly change?: (config: Record<string, unknown>) => void;
}

/** A bundle whose container has all the namespaces that engines ask for. */
export function makeBundle(directory: string, { args, files, change }: BundleOptions): string {
  for (const [name, source] of Object.entries(files)) {
    const file = path.join(directory, "rootfs", name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (!existsSync(file)) writeFileSync(file, readFileSync(source), { mode: 0o755 });
  }
  const config: Record<string, unknown> = {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args, env: ["PATH=/bin"], cwd: "/" },
    root: { path: "rootfs" },
    hostname: "box",
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
    annotations: { "org.example.key": "value" },
    linux: { namespaces: ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type })) },
  };
  change?.(config);
  writeFileSync(path.join(directory, "config.json"), JSON.stringify(config));
  return directory;
}
