// One connection: receives bytes, answers the messages in them, sends the replies.
//
// A frame that cannot be one (shorter than its header, longer than agreed) ends the connection, since nobody knows
// where the next one starts. Everything else is answered, with Rlerror where need be.
//
// Bytes are received as they come, several messages or part of one, so that a client that stops in the middle of a
// message, or sends many at once, takes nobody else's time. Nor does one that takes no replies: a connection is asked
// to answer only while its channel has room.

import { EAGAIN } from "../../assembly/abi/errno.ts";
import { P9_HEADER, P9_MSIZE } from "../../assembly/abi/p9.ts";
import { Responder } from "../p9/server/responder.ts";
import type { Session } from "../p9/server/session.ts";
import type { Arena } from "./arena.ts";
import type { Channel } from "./channel.ts";

/** No whole message is left. */
export const IDLE = 0;
/** More whole messages are there. */
export const BACKLOG = 1;
/** The client does not take its replies. */
export const BLOCKED = 2;
/** The client has gone, or cannot be understood. */
export const ENDED = 3;
/** What a message asked for goes on elsewhere; the next one has to wait for finish(). */
export const WAITING = 4;
export type Outcome = typeof IDLE | typeof BACKLOG | typeof BLOCKED | typeof ENDED | typeof WAITING;

export class Connection {
  readonly channel: Channel;
  private readonly session: Session;
  private readonly responder: Responder;
  private readonly arena: Arena;
  /** The input is [base, base + P9_MSIZE) of the arena, of which [start, end) has been received and not answered. */
  private readonly base: number;
  private start: number;
  private end: number;
  private readonly released: () => void;

  /** The input of `arena` that starts at `base` is this connection's, until it is closed and `released` is called. */
  constructor(channel: Channel, session: Session, arena: Arena, base: number, released: () => void) {
    this.channel = channel;
    this.session = session;
    this.responder = new Responder(session);
    this.arena = arena;
    this.base = base;
    this.start = base;
    this.end = base;
    this.released = released;
  }

  get socket(): number {
    return this.channel.socket;
  }

  /**
   * Waits for bytes and takes them. Returns their number, 0 at the end of the stream, or -errno.
   * Preconditions: no whole message is left, so that there is room for the rest of one.
   */
  receive(): number {
    if (this.start === this.end) {
      this.start = this.base;
      this.end = this.base;
    } else if (this.start > this.base) {
      this.arena.bytes.copyWithin(this.base, this.start, this.end);
      this.end -= this.start - this.base;
      this.start = this.base;
    }
    const count = this.channel.receive(this.end, this.base + P9_MSIZE - this.end);
    if (count > 0) this.end += count;
    return count;
  }

  /** Answers up to `limit` messages: those that were left, else those that have come. */
  turn(limit: number): Outcome {
    const outcome = this.serve(limit, false);
    if (outcome !== IDLE) return outcome;
    const received = this.receive();
    if (received === -EAGAIN) return IDLE;
    return received <= 0 ? ENDED : this.serve(limit, false);
  }

  /** Answers up to `limit` of the messages received. With `patient`, waits for a client that takes no replies. */
  serve(limit: number, patient: boolean): Outcome {
    for (let answered = 0; ; answered++) {
      const length = this.nextLength();
      if (length < 0) return ENDED;
      if (length === 0) return IDLE;
      if (answered >= limit) return BACKLOG;
      if (!patient && !this.channel.hasRoom()) return BLOCKED;
      const outcome = this.answer(length, answered + 1 < limit);
      if (outcome !== IDLE) return outcome;
    }
  }

  /** What a message asked for has ended with `status`. Returns ENDED when the reply cannot be sent, else IDLE. */
  finish(status: number): Outcome {
    return this.send(this.responder.finish(status), false);
  }

  /** Frees what the client held. */
  close(): void {
    this.session.close();
    this.channel.close();
    this.released();
  }

  /** The length of the message at `start`; 0 when it is not all there, -1 when it is none. */
  private nextLength(): number {
    const available = this.end - this.start;
    if (available < 4) return 0;
    const length = this.arena.view.getUint32(this.start, true);
    if (length < P9_HEADER || length > this.session.messageSize) return -1;
    return available < length ? 0 : length;
  }

  /**
   * Answers the message of `length` bytes at `start` and steps over it; `goesOn` if the next one is answered at once. IDLE when the
   * reply was sent, ENDED when it cannot be, WAITING when there is none yet.
   */
  private answer(length: number, goesOn: boolean): Outcome {
    const { start } = this;
    this.start = start + length;
    const replyLength = this.responder.answer(start, length);
    return replyLength === 0 ? WAITING : this.send(replyLength, goesOn && this.nextLength() > 0);
  }

  private send(length: number, more: boolean): Outcome {
    return this.channel.send(length, this.session.donation, more) >= 0 ? IDLE : ENDED;
  }
}
