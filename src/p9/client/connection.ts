// A client's end of a connection: requests out, replies in, matched by tag.
//
// The server is not trusted. A reply that cannot be one (no frame, a tag that nobody waits for, another type than was asked for,
// fields that are not its own) ends the connection, and every request with it.
//
// Bounds: as many requests are under way as there are tags, minus one; further ones wait their turn.

import type { Duplex } from "node:stream";
import { P9_HEADER, P9_NOTAG, P9_RLERROR } from "../../../assembly/abi/p9.ts";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import { type CallName, decode, encode, type FieldsOf, MESSAGES, type MessageName } from "../messages.ts";

export type Request<C extends CallName> = FieldsOf<`T${C}`>;
export type Reply<C extends CallName> = `R${C}` extends MessageName ? FieldsOf<`R${C}`> : never;

interface Pending {
  readonly call: CallName;
  readonly resolve: (reply: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Linux's MAX_ERRNO. */
const ERRNO_MAX = 4095;

export class ClientConnection {
  /** The largest message in either direction; the client sets what was agreed. */
  messageSize: number;
  private readonly stream: Duplex;
  private readonly pending = new Map<number, Pending>();
  /** Tags whose Rflush is not there yet. */
  private readonly flushing = new Set<number>();
  private readonly waiting: (() => void)[] = [];
  /** Tags below the next one that nobody uses. */
  private readonly freeTags: number[] = [];
  private nextTag = 0;
  private chunks: Buffer[] = [];
  private received = 0;
  private failure: Error | undefined;

  constructor(stream: Duplex, messageSize: number) {
    this.stream = stream;
    this.messageSize = messageSize;
    stream.on("data", (chunk: Buffer) => this.receive(chunk));
    stream.on("error", (error) => this.fail(lost(error.message, error)));
    stream.on("end", () => this.fail(lost("the server has closed the connection")));
    stream.on("close", () => this.fail(lost("the connection was closed")));
  }

  /** Requests without a reply. */
  get outstanding(): number {
    return this.pending.size;
  }

  /**
   * Sends a request and gives its reply. Rejects with an ErrnoError for Rlerror, with a WvisorError (ERR_WVISOR_P9) when the
   * connection ends first, and with a RangeError for what is larger than the server takes.
   *
   * When `signal` is aborted the request is flushed: the promise rejects with the signal's reason once the server has agreed,
   * unless the reply came before.
   */
  async call<C extends CallName>(call: C, fields: Request<C>, signal?: AbortSignal): Promise<Reply<C>> {
    signal?.throwIfAborted();
    const tag = call === "version" ? P9_NOTAG : await this.takeTag();
    if (this.failure !== undefined) throw this.failure;
    const frame = encode(`T${call}`, tag, fields as never);
    if (frame.length > this.messageSize) {
      throw new RangeError(`a message of ${frame.length} bytes, where ${this.messageSize} were agreed on`);
    }
    const onAbort = (): void => this.flush(tag, signal!.reason);
    try {
      return await new Promise<Reply<C>>((resolve, reject) => {
        this.pending.set(tag, { call, resolve, reject });
        signal?.addEventListener("abort", onAbort, { once: true });
        this.stream.write(frame);
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends the connection. */
  close(): void {
    this.fail(lost("the connection was closed"));
  }

  /** Asks the server to forget a request. Its tag is used again only when the server has answered. */
  private flush(oldtag: number, reason: unknown): void {
    const flushed = this.pending.get(oldtag);
    if (flushed === undefined || this.flushing.has(oldtag)) return;
    this.flushing.add(oldtag);
    this.call("flush", { oldtag }).then(
      () => {
        this.flushing.delete(oldtag);
        if (this.pending.get(oldtag) === flushed) {
          this.release(oldtag);
          flushed.reject(reason);
        } else {
          this.giveTag(oldtag);
        }
      },
      () => {
        // The connection is gone, and has told all who waited.
      },
    );
  }

  private async takeTag(): Promise<number> {
    while (this.freeTags.length === 0 && this.nextTag === P9_NOTAG && this.failure === undefined) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    return this.freeTags.pop() ?? this.nextTag++;
  }

  /** A request has its answer. */
  private release(tag: number): void {
    this.pending.delete(tag);
    if (!this.flushing.has(tag)) this.giveTag(tag);
  }

  private giveTag(tag: number): void {
    if (tag === P9_NOTAG) return;
    this.freeTags.push(tag);
    this.waiting.shift()?.();
  }

  private receive(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.received += chunk.length;
    while (this.received >= 4 && this.failure === undefined) {
      const length = this.head(4).readUInt32LE(0);
      if (length < P9_HEADER || length > this.messageSize) {
        this.fail(violation(`a message of ${length} bytes`));
        return;
      }
      if (this.received < length) return;
      const frame = this.head(length).subarray(0, length);
      this.chunks[0] = this.chunks[0]!.subarray(length);
      this.received -= length;
      this.accept(frame);
    }
  }

  /** The first chunk, made of several where need be so that it has `length` bytes. */
  private head(length: number): Buffer {
    while (this.chunks.length > 1 && this.chunks[0]!.length === 0) this.chunks.shift();
    if (this.chunks[0]!.length < length) this.chunks = [Buffer.concat(this.chunks, this.received)];
    return this.chunks[0]!;
  }

  private accept(frame: Buffer): void {
    const type = frame.readUInt8(4);
    const tag = frame.readUInt16LE(5);
    const pending = this.pending.get(tag);
    if (pending === undefined) {
      this.fail(violation(`a reply to tag ${tag}, which nobody waits for`));
      return;
    }
    try {
      if (type === P9_RLERROR) {
        const { ecode } = decode("Rlerror", frame);
        if (ecode === 0 || ecode > ERRNO_MAX) throw new Error(`errno ${ecode}`);
        this.release(tag);
        pending.reject(new ErrnoError(ecode, pending.call));
        return;
      }
      const reply = `R${pending.call}` as MessageName;
      if (type !== MESSAGES[reply].type) throw new Error(`a reply of type ${type} to T${pending.call}`);
      const fields = decode(reply, frame);
      this.release(tag);
      pending.resolve(fields as never);
    } catch (error) {
      this.fail(violation((error as Error).message, error));
    }
  }

  private fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.chunks = [];
    this.received = 0;
    this.stream.destroy();
    const all = [...this.pending.values()];
    this.pending.clear();
    for (const { reject } of all) reject(error);
    for (const resume of this.waiting.splice(0)) resume();
  }
}

function lost(message: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_P9", message, undefined, { cause });
}

function violation(what: string, cause?: unknown): WvisorError {
  return new WvisorError("ERR_WVISOR_P9", `the server broke the protocol: ${what}`, undefined, { cause });
}
