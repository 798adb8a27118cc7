// The gofers of a sandbox: processes that serve trees of the host to it. Each is told at its start what it serves and can be told
// nothing else later, so each tree that is mounted later has a gofer of its own.

import { EAGAIN } from "../../../assembly/abi/errno.ts";
import type { ConfinementLevel } from "../../common/confinement.ts";
import { WvisorError } from "../../common/errors.ts";
import { Connections } from "../../host/boot/connections.ts";
import {
  type GoferMount,
  type GoferProcess,
  reapGofer,
  startGofer,
} from "../../host/sandbox/gofer-process.ts";
import type { Native } from "../../native/index.ts";
import type { ConnectedTree } from "../protocol.ts";

/** Each is a process. */
const GOFERS_MAX = 64;
const SIGKILL = 9;
/** A gofer that has nobody to serve ends within milliseconds; one that waits for a disk may take as long. */
const END_MS = 2000;
const REAP_INTERVAL_MS = 5;
/** What reapGofer() says of one that has not ended. */
const STILL_THERE = "closed a connection";

interface Serving {
  readonly gofer: GoferProcess;
  /** The kernel's numbers of its connections. */
  readonly numbers: readonly number[];
  /** The process has ended and was reaped. */
  ended: boolean;
}

export class Gofers {
  readonly #native: Native;
  readonly #connections: Connections;
  readonly #confinement: ConfinementLevel | undefined;
  readonly #serving: Serving[] = [];
  readonly #trees = new Map<number, ConnectedTree>();

  constructor(native: Native, connections: SharedArrayBuffer, confinement: ConfinementLevel | undefined) {
    this.#native = native;
    this.#connections = new Connections(connections);
    this.#confinement = confinement;
  }

  get pids(): number[] {
    return this.#serving.filter(({ ended }) => !ended).map(({ gofer }) => gofer.pid);
  }

  /** Those whose file systems are still there. */
  get trees(): ConnectedTree[] {
    return [...this.#trees.values()].filter(({ connection }) => this.isConnected(connection));
  }

  isConnected(connection: number): boolean {
    return this.#connections.socket(connection) !== undefined;
  }

  /** Starts one more; the number of its first connection, which the others follow. Errors: WvisorError. */
  serve(mounts: readonly GoferMount[]): number {
    const gofer = this.#spawn(mounts);
    const first = this.#connections.add(gofer.sockets, true, gofer.windows);
    this.#remember(
      gofer,
      mounts,
      mounts.map((_mount, index) => first + index),
    );
    return first;
  }

  /** Starts one more that serves trees under the numbers that they had, which are free. Errors: WvisorError. */
  serveAgain(trees: readonly ConnectedTree[]): void {
    if (trees.length === 0) return;
    const mounts = trees.map(({ source, readonly }) => ({ source, readonly, donate: true }));
    const gofer = this.#spawn(mounts);
    trees.forEach(({ connection }, index) => {
      this.#connections.put(connection, gofer.sockets[index]!, true, gofer.windows[index]);
    });
    this.#remember(
      gofer,
      mounts,
      trees.map(({ connection }) => connection),
    );
  }

  #spawn(mounts: readonly GoferMount[]): GoferProcess {
    this.#sweep();
    if (this.#serving.length >= GOFERS_MAX) {
      throw new WvisorError("ERR_WVISOR_LIMIT", `a sandbox may have ${GOFERS_MAX} gofers at a time`);
    }
    return startGofer(this.#native, mounts, { windows: true, confinement: this.#confinement });
  }

  #remember(gofer: GoferProcess, mounts: readonly GoferMount[], numbers: readonly number[]): void {
    this.#serving.push({ gofer, numbers, ended: false });
    mounts.forEach(({ source, readonly }, index) => {
      const connection = numbers[index]!;
      this.#trees.set(connection, { connection, source, readonly });
    });
  }

  /** After a failure of one of its file systems: how the gofer that serves a connection ended, where it did. */
  endOf(connection: number): string | undefined {
    const serving = this.#serving.find(({ numbers }) => numbers.includes(connection));
    if (serving === undefined || serving.ended) return undefined;
    const end = reapGofer(this.#native, serving.gofer.pid);
    if (end === STILL_THERE) return undefined;
    serving.ended = true;
    return end;
  }

  /** The kernel uses none of those that were served with this one. */
  release(connection: number): void {
    const serving = this.#serving.find(({ numbers }) => numbers.includes(connection));
    for (const number of serving?.numbers ?? []) this.#connections.release(this.#native, number);
  }

  /** Ends all; settles when none is left. Preconditions: nobody in the kernel uses a connection. */
  async end(): Promise<void> {
    for (const { numbers } of this.#serving) {
      for (const number of numbers) this.#connections.release(this.#native, number);
    }
    const until = performance.now() + END_MS;
    while (this.#sweep() > 0) {
      if (performance.now() > until) for (const pid of this.pids) process.kill(pid, SIGKILL);
      await new Promise((resolve) => setTimeout(resolve, REAP_INTERVAL_MS));
    }
  }

  /** Forgets those that have ended and of which the kernel has no connection any more; how many are left. */
  #sweep(): number {
    for (let index = this.#serving.length - 1; index >= 0; index--) {
      const serving = this.#serving[index]!;
      serving.ended ||= this.#native.waitpid(serving.gofer.pid, 0) !== -EAGAIN;
      if (!serving.ended || serving.numbers.some((number) => this.isConnected(number))) continue;
      this.#serving.splice(index, 1);
      for (const number of serving.numbers) this.#trees.delete(number);
      if (serving.gofer.map !== undefined) this.#native.windowsUnmap(serving.gofer.map);
    }
    return this.#serving.length;
  }
}
