// Two streams, each of which reads what the other one writes: client and server in one process, without a socket.

import { Duplex } from "node:stream";

class End extends Duplex {
  peer: End | undefined;
  /** The peer's write goes on when this end has been read. */
  private taken: (() => void) | undefined;

  override _read(): void {
    const { taken } = this;
    this.taken = undefined;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const peer = this.peer!;
    // A copy, as a socket makes one: the writer may use its memory again.
    if (peer.push(Buffer.from(chunk))) setImmediate(done);
    else peer.taken = done;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.peer!.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { peer } = this;
    if (peer !== undefined && !peer.destroyed) setImmediate(() => peer.destroy());
    done(error);
  }
}

/** The two ends of a connection. */
export function makePair(): [Duplex, Duplex] {
  const a = new End();
  const b = new End();
  a.peer = b;
  b.peer = a;
  return [a, b];
}
