// FileHandle: its methods, its streams, and what it says when it is closed.

import { once } from "node:events";
import type { FileHandle } from "node:fs/promises";
import type { Define, Run } from "../case.ts";

async function withHandle(run: Run, flags: string, body: (handle: FileHandle) => unknown): Promise<unknown> {
  run.fs.writeFileSync(run.at("f"), "0123456789");
  const handle = await run.fs.promises.open(run.at("f"), flags);
  try {
    return await body(handle);
  } finally {
    if (handle.fd !== -1) await handle.close();
  }
}

/** The outcome of a method of a handle. */
async function attempt(handle: FileHandle, name: string, ...args: unknown[]): Promise<unknown> {
  try {
    return await (Reflect.get(handle, name) as (...all: unknown[]) => unknown).apply(handle, args);
  } catch (error) {
    return error;
  }
}

const METHODS: readonly (readonly [string, () => unknown[]])[] = [
  ["appendFile", () => ["more"]],
  ["appendFile", () => [Buffer.from("more"), { flush: true }]],
  ["chmod", () => [0o600]],
  ["chmod", () => ["755"]],
  ["chmod", () => ["nope"]],
  ["chown", () => [5, 6]],
  ["chown", () => [-2, 6]],
  ["datasync", () => []],
  ["sync", () => []],
  ["stat", () => []],
  ["stat", () => [{ bigint: true }]],
  ["truncate", () => []],
  ["truncate", () => [4]],
  ["truncate", () => [20]],
  ["truncate", () => [-5]],
  ["truncate", () => ["4"]],
  ["utimes", () => [1, 2]],
  ["utimes", () => ["x", 2]],
  ["readFile", () => []],
  ["readFile", () => ["utf8"]],
  ["readFile", () => [{ encoding: "hex" }]],
  ["readFile", () => ["nope"]],
  ["writeFile", () => ["new"]],
  ["writeFile", () => ["414243", "hex"]],
  ["writeFile", () => [["a", "b"]]],
  ["writeFile", () => [1]],
  ["read", () => []],
  ["read", () => [Buffer.alloc(4)]],
  ["read", () => [Buffer.alloc(4), 1]],
  ["read", () => [Buffer.alloc(4), 1, 2]],
  ["read", () => [Buffer.alloc(4), 1, 2, 5]],
  ["read", () => [Buffer.alloc(4), 0, 4, null]],
  ["read", () => [Buffer.alloc(4), 0, 4, -1]],
  ["read", () => [Buffer.alloc(4), 0, 4, 3n]],
  ["read", () => [Buffer.alloc(4), 0, 5, 0]],
  ["read", () => [Buffer.alloc(4), 5, 1, 0]],
  ["read", () => [Buffer.alloc(4), { offset: 1, length: 2, position: 7 }]],
  ["read", () => [{ buffer: Buffer.alloc(3), position: 2 }]],
  ["read", () => [{ buffer: Buffer.alloc(3), length: 9 }]],
  ["read", () => [{ buffer: 1 }]],
  ["read", () => ["x"]],
  ["read", () => [Buffer.alloc(0)]],
  ["read", () => [Buffer.alloc(4), "1"]],
  ["read", () => [Buffer.alloc(4), 0, 4, "x"]],
  ["readv", () => [[Buffer.alloc(2), Buffer.alloc(3)]]],
  ["readv", () => [[Buffer.alloc(2)], 8]],
  ["readv", () => ["x"]],
  ["write", () => ["abc"]],
  ["write", () => ["abc", 4]],
  ["write", () => ["abc", 4, "latin1"]],
  ["write", () => ["abc", null, "nope"]],
  ["write", () => [Buffer.from("abcd")]],
  ["write", () => [Buffer.from("abcd"), 1]],
  ["write", () => [Buffer.from("abcd"), 1, 2, 8]],
  ["write", () => [Buffer.from("abcd"), { offset: 2, position: 0 }]],
  ["write", () => [Buffer.from("abcd"), 5]],
  ["write", () => [Buffer.from("abcd"), 0, 9]],
  ["write", () => [Buffer.alloc(0)]],
  ["write", () => [1]],
  ["write", () => [{}]],
  ["writev", () => [[Buffer.from("ab"), Buffer.from("c")]]],
  ["writev", () => [[Buffer.from("ab")], 8]],
  ["writev", () => [[]]],
  ["writev", () => [[1]]],
];

export function fileHandleCases(define: Define): void {
  const count = new Map<string, number>();
  for (const [name, args] of METHODS) {
    const number = (count.get(name) ?? 0) + 1;
    count.set(name, number);
    define(`FileHandle.${name}, ${number}`, (run) =>
      withHandle(run, "r+", (handle) => attempt(handle, name, ...args())),
    );
  }
  for (const name of count.keys()) {
    define(`FileHandle.${name} of a handle that is closed`, (run) =>
      withHandle(run, "r+", async (handle) => {
        await handle.close();
        const args = METHODS.find(([method]) => method === name)![1]();
        return attempt(handle, name, ...args);
      }),
    );
    define(`FileHandle.${name} of a handle that is open for writing only`, (run) =>
      withHandle(run, "a", (handle) =>
        attempt(handle, name, ...METHODS.find(([method]) => method === name)![1]()),
      ),
    );
    define(`FileHandle.${name} of a handle that is open for reading only`, (run) =>
      withHandle(run, "r", (handle) =>
        attempt(handle, name, ...METHODS.find(([method]) => method === name)![1]()),
      ),
    );
  }
  closing(define);
  positions(define);
  streams(define);
}

function closing(define: Define): void {
  define("close twice", (run) =>
    withHandle(run, "r", async (handle) => [
      await attempt(handle, "close"),
      await attempt(handle, "close"),
      handle.fd,
    ]),
  );
  define("close twice at once", (run) =>
    withHandle(run, "r", async (handle) => Promise.all([handle.close(), handle.close()])),
  );
  define("close emits an event", (run) =>
    withHandle(run, "r", async (handle) => {
      const closed = once(handle as never, "close");
      await handle.close();
      return (await closed).length;
    }),
  );
  define("close waits for what is under way", (run) =>
    withHandle(run, "r", async (handle) => {
      const order: string[] = [];
      const read = handle.read(Buffer.alloc(4), 0, 4, 0).then(() => order.push("read"));
      const close = handle.close().then(() => order.push("close"));
      await Promise.all([read, close]);
      return order;
    }),
  );
  define("a handle is disposed of", (run) =>
    withHandle(run, "r", async (handle) => {
      const dispose: unknown = Reflect.get(handle, Symbol.asyncDispose);
      if (typeof dispose !== "function") return "cannot be";
      await (dispose.call(handle) as Promise<void>);
      return handle.fd;
    }),
  );
  define("the shape of a handle", (run) =>
    withHandle(run, "r", (handle) => [
      handle.constructor.name,
      typeof handle.fd,
      Object.getOwnPropertyNames(Object.getPrototypeOf(handle) as object).sort(),
      typeof Reflect.get(handle, "on"),
    ]),
  );
}

function positions(define: Define): void {
  define("reads and writes move one position", (run) =>
    withHandle(run, "r+", async (handle) => {
      const first = (await handle.read(Buffer.alloc(3), 0, 3)).buffer;
      await handle.write("XY");
      const rest = await handle.readFile("utf8");
      return [first, rest];
    }),
  );
  define("readFile goes on from where the handle stands", (run) =>
    withHandle(run, "r", async (handle) => {
      await handle.read(Buffer.alloc(6));
      return [await handle.readFile("utf8"), await handle.readFile("utf8")];
    }),
  );
  define("writeFile goes on from where the handle stands", (run) =>
    withHandle(run, "r+", async (handle) => {
      await handle.writeFile("one");
      await handle.writeFile("two");
    }),
  );
  define("many reads at once", (run) =>
    withHandle(run, "r", async (handle) => {
      const reads = Array.from({ length: 5 }, (_, index) => handle.read(Buffer.alloc(2), 0, 2, index * 2));
      return (await Promise.all(reads)).map(({ buffer }) => buffer.toString());
    }),
  );
}

function streams(define: Define): void {
  define("createReadStream of a handle", (run) =>
    withHandle(run, "r", async (handle) => {
      const chunks: unknown[] = [];
      for await (const chunk of handle.createReadStream({ start: 2, end: 5, encoding: "utf8" }))
        chunks.push(chunk);
      return [chunks, handle.fd];
    }),
  );
  define("createReadStream of a handle without autoClose", (run) =>
    withHandle(run, "r", async (handle) => {
      const chunks: unknown[] = [];
      for await (const chunk of handle.createReadStream({ autoClose: false })) chunks.push(chunk);
      return [chunks, handle.fd >= 0];
    }),
  );
  define("createWriteStream of a handle", (run) =>
    withHandle(run, "r+", async (handle) => {
      const stream = handle.createWriteStream({ start: 5 });
      stream.end("xyz");
      await once(stream, "close");
      return handle.fd;
    }),
  );
  define("a handle that a stream has cannot be given to another", (run) =>
    withHandle(run, "r", async (handle) => {
      const stream = handle.createReadStream();
      const second = handle.createReadStream();
      const chunks: unknown[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      second.destroy();
      return chunks;
    }),
  );
  define("readLines", (run) =>
    withHandle(run, "r+", async (handle) => {
      run.fs.writeFileSync(run.at("f"), "one\ntwo\r\n\nlast");
      const lines: string[] = [];
      for await (const line of handle.readLines()) lines.push(line);
      return [lines, handle.fd];
    }),
  );
  define("readLines with a start", (run) =>
    withHandle(run, "r+", async (handle) => {
      run.fs.writeFileSync(run.at("f"), "one\ntwo\nlast");
      const lines: string[] = [];
      for await (const line of handle.readLines({ start: 4, encoding: "utf8" })) lines.push(line);
      return lines;
    }),
  );
  define("readableWebStream", (run) =>
    withHandle(run, "r", async (handle) => {
      const bytes: number[] = [];
      for await (const chunk of handle.readableWebStream({ type: "bytes" }))
        bytes.push(...new Uint8Array(chunk as ArrayBuffer));
      return Buffer.from(bytes);
    }),
  );
  define("readableWebStream twice, and of a handle that is closed", (run) =>
    withHandle(run, "r", async (handle) => {
      handle.readableWebStream();
      const attempts = [];
      for (const step of [
        () => handle.readableWebStream(),
        () => handle.close().then(() => handle.readableWebStream()),
      ]) {
        try {
          attempts.push(await step());
        } catch (error) {
          attempts.push(error);
        }
      }
      return attempts;
    }),
  );
}
