// One end of a connection: whole messages in and out, in pieces that never sleep.
//
// What has arrived is looked at where it is (MSG_PEEK), and exactly one message's bytes are taken. So what is behind it waits in the
// socket, where it costs its sender and not us, and a descriptor belongs to the message with whose bytes it came.

import { EAGAIN, EMSGSIZE } from "../../assembly/abi/errno.ts";
import { ErrnoError } from "../common/errors.ts";
import type { Native } from "../native/interface.ts";
import { JsonScanner } from "./json-scanner.ts";
import { PassedFiles } from "./passed-files.ts";
import { type Limits, ProtocolError } from "./protocol.ts";
import { PIECE, type Scratch } from "./scratch.ts";

/** A message has not arrived as a whole. */
export const PARTIAL = 0;
/** The other end was closed between two messages. */
export const CLOSED = 1;

export interface Message {
  /** An object. */
  readonly value: unknown;
  /** The receiver closes it. */
  readonly files: PassedFiles;
}

export class MessageSocket {
  readonly fd: number;
  private readonly native: Native;
  private readonly scratch: Scratch;
  private readonly limits: Limits;
  private readonly scanner: JsonScanner;

  private pieces: Uint8Array[] = [];
  private received = 0;
  private files: PassedFiles;

  /** What is to be sent, from `sent` on. */
  private output = new Uint8Array(0);
  private sent = 0;
  private outputFds: readonly number[] = [];

  /** Ownership: borrows `fd`. */
  constructor(native: Native, fd: number, scratch: Scratch, limits: Limits) {
    this.native = native;
    this.fd = fd;
    this.scratch = scratch;
    this.limits = limits;
    this.scanner = new JsonScanner(limits.depth);
    this.files = new PassedFiles(native);
  }

  /** Takes what has arrived, but not more than a piece. Throws ProtocolError, and ErrnoError for the socket's own. */
  receive(): Message | typeof PARTIAL | typeof CLOSED {
    const { native, scratch } = this;
    const available = native.peek(this.fd, scratch.slot, scratch.bytes, PIECE);
    if (available === -EAGAIN) return PARTIAL;
    if (available < 0) throw new ErrnoError(-available, "recv");
    if (available === 0) {
      if (this.received === 0) return CLOSED;
      throw new ProtocolError("message: cut off");
    }
    const end = this.scanner.scan(scratch.memory, scratch.bytes, scratch.bytes + available);
    const wanted = end < 0 ? available : end - scratch.bytes;
    if (this.received + wanted > this.limits.bytes) {
      throw new ProtocolError(`message: longer than ${this.limits.bytes} bytes`);
    }
    this.take(wanted);
    if (end >= 0) return this.finish();
    // White space between messages is none.
    if (!this.scanner.inside) this.forget();
    return PARTIAL;
  }

  /** Begins to send. `fds` go with the first byte, and stay the caller's. Preconditions: what was sent before is out. */
  send(value: unknown, fds: readonly number[] = []): void {
    this.output = new TextEncoder().encode(JSON.stringify(value));
    this.sent = 0;
    this.outputFds = fds;
  }

  /** Sends as much as the socket takes; whether that was all. Throws ErrnoError. */
  flush(): boolean {
    const { native, scratch } = this;
    while (this.sent < this.output.length) {
      const piece = this.output.subarray(this.sent, this.sent + PIECE);
      scratch.memory.set(piece, scratch.bytes);
      scratch.writeList(this.sent === 0 ? this.outputFds : []);
      const count = native.sendRights(this.fd, scratch.slot, scratch.bytes, piece.length, scratch.list);
      if (count === -EAGAIN) return false;
      if (count < 0) throw new ErrnoError(-count, "sendmsg");
      this.sent += count;
    }
    return true;
  }

  /** Closes the descriptors of a message that never became whole. */
  close(): void {
    this.files.close();
    this.forget();
  }

  /** Takes `count` bytes out of the socket, in which they have been seen, and the descriptors that came with them. */
  private take(count: number): void {
    const { native, scratch } = this;
    for (let taken = 0; taken < count; ) {
      const most = this.limits.descriptors - this.files.count;
      const got = native.receiveRights(
        this.fd,
        scratch.slot,
        scratch.bytes,
        count - taken,
        scratch.list,
        most,
      );
      if (got === -EMSGSIZE) {
        throw new ProtocolError(`message: more than ${this.limits.descriptors} descriptors`);
      }
      // Somebody else reads from our end.
      if (got <= 0) throw new ProtocolError("message: its bytes are gone");
      for (const fd of scratch.readList()) this.files.add(fd);
      this.pieces.push(scratch.memory.slice(scratch.bytes, scratch.bytes + got));
      taken += got;
    }
    this.received += count;
  }

  private finish(): Message {
    const bytes = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces);
    const { files } = this;
    this.forget();
    this.files = new PassedFiles(this.native);
    try {
      return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), files };
    } catch (error) {
      files.close();
      throw new ProtocolError(`message: ${(error as Error).message}`, { cause: error });
    }
  }

  private forget(): void {
    this.pieces = [];
    this.received = 0;
  }
}
