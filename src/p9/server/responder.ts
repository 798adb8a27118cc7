// Answers the messages of one connection, one after another: everything with exactly one reply, Rlerror where need be.

import { EOPNOTSUPP, EPROTO } from "../../../assembly/abi/errno.ts";
import { P9_HEADER, P9_RLERROR, P9_TVERSION } from "../../../assembly/abi/p9.ts";
import { Decoder } from "./decoder.ts";
import { Encoder } from "./encoder.ts";
import { EXTENDED_HANDLERS, HANDLERS } from "./handlers/table.ts";
import { REPLY } from "./memory.ts";
import type { Session } from "./session.ts";
import { UNDER_WAY } from "./tree.ts";

const TYPE = 4;
const TAG = 5;

export class Responder {
  private readonly session: Session;
  private readonly request: Decoder;
  private readonly reply: Encoder;
  /** Of the message that was answered last. */
  private type = 0;
  private tag = 0;

  constructor(session: Session) {
    this.session = session;
    this.request = new Decoder(session.tree.memory);
    this.reply = new Encoder(session.tree.memory);
  }

  /**
   * Answers the message in [start, start + length) of the memory. Returns the length of the reply, which is at REPLY; a
   * descriptor that goes with it is `session.donation`. Or 0 where the tree said UNDER_WAY: finish() makes the reply.
   *
   * Preconditions: the message is as long as its size field says, at least P9_HEADER and at most what was agreed.
   */
  answer(start: number, length: number): number {
    const { request, reply, session } = this;
    const { view } = session.tree.memory;
    const type = view.getUint8(start + TYPE);
    this.type = type;
    this.tag = view.getUint16(start + TAG, true);
    session.donation = -1;
    request.reset(start + P9_HEADER, start + length);
    reply.position = REPLY + P9_HEADER;
    const status = this.dispatch(type);
    return status === UNDER_WAY ? 0 : this.complete(status);
  }

  /** The reply to the message for which answer() returned 0, now that its call has returned `status`. Its length, as of answer(). */
  finish(status: number): number {
    this.session.donation = -1;
    this.reply.position = REPLY + P9_HEADER;
    return this.complete(status);
  }

  private complete(status: number): number {
    const { reply, session } = this;
    const { view } = session.tree.memory;
    let replyType = this.type + 1;
    if (status < 0) {
      session.donation = -1;
      replyType = P9_RLERROR;
      reply.position = REPLY + P9_HEADER;
      reply.u32(-status);
    }
    const replyLength = reply.position - REPLY;
    view.setUint32(REPLY, replyLength, true);
    view.setUint8(REPLY + TYPE, replyType);
    view.setUint16(REPLY + TAG, this.tag, true);
    return replyLength;
  }

  private dispatch(type: number): number {
    const { session } = this;
    if (!session.established && type !== P9_TVERSION) return -EPROTO;
    const handler = session.extended ? EXTENDED_HANDLERS[type] : HANDLERS[type];
    return handler === undefined ? -EOPNOTSUPP : handler(session, this.request, this.reply);
  }
}
