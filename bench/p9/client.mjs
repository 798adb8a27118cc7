// A client whose own cost is small and the same for every server: requests are bytes that were written before the
// clock runs, and each is one call of the helper's that sends it and waits for the reply.

import { connect } from "node:net";

const RVERSION = 101;
const RLERROR = 7;
const RLOPEN = 13;
const RREADDIR = 41;
const NOTAG = 0xffff;
const NOFID = 0xffffffff;
const MSIZE = 65536;
const REPLY_BYTES = MSIZE;
const REQUESTS = REPLY_BYTES + 8;
const MEMORY_BYTES = 1 << 20;
const NO_CANCEL = -1;

/** One message: `fields` are ["u8" | "u16" | "u32" | "u64" | "text" | "bytes", value] pairs. */
export function frame(type, tag, ...fields) {
  const parts = fields.map(([kind, value]) => {
    if (kind === "bytes") return value;
    if (kind === "text") return Buffer.concat([number(2, Buffer.byteLength(value)), Buffer.from(value)]);
    return number({ u8: 1, u16: 2, u32: 4, u64: 8 }[kind], value);
  });
  const body = Buffer.concat(parts);
  return Buffer.concat([number(4, body.length + 7), number(1, type), number(2, tag), body]);
}

function number(bytes, value) {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out.subarray(0, bytes);
}

/** A blocking socket that is connected to `path`. Node has no other way to one than through its own. */
export async function openSocket(native, path) {
  const socket = connect({ path });
  socket.pause();
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const fd = native.dup(socket._handle.fd);
  socket.destroy();
  const NONBLOCK = 0o4000;
  native.fcntlSetFlags(fd, native.fcntlGetFlags(fd) & ~NONBLOCK);
  return fd;
}

export class Client {
  /** Takes `socket`, and the helper's `slot` for memory. */
  constructor(native, socket, slot) {
    this.native = native;
    this.socket = socket;
    this.slot = slot;
    this.memory = new Uint8Array(new SharedArrayBuffer(MEMORY_BYTES));
    this.view = new DataView(this.memory.buffer);
    this.end = REQUESTS;
    native.registerMemory(slot, this.memory);
  }

  /** A request to be sent later, any number of times. `expected`: the type of the reply that it must have. */
  prepare(bytes, expected = bytes[4] + 1) {
    if (this.end + bytes.length > MEMORY_BYTES) throw new RangeError("too many prepared requests");
    const request = { at: this.end, length: bytes.length, expected };
    this.memory.set(bytes, request.at);
    this.end += bytes.length;
    return request;
  }

  /** Sends it and returns the length of the reply, which is at 0 of `view`. Throws at any other reply than expected. */
  call({ at, length, expected }) {
    const { native, socket, slot, view } = this;
    const got = native.p9Rpc(socket, slot, at, length, 0, REPLY_BYTES, slot, REPLY_BYTES, NO_CANCEL);
    if (got >= 7 && view.getUint8(4) === expected) return got;
    const what = got < 0 ? `errno ${-got}` : `reply of type ${view.getUint8(4)}`;
    const ecode = got === 11 && view.getUint8(4) === RLERROR ? `, errno ${view.getUint32(7, true)}` : "";
    throw new Error(`request of type ${this.memory[at + 4]}: ${what}${ecode}`);
  }

  once(bytes, expected) {
    const { end } = this;
    const got = this.call(this.prepare(bytes, expected));
    this.end = end;
    return got;
  }

  /** Agrees on plain 9P2000.L and makes fid 0 the root. Returns the message size. */
  attach(tree) {
    this.once(frame(RVERSION - 1, NOTAG, ["u32", MSIZE], ["text", "9P2000.L"]));
    const size = this.view.getUint32(7, true);
    this.once(frame(104, 1, ["u32", 0], ["u32", NOFID], ["text", ""], ["text", tree], ["u32", 0]));
    return size;
  }

  close() {
    this.native.close(this.socket);
  }
}

/** How many entries the Rreaddir in the client's memory has, and the cookie of the last one. */
export function countEntries(client) {
  const { view } = client;
  const end = 11 + view.getUint32(7, true);
  let entries = 0;
  let cookie = 0n;
  for (let at = 11; at < end; entries++) {
    cookie = view.getBigUint64(at + 13, true);
    at += 24 + view.getUint16(at + 22, true);
  }
  return { entries, cookie };
}

export { RLERROR, RLOPEN, RREADDIR };
