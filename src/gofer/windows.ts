// The windows of this gofer's connections: which of them has something to do. Their memory and its rules: src/native/src/window.h.

import type { Native } from "../native/interface.ts";
import { WindowChannel } from "./channel.ts";
import type { Connection } from "./connection.ts";

export class Windows {
  /** An eventfd. Nobody resets it: what matters is that it was written to. */
  readonly bell: number;
  private readonly native: Native;
  private readonly map: number;
  private readonly connections = new Map<number, Connection>();

  /** `map` is the helper's number of the mapped memory. */
  constructor(native: Native, map: number, bell: number) {
    this.native = native;
    this.map = map;
    this.bell = bell;
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

  /**
   * A connection that has sent requests, or has room for replies again, each in its turn. If `sleeps` and there is none, clients
   * ring the bell, which the caller waits for, until this is called again.
   */
  next(sleeps: boolean): Connection | undefined {
    return this.connections.get(this.native.windowsNext(this.map, sleeps ? 1 : 0));
  }
}
