// A client whose calls wait on the calling thread, by the native helper: it needs no event loop.

import { ECONNRESET, EPIPE, ETIMEDOUT } from "../../assembly/abi/errno.ts";
import { POLLIN, POLLOUT } from "../../assembly/abi/poll.ts";
import { ErrnoError, WvisorError } from "../common/errors.ts";
import type { Native } from "../native/interface.ts";
import { CLOSED, type Message, MessageSocket, PARTIAL } from "./message-socket.ts";
import { DESCRIPTORS_MAX, type Limits, ProtocolError, parseReply } from "./protocol.ts";
import { SCRATCH_SIZE, Scratch } from "./scratch.ts";

/** A server's replies are no secret of ours, but a runaway one must not fill the memory. */
const REPLY_LIMITS: Limits = { bytes: 16 << 20, depth: 64, descriptors: DESCRIPTORS_MAX };

const NS_PER_MS = 1_000_000;
const NO_CANCEL = -1;
/** struct pollfd: fd[4] events[2] revents[2]. */
const POLLFD_SIZE = 8;

export interface CallResult {
  readonly result: unknown;
  /** The caller's. */
  readonly files: readonly number[];
}

export interface CallOptions {
  /** Descriptors that go along; they stay the caller's. */
  readonly files?: readonly number[];
  /** How long the whole call may take; for ever when absent. */
  readonly timeoutMs?: number;
}

export class UrpcClient {
  private readonly native: Native;
  private readonly slot: number;
  private readonly memory = new Uint8Array(SCRATCH_SIZE + POLLFD_SIZE);
  private readonly socket: MessageSocket;
  private open = true;

  /** Ownership: takes `fd`. `slot`: the helper's number for a memory that nobody else uses during a call. */
  constructor(native: Native, fd: number, slot: number) {
    this.native = native;
    this.slot = slot;
    this.socket = new MessageSocket(native, fd, new Scratch(slot, this.memory), REPLY_LIMITS);
  }

  /**
   * (blocks) Calls "Type.Method".
   *
   * Errors: WvisorError, ERR_WVISOR_REFUSED with the server's words where the call failed there. With ERR_WVISOR_URPC nobody knows
   * whether it was made, and the connection is closed.
   */
  call(method: string, arg: unknown = null, { files = [], timeoutMs }: CallOptions = {}): CallResult {
    if (!this.open) throw new ProtocolError(`${method}: the connection is closed`);
    if (files.length > DESCRIPTORS_MAX) {
      throw new ProtocolError(`${method}: more than ${DESCRIPTORS_MAX} descriptors`);
    }
    const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    this.native.registerMemory(this.slot, this.memory);
    try {
      this.socket.send({ method, arg }, files);
      this.sendAll(deadline);
      return this.finish(method, this.receiveAll(deadline));
    } catch (error) {
      if (error instanceof WvisorError && error.code === "ERR_WVISOR_REFUSED") throw error;
      this.close();
      if (error instanceof WvisorError) throw error;
      throw new ProtocolError(`${method}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** (blocks) The same without waiting for an answer: for a server that may be stopped for long. Errors: WvisorError. */
  post(method: string, arg: unknown): void {
    if (!this.open) throw new ProtocolError(`${method}: the connection is closed`);
    this.native.registerMemory(this.slot, this.memory);
    this.socket.send({ method, arg }, []);
    this.sendAll(Number.POSITIVE_INFINITY);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.socket.close();
    this.native.close(this.socket.fd);
  }

  private sendAll(deadline: number): void {
    try {
      while (!this.socket.flush()) this.await(POLLOUT, deadline);
    } catch (error) {
      // A server that has heard enough closes its end: it has said why.
      if (!(error instanceof ErrnoError) || (error.value !== EPIPE && error.value !== ECONNRESET))
        throw error;
    }
  }

  private receiveAll(deadline: number): Message {
    for (;;) {
      const message = this.socket.receive();
      if (message === CLOSED) throw new ErrnoError(ECONNRESET, "recv");
      if (message !== PARTIAL) return message;
      this.await(POLLIN, deadline);
    }
  }

  private finish(method: string, { value, files }: Message): CallResult {
    try {
      const { success, err, result } = parseReply(value);
      if (!success) throw new WvisorError("ERR_WVISOR_REFUSED", `${method}: ${err}`);
      return { result, files: files.takeAll() };
    } finally {
      files.close();
    }
  }

  private await(events: number, deadline: number): void {
    const { native, memory, slot } = this;
    const view = new DataView(memory.buffer);
    view.setInt32(SCRATCH_SIZE, this.socket.fd, true);
    view.setUint32(SCRATCH_SIZE + 4, events, true);
    const left = deadline - performance.now();
    const timeoutNs = deadline === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(left * NS_PER_MS));
    const ready = native.poll(slot, SCRATCH_SIZE, 1, timeoutNs, NO_CANCEL);
    if (ready <= 0) throw new ErrnoError(ready === 0 ? ETIMEDOUT : -ready, "poll");
  }
}
