// The sandbox's control socket: URPC for whoever may connect to it and runs as the user who started the sandbox, or as root.

import type { Native } from "../../native/index.ts";
import { Dispatcher, type Method } from "../../urpc/dispatcher.ts";
import { DESCRIPTORS_MAX, type Limits } from "../../urpc/protocol.ts";
import { SCRATCH_SIZE, Scratch } from "../../urpc/scratch.ts";
import { ServerConnection } from "../../urpc/server-connection.ts";
import type { Readiness } from "./readiness.ts";

/** The helper's slot for messages. */
const MESSAGE_SLOT = 12;
/** A process's arguments and environment, with room; a process has at most 2 MiB of both on Linux (ARG_MAX). */
const LIMITS: Limits = { bytes: 8 << 20, depth: 32, descriptors: DESCRIPTORS_MAX };
/** Clients at once: each may wait for a process. More are turned away. */
const CLIENTS_MAX = 1024;
const ROOT = 0;

export class ControlServer {
  readonly #native: Native;
  readonly #readiness: Readiness;
  readonly #socket: number;
  readonly #scratch = new Scratch(MESSAGE_SLOT, new Uint8Array(SCRATCH_SIZE));
  readonly #dispatcher: Dispatcher;
  readonly #connections = new Set<ServerConnection>();
  /** What each watched connection is watched for. */
  readonly #interests = new Map<ServerConnection, number>();

  /** `socket` listens. */
  constructor(
    native: Native,
    readiness: Readiness,
    socket: number,
    methods: Readonly<Record<string, Method>>,
  ) {
    this.#native = native;
    this.#readiness = readiness;
    this.#socket = socket;
    this.#dispatcher = new Dispatcher(
      Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, this.#followed(method)])),
    );
    readiness.watch(socket, () => this.#accept());
  }

  /** The same method; what its connections wait for is looked at again when it has an answer. */
  #followed(method: Method): Method {
    return (arg, files) => {
      const outcome = method(arg, files);
      if (!(outcome instanceof Promise)) return outcome;
      return outcome.finally(() => setImmediate(() => this.#followAll()));
    };
  }

  #accept(): void {
    const fd = this.#native.accept(this.#socket);
    if (fd < 0) return;
    const user = this.#native.peerUser(fd);
    if ((user !== ROOT && user !== process.getuid?.()) || this.#connections.size >= CLIENTS_MAX) {
      this.#native.close(fd);
      return;
    }
    const closing = (): void => {
      this.#readiness.unwatch(fd);
      this.#interests.delete(connection);
      this.#connections.delete(connection);
    };
    const connection = new ServerConnection(
      this.#native,
      fd,
      this.#scratch,
      LIMITS,
      this.#dispatcher,
      closing,
    );
    this.#connections.add(connection);
    this.#follow(connection);
  }

  #ready(connection: ServerConnection): void {
    this.#native.registerMemory(MESSAGE_SLOT, this.#scratch.memory);
    connection.ready();
    this.#follow(connection);
  }

  #followAll(): void {
    for (const connection of this.#connections) this.#follow(connection);
  }

  /** Watches a connection for what it waits for now. */
  #follow(connection: ServerConnection): void {
    if (connection.ended) return;
    const before = this.#interests.get(connection) ?? 0;
    const now = connection.interest;
    if (now === before) return;
    if (now === 0) {
      this.#interests.delete(connection);
      this.#readiness.unwatch(connection.fd);
      return;
    }
    try {
      if (before === 0) this.#readiness.watch(connection.fd, () => this.#ready(connection));
      this.#readiness.setInterest(connection.fd, now);
      this.#interests.set(connection, now);
    } catch {
      // Linux has no room for one more: this client's bad luck, and nobody else's.
      connection.close();
    }
  }
}
