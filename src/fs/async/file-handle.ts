// FileHandle: an open file of fs.promises. It is closed when close() was called and no operation is under way any more.

import { EventEmitter } from "node:events";
import type * as NodeFs from "node:fs";
import { codedError, invalidArgType, invalidArgValue } from "../argument-error.ts";
import type { SyncFs } from "../sync/sync.ts";
import { checkInteger, checkObject } from "../validators.ts";
import { settled } from "./completion.ts";
import { type FileOptions, readWholeFile, writeWholeFile } from "./whole-files.ts";

/** What a handle needs of its file system. */
export interface HandleOwner {
  readonly sync: SyncFs;
  createReadStream(handle: FileHandle, options: object | undefined): NodeFs.ReadStream;
  createWriteStream(handle: FileHandle, options: object | undefined): NodeFs.WriteStream;
  /** The lines of a stream. */
  lines(input: NodeFs.ReadStream): unknown;
}

const OWN_BUFFER = 16384;
const WEB_CHUNK = 16384;

/** One who uses a handle holds it: streams do, beside the operations. */
export const HOLD = Symbol("hold");
export const RELEASE = Symbol("release");

interface Closing {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

function makeClosing(): Closing {
  let settle: Omit<Closing, "promise"> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle! };
}

function closedError(syscall: string): Error {
  return Object.assign(new Error("file closed"), { code: "EBADF", syscall });
}

function invalidState(text: string): Error {
  return codedError(Error, "ERR_INVALID_STATE", `Invalid state: ${text}`);
}

export class FileHandle extends EventEmitter {
  readonly #owner: HandleOwner;
  #fd: number;
  #users = 1;
  #closing: Closing | undefined;
  #isLocked = false;

  constructor(owner: HandleOwner, fd: number) {
    super();
    this.#owner = owner;
    this.#fd = fd;
  }

  /** There are no asynchronous resources behind it. */
  getAsyncId(): number {
    return 0;
  }

  get fd(): number {
    return this.#fd;
  }

  [HOLD](): void {
    this.#users++;
  }

  [RELEASE](): void {
    this.#users--;
    if (this.#users === 0) this.#closeNow();
  }

  #closeNow(): void {
    const fd = this.#fd;
    this.#fd = -1;
    settled(() => this.#owner.sync.closeSync(fd)).then(this.#closing?.resolve, this.#closing?.reject);
  }

  /** Makes a call on the open file. `syscall` is what the error of a closed one names. */
  async #call<T>(syscall: string, body: (fd: number, sync: SyncFs) => T | Promise<T>): Promise<T> {
    if (this.#fd === -1) throw closedError(syscall);
    this[HOLD]();
    try {
      return await body(this.#fd, this.#owner.sync);
    } finally {
      this[RELEASE]();
    }
  }

  /** A call that has a synchronous form. */
  #settle<T>(syscall: string, body: (fd: number, sync: SyncFs) => T): Promise<T> {
    return this.#call(syscall, (fd, sync) => settled(() => body(fd, sync)));
  }

  appendFile(data: unknown, options?: unknown): Promise<void> {
    return this.#call("writeFile", (fd, sync) =>
      writeWholeFile(sync, fd, data, options as FileOptions, { flag: "w" }),
    );
  }

  writeFile(data: unknown, options?: unknown): Promise<void> {
    return this.#call("writeFile", (fd, sync) =>
      writeWholeFile(sync, fd, data, options as FileOptions, { flag: "w" }),
    );
  }

  readFile(options?: unknown): Promise<string | Buffer> {
    return this.#call("readFile", (fd, sync) => readWholeFile(sync, fd, options as FileOptions));
  }

  chmod(mode: string | number): Promise<void> {
    return this.#settle("fchmod", (fd, sync) => sync.fchmodSync(fd, mode));
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.#settle("fchown", (fd, sync) => sync.fchownSync(fd, uid, gid));
  }

  datasync(): Promise<void> {
    return this.#settle("fdatasync", (fd, sync) => sync.fdatasyncSync(fd));
  }

  sync(): Promise<void> {
    return this.#settle("fsync", (fd, sync) => sync.fsyncSync(fd));
  }

  stat(options?: NodeFs.StatOptions): Promise<NodeFs.Stats | NodeFs.BigIntStats> {
    return this.#settle("fstat", (fd, sync) => sync.fstatSync(fd, options));
  }

  truncate(len = 0): Promise<void> {
    return this.#settle("ftruncate", (fd, sync) => sync.ftruncateSync(fd, len));
  }

  utimes(atime: NodeFs.TimeLike, mtime: NodeFs.TimeLike): Promise<void> {
    return this.#settle("futimes", (fd, sync) => sync.futimesSync(fd, atime, mtime));
  }

  read(
    bufferOrOptions?: unknown,
    offsetOrOptions?: unknown,
    length?: unknown,
    position?: unknown,
  ): Promise<unknown> {
    return this.#settle("read", (fd, sync) => {
      const span = readSpan(bufferOrOptions, offsetOrOptions, length, position);
      if (span.length === 0) return { bytesRead: 0, buffer: span.buffer };
      const at = Number.isSafeInteger(span.position) ? (span.position as number) : null;
      const call = sync.readSync as (...args: unknown[]) => number;
      return { bytesRead: call(fd, span.buffer, span.offset, span.length, at), buffer: span.buffer };
    });
  }

  readv(buffers: readonly NodeJS.ArrayBufferView[], position?: number): Promise<unknown> {
    return this.#settle("readv", (fd, sync) => ({
      bytesRead: sync.readvSync(fd, buffers, position),
      buffers,
    }));
  }

  write(buffer: unknown, offsetOrOptions?: unknown, length?: unknown, position?: unknown): Promise<unknown> {
    return this.#settle("write", (fd, sync) => {
      if ((buffer as Buffer | null | undefined)?.byteLength === 0) return { bytesWritten: 0, buffer };
      const call = sync.writeSync as (...args: unknown[]) => number;
      return { bytesWritten: call(fd, buffer, offsetOrOptions, length, position), buffer };
    });
  }

  writev(buffers: readonly NodeJS.ArrayBufferView[], position?: number): Promise<unknown> {
    return this.#settle("writev", (fd, sync) => ({
      bytesWritten: sync.writevSync(fd, buffers, position),
      buffers,
    }));
  }

  /** A property, as in Node: it is handed on without its object. */
  close = (): Promise<void> => {
    if (this.#closing !== undefined) return this.#closing.promise;
    if (this.#fd === -1) return Promise.resolve();
    const closing = makeClosing();
    this.#closing = closing;
    const forget = (): void => {
      this.#closing = undefined;
    };
    closing.promise.then(forget, forget);
    this[RELEASE]();
    this.emit("close");
    return closing.promise;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  readableWebStream(options: { readonly type?: unknown } = {}): ReadableStream {
    if (this.#fd === -1) throw invalidState("The FileHandle is closed");
    if (this.#closing !== undefined) throw invalidState("The FileHandle is closing");
    if (this.#isLocked) throw invalidState("The FileHandle is locked");
    this.#isLocked = true;
    if (options.type !== undefined && typeof options.type !== "string") {
      throw invalidArgType("options.type", "of type string", options.type);
    }
    this[HOLD]();
    const done = (): void => this[RELEASE]();
    const stream = options.type === "bytes" ? this.#byteStream(done) : this.#chunkStream(done);
    this.once("close", () => {
      stream.cancel().catch(() => {});
    });
    return stream;
  }

  #byteStream(done: () => void): ReadableStream {
    return new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: WEB_CHUNK,
      pull: async (controller) => {
        const view = controller.byobRequest!.view!;
        const { bytesRead } = (await this.read(view, 0, view.byteLength)) as { bytesRead: number };
        if (bytesRead === 0) {
          done();
          controller.close();
        }
        controller.byobRequest!.respond(bytesRead);
      },
      cancel: done,
    });
  }

  #chunkStream(done: () => void): ReadableStream {
    return new ReadableStream({
      pull: async (controller) => {
        const buffer = new Uint8Array(WEB_CHUNK);
        const { bytesRead } = (await this.read(buffer, 0, WEB_CHUNK)) as { bytesRead: number };
        if (bytesRead > 0) {
          controller.enqueue(buffer.buffer.slice(0, bytesRead));
          return;
        }
        done();
        controller.close();
      },
      cancel: done,
    });
  }

  createReadStream(options?: object): NodeFs.ReadStream {
    return this.#owner.createReadStream(this, options);
  }

  createWriteStream(options?: object): NodeFs.WriteStream {
    return this.#owner.createWriteStream(this, options);
  }

  readLines(options?: object): unknown {
    return this.#owner.lines(this.createReadStream(options));
  }
}

interface Span {
  readonly buffer: NodeJS.ArrayBufferView;
  readonly offset: number;
  readonly length: number;
  readonly position: unknown;
}

/** (buffer, offset, length, position), (buffer, options), (options), (). */
function readSpan(
  bufferOrOptions: unknown,
  offsetOrOptions: unknown,
  lengthGiven: unknown,
  positionGiven: unknown,
): Span {
  let buffer = bufferOrOptions;
  let offset = offsetOrOptions;
  let length = lengthGiven;
  let position = positionGiven;
  if (!ArrayBuffer.isView(buffer)) {
    if (bufferOrOptions !== undefined && bufferOrOptions !== null) checkObject(bufferOrOptions, "options");
    const options = (bufferOrOptions ?? {}) as Partial<Span>;
    ({ buffer = Buffer.alloc(OWN_BUFFER), offset = 0, position = null } = options);
    if (!ArrayBuffer.isView(buffer)) {
      throw invalidArgType("buffer", "an instance of Buffer, TypedArray, or DataView", buffer);
    }
    ({ length = buffer.byteLength - (offset as number) } = options);
  }
  const view = buffer as NodeJS.ArrayBufferView;
  if (offset !== null && typeof offset === "object") {
    const options = offset as Partial<Span>;
    ({ offset = 0, position = null } = options);
    ({ length = view.byteLength - (offset as number) } = options);
  }
  const start = offset === null || offset === undefined ? 0 : checkInteger(offset, "offset", 0);
  const wanted = length ?? view.byteLength - start;
  if (wanted !== 0 && view.byteLength === 0) {
    throw invalidArgValue("buffer", view, "is empty and cannot be written");
  }
  return { buffer: view, offset: start, length: wanted as number, position };
}
