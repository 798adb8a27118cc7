// ReadStream and WriteStream: Node's own, over the callbacks of this file system. This is the one file that needs node:fs and
// node:readline; a bundle for browsers puts another in its place.

import * as nodeFs from "node:fs";
import { createInterface } from "node:readline";
import { codedError } from "../argument-error.ts";
import type { Callback } from "./callbacks.ts";
import { FileHandle, HOLD, RELEASE } from "./file-handle.ts";

/** The callbacks that streams call. */
export interface StreamCalls {
  open: unknown;
  close: unknown;
  read: unknown;
  write: unknown;
  writev: unknown;
  fsync: unknown;
}

type Options = Record<string, unknown>;
type StreamClass = typeof nodeFs.ReadStream | typeof nodeFs.WriteStream;

/** The calls of a stream over a handle; the handle is held until the stream gives it back. */
function handleCalls(handle: FileHandle): Options {
  const then = (promise: Promise<unknown>, callback: Callback, count: string, given: unknown): void => {
    promise.then(
      (result) => callback(null, (result as Record<string, number>)[count], given),
      (error: unknown) => callback(error, 0, given),
    );
  };
  const done = (promise: Promise<unknown>, callback: Callback): void => {
    promise.then(() => callback(null), callback);
  };
  return {
    open() {
      throw codedError(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The open() method is not implemented");
    },
    close(_fd: number, callback: Callback) {
      handle[RELEASE]();
      done(handle.close(), callback);
    },
    fsync: (_fd: number, callback: Callback) => done(handle.sync(), callback),
    read(_fd: number, buffer: Buffer, offset: number, length: number, at: number, callback: Callback) {
      then(handle.read(buffer, offset, length, at), callback, "bytesRead", buffer);
    },
    write(_fd: number, buffer: Buffer, offset: number, length: number, at: number, callback: Callback) {
      then(handle.write(buffer, offset, length, at), callback, "bytesWritten", buffer);
    },
    writev(_fd: number, buffers: Buffer[], at: number, callback: Callback) {
      then(handle.writev(buffers, at), callback, "bytesWritten", buffers);
    },
  };
}

/** Options with these calls in them, or what Node refuses itself. */
function withCalls(given: unknown, calls: StreamCalls): unknown {
  if (given === undefined || given === null || typeof given === "function") return { fs: calls };
  if (typeof given === "string") return { encoding: given, fs: calls };
  if (typeof given !== "object") return given;
  const options: Options = {};
  for (const key in given) options[key] = Reflect.get(given, key);
  if (!(options.fd instanceof FileHandle)) {
    options.fs ??= calls;
    return options;
  }
  if (options.fs) {
    throw codedError(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The FileHandle with fs method is not implemented");
  }
  return { ...options, fs: handleCalls(options.fd), fd: options.fd.fd };
}

/** A class that may be called without `new` and extended, as Node's. */
function streamClass<T>(Base: StreamClass, name: string, calls: StreamCalls): Constructor<T> {
  function Stream(this: unknown, path: unknown, given: unknown): object {
    const handle = (given as Options | null | undefined)?.fd;
    const options = withCalls(given, calls);
    const target = new.target ?? Stream;
    const stream = Reflect.construct(Base, [path, options], target) as nodeFs.ReadStream;
    if (handle instanceof FileHandle) {
      handle[HOLD]();
      handle.on("close", stream.close.bind(stream));
    }
    return stream;
  }
  Object.setPrototypeOf(Stream, Base);
  Stream.prototype = Object.create(Base.prototype as object, {
    constructor: { value: Stream, writable: true, configurable: true },
  }) as object;
  Object.defineProperty(Stream, "name", { value: name });
  return Stream as unknown as Constructor<T>;
}

/** The types of Node say nothing of the constructors' arguments. */
type Constructor<T> = new (path: unknown, options?: unknown) => T;

export interface Streams {
  readonly ReadStream: Constructor<nodeFs.ReadStream>;
  readonly WriteStream: Constructor<nodeFs.WriteStream>;
  lines(input: nodeFs.ReadStream): unknown;
}

export function makeStreams(calls: StreamCalls): Streams {
  return {
    ReadStream: streamClass(nodeFs.ReadStream, "ReadStream", calls),
    WriteStream: streamClass(nodeFs.WriteStream, "WriteStream", calls),
    lines: (input) => createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }),
  };
}
