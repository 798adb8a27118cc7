// One connection over a stream of Node's: a socket, or one end of a pair. The gofer process has another loop, its own.
//
// A frame that cannot be one (shorter than its header, longer than agreed) ends the connection, since nobody knows where the
// next one starts. Everything else is answered.
//
// Bounds: a client that takes no replies, or has as much under way as the dispatcher allows, is not listened to until that has
// changed; so what is kept for it is those requests, what the stream read ahead, and what the stream buffers. Clients that send
// many messages at once take turns.

import type { Duplex } from "node:stream";
import { P9_HEADER } from "../../../assembly/abi/p9.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { Session } from "./session.ts";

/** Messages in a row from one connection. */
const TURN = 64;

export class StreamConnection {
  /** Resolves when the connection has ended and all its files are closed. */
  readonly ended: Promise<void>;
  private readonly stream: Duplex;
  private readonly session: Session;
  private readonly dispatcher: Dispatcher;
  /** What was received and not answered, oldest first. */
  private chunks: Buffer[] = [];
  private received = 0;
  private isBlocked = false;
  private isScheduled = false;
  private hasEnded = false;

  /** Preconditions: the memory of the session's tree has room for a whole request at `input`. */
  constructor(stream: Duplex, session: Session, input: number) {
    this.stream = stream;
    this.session = session;
    this.dispatcher = new Dispatcher(session, input, {
      send: (reply) => this.send(reply),
      resume: () => this.serve(),
    });
    stream.on("data", (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.received += chunk.length;
      this.serve();
    });
    stream.on("drain", () => {
      this.isBlocked = false;
      this.serve();
    });
    stream.on("end", () => stream.end());
    stream.on("error", () => stream.destroy());
    this.ended = new Promise((resolve) => {
      stream.once("close", () => resolve(this.release()));
    });
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.stream.destroy();
  }

  private serve(): void {
    if (this.isScheduled) return;
    for (let answered = 0; this.isListening; answered++) {
      const length = this.frameLength();
      if (length === 0) break;
      if (length < 0) {
        this.stream.destroy();
        return;
      }
      if (answered === TURN) {
        this.isScheduled = true;
        setImmediate(() => {
          this.isScheduled = false;
          this.serve();
        });
        break;
      }
      this.answer(length);
    }
    // What has come is answered before more is read.
    if (this.isListening && !this.isScheduled) this.stream.resume();
    else this.stream.pause();
  }

  private get isListening(): boolean {
    return !this.isBlocked && !this.hasEnded && this.dispatcher.hasRoom;
  }

  /** The length of the next frame when all of it is there, 0 when not, -1 when it cannot be one. */
  private frameLength(): number {
    if (this.received < 4) return 0;
    const length = this.head(4).readUInt32LE(0);
    if (length < P9_HEADER || length > this.session.messageSize) return -1;
    return this.received < length ? 0 : length;
  }

  private answer(length: number): void {
    const frame = this.head(length).subarray(0, length);
    this.chunks[0] = this.chunks[0]!.subarray(length);
    this.received -= length;
    this.dispatcher.accept(frame);
  }

  private send(reply: Uint8Array): void {
    // A copy: the stream may keep what it was given.
    if (this.stream.writable && !this.stream.write(Buffer.from(reply))) this.isBlocked = true;
  }

  /** The first chunk, made of several where need be so that it has `length` bytes. */
  private head(length: number): Buffer {
    while (this.chunks.length > 0 && this.chunks[0]!.length === 0) this.chunks.shift();
    if (this.chunks[0]!.length < length) this.chunks = [Buffer.concat(this.chunks, this.received)];
    return this.chunks[0]!;
  }

  private release(): Promise<void> {
    this.hasEnded = true;
    this.chunks = [];
    return this.dispatcher.close();
  }
}
