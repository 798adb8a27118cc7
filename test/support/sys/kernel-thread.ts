// Processes of our kernel on threads of their own: a call may sleep while the test does something else.
//
// A thread is an instance of the kernel that serves one task after the other; it is in the kernel only during a call.

import { existsSync, mkdirSync, renameSync } from "node:fs";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { buildSync } from "esbuild";
import { BUNDLE } from "../../../scripts/bundles.mjs";
import type { Machine, NamespaceHandle, TaskHandle } from "../../../src/host/boot/machine.ts";
import { type DebugKernelExports, THREAD_GONE, THREAD_IN_KERNEL } from "../../../src/host/kernel/exports.ts";
import {
  ANSWER,
  ANSWER_FAILED,
  ANSWER_GONE,
  ANSWER_NONE,
  Board,
  ORDER,
  ORDER_CALL,
  ORDER_ENTER,
  ORDER_QUIT,
} from "./call-board.ts";
import type { CallWorkerData } from "./call-worker.ts";
import { checkInvariants, makeTestTask } from "./kernel.ts";
import { KernelArguments } from "./kernel-arguments.ts";
import type { Argument, ConcurrentProcess, ConcurrentTarget, Identity, PendingCall } from "./target.ts";

const BUILD = path.resolve(import.meta.dirname, "../../../build");
/** Longer than any call of a test takes, whatever else the machine does. */
const ANSWER_MS = 20_000;
const KILLED = 137;
const ROOT: Identity = { uid: 0, gid: 0 };

let worker: string | undefined;

/** The worker's program, bundled once per test file. */
function workerFile(): string {
  if (worker !== undefined && existsSync(worker)) return worker;
  const folder = path.join(BUILD, "test");
  mkdirSync(folder, { recursive: true });
  const fresh = path.join(folder, `call-worker.${process.pid}.cjs`);
  const { plugins: _plugins, ...options } = BUNDLE;
  buildSync({
    ...options,
    // What it looks for lies in build/, where it does not.
    define: { "import.meta.filename": '"bundle"', "import.meta.dirname": JSON.stringify(BUILD) },
    entryPoints: [path.join(import.meta.dirname, "call-worker.ts")],
    outfile: fresh,
  });
  worker = path.join(folder, "call-worker.cjs");
  renameSync(fresh, worker);
  return worker;
}

class KernelThread {
  readonly board: Board;

  constructor({ modules, memory, shared }: Machine) {
    const board = Board.makeBuffer();
    this.board = new Board(board);
    const data: CallWorkerData = { modules, memory, shared, board };
    new Worker(workerFile(), { workerData: data }).unref();
  }

  enter(task: TaskHandle): void {
    this.board.numbers[0] = task;
    this.board.put(ORDER, ORDER_ENTER);
    this.answer();
  }

  answer(): number {
    const answer = this.board.take(ANSWER, ANSWER_NONE, ANSWER_MS);
    if (answer === undefined) throw new Error(`the call has not ended within ${ANSWER_MS} ms`);
    if (answer === ANSWER_FAILED) throw new Error(`the kernel failed: ${this.board.text}`);
    return answer;
  }

  /** The answer to a call whose task was killed. One that was claimed before the call began is refused by a trap. */
  lastAnswer(left: boolean): void {
    if (left) this.answer();
    else if (this.board.take(ANSWER, ANSWER_NONE, ANSWER_MS) === undefined)
      throw new Error("the thread does not answer");
  }
}

class ThreadProcess implements ConcurrentProcess {
  readonly #machine: Machine;
  readonly #thread: KernelThread;
  readonly #task: TaskHandle;
  readonly #arguments: KernelArguments;
  readonly #leave: (thread: KernelThread) => void;
  #pending = false;
  #ended = false;

  constructor(
    machine: Machine,
    thread: KernelThread,
    task: TaskHandle,
    leave: (thread: KernelThread) => void,
  ) {
    this.#machine = machine;
    this.#thread = thread;
    this.#task = task;
    this.#leave = leave;
    this.#arguments = new KernelArguments(machine);
    thread.enter(task);
  }

  syscall(number: number, ...args: readonly Argument[]): number {
    return this.begin(number, ...args).result();
  }

  begin(number: number, ...args: readonly Argument[]): PendingCall {
    if (this.#pending) throw new Error("the process is in a call");
    const { board } = this.#thread;
    const values = this.#arguments.place(args);
    board.numbers.fill(0).set([number, ...values]);
    this.#pending = true;
    board.put(ORDER, ORDER_CALL);
    let result: number | undefined;
    return {
      isDone: () => result !== undefined || board.peek(ANSWER) !== ANSWER_NONE,
      result: () => {
        if (result !== undefined) return result;
        if (this.#thread.answer() === ANSWER_GONE) throw new Error("the process was killed");
        this.#pending = false;
        result = board.numbers[0]!;
        this.#arguments.takeBack(args, values);
        return result;
      },
    };
  }

  kill(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { kernel } = this.#machine;
    kernel.task_kill(this.#task, KILLED);
    const latest = performance.now() + ANSWER_MS;
    let state = kernel.task_claim(this.#task);
    while (state === THREAD_IN_KERNEL) {
      if (performance.now() > latest) throw new Error("the task does not leave the kernel");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      state = kernel.task_claim(this.#task);
    }
    if (this.#pending) this.#thread.lastAnswer(state === THREAD_GONE);
    if (state !== THREAD_GONE) kernel.task_reap(this.#task);
    this.#arguments.free();
    kernel.task_free(this.#task);
    this.#leave(this.#thread);
  }

  end(): void {
    this.kill();
  }
}

/** Threads over one machine, used again from test to test. */
export class KernelThreads {
  readonly #machine: Machine;
  readonly #all: KernelThread[] = [];
  readonly #free: KernelThread[] = [];

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** The tree of `namespace`, which it releases in the end. */
  target(namespace: NamespaceHandle, name: string): ConcurrentTarget {
    const processes: ThreadProcess[] = [];
    return {
      name,
      process: (identity = ROOT) => {
        const made = this.#process(namespace, identity);
        processes.push(made);
        return made;
      },
      sharing: () => {
        const pair = this.#pair(namespace);
        processes.push(...pair);
        return pair;
      },
      end: () => {
        for (const each of processes) each.end();
        checkInvariants(this.#machine);
        this.#machine.kernel.namespace_release(namespace);
        checkInvariants(this.#machine);
      },
    };
  }

  #process(namespace: NamespaceHandle, identity: Identity): ThreadProcess {
    return this.#run(makeTestTask(this.#machine, namespace, identity));
  }

  #pair(namespace: NamespaceHandle): [ThreadProcess, ThreadProcess] {
    const one = makeTestTask(this.#machine, namespace, ROOT);
    const other = makeTestTask(this.#machine, namespace, ROOT);
    const { share_files } = this.#machine.kernel as Partial<DebugKernelExports>;
    if (share_files === undefined) throw new Error("only the debug kernel has tasks share descriptors");
    share_files(other, one);
    return [this.#run(one), this.#run(other)];
  }

  #run(task: TaskHandle): ThreadProcess {
    const thread = this.#free.pop() ?? this.#start();
    return new ThreadProcess(this.#machine, thread, task, (left) => this.#free.push(left));
  }

  #start(): KernelThread {
    const thread = new KernelThread(this.#machine);
    this.#all.push(thread);
    return thread;
  }

  close(): void {
    for (const { board } of this.#all) board.put(ORDER, ORDER_QUIT);
  }
}
