// Serves all connections from one thread, until the last one has ended.
//
// The thread stays on a connection while more of its messages are there, since most clients send the next one at once,
// but only so long that the others get their turn. With a single connection there is nobody to wait for but its client.

import { EVENTS, EVENTS_MAX, SLOT } from "./arena.ts";
import type { Connection } from "./connection.ts";
import type { HostFs } from "./host-fs/host-fs.ts";

/** Messages in a row from one connection: at some 5 us each, the others wait well below a millisecond. */
const TURN = 64;
const EVENT_SIZE = 8;
const FOREVER = -1;

export class Server {
  private readonly host: HostFs;
  private readonly connections = new Map<number, Connection>();
  private readonly epollFd: number;

  constructor(host: HostFs, epollFd: number) {
    this.host = host;
    this.epollFd = epollFd;
  }

  /** Takes the connection. Returns 0 or -errno. */
  add(connection: Connection): number {
    this.connections.set(connection.socket, connection);
    return this.host.native.epollAdd(this.epollFd, connection.socket);
  }

  /** Returns 0 when the last connection has ended, or the -errno that stopped the loop. */
  run(): number {
    while (this.connections.size > 1) {
      const count = this.host.native.epollWait(this.epollFd, SLOT, EVENTS, EVENTS_MAX, FOREVER);
      if (count < 0) return count;
      for (let i = 0; i < count; i++) {
        // Messages do not touch EVENTS.
        const fd = this.host.arena.view.getInt32(EVENTS + i * EVENT_SIZE, true);
        const connection = this.connections.get(fd);
        if (connection !== undefined && !this.serveTurn(connection)) this.end(connection);
      }
    }
    for (const connection of this.connections.values()) {
      while (connection.serveOne());
      this.end(connection);
    }
    return 0;
  }

  private serveTurn(connection: Connection): boolean {
    for (let i = 0; i < TURN; i++) {
      if (!connection.serveOne()) return false;
      if (this.host.native.readable(connection.socket) === 0) return true;
    }
    return true;
  }

  private end(connection: Connection): void {
    this.connections.delete(connection.socket);
    this.host.native.epollRemove(this.epollFd, connection.socket);
    connection.close();
  }
}
