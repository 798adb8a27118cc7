// A client, as a server sees it. Whoever owns the loop calls ready() when the socket can do what `interest` says.
//
// States
//   receiving   waits for a request, or the rest of one
//   processing  a method is at work
//   replying    the reply goes out; `last` when the connection ends with it
//   ended       nothing more will come of it
//
// So a client has one call at a time, and one that stops in the middle of a message, or takes no reply, takes nobody's time.

import { POLLIN, POLLOUT } from "../../assembly/abi/poll.ts";
import { ErrnoError } from "../common/errors.ts";
import type { Native } from "../native/interface.ts";
import { type Dispatcher, failure } from "./dispatcher.ts";
import { CLOSED, type Message, MessageSocket, PARTIAL } from "./message-socket.ts";
import { type Limits, ProtocolError, parseRequest, type Reply, type Request } from "./protocol.ts";
import type { Scratch } from "./scratch.ts";

type State = "receiving" | "processing" | "replying" | "ended";

/** Nothing is waited for. */
const NOTHING = 0;

export class ServerConnection {
  readonly fd: number;
  private readonly native: Native;
  private readonly dispatcher: Dispatcher;
  private readonly socket: MessageSocket;
  private state: State = "receiving";
  private last = false;
  /** Descriptors of the reply. */
  private sending: readonly number[] = [];

  private readonly closing: () => void;

  /** Ownership: takes `fd`. `closing` is called once, before it is closed. */
  constructor(
    native: Native,
    fd: number,
    scratch: Scratch,
    limits: Limits,
    dispatcher: Dispatcher,
    closing: () => void,
  ) {
    this.native = native;
    this.fd = fd;
    this.dispatcher = dispatcher;
    this.closing = closing;
    this.socket = new MessageSocket(native, fd, scratch, limits);
  }

  /** POLLIN, POLLOUT or 0. */
  get interest(): number {
    if (this.state === "receiving") return POLLIN;
    return this.state === "replying" ? POLLOUT : NOTHING;
  }

  get ended(): boolean {
    return this.state === "ended";
  }

  /** Goes on as far as it can without waiting, but with one call at most. */
  ready(): void {
    if (this.state === "receiving") this.receive();
    else if (this.state === "replying") this.flush();
  }

  /** Closes the socket and whatever came over it. A method that is at work goes on, and nobody hears of it. */
  close(): void {
    if (this.state === "ended") return;
    this.state = "ended";
    this.closing();
    this.socket.close();
    this.native.close(this.fd);
    this.closeSent();
  }

  private receive(): void {
    try {
      const message = this.socket.receive();
      if (message === PARTIAL) return;
      if (message === CLOSED) {
        this.close();
        return;
      }
      const request = this.parse(message);
      this.state = "processing";
      this.dispatcher.dispatch(request, message.files, (reply, files) => this.reply(reply, files));
    } catch (error) {
      this.refuse(error);
    }
  }

  private parse({ value, files }: Message): Request {
    try {
      return parseRequest(value);
    } catch (error) {
      files.close();
      throw error;
    }
  }

  /** Says what was wrong, and that is the end: nobody knows where the next message would begin. */
  private refuse(error: unknown): void {
    if (!(error instanceof ProtocolError)) {
      this.close();
      return;
    }
    this.last = true;
    this.socket.close();
    this.reply(failure(error), []);
  }

  /** Comes twice for one call where its result turns out to be no JSON. */
  private reply(reply: Reply, files: readonly number[]): void {
    this.closeSent();
    this.sending = files;
    // Closed while the method was at work.
    if (this.state === "ended") {
      this.closeSent();
      return;
    }
    this.state = "replying";
    this.socket.send(reply, files);
    this.flush();
  }

  private flush(): void {
    try {
      if (!this.socket.flush()) return;
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      this.last = true;
    }
    this.closeSent();
    this.state = "receiving";
    if (this.last) this.close();
  }

  private closeSent(): void {
    for (const fd of this.sending) this.native.close(fd);
    this.sending = [];
  }
}
