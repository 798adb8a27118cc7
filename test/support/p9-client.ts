// A 9P2000.L client for tests: writes messages field by field, sends them over a socketpair, reads replies.
//
// It is a second codec on purpose: it shares nothing with the gofer's but the numbers.

import { ENOENT } from "../../assembly/abi/errno.ts";
import * as p9 from "../../assembly/abi/p9.ts";
import { errnoName } from "../../src/common/errors.ts";
import type { Native } from "../../src/native/interface.ts";

const SLOT = 8;
const REQUEST = 0;
const RESPONSE = 1 << 20;
const FD_OUT = 2 << 20;
const PAIR = FD_OUT + 8;

let registered: Uint8Array | undefined;

/** The memory that test clients share; replies are copied out of it. */
export function clientMemory(native: Native): Uint8Array {
  if (registered === undefined) {
    registered = new Uint8Array(new ArrayBuffer(PAIR + 64));
    if (native.registerMemory(SLOT, registered) !== 0) throw new Error("registerMemory failed");
  }
  return registered;
}

/** A connected pair of blocking stream sockets. */
export function socketPair(native: Native): [number, number] {
  const memory = clientMemory(native);
  const status = native.socketpair(SLOT, PAIR);
  if (status < 0) throw new Error(`socketpair: ${errnoName(-status)}`);
  const view = new DataView(memory.buffer);
  return [view.getInt32(PAIR, true), view.getInt32(PAIR + 4, true)];
}

/** Fields of a message, in order. */
export class Message {
  private readonly parts: Buffer[] = [];

  u8(value: number): this {
    return this.raw(Buffer.from([value]));
  }

  u16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16LE(value);
    return this.raw(part);
  }

  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value >>> 0);
    return this.raw(part);
  }

  u64(value: number | bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
    return this.raw(part);
  }

  string(value: string | Uint8Array): this {
    const bytes = Buffer.from(value as string);
    return this.u16(bytes.length).raw(bytes);
  }

  raw(bytes: Uint8Array): this {
    this.parts.push(Buffer.from(bytes));
    return this;
  }

  /** The frame: size, type, tag, fields. */
  frame(type: number, tag: number): Buffer {
    const body = Buffer.concat(this.parts);
    const head = Buffer.alloc(p9.P9_HEADER);
    head.writeUInt32LE(p9.P9_HEADER + body.length, 0);
    head.writeUInt8(type, 4);
    head.writeUInt16LE(tag, 5);
    return Buffer.concat([head, body]);
  }
}

export interface Qid {
  readonly type: number;
  readonly version: number;
  readonly path: bigint;
}

export interface Attributes {
  readonly valid: bigint;
  readonly qid: Qid;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: bigint;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly blksize: bigint;
  readonly blocks: bigint;
  readonly atime: readonly [bigint, bigint];
  readonly mtime: readonly [bigint, bigint];
  readonly ctime: readonly [bigint, bigint];
  readonly btime: readonly [bigint, bigint];
  /** With the extension, where the file system has access control lists; empty where the file has none. */
  readonly accessAcl?: Buffer;
  readonly defaultAcl?: Buffer;
}

export interface Entry {
  readonly qid: Qid;
  readonly offset: bigint;
  readonly type: number;
  readonly name: Buffer;
}

/** A reply's fields, read in order. Reading past the end throws: a reply is never short. */
export class Reply {
  readonly type: number;
  readonly tag: number;
  /** The descriptor that came with it, or -1. */
  readonly fd: number;
  private readonly bytes: Buffer;
  private position = p9.P9_HEADER;

  constructor(bytes: Buffer, fd: number) {
    this.bytes = bytes;
    this.fd = fd;
    this.type = bytes.readUInt8(4);
    this.tag = bytes.readUInt16LE(5);
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  u8(): number {
    return this.bytes.readUInt8(this.advance(1));
  }

  u16(): number {
    return this.bytes.readUInt16LE(this.advance(2));
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.advance(4));
  }

  u64(): bigint {
    return this.bytes.readBigUInt64LE(this.advance(8));
  }

  data(length: number): Buffer {
    const at = this.advance(length);
    return this.bytes.subarray(at, at + length);
  }

  string(): Buffer {
    return this.data(this.u16());
  }

  qid(): Qid {
    return { type: this.u8(), version: this.u32(), path: this.u64() };
  }

  attributes(): Attributes {
    const attributes: Attributes = {
      valid: this.u64(),
      qid: this.qid(),
      mode: this.u32(),
      uid: this.u32(),
      gid: this.u32(),
      nlink: this.u64(),
      rdev: this.u64(),
      size: this.u64(),
      blksize: this.u64(),
      blocks: this.u64(),
      atime: [this.u64(), this.u64()] as const,
      mtime: [this.u64(), this.u64()] as const,
      ctime: [this.u64(), this.u64()] as const,
      btime: [this.u64(), this.u64()] as const,
    };
    this.data(16);
    if ((attributes.valid & BigInt(p9.P9_GETATTR_ACLS)) === 0n) return attributes;
    return { ...attributes, accessAcl: this.string(), defaultAcl: this.string() };
  }

  entries(): Entry[] {
    const length = this.u32();
    const end = this.position + length;
    const entries: Entry[] = [];
    while (this.position < end) {
      entries.push({ qid: this.qid(), offset: this.u64(), type: this.u8(), name: this.string() });
    }
    return entries;
  }

  private advance(length: number): number {
    const at = this.position;
    this.position += length;
    if (this.position > this.bytes.length) throw new Error("reply is shorter than its fields");
    return at;
  }
}

/** What the server refused, by name: tests compare `code`. */
export class RefusedError extends Error {
  readonly code: string;

  constructor(value: number, what: string) {
    super(`${errnoName(value)}: ${what}`);
    this.code = errnoName(value);
  }
}

export class P9Client {
  readonly socket: number;
  /** The helper's number of the connection's window, if it has one. */
  readonly window: number | undefined;
  private readonly native: Native;
  private readonly memory: Uint8Array;
  private tag = 0;
  private nextFid = 1;

  constructor(native: Native, socket: number, window?: number) {
    this.native = native;
    this.socket = socket;
    this.window = window;
    this.memory = clientMemory(native);
  }

  fid(): number {
    return this.nextFid++;
  }

  /** Sends a frame as it is and returns the reply, or -errno of the connection. */
  exchange(frame: Uint8Array): Reply | number {
    this.memory.set(frame, REQUEST);
    const { native, socket, window } = this;
    const call = window === undefined ? native.p9Rpc : native.windowRpc;
    const length = call(
      window ?? socket,
      SLOT,
      REQUEST,
      frame.length,
      RESPONSE,
      FD_OUT - RESPONSE,
      SLOT,
      FD_OUT,
      -1,
    );
    if (length < 0) return length;
    const fd = new DataView(this.memory.buffer).getInt32(FD_OUT, true);
    return new Reply(Buffer.from(this.memory.slice(RESPONSE, RESPONSE + length)), fd);
  }

  /** Sends bytes that need not be a frame, without waiting for anything. */
  sendRaw(bytes: Uint8Array): number {
    this.memory.set(bytes, REQUEST);
    return this.native.write(this.socket, SLOT, REQUEST, bytes.length);
  }

  /** Receives one reply. */
  receive(): Reply | number {
    return this.exchange(new Uint8Array(0));
  }

  /** Sends a message and returns its proper reply. Throws RefusedError for Rlerror. */
  call(type: number, message: Message): Reply {
    this.tag = (this.tag + 1) & 0x7fff;
    const tag = type === p9.P9_TVERSION ? p9.P9_NOTAG : this.tag;
    const reply = this.exchange(message.frame(type, tag));
    if (typeof reply === "number") throw new Error(`connection: ${errnoName(-reply)}`);
    if (reply.tag !== tag) throw new Error(`reply to tag ${reply.tag} instead of ${tag}`);
    if (reply.type === p9.P9_RLERROR) throw new RefusedError(reply.u32(), `message ${type}`);
    if (reply.type !== type + 1) throw new Error(`reply of type ${reply.type} to ${type}`);
    return reply;
  }

  /** The errno's name with which the server refuses a message; "" when it does not. */
  refusal(type: number, message: Message): string {
    try {
      const reply = this.call(type, message);
      if (reply.fd >= 0) this.native.close(reply.fd);
      return "";
    } catch (error) {
      if (error instanceof RefusedError) return error.code;
      throw error;
    }
  }

  version(name: string, messageSize = p9.P9_MSIZE): { messageSize: number; version: string } {
    const reply = this.call(p9.P9_TVERSION, new Message().u32(messageSize).string(name));
    return { messageSize: reply.u32(), version: reply.string().toString() };
  }

  attach(fid: number, uid = p9.P9_NONUNAME): Qid {
    const fields = new Message().u32(fid).u32(p9.P9_NOFID).string("test").string("").u32(uid);
    return this.call(p9.P9_TATTACH, fields).qid();
  }

  static walkFields(fid: number, newFid: number, names: readonly (string | Uint8Array)[]): Message {
    const fields = new Message().u32(fid).u32(newFid).u16(names.length);
    for (const name of names) fields.string(name);
    return fields;
  }

  /** Twalk of up to 16 names. Returns the qids, which may be fewer than names. */
  walk(fid: number, newFid: number, ...names: (string | Uint8Array)[]): Qid[] {
    const reply = this.call(p9.P9_TWALK, P9Client.walkFields(fid, newFid, names));
    const qids: Qid[] = [];
    for (let count = reply.u16(); count > 0; count--) qids.push(reply.qid());
    return qids;
  }

  /** A new fid for a path of names below `fid`. Throws when it cannot be reached. */
  reach(fid: number, ...names: (string | Uint8Array)[]): number {
    const newFid = this.fid();
    const qids = this.walk(fid, newFid, ...names);
    if (qids.length !== names.length) throw new RefusedError(ENOENT, `walk to ${names.join("/")}`);
    return newFid;
  }

  walkAttributes(fid: number, newFid: number, ...names: (string | Uint8Array)[]) {
    const reply = this.call(p9.P9_TWALKATTR, P9Client.walkFields(fid, newFid, names));
    const status = reply.u32();
    const attributes: Attributes[] = [];
    for (let count = reply.u16(); count > 0; count--) attributes.push(reply.attributes());
    return { status: status === 0 ? "" : errnoName(status), attributes };
  }

  getattr(fid: number): Attributes {
    return this.call(
      p9.P9_TGETATTR,
      new Message().u32(fid).u64(p9.P9_GETATTR_ALL | p9.P9_GETATTR_ACLS),
    ).attributes();
  }

  /** Tlopen. The reply's `fd` is the donated descriptor or -1. */
  open(fid: number, flags: number): Reply {
    return this.call(p9.P9_TLOPEN, new Message().u32(fid).u32(flags));
  }

  create(fid: number, name: string | Uint8Array, flags: number, mode: number, gid = 0): Reply {
    return this.call(p9.P9_TLCREATE, new Message().u32(fid).string(name).u32(flags).u32(mode).u32(gid));
  }

  read(fid: number, offset: number | bigint, count: number): Buffer {
    const reply = this.call(p9.P9_TREAD, new Message().u32(fid).u64(offset).u32(count));
    return reply.data(reply.u32());
  }

  write(fid: number, offset: number | bigint, data: Uint8Array): number {
    const fields = new Message().u32(fid).u64(offset).u32(data.length).raw(data);
    return this.call(p9.P9_TWRITE, fields).u32();
  }

  readdir(fid: number, offset: number | bigint, count: number): Entry[] {
    return this.call(p9.P9_TREADDIR, new Message().u32(fid).u64(offset).u32(count)).entries();
  }

  /** All entries of an open directory fid. */
  list(fid: number, count = 8192): Entry[] {
    const all: Entry[] = [];
    for (;;) {
      const entries = this.readdir(fid, all.at(-1)?.offset ?? 0, count);
      if (entries.length === 0) return all;
      all.push(...entries);
    }
  }

  clunk(fid: number): void {
    this.call(p9.P9_TCLUNK, new Message().u32(fid));
  }

  close(): void {
    this.native.close(this.socket);
  }
}
