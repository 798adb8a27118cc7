// Two ends of a connection in one thread: a server's, and one that sends whatever a test wants.

import { readdirSync } from "node:fs";
import { ECONNRESET } from "../../assembly/abi/errno.ts";
import { ErrnoError } from "../../src/common/errors.ts";
import { Dispatcher, type Method } from "../../src/urpc/dispatcher.ts";
import { CLOSED, type Message, MessageSocket, PARTIAL } from "../../src/urpc/message-socket.ts";
import { DESCRIPTORS_MAX, type Limits } from "../../src/urpc/protocol.ts";
import { SCRATCH_SIZE, Scratch } from "../../src/urpc/scratch.ts";
import { ServerConnection } from "../../src/urpc/server-connection.ts";
import { requireNative } from "../support/gofer.ts";
import { socketPair } from "../support/p9-client.ts";

export const native = requireNative();

const SERVER_SLOT = 9;
const SEND_SLOT = 10;
const RECEIVE_SLOT = 11;
const LIST = 0;
const BYTES = 4096;
const SEND_SIZE = BYTES + (4 << 20);

const serverMemory = new Uint8Array(SCRATCH_SIZE);
const sendMemory = new Uint8Array(SEND_SIZE);
const receiveMemory = new Uint8Array(SCRATCH_SIZE);
native.registerMemory(SERVER_SLOT, serverMemory);
native.registerMemory(SEND_SLOT, sendMemory);
native.registerMemory(RECEIVE_SLOT, receiveMemory);

export const LIMITS: Limits = { bytes: 4096, depth: 8, descriptors: DESCRIPTORS_MAX };

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** What a server sends or a client receives, without a library in between but for finding a message's end. */
export class Peer {
  readonly fd: number;
  private readonly socket: MessageSocket;

  constructor(fd: number) {
    this.fd = fd;
    const limits = { bytes: 1 << 24, depth: 64, descriptors: DESCRIPTORS_MAX };
    this.socket = new MessageSocket(native, fd, new Scratch(RECEIVE_SLOT, receiveMemory), limits);
  }

  /** What the socket took: bytes, or -errno. */
  send(data: string | Uint8Array, fds: readonly number[] = []): number {
    const bytes = Buffer.from(data as string);
    sendMemory.set(bytes, BYTES);
    new Uint32Array(sendMemory.buffer, LIST, 1 + fds.length).set([fds.length, ...fds]);
    return native.sendRights(this.fd, SEND_SLOT, BYTES, bytes.length, LIST);
  }

  /** The next message, as far as it has arrived. */
  receive(): Message | "nothing" | "closed" {
    for (;;) {
      const message = this.next();
      if (message === CLOSED) return "closed";
      if (message !== PARTIAL) return message;
      if (native.readable(this.fd) === 0) return "nothing";
    }
  }

  private next(): ReturnType<MessageSocket["receive"]> {
    try {
      return this.socket.receive();
    } catch (error) {
      // The other end was closed with something unread in it.
      if (error instanceof ErrnoError && error.value === ECONNRESET) return CLOSED;
      throw error;
    }
  }

  /** The value of the next message. */
  reply(): unknown {
    const message = this.receive();
    if (typeof message === "string") return message;
    message.files.close();
    return message.value;
  }

  close(): void {
    this.socket.close();
    native.close(this.fd);
  }
}

export interface Pair {
  readonly peer: Peer;
  readonly server: ServerConnection;
  /** How often the server said that it closes. */
  closed: number;
  /** Sends, lets the server work until it has nothing to do, and returns the reply. */
  exchange(data: string | Uint8Array, fds?: readonly number[]): unknown;
  /** Lets the server go on until it has replied. */
  awaitReply(): unknown;
  /** Lets the server go on for as long as there is something to go on with. */
  settle(): void;
}

export function connect(methods: Readonly<Record<string, Method>>, limits: Limits = LIMITS): Pair {
  const [ours, theirs] = socketPair(native);
  const scratch = new Scratch(SERVER_SLOT, serverMemory);
  const server = new ServerConnection(native, theirs, scratch, limits, new Dispatcher(methods), () => {
    pair.closed++;
  });
  const peer = new Peer(ours);
  const pair: Pair = {
    peer,
    server,
    closed: 0,
    exchange(data, fds) {
      peer.send(data, fds);
      pair.settle();
      return peer.reply();
    },
    awaitReply() {
      let reply = peer.reply();
      for (; reply === "nothing"; reply = peer.reply()) server.ready();
      return reply;
    },
    settle() {
      while (!server.ended && server.interest === 1 && native.readable(theirs) !== 0) server.ready();
    },
  };
  return pair;
}
