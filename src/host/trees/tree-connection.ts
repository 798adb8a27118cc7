// A connection to a gofer over which one request after the other is made, blocking: commands that look at the host's trees need
// nothing beside that, and a sandbox's confined process may not wait by an event loop.
//
// The gofer is trusted no further than by the kernel: an answer that cannot be one breaks the connection.

import { P9_MSIZE, P9_NOFID, P9_NONUNAME, P9_NOTAG, P9_RLERROR } from "../../../assembly/abi/p9.ts";
import { ErrnoError, errnoName, WvisorError } from "../../common/errors.ts";
import { VERSION_WVISOR } from "../../common/p9-version.ts";
import type { Native } from "../../native/index.ts";
import { FrameError } from "../../p9/fields.ts";
import {
  type CallName,
  decode,
  encode,
  type FieldsOf,
  MESSAGES,
  type MessageName,
} from "../../p9/messages.ts";
import { TreeFile } from "./tree-file.ts";

type Request<C extends CallName> = FieldsOf<`T${C}`>;
type Reply<C extends CallName> = `R${C}` extends MessageName ? FieldsOf<`R${C}`> : never;

/** The helper's slot of the memory for messages, the same for all connections: nothing stays in it between calls. */
const SLOT = 9;
const REQUEST = 0;
const RESPONSE = P9_MSIZE;
const DESCRIPTOR = 2 * P9_MSIZE;
const TAG = 1;
/** Fids of one connection that files may have at once: what the gofer grants. */
const FIDS_MAX = 16_000;

export interface TreeSocket {
  /** Connected and blocking; the caller's. */
  readonly socket: number;
  /** The helper's number of its window; without one, messages go by the socket. */
  readonly window?: number | undefined;
}

export class TreeConnection {
  readonly #native: Native;
  readonly #socket: number;
  readonly #window: number | undefined;
  readonly #memory = new Uint8Array(DESCRIPTOR + 8);
  readonly #free: number[] = [];
  #nextFid = 0;
  #broken: WvisorError | undefined;
  /** The root of what the connection serves. */
  readonly root: TreeFile;

  /** Agrees on version and size, and attaches; whatever was on this connection before is forgotten. Errors: WvisorError, ErrnoError. */
  constructor(native: Native, { socket, window }: TreeSocket) {
    this.#native = native;
    this.#socket = socket;
    this.#window = window;
    const { version, msize } = this.call("version", { msize: P9_MSIZE, version: VERSION_WVISOR });
    if (version !== VERSION_WVISOR || msize !== P9_MSIZE)
      throw this.#break(`version ${version}, messages of ${msize} bytes`);
    const fid = this.takeFid();
    this.call("attach", { fid, afid: P9_NOFID, uname: "", aname: "", uid: P9_NONUNAME });
    const { attributes } = this.call("getattr", { fid, mask: 0x3fffn });
    this.root = new TreeFile(this, fid, attributes);
  }

  /** Errors: ErrnoError for what the gofer refuses, WvisorError when the connection is of no more use. */
  call<C extends CallName>(call: C, fields: Request<C>): Reply<C> {
    const frame = this.#exchange(
      call,
      encode(`T${call}`, call === "version" ? P9_NOTAG : TAG, fields as never),
    );
    try {
      const type = frame.readUInt8(4);
      if (type === P9_RLERROR) throw new ErrnoError(decode("Rlerror", frame).ecode, call);
      const reply = `R${call}` as MessageName;
      if (type !== MESSAGES[reply].type)
        throw this.#break(`a message of type ${type} as the answer to T${call}`);
      return decode(reply, frame) as Reply<C>;
    } catch (error) {
      throw error instanceof FrameError ? this.#break(error.message) : error;
    }
  }

  /** Errors: WvisorError when the caller has as many files as there may be. */
  takeFid(): number {
    const fid = this.#free.pop() ?? this.#nextFid++;
    if (fid < FIDS_MAX) return fid;
    this.#free.push(fid);
    throw new WvisorError("ERR_WVISOR_GOFER", "too many files are open at once");
  }

  giveFid(fid: number): void {
    this.#free.push(fid);
  }

  #exchange(call: CallName, request: Uint8Array): Buffer {
    if (this.#broken !== undefined) throw this.#broken;
    const memory = this.#memory;
    if (request.length > P9_MSIZE) throw new RangeError(`a request of ${request.length} bytes`);
    this.#native.registerMemory(SLOT, memory);
    memory.set(request, REQUEST);
    const { length } = request;
    const received =
      this.#window === undefined
        ? this.#native.p9Rpc(this.#socket, SLOT, REQUEST, length, RESPONSE, P9_MSIZE, SLOT, DESCRIPTOR, -1)
        : this.#native.windowRpc(
            this.#window,
            SLOT,
            REQUEST,
            length,
            RESPONSE,
            P9_MSIZE,
            SLOT,
            DESCRIPTOR,
            -1,
          );
    if (received < 0) throw this.#break(errnoName(-received));
    // What is read here goes through messages: one place decides how much.
    const descriptor = new DataView(memory.buffer).getInt32(DESCRIPTOR, true);
    if (descriptor >= 0) this.#native.close(descriptor);
    const frame = Buffer.from(memory.subarray(RESPONSE, RESPONSE + received));
    const tag = frame.readUInt16LE(5);
    if (tag !== (call === "version" ? P9_NOTAG : TAG)) throw this.#break(`an answer with tag ${tag}`);
    return frame;
  }

  #break(reason: string): WvisorError {
    this.#broken = new WvisorError("ERR_WVISOR_GOFER", `the gofer's connection broke: ${reason}`);
    return this.#broken;
  }
}
