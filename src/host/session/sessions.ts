// All sessions of a user: directories below sessionsRoot(), one for each.
//
// Whoever works on a session holds the lock of its directory (flock(2)); the kernel lets go of it whatever becomes of the process.

import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { EAGAIN } from "../../../assembly/abi/errno.ts";
import { ErrnoError } from "../../common/errors.ts";
import { oneLine } from "../../common/one-line.ts";
import { VERSION } from "../../common/version.ts";
import type { Native } from "../../native/index.ts";
import { reasonOf } from "../config/host-file.ts";
import { DocumentError } from "../spec/json-document.ts";
import { checkAttributes } from "./attributes-check.ts";
import { sessionError } from "./errors.ts";
import { readSessionRecord, type SessionRecord, writeSessionRecord } from "./record.ts";
import { Session, upperOf } from "./session.ts";
import { checkSessionName, defaultSessionName } from "./session-name.ts";
import { refuseUnfinished } from "./unfinished.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const OTHERS_WRITE = 0o022;
const PERMISSION_BITS = 0o7777n;
const PRIVATE = 0o700;
const LOCK_TRIES = 20;
const LOCK_INTERVAL_MS = 10;
const LISTS = "('wvisor sessions' lists all)";
const UNREADABLE: SessionRecord = {
  base: { path: "/", dev: "0", ino: "0" },
  created: "",
  wvisor: "",
  runs: [],
};
/** Says which process has the lock, for people. */
const HOLDER = "holder";

export interface ListedSession {
  readonly name: string;
  readonly directory: string;
  /** Or what is wrong with it. */
  readonly record: SessionRecord | string;
  /** A process holds its lock. */
  readonly isBusy: boolean;
}

export class Sessions {
  readonly root: string;
  readonly #native: Native;

  /** `root`: sessionsRoot(). */
  constructor(native: Native, root: string) {
    this.#native = native;
    this.root = root;
  }

  /** In the order of their names, without those that stayed empty, which it removes. None when there is no directory of sessions. */
  list(): ListedSession[] {
    const names = withReasons(this.root, () => readdirSync(this.root), ["ENOENT"]) ?? [];
    return names.sort().flatMap((name) => this.#look(name) ?? []);
  }

  #look(name: string): ListedSession | undefined {
    const directory = join(this.root, name);
    const lock = this.#lock(directory);
    if (lock === undefined) return undefined;
    const record = readOrReason(directory);
    if (lock === "busy") return { name, directory, record, isBusy: true };
    try {
      const isWhole = typeof record !== "string";
      if (isWhole && new Session(name, directory, lock, record).removeIfEmpty()) return undefined;
      return { name, directory, record, isBusy: false };
    } finally {
      closeSync(lock);
    }
  }

  /** The name of the session of `directory`, or of the nearest one above it that has one. */
  nameFor(directory: string): string {
    for (let at = directory; ; at = dirname(at)) {
      const name = defaultSessionName(at);
      if (at === "/" || existsSync(join(this.root, name)))
        return at === "/" ? defaultSessionName(directory) : name;
    }
  }

  /** The lock of a session whatever is wrong with it, to remove it. Errors: WvisorError when there is none, or it is in use. */
  openToRemove(name: string): Session {
    const directory = join(this.root, checkSessionName(name));
    const lock = this.#lockSoon(directory);
    if (lock === undefined) throw notThere(name);
    if (lock === "busy") throw busy(name, directory);
    const record = readOrReason(directory);
    return new Session(name, directory, lock, typeof record === "string" ? UNREADABLE : record);
  }

  /**
   * The session that is called `name`, or else the one that `base` has, with its lock. Errors: WvisorError when there is none, or
   * another process works on it.
   */
  open(name: string | undefined, base: string): Session {
    return finished(this.openUnfinished(name, base));
  }

  /** The same, also where a process was stopped while it wrote to the base. */
  openUnfinished(name: string | undefined, base: string): Session {
    const found = this.#openIfThere(name ?? this.nameFor(base));
    if (found !== undefined) return found;
    throw name === undefined
      ? sessionError(`no changes of ${oneLine(base)} are kept ${LISTS}`)
      : notThere(name);
  }

  /** The same for a program that starts in `base`; a new one when there is none. `isNew`: it has no changes. Errors: WvisorError. */
  openOrCreate(
    name: string | undefined,
    base: string,
  ): { readonly session: Session; readonly isNew: boolean } {
    const there = this.#openIfThere(name ?? defaultSessionName(base));
    if (there !== undefined) {
      if (there.base === base)
        return { session: finished(there), isNew: readdirSync(there.upper).length === 0 };
      there.release();
      throw sessionError(
        `session ${there.name} has changes of ${oneLine(there.base)}, not of ${oneLine(base)}`,
      );
    }
    return { session: this.#create(name ?? defaultSessionName(base), base), isNew: true };
  }

  #openIfThere(name: string): Session | undefined {
    const directory = join(this.root, checkSessionName(name));
    const lock = this.#lockSoon(directory);
    if (lock === undefined) return undefined;
    if (lock === "busy") throw busy(name, directory);
    try {
      const record = readRecord(name, directory);
      // Whoever made it was killed before it was whole: nothing ran in it.
      if (record !== undefined) return this.#hold(name, directory, lock, record);
    } catch (error) {
      closeSync(lock);
      throw error;
    }
    closeSync(lock);
    return undefined;
  }

  #hold(name: string, directory: string, lock: number, record: SessionRecord): Session {
    checkBase(name, record);
    writeFileSync(join(directory, HOLDER), `${process.pid}\n`, { mode: 0o600 });
    return new Session(name, directory, lock, record);
  }

  #create(name: string, base: string): Session {
    const directory = join(this.root, name);
    return withReasons(directory, () => {
      makeRoot(this.root);
      mkdirSync(directory, { recursive: true, mode: PRIVATE });
      const lock = this.#lockSoon(directory);
      if (typeof lock !== "number") throw busy(name, directory);
      try {
        const stats = statSync(base, { bigint: true });
        makeUpper(this.#native, upperOf(directory), stats);
        const record: SessionRecord = {
          base: { path: base, dev: String(stats.dev), ino: String(stats.ino) },
          created: new Date().toISOString(),
          wvisor: VERSION,
          runs: [],
        };
        writeSessionRecord(directory, record);
        return this.#hold(name, directory, lock, record);
      } catch (error) {
        closeSync(lock);
        throw error;
      }
    })!;
  }

  /** As #lock(), but waits for who only looks at it, or ends just now. */
  #lockSoon(directory: string): number | "busy" | undefined {
    let lock = this.#lock(directory);
    for (let tries = 0; lock === "busy" && tries < LOCK_TRIES; tries++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_INTERVAL_MS);
      lock = this.#lock(directory);
    }
    return lock;
  }

  /** A descriptor of the directory with its lock; undefined when it is not there, or was removed just now. */
  #lock(directory: string): number | "busy" | undefined {
    const fd = withReasons(directory, () => openSync(directory, "r"), ["ENOENT", "ENOTDIR"]);
    if (fd === undefined) return undefined;
    const result = this.#native.flock(fd, LOCK_EX | LOCK_NB);
    if (result === 0 && isSame(directory, fd)) return fd;
    closeSync(fd);
    if (result === -EAGAIN) return "busy";
    if (result < 0) throw new ErrnoError(-result, "flock");
    return undefined;
  }
}

/** Errors: WvisorError when a process was stopped while it wrote to the base; then the session is released. */
function finished(session: Session): Session {
  try {
    refuseUnfinished(session.name, session.directory);
    return session;
  } catch (error) {
    session.release();
    throw error;
  }
}

/** The layer's directory looks like the one that it covers. */
function makeUpper(native: Native, upper: string, { uid, gid, mode }: BigIntStats): void {
  mkdirSync(upper, { recursive: true, mode: PRIVATE });
  checkAttributes(native, upper);
  const own = statSync(upper);
  if (BigInt(own.uid) !== uid || BigInt(own.gid) !== gid) {
    // An ordinary user's layer under somebody else's directory is the user's.
    withReasons(upper, () => chownSync(upper, Number(uid), Number(gid)), ["EPERM"]);
  }
  chmodSync(upper, Number(mode & PERMISSION_BITS));
}

/** Who could write here could have us serve anything. */
function makeRoot(root: string): void {
  mkdirSync(root, { recursive: true, mode: PRIVATE });
  const stats = lstatSync(root);
  if (!stats.isDirectory()) throw sessionError(`${root}: not a directory`);
  if (stats.uid !== process.getuid?.() || (stats.mode & OTHERS_WRITE) !== 0) {
    throw sessionError(`${root}: it must belong to you, and nobody else may write there`);
  }
}

/** Undefined when there is none. Errors: WvisorError. */
function readRecord(name: string, directory: string): SessionRecord | undefined {
  const record = readOrReason(directory);
  if (typeof record !== "string") return record;
  if (statSync(join(directory, "session.json"), { throwIfNoEntry: false }) === undefined) return undefined;
  throw sessionError(`session ${name}: ${directory}/session.json: ${record}`);
}

function readOrReason(directory: string): SessionRecord | string {
  try {
    return readSessionRecord(directory);
  } catch (error) {
    if (error instanceof DocumentError) return error.message;
    throw error;
  }
}

/** What is at the path now may be another directory, whose changes these are not. Device numbers change when a machine starts. */
function checkBase(name: string, { base }: SessionRecord): void {
  const there = statSync(base.path, { bigint: true, throwIfNoEntry: false });
  const problem =
    there === undefined
      ? "is gone"
      : String(there.ino) === base.ino
        ? undefined
        : "is another directory than the one that was there";
  if (problem === undefined) return;
  const advice = `'wvisor discard --session ${name} --force' drops the changes`;
  throw sessionError(`session ${name}: ${oneLine(base.path)} ${problem}; ${advice}`);
}

function notThere(name: string): Error {
  return sessionError(`there is no session ${name} ${LISTS}`);
}

function busy(name: string, directory: string): Error {
  let holder = "";
  try {
    holder = readFileSync(join(directory, HOLDER), "latin1").trim();
  } catch {
    // Who it is only helps.
  }
  const who = /^\d{1,10}$/.test(holder) ? `process ${holder}` : "another process";
  return sessionError(
    `session ${name} is in use by ${who}: wait for it, or take another one by --session NAME`,
  );
}

function isSame(directory: string, fd: number): boolean {
  const there = statSync(directory, { throwIfNoEntry: false });
  const ours = fstatSync(fd);
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

/** What `run` gives; undefined for errors of these codes. Other errors of node:fs are told to the user. */
function withReasons<T>(path: string, run: () => T, ignored: readonly string[] = []): T | undefined {
  try {
    return run();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    if (code !== undefined && ignored.includes(code)) return undefined;
    throw sessionError(`${path}: ${reasonOf(error)}`, error);
  }
}
