// Real Linux as a Target: a directory of the host or a file system of the test's own, and one process of linux-oracle.c for
// each process of the test.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { FD_MAX } from "../../../assembly/abi/limits.ts";
import { POLLIN } from "../../../assembly/abi/poll.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { loadNative } from "../../../src/native/index.ts";
import type {
  Argument,
  Call,
  ConcurrentProcess,
  ConcurrentTarget,
  Identity,
  PendingCall,
  Process,
  Target,
} from "./target.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const SOURCE = path.join(import.meta.dirname, "linux-oracle.c");
const BINARY = path.join(ROOT, "build/test/linux-oracle");
const SLOT = 13;
const ARGUMENTS = 6;
const HEAD = 16 + ARGUMENTS * 16;
const CAPACITY = 8 << 20;
const WORD = 2 ** 32;

const SYS_getpid = 39;
const SYS_setns = 308;
const CLONE_NEWNS = 0x20000;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x40000;
const MNT_DETACH = 2;

const buffer = new Uint8Array(CAPACITY);
const view = new DataView(buffer.buffer);

function native() {
  const found = loadNative();
  if (found === undefined) throw new Error("the native helper is not built");
  found.registerMemory(SLOT, buffer);
  return found;
}

/** Compiles the oracle when it is older than its source. */
function binary(): string {
  if (existsSync(BINARY) && statSync(BINARY).mtimeMs > statSync(SOURCE).mtimeMs) return BINARY;
  mkdirSync(path.dirname(BINARY), { recursive: true });
  const fresh = `${BINARY}.${process.pid}`;
  execFileSync("cc", ["-O1", "-Wall", "-Werror", "-o", fresh, SOURCE]);
  renameSync(fresh, BINARY);
  return BINARY;
}

function aligned(length: number): number {
  return (length + 7) & -8;
}

function putNumber(at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / WORD), true);
}

/** Puts the bytes of a pointer argument to `at`; returns their length. */
function put(at: number, argument: Exclude<Argument, number | null>): number {
  if (typeof argument === "string") {
    const length = Buffer.from(buffer.buffer, at).write(argument);
    buffer[at + length] = 0;
    return length + 1;
  }
  if (argument instanceof Uint8Array) {
    buffer.set(argument, at);
    return argument.length;
  }
  let to = at;
  for (const span of argument) {
    putNumber(to, span.length);
    buffer.set(span, to + 8);
    to += 8 + aligned(span.length);
  }
  return to - at;
}

/** Puts a call to `at`; returns where the next one begins. */
function encode(at: number, { number, args }: Call): number {
  buffer.fill(0, at, at + HEAD);
  putNumber(at + 8, number);
  let to = at + HEAD;
  args.forEach((argument, index) => {
    const describe = at + 16 + index * 16;
    if (argument === null) return;
    if (typeof argument === "number") {
      putNumber(describe + 8, argument);
      return;
    }
    const length = put(to, argument);
    to += aligned(length);
    const isVector = Array.isArray(argument);
    view.setUint32(describe, isVector ? 2 : 1, true);
    view.setUint32(describe + 4, length, true);
    if (isVector) putNumber(describe + 8, argument.length);
  });
  view.setUint32(at, to - at, true);
  return to;
}

/** Copies what the call at `at` left in its buffers back into the caller's bytes; returns its result. */
function decode(at: number, { args }: Call): number {
  let from = at + HEAD;
  args.forEach((argument, index) => {
    if (typeof argument === "number" || argument === null) return;
    if (argument instanceof Uint8Array) argument.set(buffer.subarray(from, from + argument.length));
    else if (typeof argument !== "string") copySpansBack(from, argument);
    from += aligned(view.getUint32(at + 16 + index * 16 + 4, true));
  });
  return view.getUint32(at + 8, true) + view.getInt32(at + 12, true) * WORD;
}

function copySpansBack(from: number, spans: readonly Uint8Array[]): void {
  let at = from;
  for (const span of spans) {
    span.set(buffer.subarray(at + 8, at + 8 + span.length));
    at += 8 + aligned(span.length);
  }
}

/** Starts the oracle with as many channels: its process, and our ends. */
function start(channels: number): { pid: number; sockets: number[] } {
  const helper = native();
  const args = Buffer.from(`${binary()}\0${FD_MAX}\0${"shared\0".repeat(channels - 1)}`);
  const pairs = Array.from({ length: channels }, () => {
    helper.socketpair(SLOT, 0);
    return [view.getInt32(0, true), view.getInt32(4, true)] as const;
  });
  buffer.set(args, 64);
  const fds = [-1, -1, 2, ...pairs.map(([, theirs]) => theirs)];
  for (const [index, fd] of fds.entries()) view.setInt32(index * 4, fd, true);
  const pid = helper.spawn(SLOT, 64, args.length, 0, fds.length);
  for (const [, theirs] of pairs) helper.close(theirs);
  if (pid < 0) throw new Error(`starting the oracle: errno ${-pid}`);
  return { pid, sockets: pairs.map(([ours]) => ours) };
}

export class LinuxProcess implements ConcurrentProcess {
  readonly pid: number;
  readonly #native = native();
  readonly #socket: number;
  /** Its end is for us to wait for. */
  readonly #isChild: boolean;
  #ended = false;

  constructor(of?: { readonly pid: number; readonly socket: number }) {
    if (of === undefined) {
      const { pid, sockets } = start(1);
      this.pid = pid;
      this.#socket = sockets[0]!;
      this.#isChild = true;
    } else {
      this.#socket = of.socket;
      this.pid = this.syscall(SYS_getpid);
      this.#isChild = of.pid === this.pid;
    }
  }

  /** Two that share their descriptors. */
  static pair(): readonly [LinuxProcess, LinuxProcess] {
    const { pid, sockets } = start(2);
    return [new LinuxProcess({ pid, socket: sockets[0]! }), new LinuxProcess({ pid, socket: sockets[1]! })];
  }

  syscall(number: number, ...args: readonly Argument[]): number {
    return this.batch([{ number, args }])[0]!;
  }

  begin(number: number, ...args: readonly Argument[]): PendingCall {
    const call: Call = { number, args };
    const length = this.#send([call]);
    let result: number | undefined;
    return {
      isDone: () => result !== undefined || this.#hasAnswered(),
      result: () => {
        result ??= this.#receive([call], length)[0]!;
        return result;
      },
    };
  }

  /** Executes calls one after the other, in one round trip. */
  batch(calls: readonly Call[]): number[] {
    return this.#receive(calls, this.#send(calls));
  }

  /** Returns the length of the answer to come. */
  #send(calls: readonly Call[]): number {
    let at = 4;
    for (const call of calls) at = encode(at, call);
    view.setUint32(0, at - 4, true);
    this.#transfer(true, 0, at);
    return at - 4;
  }

  #receive(calls: readonly Call[], length: number): number[] {
    this.#transfer(false, 4, length);
    let at = 4;
    return calls.map((call) => {
      const result = decode(at, call);
      at += view.getUint32(at, true);
      return result;
    });
  }

  #transfer(isWrite: boolean, from: number, length: number): void {
    for (let done = 0; done < length; ) {
      const left = length - done;
      const moved = isWrite
        ? this.#native.write(this.#socket, SLOT, from + done, left)
        : this.#native.read(this.#socket, SLOT, from + done, left);
      if (moved <= 0) throw new Error(`the oracle has gone: ${moved}`);
      done += moved;
    }
  }

  #hasAnswered(): boolean {
    view.setInt32(0, this.#socket, true);
    view.setUint32(4, POLLIN, true);
    return this.#native.poll(SLOT, 0, 1, 0, -1) > 0;
  }

  kill(): void {
    process.kill(this.pid, "SIGKILL");
    this.end();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#native.close(this.#socket);
    if (this.#isChild) this.#native.waitpid(this.pid, 1);
  }
}

function succeed(result: number, what: string): number {
  if (result < 0) throw new Error(`${what}: errno ${-result}`);
  return result;
}

export const isRoot = process.getuid?.() === 0;

/**
 * The tree in `directory` of the host. As root the processes have it as their root directory; else they start in it, and
 * can be of no other identity than ours.
 */
export function linuxTarget(directory: string, name = "Linux"): Target {
  const processes: Process[] = [];
  return {
    name,
    process(identity) {
      const made = new LinuxProcess();
      processes.push(made);
      succeed(made.syscall(nr.SYS_chdir, directory), "chdir");
      if (isRoot) succeed(made.syscall(nr.SYS_chroot, "."), "chroot");
      succeed(made.syscall(nr.SYS_umask, 0), "umask");
      if (identity !== undefined) become(made, identity);
      return made;
    },
    end() {
      for (const each of processes) each.end();
    },
  };
}

/** Takes on an identity for good: capabilities go with it unless it is root's. */
export function become(made: Process, { uid, gid, groups = [] }: Identity): void {
  succeed(
    made.syscall(nr.SYS_setgroups, groups.length, new Uint8Array(Uint32Array.from(groups).buffer)),
    "setgroups",
  );
  succeed(made.syscall(nr.SYS_setresgid, gid, gid, gid), "setresgid");
  succeed(made.syscall(nr.SYS_setresuid, uid, uid, uid), "setresuid");
}

export interface LinuxTarget extends ConcurrentTarget {
  process(identity?: Identity): LinuxProcess;
  sharing(): readonly [LinuxProcess, LinuxProcess];
}

/** What mount(2) is told. */
export interface LinuxMount {
  readonly type: string;
  readonly flags?: number;
  readonly options?: string;
}

export const LINUX_TMPFS: LinuxMount = { type: "tmpfs", options: "mode=0777" };

/**
 * A file system of the test's own, in a mount namespace of its own of which it is the root: nothing of the host can be reached
 * there. `prepare` sees a fresh tmpfs and says what to make the root; without it the tmpfs is. Needs root.
 */
export function linuxMountTarget(
  name: string,
  first: LinuxMount = LINUX_TMPFS,
  prepare?: (keeper: LinuxProcess) => LinuxMount,
): LinuxTarget {
  const keeper = new LinuxProcess();
  const processes = [keeper];
  const place = mkdtempSync(path.join(tmpdir(), "wvisor-mount-"));
  succeed(keeper.syscall(nr.SYS_unshare, CLONE_NEWNS), "unshare");
  succeed(keeper.syscall(nr.SYS_mount, "none", "/", null, MS_REC | MS_PRIVATE, null), "mount private");
  mountAndEnter(keeper, place, first);
  rmdirSync(place);
  if (prepare !== undefined) {
    const next = prepare(keeper);
    succeed(keeper.syscall(nr.SYS_mkdirat, 0, "/merged", 0o755), "mkdir");
    mountAndEnter(keeper, "/merged", next);
  }
  const enter = (made: LinuxProcess): LinuxProcess => {
    processes.push(made);
    const namespace = made.syscall(nr.SYS_open, `/proc/${keeper.pid}/ns/mnt`, 0, 0);
    succeed(made.syscall(SYS_setns, namespace, CLONE_NEWNS), "setns");
    made.syscall(nr.SYS_close, namespace);
    succeed(made.syscall(nr.SYS_umask, 0), "umask");
    return made;
  };
  return {
    name,
    process(identity) {
      const made = enter(new LinuxProcess());
      if (identity !== undefined) become(made, identity);
      return made;
    },
    sharing() {
      const [one, other] = LinuxProcess.pair();
      return [enter(one), enter(other)];
    },
    end() {
      for (const each of processes) each.end();
    },
  };
}

/** Mounts on `place` and makes that the root of the namespace; what was there before goes. */
function mountAndEnter(keeper: Process, place: string, { type, flags = 0, options }: LinuxMount): void {
  succeed(keeper.syscall(nr.SYS_mount, type, place, type, flags, options ?? null), `mount ${type}`);
  succeed(keeper.syscall(nr.SYS_chdir, place), "chdir");
  succeed(keeper.syscall(nr.SYS_pivot_root, ".", "."), "pivot_root");
  succeed(keeper.syscall(nr.SYS_umount2, ".", MNT_DETACH), "umount2");
  succeed(keeper.syscall(nr.SYS_chdir, "/"), "chdir");
}
