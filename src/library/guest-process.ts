// A program that runs in a sandbox, as child_process shows one: streams, events, kill().
//
//   spawn   it runs
//   error   it could not start, or was ended by an AbortSignal
//   exit    it has ended: (code, signal), one of them null
//   close   it has ended and its streams are closed

import { EventEmitter } from "node:events";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { GuestEnd, LimitName } from "./protocol.ts";
import { signalName, signalNumber } from "./signals.ts";
import type { OpenStdio } from "./stdio.ts";

/** What a program has used. */
export interface ProcessStats {
  readonly wallMs: number;
  /** Processor time of its thread, up to its last wait where it was killed. */
  readonly cpuMs: number;
  /** Its linear memory when it called the kernel last. */
  readonly memoryBytes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export interface ExitResult {
  /** The program's own; 128 and the signal's number when one ended it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  /** The limit that it met: "time" and "output" stop it; with "memory" it failed when it had all that it may have. */
  readonly limit: LimitName | null;
  /** Why it ended, where it did not end by itself. */
  readonly message: string | null;
  readonly stats: ProcessStats;
}

interface ProcessEvents {
  spawn: [];
  error: [error: Error];
  exit: [code: number | null, signal: NodeJS.Signals | null];
  close: [code: number | null, signal: NodeJS.Signals | null];
}

/** How a process is told what its sandbox knows of it. */
export interface ProcessControl {
  kill(signal: number): void;
}

export class GuestProcess extends EventEmitter<ProcessEvents> implements AsyncDisposable {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly spawnfile: string;
  readonly spawnargs: readonly string[];
  /** Rejects when the program could not start; when `error` is listened to, that has been told there. */
  readonly exited: Promise<ExitResult>;
  /** Inside the sandbox; known from `spawn` on. */
  pid: number | undefined;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  /** kill() has been called for it. */
  killed = false;
  readonly #control: ProcessControl;
  #resolve!: (result: ExitResult) => void;
  #reject!: (error: Error) => void;
  #isOver = false;
  #open = 1;

  /** Made by Sandbox.spawn(). */
  constructor(args: readonly string[], stdio: OpenStdio, control: ProcessControl) {
    super();
    this.spawnfile = args[0]!;
    this.spawnargs = args;
    this.#control = control;
    this.stdin = stdio.stdin;
    this.stdout = stdio.stdout;
    this.stderr = stdio.stderr;
    this.exited = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    for (const stream of [stdio.stdin, stdio.stdout, stdio.stderr]) {
      if (stream === null) continue;
      this.#open++;
      stream.once("close", () => this.#closeOne());
    }
    // A program that ends while somebody writes to it is no error of the writer's; who wants to know listens too.
    this.stdin?.on("error", () => {});
  }

  /**
   * Ends the program, at once whatever it does: nobody in a sandbox has handlers for signals. Those that end nobody, such as SIGCHLD,
   * do nothing. False when it has ended already. With 0 it is only asked whether it runs.
   */
  kill(signal: NodeJS.Signals | number = "SIGTERM"): boolean {
    const number = signalNumber(signal);
    if (this.#isOver) return false;
    if (number === 0) return true;
    this.killed = true;
    this.#control.kill(number);
    return true;
  }

  /** Lines of its standard output, without their ends; read as fast as they are taken. */
  async *lines(): AsyncGenerator<string, void, undefined> {
    if (this.stdout === null) return;
    const decoder = new StringDecoder("utf8");
    let rest = "";
    for await (const chunk of this.stdout) {
      const lines = (rest + decoder.write(chunk as Buffer)).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
    }
    rest += decoder.end();
    if (rest !== "") yield rest;
  }

  /** Kills it and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    this.stdout?.resume();
    this.stderr?.resume();
    await this.exited.catch(() => {});
  }

  /** Called by its sandbox, as are the next two. */
  begin(pid: number): void {
    this.pid = pid;
    if (!this.#isOver) this.emit("spawn");
  }

  finish({ code, signal, limit, message, usage }: GuestEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const name = signalName(signal);
    this.exitCode = name === null ? code : null;
    this.signalCode = name;
    this.#resolve({ exitCode: code, signal: name, limit, message, stats: usage });
    this.emit("exit", this.exitCode, name);
    this.#leave();
  }

  /** It never ran. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reject(error);
    this.report(error);
    this.#leave();
  }

  /** Tells listeners of `error`; who listens need not look at `exited` as well. */
  report(error: Error): void {
    if (this.listenerCount("error") === 0) return;
    this.exited.catch(() => {});
    this.emit("error", error);
  }

  /** As child_process does: nobody reads its input any more, and output that nobody takes is let go. */
  #leave(): void {
    this.stdin?.destroy();
    process.nextTick(() => {
      for (const stream of [this.stdout, this.stderr]) {
        if (stream?.readable && stream.readableFlowing === null && stream.listenerCount("readable") === 0)
          stream.resume();
      }
    });
    this.#closeOne();
  }

  #closeOne(): void {
    if (--this.#open === 0) this.emit("close", this.exitCode, this.signalCode);
  }
}
