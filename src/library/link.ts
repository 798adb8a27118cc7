// A sandbox's end of the line to its supervisor's thread.
//
// The thread keeps this process alive only while it has something to do: a call to answer, or a program to run.

import { Worker } from "node:worker_threads";
import { WvisorError } from "../common/errors.ts";
import { workerSource } from "../host/boot/worker-source.ts";
import {
  type Argument,
  type CallMessage,
  type CallName,
  type GuestEnd,
  type Result,
  revealError,
  type SupervisorMessage,
  type SupervisorStart,
} from "./protocol.ts";

export interface LinkEvents {
  ended(key: number, end: GuestEnd): void;
  failed(key: number, error: WvisorError): void;
  /** Nothing can be asked any more. */
  broken(error: WvisorError): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: WvisorError): void;
}

export class SupervisorLink {
  readonly #worker: Worker;
  readonly #events: LinkEvents;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #busy = 0;
  #problem: WvisorError | undefined;

  constructor(start: SupervisorStart, events: LinkEvents) {
    this.#events = events;
    // Its output is nobody's: what programs say goes through their streams.
    const streams = { stdout: true, stderr: true };
    const source = workerSource("supervisor-worker.js");
    this.#worker = new Worker(source, { eval: true, workerData: start, env: {}, execArgv: [], ...streams });
    this.#worker.unref();
    this.#worker.on("message", (message: SupervisorMessage) => this.#take(message));
    this.#worker.on("error", (cause: Error) => this.#break(`its supervisor failed: ${cause.message}`, cause));
    this.#worker.on("exit", () => this.#break("it was closed"));
  }

  /** Rejects with a WvisorError. */
  call<N extends CallName>(name: N, argument: Argument<N>): Promise<Result<N>> {
    if (this.#problem !== undefined) return Promise.reject(this.#problem);
    const message: CallMessage<N> = { id: ++this.#lastId, name, argument };
    this.hold();
    const answered = new Promise((resolve, reject) => {
      this.#waiting.set(message.id, { resolve, reject });
      this.#worker.postMessage(message);
    });
    return answered.finally(() => this.release()) as Promise<Result<N>>;
  }

  /** This process stays alive until as many calls of release(). */
  hold(): void {
    if (this.#busy++ === 0) this.#worker.ref();
  }

  release(): void {
    if (--this.#busy === 0) this.#worker.unref();
  }

  /** Ends the thread. Preconditions: it has closed what it has. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #take(message: SupervisorMessage): void {
    if (message.kind === "end") this.#events.ended(message.key, message.end);
    else if (message.kind === "failed") this.#events.failed(message.key, revealError(message.error));
    else if (message.kind === "panic") this.#break(`kernel panic: ${message.message}`);
    else {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.kind === "result") waiting?.resolve(message.result);
      else waiting?.reject(revealError(message.error));
    }
  }

  #break(why: string, cause?: Error): void {
    if (this.#problem !== undefined) return;
    const code = cause === undefined && why === "it was closed" ? "ERR_WVISOR_CLOSED" : "ERR_WVISOR_PANIC";
    this.#problem = new WvisorError(code, `the sandbox cannot be used any more: ${why}`, 125, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#problem);
    this.#waiting.clear();
    this.#events.broken(this.#problem);
  }
}
