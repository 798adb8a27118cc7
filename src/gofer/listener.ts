// A socket that listens, and the connections that came through it: at most so many at a time, each with an input of its own.

import type { Native } from "../native/interface.ts";
import { Session } from "../p9/server/session.ts";
import type { Tree } from "../p9/server/tree.ts";
import type { Arena, FreeInputs } from "./arena.ts";
import { SocketChannel } from "./channel.ts";
import { Connection } from "./connection.ts";
import type { Acceptor, Server } from "./server.ts";

/** More clients than one directory usually has; others are turned away until one of these ends. */
export const CLIENTS_MAX = 64;

/**
 * How long the server waits in the socket of a client that is the only one, before it goes to epoll. Longer than a tick of the
 * kernel's clock; and short, because the next one to connect waits as long.
 */
const LINGER_MS = 5;

/** What every client gets. */
export interface Offer {
  readonly makeTree: () => Tree;
  readonly treeName: string;
  /** How many clients there may be at a time. */
  readonly clients: number;
}

export class Listener implements Acceptor {
  readonly socket: number;
  private readonly native: Native;
  private readonly arena: Arena;
  private readonly inputs: FreeInputs;
  private readonly server: Server;
  private readonly offer: Offer;
  private clients = 0;

  constructor(
    socket: number,
    native: Native,
    arena: Arena,
    inputs: FreeInputs,
    server: Server,
    offer: Offer,
  ) {
    this.socket = socket;
    this.native = native;
    this.arena = arena;
    this.inputs = inputs;
    this.server = server;
    this.offer = offer;
  }

  accept(): number {
    const { native, arena, inputs, offer } = this;
    const socket = native.accept(this.socket);
    if (socket < 0) return socket;
    const input = this.clients < offer.clients ? inputs.take() : undefined;
    if (input === undefined) return native.close(socket);
    this.clients++;
    const session = new Session(offer.makeTree(), offer.treeName);
    const channel = new SocketChannel(socket, native, arena, LINGER_MS);
    const connection = new Connection(channel, session, arena, input, () => {
      this.clients--;
      inputs.give(input);
    });
    return this.server.add(connection);
  }
}
