// watch, watchFile and promises.watch.

import { EventEmitter } from "node:events";
import type * as NodeFs from "node:fs";
import path from "node:path";
import { codedError, invalidArgType, invalidArgValue } from "../argument-error.ts";
import { BigIntStats, Stats } from "../stats.ts";
import type { SyncFs } from "../sync/sync.ts";
import type { SystemError } from "../system-error.ts";
import { encoded } from "../text.ts";
import {
  type CheckedPath,
  checkBoolean,
  checkFunction,
  checkObject,
  checkOptions,
  checkPath,
  checkUint32,
} from "../validators.ts";
import { soon, throwIfAborted } from "./completion.ts";
import type { Watch, WatchHub } from "./watch-hub.ts";

type WatchListener = (eventType: string, filename: string | Buffer) => void;
export type WatchPromise = (filename: unknown, options?: unknown) => AsyncGenerator<unknown>;

function watchError(error: unknown, filename: CheckedPath): Error {
  return Object.assign(error as SystemError, { filename });
}

/** Watches with the file's own name for events of the file itself. */
function startWatch(
  hub: WatchHub,
  filename: CheckedPath,
  encoding: unknown,
  isPersistent: boolean,
  tell: (eventType: NodeFs.WatchEventType, name: string | Buffer) => void,
): Watch {
  const own = path.posix.basename(encoded(new Uint8Array(Buffer.from(filename)), "utf8") as string);
  try {
    return hub.add(
      filename,
      (eventType, name) => tell(eventType, encoded(name ?? Buffer.from(own), encoding)),
      isPersistent,
    );
  } catch (error) {
    throw watchError(error, filename);
  }
}

export class FSWatcher extends EventEmitter {
  #watch: Watch | undefined;

  /** Begins to watch, once. */
  begin(start: (watcher: FSWatcher) => Watch): void {
    this.#watch = start(this);
  }

  close(): void {
    if (this.#watch === undefined) return;
    this.#watch.close();
    this.#watch = undefined;
    soon(() => this.emit("close"));
  }

  ref(): this {
    this.#watch?.setPersistent(true);
    return this;
  }

  unref(): this {
    this.#watch?.setPersistent(false);
    return this;
  }
}

interface StatOptions {
  readonly interval: number;
  readonly persistent: boolean;
  readonly bigint?: boolean;
}

const DEFAULT_INTERVAL_MS = 5007;

/** What stat() tells of a file that is not there: zeros. */
function noStats(bigint: boolean | undefined): NodeFs.Stats {
  if (!bigint) return new Stats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const names = ["dev", "mode", "nlink", "uid", "gid", "rdev", "blksize", "ino", "size", "blocks"];
  const basics = Object.fromEntries(names.map((name) => [name, 0n]));
  return new BigIntStats(basics, [0n, 0n, 0n, 0n]) as unknown as NodeFs.Stats;
}

export class StatWatcher extends EventEmitter {
  readonly #timer: ReturnType<typeof setInterval>;
  #last: NodeFs.Stats;
  #isThere: boolean;

  constructor(look: () => NodeFs.Stats | undefined, none: NodeFs.Stats, options: StatOptions) {
    super();
    const first = look();
    this.#isThere = first !== undefined;
    this.#last = first ?? none;
    if (first === undefined) soon(() => this.emit("change", none, none));
    this.#timer = setInterval(() => this.#compare(look(), none), options.interval);
    if (!options.persistent) this.unref();
  }

  #compare(found: NodeFs.Stats | undefined, none: NodeFs.Stats): void {
    const now = found ?? none;
    const before = this.#last;
    const isSame =
      (found !== undefined) === this.#isThere &&
      now.mtimeMs === before.mtimeMs &&
      now.ctimeMs === before.ctimeMs &&
      now.size === before.size &&
      now.ino === before.ino;
    this.#isThere = found !== undefined;
    this.#last = now;
    if (!isSame) this.emit("change", now, before);
  }

  start(): void {}

  stop(): void {
    clearInterval(this.#timer);
    soon(() => this.emit("stop"));
  }

  ref(): this {
    (this.#timer as Partial<NodeJS.Timeout>).ref?.();
    return this;
  }

  unref(): this {
    (this.#timer as Partial<NodeJS.Timeout>).unref?.();
    return this;
  }
}

export interface Watchers {
  watch(filename: unknown, options?: unknown, listener?: unknown): FSWatcher;
  watchFile(filename: unknown, options?: unknown, listener?: unknown): StatWatcher;
  unwatchFile(filename: unknown, listener?: unknown): void;
  readonly promised: WatchPromise;
}

function refuseRecursive(recursive: unknown): void {
  if (!recursive) return;
  const message =
    "The feature watch recursively is unavailable on the current platform, which is being used to run Node.js";
  throw codedError(TypeError, "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", message);
}

interface WatchOptions {
  readonly persistent?: unknown;
  readonly recursive?: unknown;
  readonly encoding?: unknown;
  readonly signal?: AbortSignal | null;
}

export function makeWatchers(sync: SyncFs, hub: WatchHub, cwd: () => string): Watchers {
  const watched = new Map<string, StatWatcher>();

  function absolute(filename: unknown): string {
    return path.posix.resolve(cwd(), encoded(Buffer.from(checkPath(filename)), "utf8") as string);
  }

  function watch(filename: unknown, given?: unknown, third?: unknown): FSWatcher {
    const listener = typeof given === "function" ? given : third;
    const options = checkOptions(given, {}) as WatchOptions;
    const checked = checkPath(filename);
    refuseRecursive(options.recursive);
    const watcher = new FSWatcher();
    const isPersistent = options.persistent === undefined || Boolean(options.persistent);
    watcher.begin(() =>
      startWatch(hub, checked, options.encoding, isPersistent, (type, name) =>
        watcher.emit("change", type, name),
      ),
    );
    if (listener) watcher.addListener("change", listener as WatchListener);
    const { signal } = options;
    if (signal?.aborted) soon(() => watcher.close());
    else if (signal) {
      const close = (): void => watcher.close();
      signal.addEventListener("abort", close);
      watcher.once("close", () => signal.removeEventListener("abort", close));
    }
    return watcher;
  }

  function watchFile(filename: unknown, given?: unknown, third?: unknown): StatWatcher {
    const name = absolute(filename);
    const hasOptions = typeof given === "object" && given !== null;
    const listener = hasOptions ? third : given;
    const defaults: StatOptions = { interval: DEFAULT_INTERVAL_MS, persistent: true };
    const options: StatOptions = { ...defaults, ...(hasOptions ? given : {}) };
    checkFunction(listener, "listener");
    let watcher = watched.get(name);
    if (watcher === undefined) {
      checkUint32(options.interval, "interval");
      const bigint = Boolean(options.bigint);
      const look = (): NodeFs.Stats | undefined => statIfThere(sync, name, bigint);
      watcher = new StatWatcher(look, noStats(bigint), options);
      watched.set(name, watcher);
    }
    return watcher.addListener("change", listener as () => void);
  }

  function unwatchFile(filename: unknown, listener?: unknown): void {
    const name = absolute(filename);
    const watcher = watched.get(name);
    if (watcher === undefined) return;
    if (typeof listener === "function") watcher.removeListener("change", listener as () => void);
    else watcher.removeAllListeners("change");
    if (watcher.listenerCount("change") > 0) return;
    watcher.stop();
    watched.delete(name);
  }

  return { watch, watchFile, unwatchFile, promised: promisedWatch(hub) };
}

/** What cannot be looked at is not there for a watcher. */
function statIfThere(sync: SyncFs, name: string, bigint: boolean): NodeFs.Stats | undefined {
  try {
    return sync.statSync(name, { bigint: bigint as false, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function promisedWatch(hub: WatchHub): WatchPromise {
  return async function* watch(filename: unknown, given: unknown = {}): AsyncGenerator<unknown> {
    checkObject(given);
    const { persistent = true, recursive, encoding = "utf8", signal } = given as WatchOptions;
    if (recursive !== undefined && recursive !== null) checkBoolean(recursive, "options.recursive");
    const checked = checkPath(filename);
    checkBoolean(persistent, "options.persistent");
    refuseRecursive(recursive);
    if (signal !== undefined && (signal === null || typeof signal !== "object" || !("aborted" in signal))) {
      throw invalidArgType("options.signal", "an instance of AbortSignal", signal);
    }
    if (encoding && !Buffer.isEncoding(encoding as string)) {
      throw invalidArgValue(encoding as string, "encoding", "is invalid encoding");
    }
    throwIfAborted(signal);
    yield* events(hub, checked, { persistent: persistent as boolean, encoding, signal: signal ?? undefined });
  };
}

interface EventOptions {
  readonly persistent: boolean;
  readonly encoding: unknown;
  readonly signal: AbortSignal | undefined;
}

/** Events that wait for who iterates; the oldest go when there are more. */
const QUEUE_MAX = 2048;

async function* events(hub: WatchHub, filename: CheckedPath, options: EventOptions): AsyncGenerator<unknown> {
  const { persistent, encoding, signal } = options;
  const queue: unknown[] = [];
  let wake = (): void => {};
  const watch = startWatch(hub, filename, encoding, persistent, (eventType, name) => {
    if (queue.length === QUEUE_MAX) queue.shift();
    queue.push({ eventType, filename: name });
    wake();
  });
  const abort = (): void => wake();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      throwIfAborted(signal);
      if (queue.length > 0) yield queue.shift();
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    watch.close();
    signal?.removeEventListener("abort", abort);
  }
}
