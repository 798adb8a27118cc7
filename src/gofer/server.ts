// Serves all connections from one thread, until the last one has ended; where somebody may still connect, for ever, and where
// somebody may still add connections, until that one has gone too.
//
// A connection is
//   idle      waited for by epoll
//   backlog   has whole messages left after its turn; gets another one when the others had theirs
//   blocked   has messages, but its client does not take replies; waited for by poll, until it does
// With a single connection there is nobody else to be fair to: the thread sleeps in its socket, which saves a call.
//
// Connections with a window (windows.ts) are idle or have a backlog: the windows themselves say when one can be served, because of
// requests or of room for replies. Of their sockets epoll reports the end only.
//
// What epoll has found is looked up before anything is done about it: what is done may close a descriptor, and open another one by
// its number.

import { EAGAIN, EMFILE, ENFILE } from "../../assembly/abi/errno.ts";
import { POLLIN, POLLOUT } from "../../assembly/abi/poll.ts";
import type { ServerConnection } from "../urpc/server-connection.ts";
import { EVENT_SIZE, EVENTS, EVENTS_MAX, POLL, POLL_MAX, POLLFD_SIZE, SLOT } from "./arena.ts";
import { WindowChannel } from "./channel.ts";
import { BACKLOG, BLOCKED, type Connection, ENDED, IDLE, type Outcome } from "./connection.ts";
import type { HostFs } from "./host-fs/host-fs.ts";
import type { Windows } from "./windows.ts";

/** Messages in a row from one connection: at some 5 us each, the others wait well below a millisecond. */
const TURN = 64;
/** Turns in a row for windows, or for a client without others, before a look at all sockets. */
const TURNS_AWAY = 32;
const EPOLLET = 0x80000000;
const FOREVER = -1;
const NO_CANCEL = -1;

/** A socket that listens. */
export interface Acceptor {
  readonly socket: number;
  /** Takes the next client. -EMFILE or -ENFILE: there is no descriptor for it; nothing else matters to the server. */
  accept(): number;
}

/** What is done when a descriptor is ready, if it still is whose it was. */
type Handler = () => void;

export class Server {
  readonly windows: Windows | undefined;
  private readonly host: HostFs;
  private readonly epollFd: number;
  private readonly handlers = new Map<number, Handler>();
  private readonly connections = new Set<Connection>();
  private readonly acceptors = new Set<Acceptor>();
  /** Not waited for: there is no descriptor for one more client. */
  private readonly deaf = new Set<Acceptor>();
  private readonly controls = new Set<ServerConnection>();
  /** Those that are not idle. */
  private readonly waiting = new Map<Connection, Outcome>();
  /** Of this turn. */
  private readonly ready: Handler[] = [];
  /** Lingered with, and not waited for by epoll. */
  private resident: Connection | undefined = undefined;
  private turnsAway = 0;

  constructor(host: HostFs, epollFd: number, windows: Windows | undefined) {
    this.host = host;
    this.epollFd = epollFd;
    this.windows = windows;
  }

  /** Takes the connection, and ends it when that fails. Returns 0 or -errno. */
  add(connection: Connection): number {
    this.connections.add(connection);
    this.windows?.add(connection);
    const status = this.await(connection.socket, () => this.serve(connection));
    if (status < 0) this.end(connection);
    return status;
  }

  /** Takes a socket that listens. Returns 0 or -errno. */
  listen(acceptor: Acceptor): number {
    this.acceptors.add(acceptor);
    return this.await(acceptor.socket, () => this.accept(acceptor));
  }

  /** Takes a control connection, which calls endControl() before it closes its descriptor. Returns 0 or -errno. */
  addControl(control: ServerConnection): number {
    this.controls.add(control);
    return this.await(control.fd, () => this.serveControl(control));
  }

  endControl(control: ServerConnection): void {
    this.controls.delete(control);
    this.forget(control.fd);
    this.hearAgain();
  }

  /** Ends a connection, whatever it is at. */
  end(connection: Connection): void {
    if (!this.connections.delete(connection)) return;
    if (this.resident === connection) this.resident = undefined;
    this.forget(connection.socket);
    this.waiting.delete(connection);
    this.windows?.remove(connection);
    connection.close();
    this.hearAgain();
  }

  /** Returns 0 when the last connection has ended, or the -errno that stopped the loop. */
  run(): number {
    const { windows, connections, acceptors, controls } = this;
    const heard = windows === undefined ? 0 : this.hear(windows.bell);
    if (heard < 0) return heard;
    const alone = windows === undefined ? 1 : 0;
    while (connections.size > alone || acceptors.size > 0 || controls.size > 0) {
      const status = this.turn();
      if (status < 0) return status;
    }
    for (const connection of this.connections) {
      this.serveAlone(connection);
      this.end(connection);
    }
    return 0;
  }

  private await(fd: number, handler: Handler): number {
    this.handlers.set(fd, handler);
    return this.host.native.epollAdd(this.epollFd, fd);
  }

  /** What the bell says is looked up in the windows. It counts, and each time that it does is reported once. */
  private hear(bell: number): number {
    const status = this.await(bell, () => {});
    return status < 0 ? status : this.host.native.epollInterest(this.epollFd, bell, POLLIN | EPOLLET);
  }

  private forget(fd: number): void {
    // Also where a blocked one is not in the set: there is no harm in trying. Closing would not do: others may hold the socket too.
    this.host.native.epollRemove(this.epollFd, fd);
    this.handlers.delete(fd);
  }

  /** Waits until some connections can be served, and gives each of them a turn. */
  private turn(): number {
    for (const connection of this.waiting.keys()) this.settle(connection, connection.serve(TURN, false));
    const window = this.windows?.next(!this.hasBacklog());
    if (window === undefined) return this.turnOfSockets(this.timeout());
    // One with a backlog has had its turn.
    if (!this.waiting.has(window)) this.settle(window, window.turn(TURN));
    return ++this.turnsAway < TURNS_AWAY ? 0 : this.turnOfSockets(0);
  }

  /** Gives a turn to everybody whom epoll reports within `timeout` milliseconds. */
  private turnOfSockets(timeout: number): number {
    this.turnsAway = 0;
    const count = this.host.native.epollWait(this.epollFd, SLOT, EVENTS, EVENTS_MAX, timeout);
    this.lookUp(Math.max(count, 0));
    for (const handler of this.ready) handler();
    if (this.resident !== undefined) this.linger(this.resident);
    return Math.min(count, 0);
  }

  private lookUp(count: number): void {
    const { view } = this.host.arena;
    this.ready.length = 0;
    for (let i = 0; i < count; i++) {
      const handler = this.handlers.get(view.getInt32(EVENTS + i * EVENT_SIZE, true));
      if (handler !== undefined) this.ready.push(handler);
    }
  }

  private serve(connection: Connection): void {
    if (!this.connections.has(connection) || this.waiting.has(connection)) return;
    // Nothing else comes by the socket of a window.
    const ended = connection.channel instanceof WindowChannel;
    this.settle(connection, ended ? ENDED : connection.turn(TURN));
    if (this.isAlone(connection)) this.stay(connection);
  }

  /**
   * Lingers with a client without others, which mostly asks for more at once: to sleep in its socket is a call less than to sleep in
   * epoll, and a message comes sooner when epoll does not watch for it.
   */
  private stay(connection: Connection): void {
    this.host.native.epollRemove(this.epollFd, connection.socket);
    this.resident = connection;
  }

  /** Serves the one that is lingered with, for some turns. */
  private linger(connection: Connection): void {
    let outcome: Outcome = IDLE;
    for (let turns = 0; outcome === IDLE && this.isAlone(connection); turns++) {
      if (turns === TURNS_AWAY) return;
      const received = connection.receive();
      if (received === -EAGAIN) break;
      outcome = received <= 0 ? ENDED : connection.serve(TURN, false);
    }
    this.resident = undefined;
    this.host.native.epollAdd(this.epollFd, connection.socket);
    this.settle(connection, outcome);
  }

  private isAlone(connection: Connection): boolean {
    const { connections, controls, waiting } = this;
    const hasOthers = connections.size > 1 || controls.size > 0;
    return connection.channel.lingers && !hasOthers && waiting.size === 0 && connections.has(connection);
  }

  private serveControl(control: ServerConnection): void {
    if (!this.controls.has(control)) return;
    const { interest } = control;
    control.ready();
    if (control.ended || control.interest === interest) return;
    this.host.native.epollInterest(this.epollFd, control.fd, control.interest);
  }

  /** Takes the next client. */
  private accept(acceptor: Acceptor): void {
    const status = acceptor.accept();
    if (status !== -EMFILE && status !== -ENFILE) return;
    // The client stays in the queue, and epoll would say so again and again.
    this.host.native.epollRemove(this.epollFd, acceptor.socket);
    this.deaf.add(acceptor);
  }

  /** A descriptor was closed. */
  private hearAgain(): void {
    for (const { socket } of this.deaf) this.host.native.epollAdd(this.epollFd, socket);
    this.deaf.clear();
  }

  /** How long epoll may wait, having waited for blocked connections where there are any. */
  private timeout(): number {
    if (this.resident !== undefined) return 0;
    if (this.waiting.size === 0) return FOREVER;
    if (!this.hasBacklog()) this.awaitRoom();
    return 0;
  }

  private hasBacklog(): boolean {
    for (const outcome of this.waiting.values()) if (outcome === BACKLOG) return true;
    return false;
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
    if (outcome === BLOCKED && connection.channel instanceof WindowChannel) outcome = IDLE;
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
}
