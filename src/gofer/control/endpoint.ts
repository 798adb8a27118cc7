// Where control connections come from: one that the gofer was started with, or a socket that listens.

import type { Native } from "../../native/interface.ts";
import type { Dispatcher } from "../../urpc/dispatcher.ts";
import type { Limits } from "../../urpc/protocol.ts";
import { Scratch } from "../../urpc/scratch.ts";
import { ServerConnection } from "../../urpc/server-connection.ts";
import { type Arena, CONTROL, SLOT } from "../arena.ts";
import type { Acceptor, Server } from "../server.ts";

/** No method takes more than two descriptors, nor an argument of more than a name and a few words. */
const LIMITS: Limits = { bytes: 65536, depth: 16, descriptors: 4 };
/** More are turned away: what they may hold is part of what capacity.ts keeps free. */
const CLIENTS_MAX = 8;
const ROOT_USER = 0;

export class ControlEndpoint implements Acceptor {
  readonly socket: number;
  private readonly native: Native;
  private readonly server: Server;
  private readonly dispatcher: Dispatcher;
  private readonly scratch: Scratch;
  private readonly user: number;
  private clients = 0;

  /** `user`: who the gofer is. Only they and root may connect. */
  constructor(
    socket: number,
    native: Native,
    arena: Arena,
    server: Server,
    dispatcher: Dispatcher,
    user: number,
  ) {
    this.socket = socket;
    this.native = native;
    this.server = server;
    this.dispatcher = dispatcher;
    this.scratch = new Scratch(SLOT, arena.bytes, CONTROL);
    this.user = user;
  }

  /** The socket is a connection itself. Returns 0 or -errno. */
  connect(): number {
    return this.serve(this.socket);
  }

  accept(): number {
    const socket = this.native.accept(this.socket);
    if (socket < 0) return socket;
    return this.isWelcome(socket) ? this.serve(socket) : this.native.close(socket);
  }

  private isWelcome(socket: number): boolean {
    const peer = this.native.peerUser(socket);
    return this.clients < CLIENTS_MAX && (peer === this.user || peer === ROOT_USER);
  }

  private serve(socket: number): number {
    this.clients++;
    const { native, scratch, dispatcher, server } = this;
    const connection = new ServerConnection(native, socket, scratch, LIMITS, dispatcher, () => {
      this.clients--;
      server.endControl(connection);
    });
    const status = server.addControl(connection);
    if (status < 0) connection.close();
    return status;
  }
}
