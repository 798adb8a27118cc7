// A client of any 9P2000.L server. With one of wVisor's some operations take fewer round trips; with any other they are made of
// the plain messages, or are EOPNOTSUPP.

import { connect, type NetConnectOpts } from "node:net";
import type { Duplex } from "node:stream";
import { P9_MSIZE, P9_NOFID, P9_NONUNAME } from "../../../assembly/abi/p9.ts";
import { ErrnoError, WvisorError } from "../../common/errors.ts";
import { parseAddress } from "../../common/p9-address.ts";
import { VERSION_9P2000L, VERSION_WVISOR } from "../../common/p9-version.ts";
import { ClientConnection } from "./connection.ts";
import { FidNumbers } from "./fid-numbers.ts";
import { RemoteFile, type RemoteSession } from "./remote-file.ts";

/** No server worth talking to agrees on less; the fixed parts of all messages fit. */
const MSIZE_MIN = 4096;

export interface ClientOptions {
  /** The largest message that is offered. */
  readonly messageSize?: number;
  /** Offer wVisor's extension first. Default true. */
  readonly extension?: boolean;
}

export interface AttachOptions {
  /** The tree's name at the server ("aname"). */
  readonly tree?: string;
  readonly user?: string;
  readonly uid?: number;
}

export class P9Client implements RemoteSession {
  readonly connection: ClientConnection;
  readonly fids = new FidNumbers();
  /** wVisor's extension is on. */
  extended = false;

  private constructor(connection: ClientConnection) {
    this.connection = connection;
  }

  /**
   * Connects to "unix:PATH" or "tcp:HOST:PORT", or over a stream that is there already, and agrees on version and size.
   * Rejects with a WvisorError (ERR_WVISOR_P9) when the server speaks no 9P2000.L.
   */
  static async connect(where: string | Duplex, options: ClientOptions = {}): Promise<P9Client> {
    const stream = typeof where === "string" ? await openSocket(where) : where;
    const { messageSize = P9_MSIZE, extension = true } = options;
    if (!Number.isInteger(messageSize) || messageSize < MSIZE_MIN) {
      throw new RangeError(`messageSize is ${messageSize}, and not ${MSIZE_MIN} or more`);
    }
    const client = new P9Client(new ClientConnection(stream, messageSize));
    try {
      await client.negotiate(messageSize, extension ? [VERSION_WVISOR, VERSION_9P2000L] : [VERSION_9P2000L]);
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /** The largest message in either direction. */
  get messageSize(): number {
    return this.connection.messageSize;
  }

  /** A file of its own for the root of a tree. */
  async attach({ tree = "", user = "", uid = P9_NONUNAME }: AttachOptions = {}): Promise<RemoteFile> {
    const fid = this.fids.take();
    try {
      const { qid } = await this.connection.call("attach", {
        fid,
        afid: P9_NOFID,
        uname: user,
        aname: tree,
        uid,
      });
      return new RemoteFile(this, fid, qid);
    } catch (error) {
      this.fids.release(fid);
      throw error;
    }
  }

  /** Ends the connection; the server lets go of all files. */
  close(): void {
    this.connection.close();
  }

  /** A server that does not know a version may answer with one that it extends, or with "unknown": then the next one is tried. */
  private async negotiate(messageSize: number, versions: readonly string[]): Promise<void> {
    for (const version of versions) {
      const answer = await this.ask(messageSize, version);
      if (answer === undefined) continue;
      if (answer.msize < MSIZE_MIN || answer.msize > messageSize) {
        throw unusable(`the server wants messages of ${answer.msize} bytes`);
      }
      if (versions.includes(answer.version)) {
        this.connection.messageSize = answer.msize;
        this.extended = answer.version === VERSION_WVISOR;
        return;
      }
    }
    throw unusable("the server does not speak 9P2000.L");
  }

  private async ask(msize: number, version: string): Promise<{ msize: number; version: string } | undefined> {
    try {
      return await this.connection.call("version", { msize, version });
    } catch (error) {
      if (error instanceof ErrnoError) return undefined;
      throw error;
    }
  }
}

function unusable(message: string): WvisorError {
  return new WvisorError("ERR_WVISOR_P9", message);
}

async function openSocket(address: string): Promise<Duplex> {
  const where = parseAddress(address);
  const options: NetConnectOpts =
    where.kind === "unix" ? { path: where.path } : { host: where.host, port: where.port, noDelay: true };
  const socket = connect(options);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  socket.removeAllListeners("error");
  return socket;
}
