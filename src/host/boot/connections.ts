// The gofer's connections, by the numbers that the kernel has for them. The threads of a sandbox share one table, since whichever of
// them gives the last of a file system back ends its connection: its number may be another's from then on.

import { ENFILE } from "../../../assembly/abi/errno.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Native } from "../../native/index.ts";

/** A gofer serves no more than 1,024 attach points and the mounts of its start. */
const CONNECTIONS_MAX = 4096;

// What there is of each, in words.
const SOCKET = 0;
const WINDOW = 1;
const OWNED = 2;
const WORDS = 4;

const NONE = -1;

/** A thread's view of the table. */
export class Connections {
  /** Sent to threads: each makes a view of its own. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer = emptyTable()) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /**
   * Numbers sockets, one behind the other; the first number. `windows`: the helper's numbers of their windows, for those that have one.
   * Ownership: with `owned` a socket is closed when the kernel needs it no more; otherwise it stays the caller's. Errors: ErrnoError.
   */
  add(sockets: readonly number[], owned: boolean, windows: readonly (number | undefined)[] = []): number {
    const first = this.#findFree(sockets.length);
    sockets.forEach((socket, index) => {
      this.put(first + index, socket, owned, windows[index]);
    });
    return first;
  }

  /** The same under a number that is free. */
  put(connection: number, socket: number, owned: boolean, window: number | undefined): void {
    const at = connection * WORDS;
    this.#words[at + WINDOW] = window ?? NONE;
    this.#words[at + OWNED] = Number(owned);
    Atomics.store(this.#words, at + SOCKET, socket);
  }

  /** Undefined where there is none of that number. */
  socket(connection: number): number | undefined {
    const socket = this.#words[connection * WORDS + SOCKET];
    return socket === NONE ? undefined : socket;
  }

  /** Undefined where it has none. */
  window(connection: number): number | undefined {
    const window = this.#words[connection * WORDS + WINDOW];
    return window === NONE ? undefined : window;
  }

  /** The kernel needs it no more. One that is gone, or not ours to close, stays as it is. */
  release(native: Native, connection: number): void {
    const at = connection * WORDS;
    if (this.#words[at + OWNED] !== 1) return;
    this.#words[at + OWNED] = 0;
    const socket = Atomics.exchange(this.#words, at + SOCKET, NONE);
    if (socket !== NONE) native.close(socket);
  }

  /** Only the supervising thread adds: what is free stays so until it has. */
  #findFree(count: number): number {
    let first = 0;
    for (let at = 0; at < CONNECTIONS_MAX && at - first < count; at++) {
      if (Atomics.load(this.#words, at * WORDS + SOCKET) !== NONE) first = at + 1;
    }
    if (first + count > CONNECTIONS_MAX) throw new ErrnoError(ENFILE, "numbering a connection");
    return first;
  }
}

function emptyTable(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(CONNECTIONS_MAX * WORDS * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(buffer).fill(NONE);
  return buffer;
}
