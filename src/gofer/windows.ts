// The windows of this gofer's connections: which of them has something to do, and how the server sleeps for them.
//
// A client whose request finds the server asleep in a futex wakes it in a microsecond; one that finds it in epoll rings the
// bell, an eventfd, which takes as long as a socket. So the server lingers in the futex for a while before it goes to epoll.

import type { Native } from "../native/interface.ts";
import { WindowChannel } from "./channel.ts";
import type { Connection } from "./connection.ts";

/**
 * Longer than a program mostly takes from one call on a file to the next, and than a tick of the kernel's clock: a timer that
 * is due before the tick has to be set in hardware, which costs a virtual machine more than the rest of the wait. What comes by
 * a socket meanwhile (a client's end, mostly) waits for so long.
 */
const LINGER_NS = 5_000_000;

export class Windows {
  /** Readable when a client has rung. */
  readonly bell: number;
  private readonly native: Native;
  private readonly map: number;
  private readonly connections = new Map<number, Connection>();
  /** Clients ring the bell instead of waking the futex. */
  private left = false;

  /** `map` is the helper's number of the mapped memory. */
  constructor(native: Native, map: number, bell: number) {
    this.native = native;
    this.map = map;
    this.bell = bell;
  }

  /** How many connections have a window. */
  get size(): number {
    return this.connections.size;
  }

  /** The helper's number for window `index`, which serves the connection `socket` from now on; or -errno. */
  open(index: number, socket: number): number {
    return this.native.windowOpen(this.map, index, socket, 1);
  }

  add(connection: Connection): void {
    const { channel } = connection;
    if (channel instanceof WindowChannel) this.connections.set(channel.window, connection);
  }

  remove(connection: Connection): void {
    const { channel } = connection;
    if (channel instanceof WindowChannel) this.connections.delete(channel.window);
  }

  /** A connection that has sent requests, or has room for replies again, each in its turn. */
  next(): Connection | undefined {
    return this.connections.get(this.native.windowsNext(this.map));
  }

  /**
   * The same, after having waited for one, for a moment if `lingers`. When there is none, the caller waits in epoll, where the bell
   * is, and calls wake() then.
   */
  await(lingers: boolean): Connection | undefined {
    const window = this.native.windowsSleep(this.map, lingers ? LINGER_NS : 0);
    this.left = window < 0;
    return this.connections.get(window);
  }

  /** The server is back from epoll. */
  wake(): void {
    if (this.left) this.native.windowsWake(this.map);
    this.left = false;
  }
}
