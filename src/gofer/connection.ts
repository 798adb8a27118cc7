// One connection: receives bytes, answers the messages in them, sends the replies.
//
// A frame that cannot be one (shorter than its header, longer than agreed) ends the connection, since nobody knows
// where the next one starts. Everything else is answered, with Rlerror where need be.
//
// Bytes are received as they come, several messages or part of one, so that a client that stops in the middle of a
// message, or sends many at once, takes nobody else's time. Nor does one that takes no replies: a connection is asked
// to answer only while the socket has room (`hasRoom`).

import { P9_HEADER, P9_MSIZE } from "../../assembly/abi/p9.ts";
import { POLLOUT } from "../../assembly/abi/poll.ts";
import type { Native } from "../native/interface.ts";
import { REPLY } from "../p9/server/memory.ts";
import { Responder } from "../p9/server/responder.ts";
import type { Session } from "../p9/server/session.ts";
import { type Arena, POLL, SLOT } from "./arena.ts";

/** No whole message is left. */
export const IDLE = 0;
/** More whole messages are there. */
export const BACKLOG = 1;
/** The client does not take its replies. */
export const BLOCKED = 2;
/** The client has gone, or cannot be understood. */
export const ENDED = 3;
export type Outcome = typeof IDLE | typeof BACKLOG | typeof BLOCKED | typeof ENDED;

/**
 * How many bytes may be sent after the socket was seen to have room before it is looked at again. The kernel calls a
 * socket writable while a quarter of its buffer (212,992 bytes) is used, and takes any message while some of it is free.
 */
const ROOM = 32768;
/** What the kernel counts for a message besides its bytes, about. */
const MESSAGE_COST = 1024;

export class Connection {
  readonly socket: number;
  private readonly session: Session;
  private readonly responder: Responder;
  private readonly native: Native;
  private readonly arena: Arena;
  /** The input is [base, base + P9_MSIZE) of the arena, of which [start, end) has been received and not answered. */
  private readonly base: number;
  private start: number;
  private end: number;
  private room = 0;
  private readonly released: () => void;

  /** The input of `arena` that starts at `base` is this connection's, until it is closed and `released` is called. */
  constructor(
    socket: number,
    session: Session,
    native: Native,
    arena: Arena,
    base: number,
    released: () => void,
  ) {
    this.socket = socket;
    this.session = session;
    this.responder = new Responder(session);
    this.native = native;
    this.arena = arena;
    this.base = base;
    this.start = base;
    this.end = base;
    this.released = released;
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
    const count = this.native.read(this.socket, SLOT, this.end, this.base + P9_MSIZE - this.end);
    if (count > 0) this.end += count;
    return count;
  }

  /** Answers up to `limit` of the messages received. With `patient`, waits for a client that takes no replies. */
  serve(limit: number, patient: boolean): Outcome {
    for (let answered = 0; ; answered++) {
      const available = this.end - this.start;
      if (available < 4) return IDLE;
      const length = this.arena.view.getUint32(this.start, true);
      if (length < P9_HEADER || length > this.session.messageSize) return ENDED;
      if (available < length) return IDLE;
      if (answered >= limit) return BACKLOG;
      if (!patient && !this.hasRoom()) return BLOCKED;
      if (!this.answer(length)) return ENDED;
    }
  }

  /** Frees what the client held. */
  close(): void {
    this.session.close();
    this.native.close(this.socket);
    this.released();
  }

  /** Answers the message of `length` bytes at `start` and steps over it. False when the reply cannot be sent. */
  private answer(length: number): boolean {
    const { start, session } = this;
    this.start = start + length;
    const replyLength = this.responder.answer(start, length);
    this.room -= replyLength + MESSAGE_COST;
    return this.native.p9Send(this.socket, SLOT, REPLY, replyLength, session.donation) >= 0;
  }

  /** Whether one more reply surely does not block. A client that is gone counts as room: sending then finds out. */
  private hasRoom(): boolean {
    if (this.room > 0) return true;
    const { native, arena } = this;
    arena.view.setInt32(POLL, this.socket, true);
    arena.view.setUint32(POLL + 4, POLLOUT, true);
    if (native.poll(SLOT, POLL, 1, 0, -1) === 0) return false;
    this.room = ROOM;
    return true;
  }
}
