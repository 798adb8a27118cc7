// A 9P2000.L server over a tree in this process's memory, for tests of the kernel's client: it answers honestly, and counts.
//
// Tests make it dishonest by `alter`, which may change any answer on its way out.

import * as errno from "../../../assembly/abi/errno.ts";
import { RENAME_EXCHANGE } from "../../../assembly/abi/fcntl.ts";
import * as p9 from "../../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../../assembly/abi/stat.ts";
import { errnoName } from "../../../src/common/errors.ts";
import { VERSION_9P2000L, VERSION_WVISOR } from "../../../src/common/p9-version.ts";
import { decode, messageName } from "../../../src/p9/messages.ts";

export class Node {
  readonly ino: number;
  mode: number;
  uid = 0;
  gid = 0;
  nlink = 1;
  mtime = 1000;
  data = Buffer.alloc(0);
  target = "";
  readonly attributes = new Map<string, Buffer>();
  readonly children = new Map<string, Node>();

  constructor(ino: number, mode: number) {
    this.ino = ino;
    this.mode = mode;
  }

  get type(): number {
    return this.mode & S_IFMT;
  }
}

export interface Answer {
  bytes: Buffer;
  /** A handle that comes with it, or -1. */
  handle: number;
  /** The request's type. */
  readonly request: number;
}

class Fid {
  node: Node;
  isOpen = false;
  /** An attribute's value, read or under way, and its name in the latter case. */
  value: Buffer | undefined;
  name = "";

  constructor(node: Node) {
    this.node = node;
  }
}

class Refusal extends Error {
  readonly value: number;

  constructor(value: number) {
    super(errnoName(value));
    this.value = value;
  }
}

export interface ServerOptions {
  readonly extended?: boolean;
  readonly donates?: boolean;
  readonly messageSize?: number;
  /** Attributes are followed by access control lists. */
  readonly acls?: boolean;
  /** Its answers are not what it does, so that the kernel may name a new fid by the number of an old one. */
  readonly lies?: boolean;
  /** The types of messages that it has never heard of, and what it answers to them. */
  readonly unknown?: ReadonlyMap<number, number>;
  /** What it answers when it is asked for a version. */
  readonly versions?: ReadonlyMap<string, string>;
}

const FIRST_HANDLE = 500;

export class MemoryServer {
  root = new Node(1, S_IFDIR | 0o755);
  readonly fids = new Map<number, Fid>();
  /** Handles that are out, by number. */
  readonly handles = new Map<number, Node>();
  /** The types of all requests so far. */
  readonly requests: number[] = [];
  /** Sends, however many requests were in each. */
  sends = 0;
  /** Whose new regular files are, whatever the client asks for: a server that may not give files away. */
  owner: number | undefined;
  alter: (answer: Answer) => void = () => {};
  /** Errors to answer with next, by request type. */
  readonly refuse = new Map<number, number>();
  /** Errors of names, for who asks for many of them. */
  readonly refuseNames = new Map<string, number>();
  /** How many names one answer tells about. */
  namesAnswered = Number.POSITIVE_INFINITY;
  readonly options: Required<ServerOptions>;
  private lastIno = 1;
  private lastHandle = FIRST_HANDLE;

  constructor(options: ServerOptions = {}) {
    this.options = {
      extended: true,
      donates: false,
      acls: false,
      lies: false,
      unknown: new Map(),
      versions: new Map(),
      messageSize: p9.P9_MSIZE,
      ...options,
    };
  }

  file(path: string, text: string, mode = 0o644): Node {
    const node = this.place(path, S_IFREG | mode);
    node.data = Buffer.from(text);
    return node;
  }

  directory(path: string, mode = 0o755): Node {
    return this.place(path, S_IFDIR | mode);
  }

  symlink(path: string, target: string): Node {
    const node = this.place(path, S_IFLNK | 0o777);
    node.target = target;
    return node;
  }

  place(path: string, mode: number): Node {
    const slash = path.lastIndexOf("/");
    const node = new Node(++this.lastIno, mode);
    this.find(path.slice(0, slash)).children.set(path.slice(slash + 1), node);
    return node;
  }

  find(path: string): Node {
    let node = this.root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      const child = node.children.get(name);
      if (child === undefined) throw new Refusal(errno.ENOENT);
      node = child;
    }
    return node;
  }

  /** How many requests of a type came since `requests` was last emptied. */
  count(type: number): number {
    return this.requests.filter((seen) => seen === type).length;
  }

  /** Answers all requests in `bytes`. */
  serve(bytes: Buffer): Answer[] {
    const answers: Answer[] = [];
    if (bytes.length > 0) this.sends++;
    for (let at = 0; at < bytes.length; ) {
      const size = bytes.readUInt32LE(at);
      const answer = this.answer(bytes.subarray(at, at + size));
      this.alter(answer);
      answers.push(answer);
      at += size;
    }
    return answers;
  }

  private answer(message: Buffer): Answer {
    const type = message.readUInt8(4);
    const tag = message.readUInt16LE(5);
    this.requests.push(type);
    // Whatever else a test is about: what the kernel sends is a message of the table, to the last byte.
    decode(messageName(type)!, message);
    try {
      const refused = this.refuse.get(type) ?? this.options.unknown.get(type);
      this.refuse.delete(type);
      // A clunk that fails is a clunk.
      if (refused !== undefined && type === p9.P9_TCLUNK)
        this.fids.delete(message.readUInt32LE(p9.P9_HEADER));
      if (refused !== undefined && type === p9.P9_TCLUNKS) {
        const numbers = message.subarray(p9.P9_HEADER + 2);
        for (let at = 0; at < numbers.length; at += 4) this.fids.delete(numbers.readUInt32LE(at));
      }
      if (refused !== undefined) throw new Refusal(refused);
      const fields = new Fields(message);
      const { body, handle } = this.dispatch(type, fields);
      if (!fields.isComplete) throw new Error(`request ${type} has ${fields.remaining} bytes too many`);
      return { bytes: frame(type + 1, tag, body), handle, request: type };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { bytes: frame(p9.P9_RLERROR, tag, u32(error.value)), handle: -1, request: type };
    }
  }

  private dispatch(type: number, f: Fields): { body: Buffer; handle: number } {
    if (type === p9.P9_TLOPEN || type === p9.P9_TLCREATE) {
      const fid = type === p9.P9_TLOPEN ? this.open(f) : this.create(f);
      return { body: Buffer.concat([qid(fid.node), u32(0)]), handle: this.donate(fid.node) };
    }
    if (type === p9.P9_TCREATEATTR) {
      const node = this.createAttributes(f);
      return { body: this.attributes(node), handle: this.donate(node) };
    }
    return { body: this.plain(type, f), handle: -1 };
  }

  private plain(type: number, f: Fields): Buffer {
    switch (type) {
      case p9.P9_TVERSION:
        return this.version(f);
      case p9.P9_TATTACH:
        return this.attach(f);
      case p9.P9_TWALK:
      case p9.P9_TWALKATTR:
        return this.walk(type === p9.P9_TWALKATTR, f);
      case p9.P9_TWALKFIDS:
        return this.walkFids(f);
      case p9.P9_TMULTIGETATTR:
        return this.multiGetattr(f);
      case p9.P9_TTMPFILE: {
        this.fid(f.u32());
        const number = f.u32();
        const node = new Node(++this.lastIno, S_IFREG | f.u32());
        node.nlink = 0;
        [node.uid, node.gid] = [f.u32(), f.u32()];
        this.insert(number, node);
        return this.attributes(node);
      }
      case p9.P9_TALLOCATE: {
        const { node } = this.openFid(f.u32());
        f.u32();
        const end = Number(f.u64()) + Number(f.u64());
        if (end > node.data.length) write(node, Buffer.alloc(end - node.data.length), node.data.length);
        return Buffer.alloc(0);
      }
      case p9.P9_TSEEK: {
        this.openFid(f.u32());
        f.u32();
        return u64(Number(f.u64()));
      }
      case p9.P9_TXATTRWALK: {
        const { node } = this.fid(f.u32());
        const number = f.u32();
        const name = f.text();
        const list = Buffer.from([...node.attributes.keys()].map((each) => `${each}\0`).join(""));
        const value = name === "" ? list : node.attributes.get(name);
        if (value === undefined) throw new Refusal(errno.ENODATA);
        this.insert(number, node).value = value;
        return u64(value.length);
      }
      case p9.P9_TXATTRCREATE: {
        const fid = this.fid(f.u32());
        fid.name = f.text();
        fid.value = Buffer.alloc(Number(f.u64()));
        f.u32();
        return Buffer.alloc(0);
      }
      case p9.P9_TXATTRREMOVE: {
        const { node } = this.fid(f.u32());
        if (!node.attributes.delete(f.text())) throw new Refusal(errno.ENODATA);
        return Buffer.alloc(0);
      }
      case p9.P9_TCLUNKS: {
        for (let count = f.u16(); count > 0; count--) this.clunk(f.u32());
        return Buffer.alloc(0);
      }
      case p9.P9_TGETATTR: {
        const { node } = this.fid(f.u32());
        f.u64();
        return this.attributes(node);
      }
      case p9.P9_TSETATTR:
        return this.setattr(f);
      case p9.P9_TMKDIR:
        return this.make(f, () => S_IFDIR | f.u32());
      case p9.P9_TMKNOD:
        return this.make(f, () => {
          const mode = f.u32();
          f.u32();
          f.u32();
          return mode;
        });
      case p9.P9_TSYMLINK: {
        let target = "";
        const body = this.make(f, () => {
          target = f.text();
          return S_IFLNK | 0o777;
        });
        this.latest.target = target;
        return body;
      }
      case p9.P9_TLINK: {
        const { node: directory } = this.fid(f.u32());
        const { node } = this.fid(f.u32());
        directory.children.set(f.text(), node);
        node.nlink++;
        return Buffer.alloc(0);
      }
      case p9.P9_TUNLINKAT: {
        const { node } = this.fid(f.u32());
        const name = f.text();
        const isDirectory = f.u32() !== 0;
        const child = this.child(node, name);
        if (isDirectory && child.children.size > 0) throw new Refusal(errno.ENOTEMPTY);
        child.nlink--;
        node.children.delete(name);
        node.mtime++;
        return Buffer.alloc(0);
      }
      case p9.P9_TREMOVE: {
        const number = f.u32();
        const { node } = this.fid(number);
        this.clunk(number);
        const [parent, name] = this.nameOf(node);
        if (node.children.size > 0) throw new Refusal(errno.ENOTEMPTY);
        node.nlink--;
        parent.children.delete(name);
        return Buffer.alloc(0);
      }
      case p9.P9_TRENAME: {
        const { node } = this.fid(f.u32());
        const { node: to } = this.fid(f.u32());
        const [from, name] = this.nameOf(node);
        from.children.delete(name);
        to.children.set(f.text(), node);
        return Buffer.alloc(0);
      }
      case p9.P9_TRENAMEAT:
      case p9.P9_TRENAMEAT2: {
        const { node: from } = this.fid(f.u32());
        const name = f.text();
        const { node: to } = this.fid(f.u32());
        const child = this.child(from, name);
        const newName = f.text();
        const flags = type === p9.P9_TRENAMEAT2 ? f.u32() : 0;
        if ((flags & RENAME_EXCHANGE) !== 0) from.children.set(name, this.child(to, newName));
        else from.children.delete(name);
        to.children.set(newName, child);
        return Buffer.alloc(0);
      }
      case p9.P9_TREADLINK:
        return string(this.fid(f.u32()).node.target);
      case p9.P9_TSTATFS:
        f.u32();
        return Buffer.concat([u32(0x1234), u32(4096), ...[10, 9, 8, 7, 6, 5].map(u64), u32(255)]);
      case p9.P9_TREAD: {
        const number = f.u32();
        const { value } = this.fid(number);
        const source = value ?? this.openFid(number).node.data;
        const offset = Number(f.u64());
        const data = source.subarray(offset, offset + f.u32());
        return Buffer.concat([u32(data.length), data]);
      }
      case p9.P9_TWRITE: {
        const number = f.u32();
        const { value } = this.fid(number);
        const offset = Number(f.u64());
        const data = f.bytes(f.u32());
        if (value !== undefined) data.copy(value, offset);
        else write(this.openFid(number).node, data, offset);
        return u32(data.length);
      }
      case p9.P9_TREADDIR: {
        const { node } = this.openFid(f.u32());
        const cookie = Number(f.u64());
        return this.readdir(node, cookie, f.u32());
      }
      case p9.P9_TFSYNC:
        this.openFid(f.u32());
        f.u32();
        return Buffer.alloc(0);
      case p9.P9_TCLUNK: {
        this.clunk(f.u32());
        return Buffer.alloc(0);
      }
      default:
        throw new Refusal(errno.EOPNOTSUPP);
    }
  }

  /** A directory in which a file is, and by which name. */
  private nameOf(node: Node): [Node, string] {
    for (const directories = [this.root]; directories.length > 0; ) {
      const directory = directories.pop()!;
      for (const [name, child] of directory.children) {
        if (child === node) return [directory, name];
        directories.push(child);
      }
    }
    throw new Refusal(errno.ENOENT);
  }

  private latest = this.root;

  private fid(number: number): Fid {
    const fid = this.fids.get(number);
    if (fid === undefined) throw new Refusal(errno.EBADF);
    return fid;
  }

  private openFid(number: number): Fid {
    const fid = this.fid(number);
    if (!fid.isOpen) throw new Refusal(errno.EINVAL);
    return fid;
  }

  private insert(number: number, node: Node): Fid {
    if (this.fids.has(number) && !this.options.lies) throw new Error(`fid ${number} is in use`);
    const fid = new Fid(node);
    this.fids.set(number, fid);
    return fid;
  }

  private child(node: Node, name: string): Node {
    const child = node.children.get(name);
    if (child === undefined) throw new Refusal(errno.ENOENT);
    return child;
  }

  private donate(node: Node): number {
    if (!this.options.donates || !this.options.extended) return -1;
    this.handles.set(++this.lastHandle, node);
    return this.lastHandle;
  }

  private version(f: Fields): Buffer {
    const size = Math.min(f.u32(), this.options.messageSize);
    const asked = f.text();
    let answer = asked;
    if (asked === VERSION_WVISOR && !this.options.extended) answer = VERSION_9P2000L;
    answer = this.options.versions.get(asked) ?? answer;
    if (answer === "an error") throw new Refusal(errno.EIO);
    return Buffer.concat([u32(size), string(answer)]);
  }

  private attach(f: Fields): Buffer {
    const number = f.u32();
    f.u32();
    f.text();
    f.text();
    f.u32();
    this.insert(number, this.root);
    return qid(this.root);
  }

  private walk(withAttributes: boolean, f: Fields): Buffer {
    const { node } = this.fid(f.u32());
    const number = f.u32();
    const count = f.u16();
    const names = Array.from({ length: count }, () => f.text());
    let at = node;
    for (const name of names) {
      const child = at.children.get(name);
      if (child === undefined) {
        if (!withAttributes) throw new Refusal(errno.ENOENT);
        return Buffer.concat([u32(errno.ENOENT), u16(0)]);
      }
      at = child;
    }
    if (number !== p9.P9_NOFID) this.insert(number, at);
    if (withAttributes) return Buffer.concat([u32(0), u16(1), this.attributes(at)]);
    return Buffer.concat([u16(count), ...names.map(() => qid(at))]);
  }

  private walkFids(f: Fields): Buffer {
    let at = this.fid(f.u32()).node;
    const skip = f.u16();
    const count = f.u16();
    const names = Array.from({ length: count }, () => f.text());
    const numbers = Array.from({ length: count - skip }, () => f.u32());
    const reached: Node[] = [];
    let status = 0;
    for (const [index, name] of names.entries()) {
      const child = at.children.get(name);
      if (child === undefined) {
        status = at.type === S_IFDIR ? errno.ENOENT : errno.ENOTDIR;
        break;
      }
      at = child;
      reached.push(child);
      if (index >= skip) this.insert(numbers[index - skip]!, child);
    }
    return Buffer.concat([u32(status), u16(reached.length), ...reached.map((each) => this.attributes(each))]);
  }

  private multiGetattr(f: Fields): Buffer {
    const { node } = this.fid(f.u32());
    const count = f.u16();
    const names = Array.from({ length: count }, () => f.text());
    const numbers = Array.from({ length: count }, () => f.u32());
    const answers: Buffer[] = [];
    // With empty lists, too.
    const fitting = Math.floor((this.options.messageSize - p9.P9_HEADER - 2) / (4 + p9.P9_ATTR_SIZE + 4));
    const answered = Math.min(count, this.namesAnswered, fitting);
    for (const [index, name] of names.slice(0, answered).entries()) {
      const child = node.children.get(name);
      const refused = child === undefined ? errno.ENOENT : (this.refuseNames.get(name) ?? 0);
      answers.push(u32(refused));
      if (child === undefined || refused !== 0) continue;
      this.insert(numbers[index]!, child);
      answers.push(this.attributes(child));
    }
    return Buffer.concat([u16(answered), ...answers]);
  }

  /** As the extension's answers have them. */
  private attributes(node: Node): Buffer {
    const plain = attributes(node);
    if (!this.options.acls) return plain;
    plain.writeUInt8((p9.P9_GETATTR_ACLS >> 8) | plain.readUInt8(1), 1);
    const list = (name: string) => {
      const value = node.attributes.get(`system.posix_acl_${name}`) ?? Buffer.alloc(0);
      return Buffer.concat([u16(value.length), value]);
    };
    return Buffer.concat([plain, list("access"), list("default")]);
  }

  private clunk(number: number): void {
    const { node, value, name } = this.fid(number);
    this.fids.delete(number);
    if (value !== undefined && name !== "") node.attributes.set(name, value);
  }

  private createAttributes(f: Fields): Node {
    const { node: directory } = this.fid(f.u32());
    const [openNumber, number] = [f.u32(), f.u32()];
    const name = f.text();
    const mode = f.u32();
    const uid = f.u32();
    const node = this.add(directory, name, S_IFREG | mode, f.u32());
    node.uid = this.owner ?? uid;
    this.insert(openNumber, node).isOpen = true;
    this.insert(number, node);
    return node;
  }

  private open(f: Fields): Fid {
    const fid = this.fid(f.u32());
    f.u32();
    if (fid.isOpen) throw new Refusal(errno.EINVAL);
    fid.isOpen = true;
    return fid;
  }

  private create(f: Fields): Fid {
    const fid = this.fid(f.u32());
    const name = f.text();
    f.u32();
    const mode = f.u32();
    const gid = f.u32();
    fid.node = this.add(fid.node, name, S_IFREG | mode, gid);
    fid.node.uid = this.owner ?? 0;
    fid.isOpen = true;
    return fid;
  }

  private make(f: Fields, readMode: () => number): Buffer {
    const { node } = this.fid(f.u32());
    const name = f.text();
    const mode = readMode();
    this.latest = this.add(node, name, mode, f.u32());
    return qid(this.latest);
  }

  private add(directory: Node, name: string, mode: number, gid: number): Node {
    if (directory.children.has(name)) throw new Refusal(errno.EEXIST);
    const node = new Node(++this.lastIno, mode);
    node.gid = gid;
    directory.children.set(name, node);
    directory.mtime++;
    return node;
  }

  private setattr(f: Fields): Buffer {
    const { node } = this.fid(f.u32());
    const valid = f.u32();
    const mode = f.u32();
    const uid = f.u32();
    const gid = f.u32();
    const size = Number(f.u64());
    f.bytes(32);
    if (valid & p9.P9_SETATTR_MODE) node.mode = node.type | mode;
    if (valid & p9.P9_SETATTR_UID) node.uid = uid;
    if (valid & p9.P9_SETATTR_GID) node.gid = gid;
    if (valid & p9.P9_SETATTR_SIZE) {
      const data = Buffer.alloc(size);
      node.data.copy(data);
      node.data = data;
    }
    return Buffer.alloc(0);
  }

  private readdir(node: Node, cookie: number, count: number): Buffer {
    const entries = [[".", node] as const, ["..", this.root] as const, ...node.children];
    const parts: Buffer[] = [];
    let length = 0;
    for (let i = cookie; i < entries.length; i++) {
      const [name, child] = entries[i]!;
      const entry = Buffer.concat([qid(child), u64(i + 1), Buffer.from([child.type >> 12]), string(name)]);
      if (length + entry.length > count) break;
      parts.push(entry);
      length += entry.length;
    }
    return Buffer.concat([u32(length), ...parts]);
  }
}

export function write(node: Node, data: Uint8Array, offset: number): void {
  const whole = Buffer.alloc(Math.max(node.data.length, offset + data.length));
  node.data.copy(whole);
  whole.set(data, offset);
  node.data = whole;
  node.mtime++;
}

export function frame(type: number, tag: number, body: Buffer): Buffer {
  return Buffer.concat([u32(p9.P9_HEADER + body.length), Buffer.from([type]), u16(tag), body]);
}

/** A request's fields, in order. */
class Fields {
  private readonly message: Buffer;
  private at = p9.P9_HEADER;

  constructor(message: Buffer) {
    this.message = message;
  }

  get remaining(): number {
    return this.message.length - this.at;
  }
  get isComplete(): boolean {
    return this.remaining === 0;
  }
  u16(): number {
    return this.bytes(2).readUInt16LE();
  }
  u32(): number {
    return this.bytes(4).readUInt32LE();
  }
  u64(): bigint {
    return this.bytes(8).readBigUInt64LE();
  }
  text(): string {
    return this.bytes(this.u16()).toString();
  }
  bytes(length: number): Buffer {
    const at = this.at;
    this.at += length;
    if (this.at > this.message.length) throw new Error("the request is too short");
    return this.message.subarray(at, this.at);
  }
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u16(bytes.length), bytes]);
}

function qid(node: Node): Buffer {
  let type = p9.P9_QTFILE;
  if (node.type === S_IFDIR) type = p9.P9_QTDIR;
  if (node.type === S_IFLNK) type = p9.P9_QTSYMLINK;
  return Buffer.concat([Buffer.from([type]), u32(0), u64(node.ino)]);
}

function attributes(node: Node): Buffer {
  const size = node.type === S_IFLNK ? node.target.length : node.data.length;
  return Buffer.concat([
    u64(p9.P9_GETATTR_BASIC),
    qid(node),
    ...[node.mode, node.uid, node.gid].map(u32),
    ...[node.nlink, 0, size, 4096, Math.ceil(size / 512)].map(u64),
    ...[node.mtime, 0, node.mtime, 0, node.mtime, 0, 0, 0, 0, 0].map(u64),
  ]);
}
