// `wvisor gofer --listen` as the user runs it: the command, the processes that it starts, and how they have ended.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { CLI } from "./cli.ts";
import { childrenOf, commandLine } from "./processes.ts";

const PAUSE_MS = 20;
const TRIES = 1000;

export interface GoferEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** How a command that was asked to end by SIGTERM ends if its gofer was there until then. */
export const STOPPED: GoferEnd = { code: 143, signal: null, stderr: "" };

export class ListeningGofer {
  readonly command: ChildProcess;
  readonly address: string;
  readonly end: Promise<GoferEnd>;
  /** The process that serves, below a launcher where there are namespaces. */
  readonly pid: number;

  private constructor(command: ChildProcess, address: string, end: Promise<GoferEnd>, pid: number) {
    this.command = command;
    this.address = address;
    this.end = end;
    this.pid = pid;
  }

  /** Starts the command with `flags`, and waits for its first line. `launcher` is put in front, as prlimit(1) is. */
  static async start(
    flags: readonly string[],
    { env = process.env, launcher = [] }: { env?: NodeJS.ProcessEnv; launcher?: readonly string[] } = {},
  ): Promise<ListeningGofer> {
    const [program, ...args] = [...launcher, process.execPath, CLI, "gofer", ...flags];
    const command = spawn(program!, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    command.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    const end = new Promise<GoferEnd>((resolve) => {
      command.on("close", (code, signal) => resolve({ code, signal, stderr }));
    });
    const line = await new Promise<string>((resolve, reject) => {
      command.stdout.setEncoding("utf8").once("data", resolve);
      void end.then(() => reject(new Error(stderr)));
    });
    const address = /^listening on (\S+)\n$/.exec(line)![1]!;
    return new ListeningGofer(command, address, end, await goferBelow(command.pid!));
  }

  /** How many descriptors it has open. */
  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** How many it may have. */
  descriptorLimit(): number {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync(`/proc/${this.pid}/limits`, "utf8"))![1]);
  }

  residentBytes(): number {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))![1]) * 1024;
  }

  /** Asks the command to end. Anything but STOPPED means that the gofer was gone before: it was killed, or gave up. */
  stop(): Promise<GoferEnd> {
    this.command.kill("SIGTERM");
    return this.end;
  }
}

/** The gofer that the process `command` has started, or is about to start. */
export async function goferBelow(command: number): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const [child, ...others] = childrenOf(command);
    if (child !== undefined && others.length === 0) {
      if (/^\S*wv-launch /.test(commandLine(child)) && childrenOf(child).length > 0) return goferBelow(child);
      // What the launcher has started is the launcher once more, until it becomes node.
      if (/^\S*node .*gofer\.js/.test(commandLine(child))) return child;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`${command} has started no gofer`);
}
