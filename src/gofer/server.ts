// Serves all connections from one thread, until the last one has ended; where somebody may still connect, for ever.
//
// A connection is
//   idle      waited for by epoll
//   backlog   has whole messages left after its turn; gets another one when the others had theirs
//   blocked   has messages, but its client does not take replies; waited for by poll, until it does
// With a single connection there is nobody else to be fair to: the thread sleeps in its socket, which saves a call.

import { EAGAIN, EMFILE, ENFILE } from "../../assembly/abi/errno.ts";
import { POLLIN, POLLOUT } from "../../assembly/abi/poll.ts";
import { EVENT_SIZE, EVENTS, EVENTS_MAX, POLL, POLL_MAX, POLLFD_SIZE, SLOT } from "./arena.ts";
import { BACKLOG, BLOCKED, type Connection, ENDED, IDLE, type Outcome } from "./connection.ts";
import type { HostFs } from "./host-fs/host-fs.ts";
import type { Listener } from "./listener.ts";

/** Messages in a row from one connection: at some 5 us each, the others wait well below a millisecond. */
const TURN = 64;
const FOREVER = -1;
const NO_CANCEL = -1;

export class Server {
  private readonly host: HostFs;
  private readonly epollFd: number;
  private readonly connections = new Map<number, Connection>();
  private readonly listeners = new Map<number, Listener>();
  /** Not waited for: there is no descriptor for one more client. */
  private readonly deaf = new Set<Listener>();
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

  /** Takes a socket that listens. Returns 0 or -errno. */
  listen(listener: Listener): number {
    this.listeners.set(listener.socket, listener);
    return this.host.native.epollAdd(this.epollFd, listener.socket);
  }

  /** Returns 0 when the last connection has ended, or the -errno that stopped the loop. */
  run(): number {
    while (this.connections.size > 1 || this.listeners.size > 0) {
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
      const socket = arena.view.getInt32(EVENTS + i * EVENT_SIZE, true);
      const listener = this.listeners.get(socket);
      if (listener !== undefined) this.accept(listener);
      const connection = this.connections.get(socket);
      if (connection === undefined || this.waiting.has(connection)) continue;
      const received = connection.receive();
      if (received === -EAGAIN) continue;
      this.settle(connection, received <= 0 ? ENDED : connection.serve(TURN, false));
    }
    return 0;
  }

  /** Takes the next client. */
  private accept(listener: Listener): void {
    const connection = listener.accept();
    if (connection === -EMFILE || connection === -ENFILE) {
      // The client stays in the queue, and epoll would say so again and again.
      this.host.native.epollRemove(this.epollFd, listener.socket);
      this.deaf.add(listener);
    }
    if (connection === undefined || typeof connection === "number") return;
    if (this.add(connection) < 0) this.end(connection);
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
    for (const listener of this.listeners.values()) if (listener.ended(connection)) break;
    for (const listener of this.deaf) this.host.native.epollAdd(this.epollFd, listener.socket);
    this.deaf.clear();
  }
}
