// Hostile frames against the server, over a real directory of the host: in this process, where nothing but the server takes
// time, and through the socket of a gofer.

import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { P9_NOFID, P9_RLERROR } from "../../../assembly/abi/p9.ts";
import type { Wide } from "../../../src/common/wide.ts";
import { serveDirectory } from "../../../src/p9/index.ts";
import { decode, encode, messageName } from "../../../src/p9/messages.ts";
import { REPLY } from "../../../src/p9/server/memory.ts";
import { Responder } from "../../../src/p9/server/responder.ts";
import type { TreeProvider } from "../../../src/p9/server/server.ts";
import { Session } from "../../../src/p9/server/session.ts";
import type { Tree } from "../../../src/p9/server/tree.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import { Random } from "../random.ts";
import { hostileRequest } from "./frames.ts";
import type { Progress } from "./progress.ts";

/** The tree begins anew then: what was made is removed. */
const EPOCH = 20_000;
/** So many frames are timed together. */
const TIMED = 16;
/** One reply of so many is looked at closely. */
const LOOKED_AT = 8;
const MESSAGE_SIZE = 8192;
const SMALL = 1 << 16;
const ERRNO_MAX = 4095;

export interface Report {
  readonly frames: number;
  readonly refused: number;
  /** The longest that a few frames took, without what others had the processors for. */
  readonly slowestMs: number;
}

/** Makes the tree that is attacked, with ways to `decoy` in it. */
export function plant(root: string, decoy: string): void {
  execFileSync("rm", ["-rf", root]);
  mkdirSync(path.join(root, "a/b/c"), { recursive: true });
  mkdirSync(path.join(root, "sub"));
  writeFileSync(path.join(root, "file"), "x".repeat(5000));
  writeFileSync(path.join(root, "a/file"), "");
  symlinkSync(path.join(decoy, "secret"), path.join(root, "link"));
  symlinkSync(decoy, path.join(root, "d"));
  symlinkSync("../../decoy", path.join(root, "a/d"));
  execFileSync("mkfifo", [path.join(root, "fifo")]);
}

/** What this process has open, by its number and what it is. */
function descriptors(): string[] {
  const folder = "/proc/self/fd";
  return readdirSync(folder).map((fd) => {
    try {
      return `${fd} ${readlinkSync(path.join(folder, fd))}`;
    } catch {
      // The listing's own.
      return "";
    }
  });
}

/** Throws when files of the tree are open that nobody has, and keeps the frames that did it. */
function checkDescriptors(before: readonly string[], root: string, frames: readonly Buffer[]): void {
  const known = new Set(before);
  const left = descriptors().filter((open) => !known.has(open) && open.includes(root));
  if (left.length === 0) return;
  const file = path.join(tmpdir(), `wvisor-frames-${process.pid}`);
  writeFileSync(file, frames.map((frame) => `${frame.toString("hex")}\n`).join(""));
  throw new Error(`descriptors are left: ${left.join(", ")}; the frames are in ${file}`);
}

/** What a client may make of a disk is the disk's to bound; here it is bounded so that tests can run beside it. */
function bounded(tree: Tree): Tree {
  const small = (value: Wide): Wide => (value > SMALL ? SMALL : value);
  const allocate = tree.allocate.bind(tree);
  const copyRange = tree.copyRange.bind(tree);
  tree.allocate = (handle, mode, offset, length) => allocate(handle, mode, small(offset), small(length));
  tree.copyRange = (from, fromOffset, to, toOffset, length) =>
    copyRange(from, fromOffset, to, toOffset, small(length));
  return tree;
}

class Target {
  private readonly session: Session;
  private readonly responder: Responder;
  private readonly input: number;
  private readonly memory: Uint8Array;

  constructor(provider: TreeProvider) {
    this.session = new Session(bounded(provider.connect()));
    this.responder = new Responder(this.session);
    this.input = provider.input;
    this.memory = this.session.tree.memory.bytes;
    this.begin();
  }

  get isEstablished(): boolean {
    return this.session.established;
  }

  begin(): void {
    this.answer(encode("Tversion", 0xffff, { msize: MESSAGE_SIZE, version: "9P2000.L.wvisor.1" }));
    this.answer(encode("Tattach", 0, { fid: 0, afid: P9_NOFID, uname: "", aname: "", uid: 0 }));
  }

  get messageSize(): number {
    return this.session.messageSize;
  }

  /** The reply; it is good until the next one. */
  answer(frame: Buffer): Buffer {
    this.memory.set(frame, this.input);
    const length = this.responder.answer(this.input, frame.length);
    return Buffer.from(this.memory.buffer, REPLY, length);
  }

  close(): void {
    this.session.close();
  }
}

/** Throws when a reply is not one to this request. */
export function checkReply(frame: Buffer, reply: Buffer, limit: number): void {
  const where = `${frame.toString("hex")} was answered with ${reply.subarray(0, 64).toString("hex")}`;
  if (reply.length > limit || reply.readUInt32LE(0) !== reply.length) throw new Error(where);
  if (reply.readUInt16LE(5) !== frame.readUInt16LE(5)) throw new Error(where);
  const type = reply.readUInt8(4);
  if (type !== P9_RLERROR && type !== frame.readUInt8(4) + 1) throw new Error(where);
  const fields = decode(messageName(type)!, reply);
  if (type !== P9_RLERROR) return;
  const { ecode } = fields as { ecode: number };
  if (ecode < 1 || ecode > ERRNO_MAX) throw new Error(where);
}

/** Sends `frames` frames that `seed` determines to a server in this process, on `root`. */
export function attackServer(
  root: string,
  decoy: string,
  frames: number,
  seed: number,
  progress?: Progress,
): Report {
  const random = new Random(seed);
  plant(root, decoy);
  const provider = serveDirectory(root);
  let target = new Target(provider);
  target.close();
  const before = descriptors();
  let refused = 0;
  let slowestMs = 0;
  let epoch: Buffer[] = [];
  const stopwatch = new Stopwatch();
  for (let sent = 0; sent < frames; sent++) {
    if (sent % EPOCH === 0) {
      progress?.(sent);
      target.close();
      checkDescriptors(before, root, epoch);
      epoch = [];
      execFileSync("find", [root, "-mindepth", "1", "-delete"]);
      refill(root, decoy);
      target = new Target(provider);
      stopwatch.lap();
    }
    if (!target.isEstablished && random.chance(0.1)) target.begin();
    const frame = hostileRequest(random);
    if (frame.length > target.messageSize) continue;
    epoch.push(frame);
    const reply = target.answer(frame);
    if (sent % TIMED === 0) slowestMs = Math.max(slowestMs, stopwatch.lap());
    if (reply.readUInt8(4) === P9_RLERROR) refused++;
    if (sent % LOOKED_AT === 0) checkReply(frame, reply, Math.max(target.messageSize, MESSAGE_SIZE));
  }
  target.close();
  return { frames, refused, slowestMs };
}

/** plant() in a directory that stays the one that is served. */
function refill(root: string, decoy: string): void {
  const fresh = `${root}-fresh`;
  plant(fresh, decoy);
  execFileSync("cp", ["-a", `${fresh}/.`, root]);
  rmSync(fresh, { recursive: true });
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number | "self"): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  return pages * 4096;
}
