// The messages' fields: what requests are made of, and answers checked and taken apart.
//
// Encoders write a request's fields behind its header. Decoders return false for an answer that cannot be true; the caller
// then gives up the connection.

import {
  P9_ACL_MAX,
  P9_ATTR_SIZE,
  P9_GETATTR_ACLS,
  P9_GETATTR_BLOCKS,
  P9_GETATTR_BTIME,
  P9_GETATTR_GID,
  P9_GETATTR_NLINK,
  P9_GETATTR_UID,
  P9_QID_SIZE,
  P9_QTDIR,
  P9_QTSYMLINK,
} from "../abi/p9.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from "../abi/stat.ts";
import { ByteReader } from "../lib/byte-reader.ts";
import { ByteWriter } from "../lib/byte-writer.ts";

/** Who asks: servers go by the numbers, and look at no name. */
const USER_NAME = "root";
const NANOSECONDS: i64 = 1000000000;
/** What nanoseconds in 64 bits can say. */
const SECONDS_MAX: i64 = 9223372035;
/** Attributes without these are of no use: mode and size. */
const VALID_NEEDED: u64 = 0x201;

/** Whose a file is whose server does not say (GF-04: dfltuid, dfltgid). */
const NOBODY: u32 = 65534;

/** A file's attributes as its server tells them. What it does not tell is what a file without it would have. */
@final
export class P9Attributes {
  qidType: u32 = 0;
  qidPath: u64 = 0;
  mode: u32 = 0;
  uid: u32 = 0;
  gid: u32 = 0;
  nlink: u32 = 0;
  rdev: u32 = 0;
  size: i64 = 0;
  blocks: u64 = 0;
  /** Nanoseconds since the epoch. */
  atime: i64 = 0;
  mtime: i64 = 0;
  ctime: i64 = 0;
  btime: i64 = 0;
  /** Whether the file system has access control lists, and these are told. */
  hasAcls: bool = false;
  /** The lists as values of extended attributes, in the message: as long as Exchange.data. Empty where there is none. */
  accessAcl: usize = 0;
  accessAclLength: u32 = 0;
  defaultAcl: usize = 0;
  defaultAclLength: u32 = 0;

  /** From the body of Rgetattr, or one attribute of Rwalkattr. `withAcls`: the lists may follow. */
  decode(reader: ByteReader, withAcls: bool): bool {
    if (reader.remaining < <u32>P9_ATTR_SIZE) return false;
    const valid = reader.u64();
    this.qidType = reader.u8();
    reader.u32();
    this.qidPath = reader.u64();
    this.mode = reader.u32();
    this.uid = reader.u32();
    this.gid = reader.u32();
    this.nlink = <u32>min<u64>(reader.u64(), u32.MAX_VALUE);
    this.rdev = <u32>reader.u64();
    this.size = <i64>reader.u64();
    reader.u64();
    this.blocks = reader.u64();
    this.atime = takeTime(reader);
    this.mtime = takeTime(reader);
    this.ctime = takeTime(reader);
    if (!(valid & P9_GETATTR_NLINK)) this.nlink = 1;
    if (!(valid & P9_GETATTR_UID)) this.uid = NOBODY;
    if (!(valid & P9_GETATTR_GID)) this.gid = NOBODY;
    if (!(valid & P9_GETATTR_BLOCKS)) this.blocks = (<u64>this.size + 511) >> 9;
    const btime = takeTime(reader);
    this.btime = valid & P9_GETATTR_BTIME ? btime : 0;
    reader.take(16);
    this.hasAcls = withAcls && (valid & P9_GETATTR_ACLS) != 0;
    this.accessAclLength = this.hasAcls ? reader.u16() : 0;
    this.accessAcl = reader.take(this.accessAclLength);
    this.defaultAclLength = this.hasAcls ? reader.u16() : 0;
    this.defaultAcl = reader.take(this.defaultAclLength);
    if (reader.overrun || max(this.accessAclLength, this.defaultAclLength) > <u32>P9_ACL_MAX) return false;
    return (valid & VALID_NEEDED) == VALID_NEEDED && this.size >= 0 && isModeOfQid(this.mode, this.qidType);
  }
}

/** Seconds and nanoseconds as nanoseconds; what does not fit is the nearest that does. */
function takeTime(reader: ByteReader): i64 {
  const seconds = min<i64>(max<i64>(<i64>reader.u64(), -SECONDS_MAX), SECONDS_MAX);
  const nanoseconds = min<u64>(reader.u64(), 999999999);
  return seconds * NANOSECONDS + <i64>nanoseconds;
}

/** Whether `mode` has a type, and the one that the qid says. */
function isModeOfQid(mode: u32, qidType: u32): bool {
  const type = mode & <u32>S_IFMT;
  const isDirectory = (qidType & <u32>P9_QTDIR) != 0;
  const isSymlink = (qidType & <u32>P9_QTSYMLINK) != 0;
  if (type == <u32>S_IFDIR) return isDirectory && !isSymlink;
  if (type == <u32>S_IFLNK) return isSymlink && !isDirectory;
  if (isDirectory || isSymlink) return false;
  return (
    type == <u32>S_IFREG ||
    type == <u32>S_IFCHR ||
    type == <u32>S_IFBLK ||
    type == <u32>S_IFIFO ||
    type == <u32>S_IFSOCK
  );
}

/** Rstatfs. */
@final
export class P9StatFs {
  type: u32 = 0;
  blockSize: u32 = 0;
  blocks: u64 = 0;
  free: u64 = 0;
  available: u64 = 0;
  files: u64 = 0;
  filesFree: u64 = 0;
  nameMax: u32 = 0;

  decode(reader: ByteReader): bool {
    this.type = reader.u32();
    this.blockSize = reader.u32();
    this.blocks = reader.u64();
    this.free = reader.u64();
    this.available = reader.u64();
    this.files = reader.u64();
    this.filesFree = reader.u64();
    reader.u64();
    this.nameMax = reader.u32();
    return reader.isComplete();
  }
}

/** One entry of Rreaddir. */
@final
export class P9DirectoryEntry {
  qidType: u32 = 0;
  qidPath: u64 = 0;
  /** The cookie behind this entry. */
  next: u64 = 0;
  /** A DT_* value, as the server says. */
  type: u32 = 0;
  name: usize = 0;
  nameLength: u32 = 0;

  decode(reader: ByteReader): bool {
    this.qidType = reader.u8();
    reader.u32();
    this.qidPath = reader.u64();
    this.next = reader.u64();
    this.type = reader.u8();
    this.nameLength = reader.u16();
    this.name = reader.take(this.nameLength);
    return !reader.overrun && isName(this.name, this.nameLength);
  }
}

/** Whether a name from outside can be one component: 1 to 255 bytes, without slash and NUL. */
export function isName(name: usize, length: u32): bool {
  if (length == 0 || length > 255) return false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(name + i);
    if (byte == 0 || byte == 0x2f) return false;
  }
  return true;
}

/** Whether a name is "." or "..". */
export function isDots(name: usize, length: u32): bool {
  if (length > 2 || load<u8>(name) != 0x2e) return false;
  return length == 1 || load<u8>(name, 1) == 0x2e;
}

/** Steps over a qid and returns its path. */
export function takeQidPath(reader: ByteReader): u64 {
  const at = reader.take(P9_QID_SIZE);
  return at ? load<u64>(at, 5) : 0;
}

/** The name of the user who asks. */
export function putUserName(writer: ByteWriter): void {
  writer.u16(USER_NAME.length);
  for (let i = 0; i < USER_NAME.length; i++) writer.u8(USER_NAME.charCodeAt(i));
}

export function putString(writer: ByteWriter, bytes: usize, length: u32): void {
  writer.u16(length);
  writer.bytes(bytes, length);
}

/** Twalk and Twalkattr of one name, or of none: a clone. */
export function putWalk(writer: ByteWriter, fid: u32, newFid: u32, name: usize, length: u32): void {
  writer.u32(fid);
  writer.u32(newFid);
  writer.u16(length ? 1 : 0);
  if (length) putString(writer, name, length);
}

export function putVersion(writer: ByteWriter, msize: u32, version: string): void {
  writer.u32(msize);
  writer.u16(version.length);
  for (let i = 0; i < version.length; i++) writer.u8(version.charCodeAt(i));
}

/** Whether the bytes are `text`, which is ASCII. */
export function isText(bytes: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return false;
  for (let i: u32 = 0; i < length; i++) {
    if (<i32>load<u8>(bytes + i) != text.charCodeAt(i)) return false;
  }
  return true;
}

/** A time as seconds and nanoseconds. */
export function putTime(writer: ByteWriter, time: i64): void {
  let seconds = time / NANOSECONDS;
  let nanoseconds = time % NANOSECONDS;
  if (nanoseconds < 0) {
    seconds--;
    nanoseconds += NANOSECONDS;
  }
  writer.u64(<u64>seconds);
  writer.u64(<u64>nanoseconds);
}
