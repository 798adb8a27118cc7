// A terminal as whoever shows it has it (terminal.c): commands to it, what is written to it, and what becomes of it.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { ROOT } from "../cli.ts";
import { compileC } from "./runtime.ts";

const PROGRAM = path.join(ROOT, "build/test-terminal");

export function buildTerminal(): void {
  compileC(path.join(ROOT, "test/support/oci/terminal.c"), PROGRAM);
}

export interface TerminalSettings {
  readonly rows: number;
  readonly columns: number;
  readonly iflag: number;
  readonly oflag: number;
  readonly lflag: number;
}

function parseSettings(found: RegExpExecArray): TerminalSettings {
  const [rows, columns] = found.slice(1, 3).map(Number) as [number, number];
  const [iflag, oflag, lflag] = found.slice(3).map((text) => Number.parseInt(text, 8));
  return { rows, columns, iflag: iflag!, oflag: oflag!, lflag: lflag! };
}

const REPORT = /^is (\d+) (\d+) ([0-7]+) ([0-7]+) ([0-7]+)$/m;

/** Of the terminal that a process has as its standard input. */
export function settingsOf(pid: number): TerminalSettings {
  const { stderr } = spawnSync(PROGRAM, ["report", `/proc/${pid}/fd/0`], { encoding: "utf8" });
  return parseSettings(REPORT.exec(stderr)!);
}

export class TestTerminal {
  readonly process: ChildProcess;
  /** What was written to it. */
  output = "";
  /** What happened, in the words of terminal.c. */
  events = "";
  readonly #closed: Promise<void>;

  private constructor(args: readonly string[]) {
    this.process = spawn(PROGRAM, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: process.env.PATH ?? "" },
    });
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.events += text;
    });
    // It may have ended already.
    this.process.stdin!.on("error", () => {});
    this.#closed = new Promise((resolve) => this.process.on("close", () => resolve()));
  }

  /** One whose master somebody sends to that socket. */
  static async listen(socket: string): Promise<TestTerminal> {
    const terminal = new TestTerminal(["listen", socket]);
    await terminal.event(/^listening$/m);
    return terminal;
  }

  /** None: a socket that takes nothing, or is of another type. Ends with close(). */
  static async refuse(how: "hold" | "datagram", socket: string): Promise<TestTerminal> {
    const terminal = new TestTerminal([how, socket]);
    await terminal.event(/^listening$/m);
    return terminal;
  }

  /** One that a program runs in, as the leader of its session. */
  static run(...command: readonly string[]): TestTerminal {
    return new TestTerminal(["run", ...command]);
  }

  #command(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  type(text: string): void {
    this.#command(`type ${Buffer.from(text).toString("hex")}`);
  }

  resize(rows: number, columns: number): void {
    this.#command(`size ${rows} ${columns}`);
  }

  close(): void {
    this.#command("close");
  }

  async settings(): Promise<TerminalSettings> {
    const before = this.events.length;
    this.#command("report");
    return parseSettings(await this.#match(() => this.events.slice(before), REPORT));
  }

  shows(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#match(() => this.output, pattern);
  }

  event(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#match(() => this.events, pattern);
  }

  /** What the program that runs in it ended with. */
  async exitCode(): Promise<number> {
    const [, code] = await this.event(/^exited (\d+)$/m);
    return Number(code);
  }

  /** Resolves when it is gone. */
  get ended(): Promise<void> {
    return this.#closed;
  }

  async #match(text: () => string, pattern: RegExp): Promise<RegExpExecArray> {
    let over = false;
    void this.#closed.then(() => {
      over = true;
    });
    for (;;) {
      const found = pattern.exec(text());
      if (found !== null) return found;
      if (over) throw new Error(`ended without ${pattern}: ${this.output}${this.events}`);
      await Promise.race([this.#closed, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  }
}
