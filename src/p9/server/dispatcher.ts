// Decides when the requests of one connection are answered.
//
// Where files answer at once so does the server, in order. A request that waits for a file (call.ts) lets later ones pass, but for
// those that it could matter to:
//
//   fids        Two requests that name one fid are answered in the order in which they came, unless both only read. So Tclunk waits
//               for what runs on its fid, and a client may send Twalk and what uses its newfid together.
//   Tflush      A request that has not begun is dropped. One that only reads is forgotten: it is told (AbortSignal), and never
//               answered. Any other may have changed something, so the client hears of it: the request is told, and calls no
//               further method; its answer comes, and then Rflush.
//   Tversion    drops and forgets all, and begins when nothing runs any more.
//   tags        A request whose tag is another's that waits is refused: EINVAL.
//   the end     of the connection drops and tells all. Files are closed when nothing runs on them any more.
//
// Bounds: RUNNING_MAX requests wait for files, WAITING_MAX for their turn; beyond that the client is not listened to.

import { EINVAL } from "../../../assembly/abi/errno.ts";
import { P9_HEADER, P9_RFLUSH, P9_RLERROR, P9_TFLUSH, P9_TVERSION } from "../../../assembly/abi/p9.ts";
import type { Call } from "./call.ts";
import { REPLY } from "./memory.ts";
import { PendingRequest } from "./pending-request.ts";
import { Responder } from "./responder.ts";
import type { Session } from "./session.ts";

/** Each may have a message's size of data on its way. */
const RUNNING_MAX = 32;
const WAITING_MAX = 64;

const TYPE = 4;
const TAG = 5;
const FLUSH_SIZE = P9_HEADER + 2;

/** The connection, as its dispatcher knows it. */
export interface ReplySink {
  /** Sends a copy of the reply: its memory is used again. */
  send(reply: Uint8Array): void;
  /** There is room for requests again. */
  resume(): void;
}

export class Dispatcher {
  private readonly session: Session;
  private readonly responder: Responder;
  /** Where the memory has room for a request. */
  private readonly input: number;
  private readonly sink: ReplySink;
  /** What is not answered yet, in the order in which it came. */
  private readonly requests: PendingRequest[] = [];
  private running = 0;
  private onIdle: (() => void) | undefined;

  constructor(session: Session, input: number, sink: ReplySink) {
    this.session = session;
    this.responder = new Responder(session);
    this.input = input;
    this.sink = sink;
  }

  /** Whether one more request may come. */
  get hasRoom(): boolean {
    return this.requests.length - this.running < WAITING_MAX;
  }

  /** Answers a whole message, now or later. `frame` is the caller's memory. Preconditions: `hasRoom`. */
  accept(frame: Uint8Array): void {
    if (this.requests.length === 0) {
      this.start(frame);
      return;
    }
    const copy = Buffer.from(frame);
    const tag = copy.readUInt16LE(TAG);
    const type = copy.readUInt8(TYPE);
    if (type === P9_TVERSION) this.dropAll();
    if (this.find(tag) !== undefined) this.sink.send(errorFrame(tag, EINVAL));
    else if (type === P9_TFLUSH && copy.length === FLUSH_SIZE) this.flush(copy);
    else this.enqueue(new PendingRequest(copy));
  }

  /** The connection has ended. Resolves when its files are closed. */
  async close(): Promise<void> {
    this.dropAll();
    if (this.requests.length > 0) {
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
      });
    }
    const call = this.session.tree.calls?.begin();
    this.session.close();
    await call?.end();
  }

  private find(tag: number): PendingRequest | undefined {
    return this.requests.find((request) => request.tag === tag && !request.isForgotten);
  }

  private enqueue(request: PendingRequest): void {
    this.requests.push(request);
    this.startNext();
  }

  private flush(frame: Buffer): void {
    const flushed = this.find(frame.readUInt16LE(P9_HEADER));
    if (flushed?.call !== undefined && !flushed.isReading) {
      flushed.call.cancel();
      this.enqueue(new PendingRequest(frame, flushed));
      return;
    }
    if (flushed !== undefined) this.forget(flushed);
    this.sink.send(frameOf(P9_RFLUSH, frame.readUInt16LE(TAG)));
    // Others may have waited for what is not there any more.
    this.startNext();
  }

  private dropAll(): void {
    for (const request of [...this.requests]) this.forget(request);
  }

  /** The request gets no answer. */
  private forget(request: PendingRequest): void {
    request.isForgotten = true;
    if (request.call === undefined) this.remove(request);
    else request.call.cancel();
  }

  private remove(request: PendingRequest): void {
    this.requests.splice(this.requests.indexOf(request), 1);
  }

  /** Begins what needs not wait any more. */
  private startNext(): void {
    for (let at = 0; at < this.requests.length; ) {
      const request = this.requests[at]!;
      if (request.call === undefined && this.mayStart(at) && this.start(request.frame, request)) {
        this.requests.splice(at, 1);
      } else {
        at++;
      }
    }
  }

  private mayStart(at: number): boolean {
    if (this.running >= RUNNING_MAX) return false;
    const request = this.requests[at]!;
    for (let before = 0; before < at; before++) {
      if (request.mustFollow(this.requests[before]!)) return false;
    }
    return true;
  }

  /** Begins a request. True when it is answered; else it is among `requests`, where it is already when it is `known`. */
  private start(frame: Uint8Array, known?: PendingRequest): boolean {
    const call = this.session.tree.calls?.begin();
    const reply = this.run(frame);
    const error = call === undefined ? 0 : call.pending === undefined ? call.end() : undefined;
    if (typeof error === "number") {
      this.sink.send(withError(reply, error));
      return true;
    }
    const request = known ?? new PendingRequest(Buffer.from(frame));
    request.call = call;
    if (known === undefined) this.requests.push(request);
    this.running++;
    void this.complete(request, call!, Buffer.from(reply), error);
    return false;
  }

  /** Sees a request to its end that waits for a file, or for those that it has closed (`ending`). */
  private async complete(
    request: PendingRequest,
    call: Call,
    reply: Buffer,
    ending?: Promise<number>,
  ): Promise<void> {
    let answer = reply;
    while (call.pending !== undefined) {
      await call.pending;
      // One that only reads leaves nothing that has to be brought to an end.
      if (request.isForgotten && request.isReading) break;
      this.session.tree.calls!.resume(call);
      answer = Buffer.from(this.run(request.frame));
    }
    const error = await (ending ?? call.end());
    this.running--;
    this.remove(request);
    if (!request.isForgotten) this.sink.send(withError(answer, error));
    this.startNext();
    if (this.requests.length === 0) this.onIdle?.();
    this.sink.resume();
  }

  /** Has a request answered, as far as it goes. The reply is in the memory. */
  private run(frame: Uint8Array): Uint8Array {
    const { bytes } = this.session.tree.memory;
    bytes.set(frame, this.input);
    return bytes.subarray(REPLY, REPLY + this.responder.answer(this.input, frame.length));
  }
}

/** The reply, or the error that came up behind it. */
function withError(reply: Uint8Array, error: number): Uint8Array {
  if (error === 0 || reply[TYPE] === P9_RLERROR) return reply;
  return errorFrame(reply[TAG]! | (reply[TAG + 1]! << 8), error);
}

function errorFrame(tag: number, errno: number): Buffer {
  const ecode = Buffer.alloc(4);
  ecode.writeUInt32LE(errno);
  return frameOf(P9_RLERROR, tag, ecode);
}

function frameOf(type: number, tag: number, fields: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(P9_HEADER);
  head.writeUInt32LE(P9_HEADER + fields.length);
  head.writeUInt8(type, TYPE);
  head.writeUInt16LE(tag, TAG);
  return Buffer.concat([head, fields]);
}
