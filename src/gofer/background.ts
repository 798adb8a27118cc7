// Host calls that may take long, made by threads of the helper while the server goes on with other connections.
//
// The connection that asked answers nothing else meanwhile, so each has one such call at most, and what the call is about stays
// open. With nobody else there is no need: then calls are made at once.

import type { Wide } from "../common/wide.ts";
import {
  BACKGROUND_FALLOCATE,
  BACKGROUND_FDATASYNC,
  BACKGROUND_FSYNC,
  type Native,
} from "../native/interface.ts";
import { UNDER_WAY } from "../p9/server/tree.ts";
import type { Connection } from "./connection.ts";

/** A call that the host lets nobody end keeps one of them, and the others go on. */
const THREADS = 4;
const ERRNOS = 4096;
const IDS = 2 ** 30;

export interface Completion {
  readonly connection: Connection;
  /** What the call returned: 0 or -errno. */
  readonly status: number;
}

export class Background {
  /** An eventfd, which counts calls that are done. Nobody resets it: what matters is that it was written to. */
  readonly bell: number;
  /** Whether anybody else is to be served meanwhile. */
  isNeeded = false;
  private readonly native: Native;
  private readonly connections = new Map<number, Connection>();
  private nextId = 0;
  /** The call that was just asked for. */
  private asked = 0;

  /** Errors: -errno, as of backgroundStart(). Precondition: the process is not confined yet. */
  static start(native: Native, capacity: number): Background | number {
    const bell = native.eventfd(0);
    if (bell < 0) return bell;
    const status = native.backgroundStart(THREADS, capacity, bell);
    return status < 0 ? status : new Background(native, bell);
  }

  private constructor(native: Native, bell: number) {
    this.native = native;
    this.bell = bell;
  }

  /** Whether a connection waits for a call. */
  get isBusy(): boolean {
    return this.connections.size > 0;
  }

  /** Whether the connection waits for a call, which uses its files. */
  isAwaitedBy(connection: Connection): boolean {
    for (const each of this.connections.values()) if (each === connection) return true;
    return false;
  }

  /** Returns UNDER_WAY, or what the call returned. */
  fsync(fd: number, dataOnly: boolean): number {
    const kind = dataOnly ? BACKGROUND_FDATASYNC : BACKGROUND_FSYNC;
    return this.ask(kind, fd, 0, 0, 0) ? UNDER_WAY : this.native.fsync(fd, Number(dataOnly));
  }

  fallocate(fd: number, mode: number, offset: Wide, length: Wide): number {
    const isAsked = this.ask(BACKGROUND_FALLOCATE, fd, mode, offset, length);
    return isAsked ? UNDER_WAY : this.native.fallocate(fd, mode, offset, length);
  }

  /** Says whose call was just asked for. */
  await(connection: Connection): void {
    this.connections.set(this.asked, connection);
  }

  /** A call that is done, if there is one. */
  take(): Completion | undefined {
    const result = this.native.backgroundTake();
    if (result < 0) return undefined;
    const id = Math.floor(result / ERRNOS);
    const connection = this.connections.get(id)!;
    this.connections.delete(id);
    return { connection, status: -(result % ERRNOS) };
  }

  private ask(kind: number, fd: number, mode: number, offset: Wide, length: Wide): boolean {
    if (!this.isNeeded) return false;
    this.asked = this.nextId;
    this.nextId = (this.nextId + 1) % IDS;
    return this.native.backgroundAsk(this.asked, kind, fd, mode, offset, length) === 0;
  }
}
