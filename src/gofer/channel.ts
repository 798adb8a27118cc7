// How a connection's bytes come and go: by its socket alone, or through a window of shared memory beside it.

import { P9_MSIZE } from "../../assembly/abi/p9.ts";
import { POLLOUT } from "../../assembly/abi/poll.ts";
import type { Native } from "../native/interface.ts";
import { REPLY } from "../p9/server/memory.ts";
import { type Arena, POLL, SLOT } from "./arena.ts";

/**
 * How many bytes may be sent after the client was seen to have room before that is looked at again. The kernel calls a
 * socket writable while a quarter of its buffer (212,992 bytes) is used, and takes any message while some of it is free.
 */
const ROOM = 32768;
/** What the kernel counts for a message besides its bytes, about. */
const MESSAGE_COST = 1024;

export abstract class Channel {
  readonly socket: number;
  protected readonly native: Native;
  /** receive() waits for a moment, and no longer. */
  readonly lingers: boolean = false;
  private room = 0;

  constructor(socket: number, native: Native) {
    this.socket = socket;
    this.native = native;
  }

  /** Takes bytes to `offset` of the arena. Returns their number, 0 at the end of the stream, -EAGAIN or another -errno. */
  abstract receive(offset: number, capacity: number): number;

  /** Sends the reply of `length` bytes, with a descriptor or -1. `more`: another reply follows at once. Returns 0 or -errno. */
  send(length: number, donation: number, more: boolean): number {
    this.room -= length + MESSAGE_COST;
    return this.transmit(length, donation, more);
  }

  /** Whether one more reply surely does not block. A client that is gone counts as room: sending then finds out. */
  hasRoom(): boolean {
    if (this.room > 0) return true;
    if (!this.seesRoom()) return false;
    this.room = ROOM;
    return true;
  }

  close(): void {
    this.native.close(this.socket);
  }

  protected abstract transmit(length: number, donation: number, more: boolean): number;

  /** Whether ROOM bytes of replies, and the one that exceeds them, can be sent. */
  protected abstract seesRoom(): boolean;
}

export class SocketChannel extends Channel {
  override readonly lingers: boolean;
  private readonly arena: Arena;

  /** `lingerMs`: how long receive() may wait when nothing is there; as long as it takes when it is not said. */
  constructor(socket: number, native: Native, arena: Arena, lingerMs?: number) {
    super(socket, native);
    this.arena = arena;
    this.lingers = lingerMs !== undefined && native.receiveTimeout(socket, lingerMs) === 0;
  }

  receive(offset: number, capacity: number): number {
    return this.native.read(this.socket, SLOT, offset, capacity);
  }

  protected transmit(length: number, donation: number): number {
    return this.native.p9Send(this.socket, SLOT, REPLY, length, donation);
  }

  protected seesRoom(): boolean {
    const { native, arena } = this;
    arena.view.setInt32(POLL, this.socket, true);
    arena.view.setUint32(POLL + 4, POLLOUT, true);
    return native.poll(SLOT, POLL, 1, 0, -1) !== 0;
  }
}

/** The socket carries the replies that bring a descriptor, and tells of the client's end. */
export class WindowChannel extends Channel {
  readonly window: number;

  constructor(window: number, socket: number, native: Native) {
    super(socket, native);
    this.window = window;
  }

  receive(offset: number, capacity: number): number {
    return this.native.windowReceive(this.window, SLOT, offset, capacity);
  }

  override close(): void {
    this.native.windowClose(this.window);
    super.close();
  }

  protected transmit(length: number, donation: number, more: boolean): number {
    return this.native.windowSend(this.window, SLOT, REPLY, length, donation, more ? 1 : 0);
  }

  protected seesRoom(): boolean {
    return this.native.windowRoom(this.window, ROOM + P9_MSIZE) !== 0;
  }
}
