// Whole files: readFile, writeFile, appendFile, with encodings, flags, descriptors, iterables and signals.

import type { Define, Run } from "../case.ts";

const ENCODINGS = [
  "utf8",
  "utf-8",
  "UTF8",
  "latin1",
  "binary",
  "ascii",
  "hex",
  "base64",
  "base64url",
  "ucs2",
  "utf16le",
  "buffer",
];
const SAMPLE = Buffer.from([0x61, 0xc3, 0xa4, 0xff, 0x00, 0xe2, 0x82, 0xac, 0x7f, 0x80]);

export function fileCases(define: Define): void {
  for (const encoding of ENCODINGS) {
    define.forms(`readFile in ${encoding}`, async (run) => {
      run.fs.writeFileSync(run.at("f"), SAMPLE);
      return [
        await run.attempt("readFile", run.at("f"), encoding),
        await run.attempt("readFile", run.at("f"), { encoding }),
      ];
    });
    define.forms(`writeFile and appendFile in ${encoding}`, async (run) => [
      await run.attempt("writeFile", run.at("f"), "414ä=", encoding),
      await run.attempt("appendFile", run.at("f"), "4243", { encoding }),
    ]);
  }
  define.forms("a byte order mark stays", async (run) => {
    run.fs.writeFileSync(run.at("f"), Buffer.from([0xef, 0xbb, 0xbf, 0x61]));
    return run.call("readFile", run.at("f"), "utf8");
  });
  for (const flag of ["r", "r+", "w+", "a+", "wx+", "w"]) {
    define.forms(`readFile with flag ${flag}`, async (run) => {
      run.fs.writeFileSync(run.at("f"), "content");
      return [
        await run.attempt("readFile", run.at("f"), { flag, encoding: "utf8" }),
        await run.attempt("readFile", run.at("g"), { flag, encoding: "utf8" }),
      ];
    });
  }
  for (const flag of ["w", "a", "r+", "wx", "ax", "r"]) {
    define.forms(`writeFile and appendFile with flag ${flag}`, async (run) => {
      run.fs.writeFileSync(run.at("f"), "content");
      return [
        await run.attempt("writeFile", run.at("f"), "new", { flag }),
        await run.attempt("writeFile", run.at("g"), "new", { flag }),
        await run.attempt("appendFile", run.at("f"), "more", { flag }),
      ];
    });
  }
  define.forms("readFile and writeFile of a directory", async (run) => [
    await run.attempt("readFile", run.dir),
    await run.attempt("writeFile", run.dir, "x"),
    await run.attempt("appendFile", run.dir, "x"),
  ]);
  define.forms("data of every kind", async (run) => {
    const list: readonly unknown[] = [
      "text",
      Buffer.from("buffer"),
      new Uint8Array([65, 66]),
      new Uint16Array([0x4142]),
      new DataView(new Uint8Array([67, 68]).buffer),
      new Uint8Array(new ArrayBuffer(8), 2, 3),
      "",
    ];
    for (const [index, data] of list.entries()) {
      await run.call("writeFile", run.at(`f${index}`), data);
      await run.call("appendFile", run.at(`f${index}`), data);
    }
  });
  define.forms("options that are null and undefined", async (run) => [
    await run.call("writeFile", run.at("f"), "x", null),
    await run.call("writeFile", run.at("f"), "y", undefined),
    await run.call("readFile", run.at("f"), null),
    await run.call("readFile", run.at("f"), undefined),
    await run.call("readFile", run.at("f"), {}),
    await run.call("readFile", run.at("f"), { encoding: null }),
  ]);
  descriptorCases(define);
  iterableCases(define);
  signalCases(define);
}

function descriptorCases(define: Define): void {
  define.forms(
    "readFile and writeFile of a descriptor go on from where it stands",
    async (run) => {
      const { fs } = run;
      fs.writeFileSync(run.at("f"), "0123456789");
      const fd = fs.openSync(run.at("f"), "r+");
      fs.readSync(fd, Buffer.alloc(4));
      const rest = await run.attempt("readFile", fd, "utf8");
      const again = await run.attempt("readFile", fd, "utf8");
      const written = await run.attempt("writeFile", fd, "xy");
      const appended = await run.attempt("appendFile", fd, "z");
      fs.closeSync(fd);
      return [rest, again, written, appended];
    },
    ["sync", "callback"],
  );
  define.forms(
    "readFile and writeFile of a closed descriptor",
    async (run) => [
      await run.attempt("readFile", 987_654, "utf8"),
      await run.attempt("writeFile", 987_654, "x"),
      await run.attempt("appendFile", 987_654, "x"),
    ],
    ["sync"],
  );
  define("readFile and writeFile of a FileHandle", async (run) => {
    const handle = await run.fs.promises.open(run.at("f"), "w+");
    await run.fs.promises.writeFile(handle, "content");
    const read = await run.fs.promises.readFile(handle, "utf8");
    await run.fs.promises.appendFile(handle, " more");
    await handle.close();
    return read;
  });
  define.forms("an empty file", async (run) => {
    await run.call("writeFile", run.at("f"), "");
    return [await run.call("readFile", run.at("f")), await run.call("readFile", run.at("f"), "utf8")];
  });
  define.forms("a file of 300 KiB", async (run) => {
    const text = "0123456789abcdef".repeat(19_200);
    await run.call("writeFile", run.at("f"), text);
    return (await run.call("readFile", run.at("f"), "utf8")) === text;
  });
}

function iterableCases(define: Define): void {
  const write = async (run: Run, data: unknown, options?: unknown): Promise<unknown> =>
    run.promise("writeFile", run.at("f"), data, options);
  define("writeFile of an iterable", (run) => write(run, ["a", "b", Buffer.from("c")]));
  define("writeFile of a generator", (run) =>
    write(
      run,
      (function* () {
        yield "one ";
        yield "two";
      })(),
    ),
  );
  define("writeFile of an asynchronous generator", (run) =>
    write(
      run,
      (async function* () {
        yield "one ";
        await null;
        yield Buffer.from("two");
      })(),
    ),
  );
  define("writeFile of an iterable in an encoding", (run) => write(run, ["4142", "43"], "hex"));
  define("writeFile of an iterable of what cannot be written", (run) => write(run, [1]));
  define("writeFile of a generator that throws", (run) =>
    write(
      run,
      (function* () {
        yield "one";
        throw new Error("its own");
      })(),
    ),
  );
  define("writeFile of a stream", async (run) => {
    run.fs.writeFileSync(run.at("from"), "streamed");
    return write(run, run.fs.createReadStream(run.at("from")));
  });
}

function signalCases(define: Define): void {
  const aborted = (): AbortSignal => AbortSignal.abort();
  define.forms(
    "readFile with a signal that is aborted",
    (run) => {
      run.fs.writeFileSync(run.at("f"), "x");
      return run.call("readFile", run.at("f"), { signal: aborted() });
    },
    ["promise"],
  );
  define.forms(
    "writeFile with a signal that is aborted",
    (run) => run.call("writeFile", run.at("f"), "x", { signal: aborted() }),
    ["promise"],
  );
  define.forms(
    "a signal that is aborted for a reason",
    async (run) => {
      const outcome = await run.attempt("readFile", run.at("f"), {
        signal: AbortSignal.abort(new Error("reason")),
      });
      return [outcome, (outcome as Error).cause];
    },
    ["promise"],
  );
  define.forms(
    "a signal that is aborted while readFile is under way",
    (run) => {
      run.fs.writeFileSync(run.at("f"), "x".repeat(100_000));
      const controller = new AbortController();
      const read = run.call("readFile", run.at("f"), { signal: controller.signal });
      controller.abort();
      return read;
    },
    ["callback", "promise"],
  );
  define.forms(
    "a signal that is never aborted",
    async (run) => {
      const { signal } = new AbortController();
      await run.call("writeFile", run.at("f"), "x", { signal });
      return run.call("readFile", run.at("f"), { signal, encoding: "utf8" });
    },
    ["callback", "promise"],
  );
  define("FileHandle.readFile with a signal that is aborted", async (run) => {
    const handle = await run.fs.promises.open(run.at("f"), "w+");
    const outcomes = [
      await handle.readFile({ signal: aborted() }).catch((error: unknown) => error),
      await handle.writeFile("x", { signal: aborted() }).catch((error: unknown) => error),
    ];
    await handle.close();
    return outcomes;
  });
}
