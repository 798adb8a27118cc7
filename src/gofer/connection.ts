// One connection: receives a message, has it answered, sends the reply.
//
// A frame that cannot be one (shorter than its header, longer than agreed) ends the connection, since nobody knows
// where the next one starts. Everything else is answered, with Rlerror where need be.

import { EOPNOTSUPP, EPROTO } from "../../assembly/abi/errno.ts";
import { P9_HEADER, P9_RLERROR, P9_TVERSION } from "../../assembly/abi/p9.ts";
import { REPLY, REQUEST, SLOT } from "./arena.ts";
import { EXTENDED_HANDLERS, HANDLERS } from "./handlers/table.ts";
import { Decoder } from "./p9/decoder.ts";
import { Encoder } from "./p9/encoder.ts";
import type { Session } from "./session.ts";

const TYPE = 4;
const TAG = 5;

export class Connection {
  readonly socket: number;
  private readonly session: Session;
  private readonly request: Decoder;
  private readonly reply: Encoder;

  constructor(socket: number, session: Session) {
    this.socket = socket;
    this.session = session;
    this.request = new Decoder(session.host.arena);
    this.reply = new Encoder(session.host.arena);
  }

  /** Waits for one message and answers it. False when the connection has ended or must end. */
  serveOne(): boolean {
    const { session } = this;
    const { native } = session.host;
    const length = native.p9Receive(this.socket, SLOT, REQUEST, session.messageSize);
    if (length < P9_HEADER) return false;
    session.donation = -1;
    const replyLength = this.answer(length);
    return native.p9Send(this.socket, SLOT, REPLY, replyLength, session.donation) >= 0;
  }

  /** Frees what the client held. */
  close(): void {
    const { session } = this;
    session.fids.clear();
    session.host.native.close(this.socket);
  }

  /** Answers the message of `length` bytes at REQUEST with one at REPLY, and returns its length. */
  private answer(length: number): number {
    const { request, reply, session } = this;
    const { view } = session.host.arena;
    const type = view.getUint8(REQUEST + TYPE);
    request.reset(REQUEST + P9_HEADER, REQUEST + length);
    reply.position = REPLY + P9_HEADER;
    const status = this.dispatch(type);
    let replyType = type + 1;
    if (status < 0) {
      session.donation = -1;
      replyType = P9_RLERROR;
      reply.position = REPLY + P9_HEADER;
      reply.u32(-status);
    }
    const replyLength = reply.position - REPLY;
    view.setUint32(REPLY, replyLength, true);
    view.setUint8(REPLY + TYPE, replyType);
    view.setUint16(REPLY + TAG, view.getUint16(REQUEST + TAG, true), true);
    return replyLength;
  }

  private dispatch(type: number): number {
    const { session } = this;
    if (!session.established && type !== P9_TVERSION) return -EPROTO;
    const handler = session.extended ? EXTENDED_HANDLERS[type] : HANDLERS[type];
    return handler === undefined ? -EOPNOTSUPP : handler(session, this.request, this.reply);
  }
}
