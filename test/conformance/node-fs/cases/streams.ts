// ReadStream and WriteStream: what they read and write, the events they emit in which order, and how they fail.

import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Define, Run } from "../case.ts";

const EVENTS = ["open", "ready", "end", "finish", "error", "close"] as const;

/** The events of a stream in their order, until it closes or `until` has come. */
async function eventsOf(stream: Readable | Writable, until = "close"): Promise<unknown[]> {
  const events: unknown[] = [];
  for (const name of EVENTS) {
    stream.on(name, (value: unknown) => events.push(value instanceof Error ? [name, value] : name));
  }
  await new Promise((resolve) => {
    stream.once(until, resolve);
    if (until !== "close") stream.once("close", resolve);
  });
  // What is emitted after the event that was waited for belongs to the outcome too.
  await new Promise((resolve) => setTimeout(resolve, 5));
  return events;
}

/** What a stream of `f` with these options gives, piece by piece, and its events. */
async function read(run: Run, options: unknown): Promise<unknown> {
  const chunks: unknown[] = [];
  let stream: ReturnType<Run["fs"]["createReadStream"]>;
  try {
    stream = run.fs.createReadStream(run.at("f"), options as never);
  } catch (error) {
    return error;
  }
  stream.on("data", (chunk) => chunks.push(chunk));
  const events = await eventsOf(stream);
  return {
    chunks,
    events,
    bytesRead: stream.bytesRead,
    path: stream.path,
    pending: stream.pending,
    destroyed: stream.destroyed,
  };
}

const READS: readonly (readonly [string, unknown])[] = [
  ["no options", undefined],
  ["an encoding", "utf8"],
  ["an encoding in options", { encoding: "hex" }],
  ["an unknown encoding", "nope"],
  ["a start", { start: 3 }],
  ["a start and an end", { start: 3, end: 6 }],
  ["an end", { end: 2 }],
  ["a start at the end", { start: 10 }],
  ["a start behind the end of the file", { start: 100 }],
  ["an end behind the end of the file", { start: 8, end: 100 }],
  ["a start and an end that are one", { start: 4, end: 4 }],
  ["a start after the end", { start: 5, end: 4 }],
  ["an infinite end", { start: 7, end: Number.POSITIVE_INFINITY }],
  ["a start that is a string", { start: "1" }],
  ["a start that is a fraction", { start: 1.5 }],
  ["a negative start", { start: -1 }],
  ["an end that is a string", { end: "1" }],
  ["a negative end", { start: 0, end: -1 }],
  ["not a number for a start", { start: Number.NaN }],
  ["a high water mark", { highWaterMark: 3 }],
  ["a high water mark of 1 and a start", { highWaterMark: 1, start: 7 }],
  ["a high water mark of 0", { highWaterMark: 0 }],
  ["a negative high water mark", { highWaterMark: -1 }],
  ["a high water mark that is a string", { highWaterMark: "x" }],
  ["emitClose false and autoClose true", { autoClose: true }],
  ["a flag", { flags: "r+" }],
  ["a flag that makes", { flags: "a+" }],
  ["a flag that does not read", { flags: "a" }],
  ["a wrong flag", { flags: "q" }],
  ["options that are a number", 1],
  ["options that are null", null],
  ["an fs without open", { fs: { read: () => {}, close: () => {}, open: 1 } }],
  ["a signal that is not one", { signal: 1 }],
  ["a signal that is aborted", { signal: AbortSignal.abort() }],
];

export function streamCases(define: Define): void {
  for (const [sentence, options] of READS) {
    define(`createReadStream with ${sentence}`, (run) => {
      run.fs.writeFileSync(run.at("f"), "0123456789");
      return read(run, options);
    });
  }
  readCases(define);
  writeOptionCases(define);
  writeCases(define);
}

function readCases(define: Define): void {
  define("createReadStream of a missing file", (run) => read(run, {}));
  define("createReadStream of a missing file without emitClose", async (run) => {
    const stream = run.fs.createReadStream(run.at("f"), { emitClose: false });
    const events = await eventsOf(stream, "error");
    return [events, stream.destroyed];
  });
  define("createReadStream of a directory", async (run) => {
    const stream = run.fs.createReadStream(run.dir);
    stream.resume();
    return eventsOf(stream);
  });
  define("createReadStream of an empty file", (run) => {
    run.fs.writeFileSync(run.at("f"), "");
    return read(run, {});
  });
  define("createReadStream of 200 KiB in pieces of 64 KiB", async (run) => {
    run.fs.writeFileSync(run.at("f"), "x".repeat(200_000));
    const sizes: number[] = [];
    for await (const chunk of run.fs.createReadStream(run.at("f"))) sizes.push((chunk as Buffer).length);
    return sizes;
  });
  define("createReadStream of a descriptor", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const fd = run.fs.openSync(run.at("f"), "r");
    run.fs.readSync(fd, Buffer.alloc(4));
    const chunks: unknown[] = [];
    const stream = run.fs.createReadStream("", { fd });
    stream.on("data", (chunk) => chunks.push(chunk));
    const events = await eventsOf(stream);
    return [chunks, events, await run.attempt("fstat", fd)];
  });
  define("createReadStream of a descriptor without autoClose", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const fd = run.fs.openSync(run.at("f"), "r");
    const stream = run.fs.createReadStream("", { fd, autoClose: false, start: 2 });
    stream.resume();
    const events = await eventsOf(stream, "end");
    run.fs.closeSync(fd);
    return [events, stream.destroyed];
  });
  define("createReadStream without autoClose, of a path", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const stream = run.fs.createReadStream(run.at("f"), { autoClose: false });
    stream.resume();
    const events = await eventsOf(stream, "end");
    const before = stream.destroyed;
    await new Promise((resolve) => stream.close(resolve));
    return [events, before, stream.destroyed];
  });
  define("createReadStream of a FileHandle", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const handle = await run.fs.promises.open(run.at("f"));
    const closed = once(handle as never, "close").then(() => "handle closed");
    const chunks: unknown[] = [];
    for await (const chunk of run.fs.createReadStream("", { fd: handle as never, start: 2 }))
      chunks.push(chunk);
    return [chunks, await closed, handle.fd];
  });
  define("a read stream that is destroyed early", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const stream = run.fs.createReadStream(run.at("f"));
    const events = eventsOf(stream);
    stream.destroy();
    return events;
  });
  define("a read stream that is destroyed with an error", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const stream = run.fs.createReadStream(run.at("f"));
    const events = eventsOf(stream);
    stream.destroy(new Error("its own"));
    return events;
  });
  define("a read stream that is aborted on its way", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const controller = new AbortController();
    const stream = run.fs.createReadStream(run.at("f"), { signal: controller.signal, highWaterMark: 2 });
    const events = eventsOf(stream);
    stream.once("data", () => controller.abort());
    return events;
  });
  define("a read stream is read by lines", async (run) => {
    run.fs.writeFileSync(run.at("f"), "one\ntwo\r\n\nlast");
    const { createInterface } = await import("node:readline");
    const lines: string[] = [];
    for await (const line of createInterface({ input: run.fs.createReadStream(run.at("f")) }))
      lines.push(line);
    return lines;
  });
  define("ReadStream and WriteStream are called without new", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const call = run.fs.ReadStream as unknown as (path: string, options?: object) => Readable;
    const stream = call(run.at("f"), { encoding: "utf8" });
    const chunks: unknown[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const out = (run.fs.WriteStream as unknown as (path: string) => Writable)(run.at("g"));
    out.end("written");
    await once(out, "close");
    return [chunks, stream instanceof run.fs.ReadStream, out instanceof run.fs.WriteStream];
  });
}

/** Writes three pieces to a stream of `f` and gives its events. */
async function write(
  run: Run,
  options: unknown,
  data: readonly unknown[] = ["ab", Buffer.from("cd"), "ef"],
): Promise<unknown> {
  let stream: ReturnType<Run["fs"]["createWriteStream"]>;
  try {
    stream = run.fs.createWriteStream(run.at("f"), options as never);
  } catch (error) {
    return error;
  }
  const events = eventsOf(stream);
  for (const piece of data) stream.write(piece);
  stream.end();
  return {
    events: await events,
    bytesWritten: stream.bytesWritten,
    path: stream.path,
    pending: stream.pending,
  };
}

function writeOptionCases(define: Define): void {
  const options: readonly (readonly [string, unknown])[] = [
    ["no options", undefined],
    ["an encoding", "latin1"],
    ["an unknown encoding", "nope"],
    ["a start", { start: 4, flags: "r+" }],
    ["a start behind the end", { start: 14, flags: "r+" }],
    ["a start with w", { start: 2 }],
    ["a negative start", { start: -1 }],
    ["a start that is a string", { start: "1" }],
    ["flag a", { flags: "a" }],
    ["flag wx", { flags: "wx" }],
    ["flag r", { flags: "r" }],
    ["a mode", { mode: 0o600 }],
    ["a high water mark", { highWaterMark: 1 }],
    ["flush", { flush: true }],
    ["flush that is a string", { flush: "true" }],
    ["a signal that is aborted", { signal: AbortSignal.abort() }],
    ["options that are a number", 1],
    ["an fs without functions", { fs: {} }],
  ];
  for (const [sentence, option] of options) {
    for (const there of [true, false]) {
      define(`createWriteStream with ${sentence}, ${there ? "of a file" : "of a new name"}`, (run) => {
        if (there) run.fs.writeFileSync(run.at("f"), "0123456789");
        return write(run, option);
      });
    }
  }
}

function writeCases(define: Define): void {
  define("createWriteStream in a missing directory", async (run) => {
    const stream = run.fs.createWriteStream(run.at("missing/f"));
    const events = eventsOf(stream);
    stream.write("x");
    return events;
  });
  define("createWriteStream of a descriptor without autoClose", async (run) => {
    const fd = run.fs.openSync(run.at("f"), "w");
    const stream = run.fs.createWriteStream("", { fd, autoClose: false });
    stream.end("content");
    const events = await eventsOf(stream, "finish");
    run.fs.writeSync(fd, "+");
    run.fs.closeSync(fd);
    return events;
  });
  define("createWriteStream of a FileHandle", async (run) => {
    const handle = await run.fs.promises.open(run.at("f"), "w");
    const stream = run.fs.createWriteStream("", { fd: handle as never });
    stream.end("content");
    return [await eventsOf(stream), handle.fd];
  });
  define("pieces that are corked are written together", async (run) => {
    const stream = run.fs.createWriteStream(run.at("f"));
    stream.cork();
    for (const piece of ["a", "b", "c", "d"]) stream.write(piece);
    stream.uncork();
    stream.end();
    return [await eventsOf(stream), stream.bytesWritten];
  });
  define("what cannot be written to a stream", async (run) => {
    const stream = run.fs.createWriteStream(run.at("f"));
    const outcomes = [1, null, {}].map((piece) => {
      try {
        return stream.write(piece as never);
      } catch (error) {
        return error;
      }
    });
    stream.on("error", () => {});
    stream.end();
    await once(stream, "close");
    return outcomes;
  });
  define("a write stream that is closed before it is open", async (run) => {
    const stream = run.fs.createWriteStream(run.at("f"));
    const events = eventsOf(stream);
    stream.close();
    return events;
  });
  define("a write stream that is destroyed in the middle", async (run) => {
    const stream = run.fs.createWriteStream(run.at("f"));
    const events = eventsOf(stream);
    stream.write("one", () => stream.destroy());
    return events;
  });
  define("a stream is piped into another", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789".repeat(20_000));
    const { pipeline } = await import("node:stream/promises");
    await pipeline(run.fs.createReadStream(run.at("f")), run.fs.createWriteStream(run.at("g")));
    return run.fs.readFileSync(run.at("g")).equals(run.fs.readFileSync(run.at("f")));
  });
  define("close with a callback, twice", async (run) => {
    const stream = run.fs.createWriteStream(run.at("f"));
    await once(stream, "open");
    await new Promise((resolve) => stream.close(resolve));
    return new Promise((resolve) => stream.close((error) => resolve(error ?? "closed")));
  });
  define("backpressure is told", (run) => {
    const stream = run.fs.createWriteStream(run.at("f"), { highWaterMark: 4 });
    const told = [stream.write("a"), stream.write("bcde")];
    stream.end();
    return once(stream, "close").then(() => told);
  });
  define("the properties of streams", (run) => {
    const reader = run.fs.createReadStream(run.at("f"), { start: 1, end: 5, mode: 0o600 } as never);
    reader.on("error", () => {});
    const writer = run.fs.createWriteStream(run.at("g"), { start: 2 });
    const pick = (stream: object): unknown[] =>
      [
        "path",
        "flags",
        "mode",
        "start",
        "end",
        "pos",
        "bytesRead",
        "bytesWritten",
        "fd",
        "closed",
        "pending",
        "autoClose",
      ].map((key) => [key, Reflect.get(stream, key)]);
    const outcome = [pick(reader), pick(writer)];
    writer.end();
    return once(writer, "close").then(() => outcome);
  });
}
