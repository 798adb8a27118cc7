// A socket that listens, and the connections that came through it: at most so many at a time, each with an input of its own.

import type { Native } from "../native/interface.ts";
import { Session } from "../p9/server/session.ts";
import type { Tree } from "../p9/server/tree.ts";
import type { Arena } from "./arena.ts";
import { Connection } from "./connection.ts";

/** More clients than one directory usually has; others are turned away until one of these ends. */
export const CLIENTS_MAX = 64;

export class Listener {
  readonly socket: number;
  private readonly native: Native;
  private readonly arena: Arena;
  private readonly makeTree: () => Tree;
  private readonly treeName: string;
  /** Numbers of the arena's inputs that nobody uses. */
  private readonly freeInputs: number[];
  private readonly inputs = new Map<Connection, number>();

  /** The inputs from number `firstInput` on, `clients` of them, are this listener's. */
  constructor(
    socket: number,
    native: Native,
    arena: Arena,
    makeTree: () => Tree,
    treeName: string,
    firstInput: number,
    clients: number,
  ) {
    this.socket = socket;
    this.native = native;
    this.arena = arena;
    this.makeTree = makeTree;
    this.treeName = treeName;
    this.freeInputs = Array.from({ length: clients }, (_, index) => firstInput + index);
  }

  /** The connection of the next client, undefined when there is none or it is turned away, or -errno. */
  accept(): Connection | undefined | number {
    const socket = this.native.accept(this.socket);
    if (socket < 0) return socket;
    const input = this.freeInputs.pop();
    if (input === undefined) {
      this.native.close(socket);
      return undefined;
    }
    const session = new Session(this.makeTree(), this.treeName);
    const connection = new Connection(socket, session, this.native, this.arena, this.arena.input(input));
    this.inputs.set(connection, input);
    return connection;
  }

  /** A connection has ended; whether it was one of this listener's. */
  ended(connection: Connection): boolean {
    const input = this.inputs.get(connection);
    if (input === undefined) return false;
    this.inputs.delete(connection);
    this.freeInputs.push(input);
    return true;
  }
}
