// read, write, readv and writev with a callback: the many forms of their arguments, and their promisified forms.

import { invalidArgType } from "../argument-error.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkFd, checkFunction, checkObject } from "../validators.ts";
import { answer, type Callback, type Loose } from "./callbacks.ts";
import { settled, soon } from "./completion.ts";

/** util.promisify.custom, which is in the registry of symbols so that nobody needs node:util for it. */
export const PROMISIFIED = Symbol.for("nodejs.util.promisify.custom");

/** What Node reads into when it is given no buffer. */
const OWN_BUFFER = 16384;

function checkOptionsOf(params: unknown): void {
  if (params !== null && params !== undefined) checkObject(params, "options");
}

interface ReadArguments {
  readonly buffer: unknown;
  readonly offset: unknown;
  readonly length: unknown;
  readonly position: unknown;
  readonly callback: unknown;
}

/** (buffer, offset, length, position, callback), (buffer, options, callback), (options, callback), (buffer, callback), (callback). */
function readArguments(args: readonly unknown[]): ReadArguments {
  if (args.length > 3) {
    const [buffer, offset, length, position, callback] = args;
    return { buffer, offset, length, position, callback };
  }
  let buffer: unknown = Buffer.alloc(OWN_BUFFER);
  let params: unknown;
  if (args.length === 3) {
    [buffer, params] = args;
    checkOptionsOf(params);
  } else if (args.length === 2) {
    if (ArrayBuffer.isView(args[0])) buffer = args[0];
    else {
      params = args[0];
      checkOptionsOf(params);
      buffer = (params as { buffer?: unknown } | null | undefined)?.buffer ?? buffer;
    }
  }
  const given = (params ?? {}) as { offset?: unknown; length?: unknown; position?: unknown };
  const { offset = 0, position = null } = given;
  const { length = ((buffer as Buffer | undefined)?.byteLength ?? 0) - (offset as number) } = given;
  return { buffer, offset, length, position, callback: args.at(-1) };
}

/** The callback of write(): the last argument, but wherever an argument is missing, the one before. */
function lastFunction(args: readonly unknown[]): Callback {
  const callback = args[4] || args[3] || args[2] || args[1];
  checkFunction(callback, "cb");
  return callback as Callback;
}

/** Calls with the checked descriptor; the callback gets a count and what was handed in, after an error too. */
function answerCount(callback: Callback, given: unknown, call: () => number): void {
  const withGiven: Callback = (error, count) => callback(error, count ?? 0, given);
  answer(withGiven, call);
}

/** `form`, and what promisify() makes of it: a promise of the callback's values by name. */
function promisifiable(form: Loose, name: string, values: readonly [string, string]): Loose {
  Object.defineProperty(form, "name", { value: name });
  const promisified = (...args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      form(...args, (error: Error | null, count: unknown, given: unknown) => {
        if (error) reject(error);
        else resolve({ [values[0]]: count, [values[1]]: given });
      });
    });
  Object.defineProperty(form, PROMISIFIED, { value: promisified });
  return form;
}

export function transfers(sync: SyncFs): Record<string, Loose> {
  const calls = sync as unknown as Record<string, (...args: unknown[]) => number>;

  function read(fd: unknown, ...args: unknown[]): undefined {
    const checked = checkFd(fd);
    const { buffer, offset, length, position, callback } = readArguments(args);
    if (!ArrayBuffer.isView(buffer)) {
      throw invalidArgType("buffer", "an instance of Buffer, TypedArray, or DataView", buffer);
    }
    checkFunction(callback, "cb");
    // Without a length nothing is read: here undefined is 0.
    const call = (): number => calls.readSync!(checked, buffer, offset, (length as number) | 0, position);
    answerCount(callback as Callback, buffer, call);
    return undefined;
  }

  function write(fd: unknown, buffer: unknown, ...args: unknown[]): undefined {
    const checked = checkFd(fd);
    if (ArrayBuffer.isView(buffer)) {
      const callback = lastFunction([undefined, ...args]);
      const [offset, length, position] = args.map((arg) => (arg === callback ? undefined : arg));
      answerCount(callback, buffer, () => calls.writeSync!(checked, buffer, offset, length, position));
      return undefined;
    }
    if (typeof buffer !== "string") {
      calls.writeSync!(checked, buffer);
    }
    const at = args.findIndex((arg) => typeof arg === "function");
    const callback = at < 0 ? args[2] : args[at];
    const [position, encoding] = at < 0 ? args : args.slice(0, at);
    checkFunction(callback, "cb");
    answerCount(callback as Callback, buffer, () => calls.writeSync!(checked, buffer, position, encoding));
    return undefined;
  }

  function vector(name: "readvSync" | "writevSync"): Loose {
    return (fd, buffers, position, callback) => {
      const checked = checkFd(fd);
      const done = callback || position;
      if (!Array.isArray(buffers)) calls[name]!(checked, buffers);
      checkFunction(done, "cb");
      answerCount(done as Callback, buffers, () => calls[name]!(checked, buffers, position));
    };
  }

  return {
    read: promisifiable(read as Loose, "read", ["bytesRead", "buffer"]),
    write: promisifiable(write as Loose, "write", ["bytesWritten", "buffer"]),
    readv: promisifiable(vector("readvSync"), "readv", ["bytesRead", "buffers"]),
    writev: promisifiable(vector("writevSync"), "writev", ["bytesWritten", "buffer"]),
  };
}

export function existsForm(sync: SyncFs): Loose {
  const exists = (path: unknown, callback: unknown): undefined => {
    checkFunction(callback, "cb");
    const there = sync.existsSync(path as string);
    soon(() => (callback as Loose)(there));
    return undefined;
  };
  Object.defineProperty(exists, PROMISIFIED, {
    value: (path: string): Promise<boolean> => settled(() => sync.existsSync(path)),
  });
  return exists as Loose;
}
