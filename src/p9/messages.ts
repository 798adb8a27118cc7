// Every message of 9P2000.L and of wVisor's extension: its number and its fields, in order. assembly/abi/p9.ts says what they
// mean.
//
// This table is the codec of the client. The server reads fields one by one where it uses them, for its speed; the tests hold
// both against the same frames, and the fuzzer makes its frames of it.

import * as p9 from "../../assembly/abi/p9.ts";
import {
  bytes,
  data,
  FieldReader,
  FieldWriter,
  FrameError,
  i64,
  type Kind,
  list,
  name,
  optional,
  readFields,
  record,
  rest,
  type Shape,
  text,
  u8,
  u16,
  u32,
  u64,
  type Value,
  writeFields,
} from "./fields.ts";

export interface Message<S extends Shape = Shape> {
  readonly type: number;
  readonly fields: S;
}

/** What a field of this kind says. */
type Of<K> = K extends Kind<infer T> ? T : never;

/** What a message says. */
export type Fields<M> = M extends Message<infer S> ? Readonly<Value<S>> : never;

export const qid = record("qid", { type: u8, version: u32, path: u64 });

const fixedAttributes = record("attributes", {
  valid: u64,
  qid,
  mode: u32,
  uid: u32,
  gid: u32,
  nlink: u64,
  rdev: u64,
  size: u64,
  blksize: u64,
  blocks: u64,
  atimeSeconds: i64,
  atimeNanoseconds: u64,
  mtimeSeconds: i64,
  mtimeNanoseconds: u64,
  ctimeSeconds: i64,
  ctimeNanoseconds: u64,
  btimeSeconds: i64,
  btimeNanoseconds: u64,
  gen: u64,
  dataVersion: u64,
});

/** What follows them when P9_GETATTR_ACLS is in `valid`: values of extended attributes, empty where there is none. */
const lists = record("lists", { accessAcl: bytes, defaultAcl: bytes });

export const attributes: Kind<Of<typeof fixedAttributes> & Partial<Of<typeof lists>>> = {
  name: "attributes",
  read: (reader) => {
    const fixed = fixedAttributes.read(reader);
    return hasLists(fixed.valid) ? { ...fixed, ...lists.read(reader) } : fixed;
  },
  write: (writer, value) => {
    fixedAttributes.write(writer, value);
    const { accessAcl = NO_LIST, defaultAcl = NO_LIST } = value;
    if (hasLists(value.valid)) lists.write(writer, { accessAcl, defaultAcl });
  },
};

const NO_LIST = new Uint8Array(0);

function hasLists(valid: bigint): boolean {
  return (valid & BigInt(p9.P9_GETATTR_ACLS)) !== 0n;
}

/** Of one name: its error, or 0 and its attributes. */
const found: Kind<{ readonly status: number; readonly attributes?: Attributes }> = {
  name: "found",
  read: (reader) => {
    const status = u32.read(reader);
    return status === 0 ? { status, attributes: attributes.read(reader) } : { status };
  },
  write: (writer, { status, attributes: told }) => {
    u32.write(writer, status);
    if (told !== undefined) attributes.write(writer, told);
  },
};

export const entry = record("entry", { qid, offset: u64, type: u8, name: bytes });

/** Rreaddir's entries: count[4] bytes of them. */
const entries: Kind<readonly DirectoryEntry[]> = {
  name: "entries",
  read: (reader) => rest(entry).read(reader.part(reader.u32())),
  write: (writer, values) => {
    const inner = new FieldWriter();
    for (const value of values) entry.write(inner, value);
    data.write(writer, inner.take());
  },
};

const lock = { type: u8, start: u64, length: u64, processId: u32, clientId: text };

function message<S extends Shape>(type: number, fields: S): Message<S> {
  return { type, fields };
}

export const MESSAGES = {
  Rlerror: message(p9.P9_RLERROR, { ecode: u32 }),
  Tstatfs: message(p9.P9_TSTATFS, { fid: u32 }),
  Rstatfs: message(p9.P9_RSTATFS, {
    type: u32,
    bsize: u32,
    blocks: u64,
    bfree: u64,
    bavail: u64,
    files: u64,
    ffree: u64,
    fsid: u64,
    namelen: u32,
  }),
  Tlopen: message(p9.P9_TLOPEN, { fid: u32, flags: u32 }),
  Rlopen: message(p9.P9_RLOPEN, { qid, iounit: u32 }),
  Tlcreate: message(p9.P9_TLCREATE, { fid: u32, name, flags: u32, mode: u32, gid: u32 }),
  Rlcreate: message(p9.P9_RLCREATE, { qid, iounit: u32 }),
  Tsymlink: message(p9.P9_TSYMLINK, { dfid: u32, name, target: bytes, gid: u32 }),
  Rsymlink: message(p9.P9_RSYMLINK, { qid }),
  Tmknod: message(p9.P9_TMKNOD, { dfid: u32, name, mode: u32, major: u32, minor: u32, gid: u32 }),
  Rmknod: message(p9.P9_RMKNOD, { qid }),
  Trename: message(p9.P9_TRENAME, { fid: u32, dfid: u32, name }),
  Rrename: message(p9.P9_RRENAME, {}),
  Treadlink: message(p9.P9_TREADLINK, { fid: u32 }),
  Rreadlink: message(p9.P9_RREADLINK, { target: bytes }),
  Tgetattr: message(p9.P9_TGETATTR, { fid: u32, mask: u64 }),
  Rgetattr: message(p9.P9_RGETATTR, { attributes }),
  Tsetattr: message(p9.P9_TSETATTR, {
    fid: u32,
    valid: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    size: u64,
    atimeSeconds: i64,
    atimeNanoseconds: u64,
    mtimeSeconds: i64,
    mtimeNanoseconds: u64,
  }),
  Rsetattr: message(p9.P9_RSETATTR, {}),
  Txattrwalk: message(p9.P9_TXATTRWALK, { fid: u32, newfid: u32, name: bytes }),
  Rxattrwalk: message(p9.P9_RXATTRWALK, { size: u64 }),
  Txattrcreate: message(p9.P9_TXATTRCREATE, { fid: u32, name: bytes, size: u64, flags: u32 }),
  Rxattrcreate: message(p9.P9_RXATTRCREATE, {}),
  Treaddir: message(p9.P9_TREADDIR, { fid: u32, offset: u64, count: u32 }),
  Rreaddir: message(p9.P9_RREADDIR, { entries }),
  Tfsync: message(p9.P9_TFSYNC, { fid: u32, datasync: optional(u32, 0) }),
  Rfsync: message(p9.P9_RFSYNC, {}),
  Tlock: message(p9.P9_TLOCK, {
    fid: u32,
    type: u8,
    flags: u32,
    start: u64,
    length: u64,
    processId: u32,
    clientId: text,
  }),
  Rlock: message(p9.P9_RLOCK, { status: u8 }),
  Tgetlock: message(p9.P9_TGETLOCK, { fid: u32, ...lock }),
  Rgetlock: message(p9.P9_RGETLOCK, lock),
  Tlink: message(p9.P9_TLINK, { dfid: u32, fid: u32, name }),
  Rlink: message(p9.P9_RLINK, {}),
  Tmkdir: message(p9.P9_TMKDIR, { dfid: u32, name, mode: u32, gid: u32 }),
  Rmkdir: message(p9.P9_RMKDIR, { qid }),
  Trenameat: message(p9.P9_TRENAMEAT, { olddfid: u32, oldname: name, newdfid: u32, newname: name }),
  Rrenameat: message(p9.P9_RRENAMEAT, {}),
  Tunlinkat: message(p9.P9_TUNLINKAT, { dfid: u32, name, flags: u32 }),
  Runlinkat: message(p9.P9_RUNLINKAT, {}),
  Tversion: message(p9.P9_TVERSION, { msize: u32, version: text }),
  Rversion: message(p9.P9_RVERSION, { msize: u32, version: text }),
  Tauth: message(p9.P9_TAUTH, { afid: u32, uname: text, aname: text, uid: u32 }),
  Rauth: message(p9.P9_RAUTH, { qid }),
  Tattach: message(p9.P9_TATTACH, { fid: u32, afid: u32, uname: text, aname: text, uid: u32 }),
  Rattach: message(p9.P9_RATTACH, { qid }),
  Tflush: message(p9.P9_TFLUSH, { oldtag: u16 }),
  Rflush: message(p9.P9_RFLUSH, {}),
  Twalk: message(p9.P9_TWALK, { fid: u32, newfid: u32, names: list(name) }),
  Rwalk: message(p9.P9_RWALK, { qids: list(qid) }),
  Tread: message(p9.P9_TREAD, { fid: u32, offset: u64, count: u32 }),
  Rread: message(p9.P9_RREAD, { data }),
  Twrite: message(p9.P9_TWRITE, { fid: u32, offset: u64, data }),
  Rwrite: message(p9.P9_RWRITE, { count: u32 }),
  Tclunk: message(p9.P9_TCLUNK, { fid: u32 }),
  Rclunk: message(p9.P9_RCLUNK, {}),
  Tremove: message(p9.P9_TREMOVE, { fid: u32 }),
  Rremove: message(p9.P9_RREMOVE, {}),

  // wVisor's extension.
  Twalkattr: message(p9.P9_TWALKATTR, { fid: u32, newfid: u32, names: list(name) }),
  Rwalkattr: message(p9.P9_RWALKATTR, { status: u32, attributes: list(attributes) }),
  Twalkfids: message(p9.P9_TWALKFIDS, { fid: u32, skip: u16, names: list(name), newfids: rest(u32) }),
  Rwalkfids: message(p9.P9_RWALKFIDS, { status: u32, attributes: list(attributes) }),
  Tcreateattr: message(p9.P9_TCREATEATTR, {
    dfid: u32,
    openfid: u32,
    newfid: u32,
    name,
    mode: u32,
    uid: u32,
    gid: u32,
  }),
  Rcreateattr: message(p9.P9_RCREATEATTR, { attributes }),
  Ttmpfile: message(p9.P9_TTMPFILE, { dfid: u32, newfid: u32, mode: u32, uid: u32, gid: u32 }),
  Rtmpfile: message(p9.P9_RTMPFILE, { attributes }),
  Trenameat2: message(p9.P9_TRENAMEAT2, {
    olddfid: u32,
    oldname: name,
    newdfid: u32,
    newname: name,
    flags: u32,
  }),
  Rrenameat2: message(p9.P9_RRENAMEAT2, {}),
  Tallocate: message(p9.P9_TALLOCATE, { fid: u32, mode: u32, offset: u64, length: u64 }),
  Rallocate: message(p9.P9_RALLOCATE, {}),
  Tseek: message(p9.P9_TSEEK, { fid: u32, whence: u32, offset: u64 }),
  Rseek: message(p9.P9_RSEEK, { offset: u64 }),
  Tcopyrange: message(p9.P9_TCOPYRANGE, {
    fid: u32,
    offset: u64,
    tofid: u32,
    tooffset: u64,
    length: u64,
  }),
  Rcopyrange: message(p9.P9_RCOPYRANGE, { count: u64 }),
  Txattrremove: message(p9.P9_TXATTRREMOVE, { fid: u32, name: bytes }),
  Rxattrremove: message(p9.P9_RXATTRREMOVE, {}),
  Tclunks: message(p9.P9_TCLUNKS, { fids: list(u32) }),
  Rclunks: message(p9.P9_RCLUNKS, {}),
  Tmultigetattr: message(p9.P9_TMULTIGETATTR, { dfid: u32, names: list(name), newfids: rest(u32) }),
  Rmultigetattr: message(p9.P9_RMULTIGETATTR, { answers: list(found) }),
  Tconnect: message(p9.P9_TCONNECT, { fid: u32, type: u32 }),
  Rconnect: message(p9.P9_RCONNECT, {}),
} as const;

export type MessageName = keyof typeof MESSAGES;
export type FieldsOf<N extends MessageName> = Fields<(typeof MESSAGES)[N]>;
/** "getattr" for Tgetattr and Rgetattr. */
export type CallName = { [N in MessageName]: N extends `T${infer Call}` ? Call : never }[MessageName];

export type Qid = Of<typeof qid>;
export type Attributes = Of<typeof attributes>;
export type DirectoryEntry = Of<typeof entry>;

const NAMES = new Map<number, MessageName>(
  Object.entries(MESSAGES).map(([messageName, { type }]) => [type, messageName as MessageName]),
);

/** The name of the message with this number. */
export function messageName(type: number): MessageName | undefined {
  return NAMES.get(type);
}

/** A whole frame. Throws a RangeError for a value that its field cannot hold. */
export function encode<N extends MessageName>(which: N, tag: number, fields: FieldsOf<N>): Buffer {
  const writer = new FieldWriter();
  writer.u32(0);
  writer.u8(MESSAGES[which].type);
  writer.u16(tag);
  writeFields(MESSAGES[which].fields as Shape, writer, fields as Record<string, unknown>);
  const frame = writer.take();
  frame.writeUInt32LE(frame.length, 0);
  return frame;
}

/** The fields of a whole frame of this message. Throws a FrameError when they are not exactly the frame. */
export function decode<N extends MessageName>(which: N, frame: Buffer): FieldsOf<N> {
  const reader = new FieldReader(frame, p9.P9_HEADER);
  const fields = readFields(MESSAGES[which].fields as Shape, reader);
  if (reader.remaining > 0) throw new FrameError(`${which} is longer than its fields`);
  return fields as FieldsOf<N>;
}
