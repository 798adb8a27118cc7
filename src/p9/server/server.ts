// A server for any tree: over streams that somebody else has made, or on a socket that it listens on.

import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type P9Address, parseAddress } from "../../common/p9-address.ts";
import type { ServedFile } from "../served-file.ts";
import { END } from "./memory.ts";
import { ObjectTree, ObjectTreeState } from "./object-tree.ts";
import { Session } from "./session.ts";
import { StreamConnection } from "./stream-connection.ts";
import type { Tree } from "./tree.ts";

/** Connections at a time, those that have ended and wait for files included; more are closed as they come. */
const CONNECTIONS_MAX = 256;

/** Where the trees of connections come from. */
export interface TreeProvider {
  /** A tree for one connection. */
  connect(): Tree;
  /** Where the trees' memory has room for a request. */
  readonly input: number;
  /** What Tattach may call the tree besides "" and "/". */
  readonly name?: string;
}

export interface ServeOptions {
  /** Refuse every change, whatever the files can do. */
  readonly readonly?: boolean;
  /** Told about errors that a file has thrown and that are no errno; the client sees EIO. */
  readonly onError?: (error: unknown) => void;
}

/** Serves the tree below an object. */
export function serveObject(root: ServedFile, options: ServeOptions = {}): TreeProvider {
  const state = new ObjectTreeState(root, options.readonly ?? false, options.onError ?? (() => {}));
  return { connect: () => new ObjectTree(state), input: END };
}

/** Serves one connection: a socket, or one end of a pair. */
export function serveStream(stream: Duplex, provider: TreeProvider): StreamConnection {
  return new StreamConnection(stream, new Session(provider.connect(), provider.name), provider.input);
}

/** A server that listens. */
export class P9Server {
  private readonly server: Server;
  private readonly connections = new Set<StreamConnection>();

  private constructor(server: Server) {
    this.server = server;
  }

  /**
   * Listens on "unix:PATH" or "tcp:HOST:PORT" (port 0 takes a free one).
   *
   * 9P has no passwords: whoever reaches the socket may do what the server may. A unix socket is guarded by the permissions of
   * its folder; TCP belongs on the loopback interface.
   */
  static async listen(address: string, provider: TreeProvider): Promise<P9Server> {
    const where = parseAddress(address);
    const server = createServer({ noDelay: true });
    const self = new P9Server(server);
    server.on("connection", (socket) => self.accept(socket, provider));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(listenOptions(where), resolve);
    });
    return self;
  }

  /** Where it listens, as listen() takes it. */
  get address(): string {
    const bound = this.server.address();
    if (bound === null || typeof bound === "string") return `unix:${bound}`;
    const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
    return `tcp:${host}:${bound.port}`;
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const connection of this.connections) connection.destroy();
    await closed;
  }

  private accept(socket: Socket, provider: TreeProvider): void {
    if (this.connections.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    const connection = serveStream(socket, provider);
    this.connections.add(connection);
    void connection.ended.then(() => this.connections.delete(connection));
  }
}

function listenOptions(where: P9Address): { path: string } | { host: string; port: number } {
  return where.kind === "unix" ? { path: where.path } : { host: where.host, port: where.port };
}
