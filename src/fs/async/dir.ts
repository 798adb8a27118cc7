// Dir: a directory that is read entry by entry. What is listed is what was there when the directory was opened.

import type * as NodeFs from "node:fs";
import { codedError } from "../argument-error.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkFunction, checkInteger, checkOptions, checkPath } from "../validators.ts";
import type { Callback } from "./callbacks.ts";
import { settled, soon } from "./completion.ts";

const BUFFER_SIZE = 32;
const UINT32_MAX = 2 ** 32 - 1;

interface DirOptions {
  readonly bufferSize: unknown;
  readonly encoding: unknown;
  readonly recursive?: unknown;
}

function dirClosed(): Error {
  return codedError(Error, "ERR_DIR_CLOSED", "Directory handle was closed");
}

function checkBufferSize(value: unknown): void {
  checkInteger(value, "options.bufferSize", 1, UINT32_MAX);
}

/** Lists the directory at `path`. Errors: those of opendir(3). */
function entriesOf(sync: SyncFs, path: string, options: DirOptions): NodeFs.Dirent[] {
  try {
    const { encoding, recursive } = options;
    const all = { encoding, recursive, withFileTypes: true };
    return sync.readdirSync(path, all as never) as unknown as NodeFs.Dirent[];
  } catch (error) {
    throw asOpendir(error as NodeJS.ErrnoException);
  }
}

/** The listing is one call here; its errors are those of the call that was asked for. */
function asOpendir(error: NodeJS.ErrnoException): Error {
  if (error.syscall !== "scandir") return error;
  error.syscall = "opendir";
  error.message = error.message.replace(", scandir", ", opendir");
  return error;
}

export class Dir {
  readonly #path: string;
  readonly #entries: NodeFs.Dirent[];
  #next = 0;
  #isClosed = false;
  /** Operations that are under way: a synchronous one does not go between them. */
  #pending = 0;

  constructor(entries: NodeFs.Dirent[] | undefined, path: string) {
    if (entries === undefined) {
      throw codedError(TypeError, "ERR_MISSING_ARGS", 'The "handle" argument must be specified');
    }
    this.#entries = entries;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  #take(): NodeFs.Dirent | null {
    return this.#entries[this.#next++] ?? null;
  }

  #checkIdle(): void {
    if (this.#isClosed) throw dirClosed();
    if (this.#pending === 0) return;
    const message = "Cannot do synchronous work on directory handle with concurrent asynchronous operations";
    throw codedError(Error, "ERR_DIR_CONCURRENT_OPERATION", message);
  }

  #begin<T>(call: () => T): Promise<T> {
    this.#pending++;
    return settled(call).finally(() => {
      this.#pending--;
    });
  }

  read(): Promise<NodeFs.Dirent | null>;
  read(callback: (error: Error | null, entry: NodeFs.Dirent | null) => void): void;
  read(callback?: unknown): Promise<NodeFs.Dirent | null> | undefined {
    if (this.#isClosed) throw dirClosed();
    if (callback === undefined) return this.#begin(() => this.#take());
    checkFunction(callback, "callback");
    this.#begin(() => this.#take()).then(
      (entry) => (callback as Callback)(null, entry),
      callback as Callback,
    );
    return undefined;
  }

  readSync(): NodeFs.Dirent | null {
    this.#checkIdle();
    return this.#take();
  }

  close(): Promise<void>;
  close(callback: (error?: Error | null) => void): void;
  close(callback?: unknown): Promise<void> | undefined {
    if (callback === undefined) {
      if (this.#isClosed) return Promise.reject(dirClosed());
      this.#isClosed = true;
      return settled(() => undefined);
    }
    checkFunction(callback, "callback");
    const wasClosed = this.#isClosed;
    this.#isClosed = true;
    soon(() => (callback as Callback)(wasClosed ? dirClosed() : null));
    return undefined;
  }

  closeSync(): void {
    this.#checkIdle();
    this.#isClosed = true;
  }

  async *entries(): AsyncGenerator<NodeFs.Dirent> {
    try {
      for (;;) {
        const entry = await this.read();
        if (entry === null) return;
        yield entry;
      }
    } finally {
      await this.close();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<NodeFs.Dirent> {
    return this.entries();
  }
}

export function openDirectory(sync: SyncFs, path: unknown, given: unknown): Dir {
  const checked = checkPath(path);
  const options = checkOptions(given, { encoding: "utf8", bufferSize: BUFFER_SIZE }) as DirOptions;
  const entries = entriesOf(sync, checked as string, options);
  checkBufferSize(options.bufferSize);
  return new Dir(entries, checked as string);
}
