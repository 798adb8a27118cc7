// Serves all connections from one thread, until the last one has ended; where somebody may still connect, for ever, and where
// somebody may still add connections, until that one has gone too.
//
// A connection is
//   idle      waited for by epoll
//   backlog   has whole messages left after its turn; gets another one when the others had theirs
//   blocked   has messages, but its client does not take replies; waited for by poll, until it does
//   waiting   has asked for a call that takes long (background.ts); nobody looks at it until that has ended
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
import type { Background } from "./background.ts";
import { WindowChannel } from "./channel.ts";
import { BACKLOG, BLOCKED, type Connection, ENDED, IDLE, type Outcome, WAITING } from "./connection.ts";
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
  private readonly busy = new Map<Connection, Outcome>();
  /** Those that have ended while they waited: their files are in use until the call has ended too. */
  private readonly doomed = new Set<Connection>();
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
    this.lookAround();
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
    this.lookAround();
    return this.await(control.fd, () => this.serveControl(control));
  }

  endControl(control: ServerConnection): void {
    this.controls.delete(control);
    this.lookAround();
    this.forget(control.fd);
    this.hearAgain();
  }

  /** Ends a connection, whatever it is at. */
  end(connection: Connection): void {
    if (!this.connections.delete(connection)) return;
    this.lookAround();
    if (this.resident === connection) this.resident = undefined;
    this.forget(connection.socket);
    this.busy.delete(connection);
    this.windows?.remove(connection);
    if (this.host.background?.isAwaitedBy(connection)) this.doomed.add(connection);
    else this.close(connection);
  }

  /** Returns 0 when the last connection has ended, or the -errno that stopped the loop. */
  run(): number {
    const { windows, connections, acceptors, controls } = this;
    const heard = windows === undefined ? 0 : this.hear(windows.bell, () => {});
    if (heard < 0) return heard;
    const { background } = this.host;
    const told = background === undefined ? 0 : this.hear(background.bell, () => this.finish(background));
    if (told < 0) return told;
    const alone = windows === undefined ? 1 : 0;
    while (connections.size > alone || acceptors.size > 0 || controls.size > 0 || background?.isBusy) {
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

  /** A bell counts, and each time that it does is reported once. */
  private hear(bell: number, handler: Handler): number {
    const status = this.await(bell, handler);
    return status < 0 ? status : this.host.native.epollInterest(this.epollFd, bell, POLLIN | EPOLLET);
  }

  private forget(fd: number): void {
    // Also where a blocked one is not in the set: there is no harm in trying. Closing would not do: others may hold the socket too.
    this.host.native.epollRemove(this.epollFd, fd);
    this.handlers.delete(fd);
  }

  /** Waits until some connections can be served, and gives each of them a turn. */
  private turn(): number {
    for (const [connection, outcome] of this.busy)
      if (outcome !== WAITING) this.settle(connection, connection.serve(TURN, false));
    const window = this.windows?.next(!this.hasBacklog());
    if (window === undefined) return this.turnOfSockets(this.timeout());
    // One with a backlog has had its turn.
    if (!this.busy.has(window)) this.settle(window, window.turn(TURN));
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
    if (!this.connections.has(connection) || this.busy.has(connection)) return;
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
    const { connections, controls, busy } = this;
    const hasOthers = connections.size > 1 || controls.size > 0;
    return connection.channel.lingers && !hasOthers && busy.size === 0 && connections.has(connection);
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
    if (this.hasBacklog()) return 0;
    if (!this.hasAny(BLOCKED)) return FOREVER;
    this.awaitRoom();
    return 0;
  }

  private hasBacklog(): boolean {
    return this.hasAny(BACKLOG);
  }

  private hasAny(wanted: Outcome): boolean {
    for (const outcome of this.busy.values()) if (outcome === wanted) return true;
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
    for (const [{ socket }, outcome] of this.busy)
      if (outcome === BLOCKED && count < POLL_MAX) put(socket, POLLOUT);
    native.poll(SLOT, POLL, count, FOREVER, NO_CANCEL);
  }

  private settle(connection: Connection, outcome: Outcome): void {
    if (outcome === ENDED) {
      this.end(connection);
      return;
    }
    if (outcome === BLOCKED && connection.channel instanceof WindowChannel) outcome = IDLE;
    if (outcome === WAITING) this.host.background!.await(connection);
    // epoll reports what can be received for as long as it is there, which one that cannot be served does not want to know.
    const wasHeard = isHeard(this.busy.get(connection));
    if (!isHeard(outcome) && wasHeard) this.host.native.epollRemove(this.epollFd, connection.socket);
    if (isHeard(outcome) && !wasHeard) this.host.native.epollAdd(this.epollFd, connection.socket);
    if (outcome === IDLE) this.busy.delete(connection);
    else this.busy.set(connection, outcome);
  }

  /** Answers those whose calls have ended. */
  private finish(background: Background): void {
    for (let done = background.take(); done !== undefined; done = background.take()) {
      const { connection, status } = done;
      if (this.doomed.delete(connection)) {
        this.close(connection);
        continue;
      }
      const outcome = connection.finish(status);
      // Epoll says nothing of messages that came before.
      this.settle(connection, outcome === IDLE ? BACKLOG : outcome);
    }
  }

  private close(connection: Connection): void {
    connection.close();
    this.hearAgain();
  }

  /** Calls that take long matter to nobody but their asker where there is nobody else. */
  private lookAround(): void {
    const { background } = this.host;
    if (background !== undefined) background.isNeeded = this.connections.size + this.controls.size > 1;
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

function isHeard(outcome: Outcome | undefined): boolean {
  return outcome !== BLOCKED && outcome !== WAITING;
}
