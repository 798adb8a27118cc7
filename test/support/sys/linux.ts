// Real Linux as a Target: a directory of the host, and one process of linux-oracle.c for each process of the test.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import * as nr from "../../../assembly/abi/syscall.ts";
import { loadNative } from "../../../src/native/index.ts";
import type { Argument, Identity, Process, Target } from "./target.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const SOURCE = path.join(import.meta.dirname, "linux-oracle.c");
const BINARY = path.join(ROOT, "build/test/linux-oracle");
const SLOT = 13;
const ARGUMENTS = 6;
const HEAD = 8 + ARGUMENTS * 16;
const CAPACITY = 4 << 20;

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

function bytesOf(argument: Exclude<Argument, number | null>): Uint8Array {
  if (typeof argument === "string") return Buffer.from(`${argument}\0`);
  if (argument instanceof Uint8Array) return argument;
  return Buffer.concat(
    argument.flatMap((span) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(span.length);
      return [length, span];
    }),
  );
}

class LinuxProcess implements Process {
  readonly #native = native();
  readonly #socket: number;
  readonly #pid: number;

  constructor() {
    const file = Buffer.from(`${binary()}\0`);
    this.#native.socketpair(SLOT, 0);
    const ours = view.getInt32(0, true);
    const theirs = view.getInt32(4, true);
    buffer.set(file, 64);
    for (const [index, fd] of [-1, -1, 2, theirs].entries()) view.setInt32(index * 4, fd, true);
    this.#pid = this.#native.spawn(SLOT, 64, file.length, 0, 4);
    this.#native.close(theirs);
    if (this.#pid < 0) throw new Error(`starting the oracle: errno ${-this.#pid}`);
    this.#socket = ours;
  }

  syscall(number: number, ...args: readonly Argument[]): number {
    view.setBigInt64(4, BigInt(number), true);
    let at = 4 + HEAD;
    const places: number[] = [];
    for (let index = 0; index < ARGUMENTS; index++) {
      const argument = args[index] ?? 0;
      const describe = 4 + 8 + index * 16;
      places.push(at);
      if (typeof argument === "number") {
        view.setUint32(describe, 0, true);
        view.setUint32(describe + 4, 0, true);
        view.setBigInt64(describe + 8, BigInt(argument), true);
        continue;
      }
      const bytes = bytesOf(argument);
      buffer.set(bytes, at);
      at += bytes.length;
      view.setUint32(describe, Array.isArray(argument) ? 2 : 1, true);
      view.setUint32(describe + 4, bytes.length, true);
      view.setBigInt64(describe + 8, BigInt(Array.isArray(argument) ? argument.length : 0), true);
    }
    view.setUint32(0, at - 4, true);
    this.#transfer(true, at);
    this.#transfer(false, 4);
    this.#transfer(false, view.getUint32(0, true));
    const result = Number(view.getBigInt64(0, true));
    const moved = 8 - (4 + HEAD);
    for (const [index, argument] of args.entries()) copyBack(argument, places[index]! + moved);
    return result;
  }

  #transfer(isWrite: boolean, length: number): void {
    for (let done = 0; done < length; ) {
      const left = length - done;
      const moved = isWrite
        ? this.#native.write(this.#socket, SLOT, done, left)
        : this.#native.read(this.#socket, SLOT, done, left);
      if (moved <= 0) throw new Error(`the oracle has gone: ${moved}`);
      done += moved;
    }
  }

  end(): void {
    this.#native.close(this.#socket);
    this.#native.waitpid(this.#pid, 1);
  }
}

/** Copies what the call left at `at` back into the caller's bytes. */
function copyBack(argument: Argument | undefined, at: number): void {
  if (argument instanceof Uint8Array) argument.set(buffer.subarray(at, at + argument.length));
  if (!Array.isArray(argument)) return;
  let from = at;
  for (const span of argument as readonly Uint8Array[]) {
    span.set(buffer.subarray(from + 4, from + 4 + span.length));
    from += 4 + span.length;
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
