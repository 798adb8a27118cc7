// Serves all connections from one thread, until the last one has ended.
//
// A connection is
//   idle      waited for by epoll
//   backlog   has whole messages left after its turn; gets another one when the others had theirs
//   blocked   has messages, but its client does not take replies; waited for by poll, until it does
// With a single connection there is nobody else to be fair to: the thread sleeps in its socket, which saves a call.

import { EAGAIN } from "../../assembly/abi/errno.ts";
import { POLLIN, POLLOUT } from "../../assembly/abi/poll.ts";
import { EVENT_SIZE, EVENTS, EVENTS_MAX, POLL, POLL_MAX, POLLFD_SIZE, SLOT } from "./arena.ts";
import { BACKLOG, BLOCKED, type Connection, ENDED, IDLE, type Outcome } from "./connection.ts";
import type { HostFs } from "./host-fs/host-fs.ts";

/** Messages in a row from one connection: at some 5 us each, the others wait well below a millisecond. */
const TURN = 64;
const FOREVER = -1;
const NO_CANCEL = -1;

export class Server {
  private readonly host: HostFs;
  private readonly epollFd: number;
  private readonly connections = new Map<number, Connection>();
  /** Those that are not idle. */
  private readonly waiting = new Map<Connection, Outcome>();

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
      const status = this.turn();
      if (status < 0) return status;
    }
    for (const connection of this.connections.values()) {
      this.serveAlone(connection);
      this.end(connection);
    }
    return 0;
  }

  /** Waits until some connections can be served, and gives each of them a turn. */
  private turn(): number {
    const { native, arena } = this.host;
    const count = native.epollWait(this.epollFd, SLOT, EVENTS, EVENTS_MAX, this.timeout());
    if (count < 0) return count;
    for (const connection of this.waiting.keys()) this.settle(connection, connection.serve(TURN, false));
    for (let i = 0; i < count; i++) {
      // Answering messages does not touch EVENTS.
      const connection = this.connections.get(arena.view.getInt32(EVENTS + i * EVENT_SIZE, true));
      if (connection === undefined || this.waiting.has(connection)) continue;
      const received = connection.receive();
      if (received === -EAGAIN) continue;
      this.settle(connection, received <= 0 ? ENDED : connection.serve(TURN, false));
    }
    return 0;
  }

  /** How long epoll may wait, having waited for blocked connections where there are any. */
  private timeout(): number {
    if (this.waiting.size === 0) return FOREVER;
    for (const outcome of this.waiting.values()) if (outcome === BACKLOG) return 0;
    this.awaitRoom();
    return 0;
  }

  /** Waits until a blocked client has taken replies, or epoll has something to say. */
  private awaitRoom(): void {
    const { native, arena } = this.host;
    let count = 0;
    const put = (fd: number, events: number) => {
      arena.view.setInt32(POLL + count * POLLFD_SIZE, fd, true);
      arena.view.setUint32(POLL + count * POLLFD_SIZE + 4, events, true);
      count++;
    };
    put(this.epollFd, POLLIN);
    for (const { socket } of this.waiting.keys()) if (count < POLL_MAX) put(socket, POLLOUT);
    native.poll(SLOT, POLL, count, FOREVER, NO_CANCEL);
  }

  private settle(connection: Connection, outcome: Outcome): void {
    if (outcome === ENDED) {
      this.end(connection);
      return;
    }
    // epoll reports what can be received for as long as it is there, which a blocked connection does not want to know.
    const wasBlocked = this.waiting.get(connection) === BLOCKED;
    if (outcome === BLOCKED && !wasBlocked) this.host.native.epollRemove(this.epollFd, connection.socket);
    if (outcome !== BLOCKED && wasBlocked) this.host.native.epollAdd(this.epollFd, connection.socket);
    if (outcome === IDLE) this.waiting.delete(connection);
    else this.waiting.set(connection, outcome);
  }

  private serveAlone(connection: Connection): void {
    this.settle(connection, IDLE);
    while (connection.serve(Number.POSITIVE_INFINITY, true) !== ENDED) {
      const received = connection.receive();
      if (received > 0) continue;
      // Somebody made the socket non-blocking.
      if (received !== -EAGAIN) return;
      this.host.native.epollWait(this.epollFd, SLOT, EVENTS, EVENTS_MAX, FOREVER);
    }
  }

  private end(connection: Connection): void {
    // Also where a blocked one is not in the set: there is no harm in trying.
    this.host.native.epollRemove(this.epollFd, connection.socket);
    this.connections.delete(connection.socket);
    this.waiting.delete(connection);
    connection.close();
  }
}
