// Reading and writing through descriptors: positions, lengths, vectors, holes, appending, and the many ways of saying where.

import type { Define, Form, Run } from "../case.ts";

const BY_FD: readonly Form[] = ["sync", "callback"];

async function withFile(run: Run, flags: string, body: (fd: number) => unknown): Promise<unknown> {
  run.fs.writeFileSync(run.at("f"), "0123456789");
  const fd = run.fs.openSync(run.at("f"), flags);
  try {
    return await body(fd);
  } finally {
    run.fs.closeSync(fd);
  }
}

/** Ways of calling read: the arguments after the descriptor. */
const READS: readonly (readonly [string, () => unknown[]])[] = [
  ["all arguments", () => [Buffer.alloc(4), 0, 4, 0]],
  ["a position", () => [Buffer.alloc(4), 0, 4, 6]],
  ["a position that is a bigint", () => [Buffer.alloc(4), 0, 4, 6n]],
  ["a null position", () => [Buffer.alloc(4), 0, 4, null]],
  ["a position of -1", () => [Buffer.alloc(4), 0, 4, -1]],
  ["a position of -2", () => [Buffer.alloc(4), 0, 4, -2]],
  ["a position that is a negative bigint", () => [Buffer.alloc(4), 0, 4, -2n]],
  ["a position behind the end", () => [Buffer.alloc(4), 0, 4, 100]],
  ["a position beyond what a file can have", () => [Buffer.alloc(4), 0, 4, 2 ** 53]],
  ["a position that is a huge bigint", () => [Buffer.alloc(4), 0, 4, 2n ** 63n]],
  ["a position that is a fraction", () => [Buffer.alloc(4), 0, 4, 1.5]],
  ["a position that is a string", () => [Buffer.alloc(4), 0, 4, "1"]],
  ["an offset", () => [Buffer.alloc(6), 2, 4, 0]],
  ["an offset at the end of the buffer", () => [Buffer.alloc(4), 4, 0, 0]],
  ["an offset behind the end of the buffer", () => [Buffer.alloc(4), 5, 1, 0]],
  ["a negative offset", () => [Buffer.alloc(4), -1, 1, 0]],
  ["an offset that is a fraction", () => [Buffer.alloc(4), 0.5, 1, 0]],
  ["an offset that is a string", () => [Buffer.alloc(4), "0", 1, 0]],
  ["an offset that is null", () => [Buffer.alloc(4), null, 4, 0]],
  ["a length that is too large", () => [Buffer.alloc(4), 0, 5, 0]],
  ["a length of 0", () => [Buffer.alloc(4), 0, 0, 0]],
  ["a negative length", () => [Buffer.alloc(4), 0, -1, 0]],
  ["a length that is a string", () => [Buffer.alloc(4), 0, "4", 0]],
  ["a length that is a fraction", () => [Buffer.alloc(4), 0, 1.5, 0]],
  ["an empty buffer", () => [Buffer.alloc(0), 0, 0, 0]],
  ["a buffer that is longer than the file", () => [Buffer.alloc(20), 0, 20, 0]],
  ["a Uint16Array", () => [new Uint16Array(4), 0, 8, 0]],
  ["a DataView", () => [new DataView(new ArrayBuffer(4)), 0, 4, 0]],
  ["a view in the middle of its buffer", () => [new Uint8Array(new ArrayBuffer(16), 4, 4), 0, 4, 2]],
  ["a buffer only", () => [Buffer.alloc(4)]],
  ["a buffer and options", () => [Buffer.alloc(4), { offset: 1, length: 2, position: 3 }]],
  ["a buffer and empty options", () => [Buffer.alloc(4), {}]],
  ["a buffer and null", () => [Buffer.alloc(4), null]],
  ["options with a null position", () => [Buffer.alloc(4), { position: null }]],
  ["options that are a number", () => [Buffer.alloc(4), 2]],
  ["options that are a string", () => [Buffer.alloc(4), "x"]],
  ["a string for a buffer", () => ["buffer", 0, 4, 0]],
  ["an array for a buffer", () => [[1, 2], 0, 2, 0]],
  ["null for a buffer", () => [null, 0, 4, 0]],
];

const WRITES: readonly (readonly [string, () => unknown[]])[] = [
  ["a buffer", () => [Buffer.from("abcd")]],
  ["all arguments", () => [Buffer.from("abcd"), 1, 2, 5]],
  ["an offset", () => [Buffer.from("abcd"), 2]],
  ["an offset and a length", () => [Buffer.from("abcd"), 1, 2]],
  ["options", () => [Buffer.from("abcd"), { offset: 1, length: 2, position: 3 }]],
  ["empty options", () => [Buffer.from("abcd"), {}]],
  ["null options", () => [Buffer.from("abcd"), null]],
  ["a position behind the end", () => [Buffer.from("abcd"), 0, 4, 15]],
  ["a position of null", () => [Buffer.from("abcd"), 0, 4, null]],
  ["a negative position", () => [Buffer.from("abcd"), 0, 4, -1]],
  ["a position that is a bigint", () => [Buffer.from("abcd"), 0, 4, 3n]],
  ["a position that is a string", () => [Buffer.from("abcd"), 0, 4, "3"]],
  ["an offset behind the end", () => [Buffer.from("abcd"), 5]],
  ["a negative offset", () => [Buffer.from("abcd"), -1]],
  ["an offset that is a string", () => [Buffer.from("abcd"), "1"]],
  ["a length that is too large", () => [Buffer.from("abcd"), 0, 5]],
  ["a length that is too large after an offset", () => [Buffer.from("abcd"), 2, 3]],
  ["a negative length", () => [Buffer.from("abcd"), 0, -1]],
  ["a Uint16Array", () => [new Uint16Array([0x4142, 0x4344])]],
  ["a DataView", () => [new DataView(new Uint8Array([65, 66]).buffer)]],
  ["nothing", () => [Buffer.alloc(0)]],
  ["a string", () => ["äöü"]],
  ["a string at a position", () => ["abc", 4]],
  ["a string at a null position", () => ["abc", null]],
  ["a string in latin1", () => ["äöü", null, "latin1"]],
  ["a string in hex", () => ["414243", 2, "hex"]],
  ["a string in base64", () => ["QUJD", 2, "base64"]],
  ["a string in ucs2", () => ["ab", 0, "ucs2"]],
  ["a string in an unknown encoding", () => ["abc", 0, "nope"]],
  ["a hex string of odd length", () => ["414", 0, "hex"]],
  ["the empty string", () => [""]],
  ["a number", () => [42]],
  ["undefined", () => [undefined]],
  ["null", () => [null]],
  ["an object", () => [{}]],
  ["an object with toString", () => [{ toString: () => "x" }]],
  ["an array", () => [["x"]]],
];

export function dataCases(define: Define): void {
  for (const [sentence, args] of READS) {
    define.forms(
      `read with ${sentence}`,
      (run) =>
        withFile(run, "r", async (fd) => {
          const list = args();
          return [await run.attempt("read", fd, ...list), list[0]];
        }),
      BY_FD,
    );
  }
  for (const [sentence, args] of WRITES) {
    define.forms(
      `write with ${sentence}`,
      (run) => withFile(run, "r+", (fd) => run.attempt("write", fd, ...args())),
      BY_FD,
    );
  }
  readForms(define);
  vectors(define);
  appending(define);
  lengths(define);
}

function readForms(define: Define): void {
  define("callback's read with options only, and with nothing", async (run) =>
    withFile(run, "r", async (fd) => [
      await run.callback("read", fd, { buffer: Buffer.alloc(3), position: 2 }),
      await run.callback("read", fd, { length: 2, buffer: Buffer.alloc(3) }),
      ((await run.callback("read", fd)) as [number, Buffer])[0],
      await run.callback("read", fd, Buffer.alloc(2), 0, 2, null),
    ]),
  );
  define("the position moves with reads that have none", (run) =>
    withFile(run, "r", (fd) => {
      const buffer = Buffer.alloc(3);
      const pieces = [];
      for (;;) {
        const count = run.fs.readSync(fd, buffer);
        if (count === 0) return pieces;
        pieces.push(buffer.toString("latin1", 0, count));
      }
    }),
  );
  define("the position does not move with reads that have one", (run) =>
    withFile(run, "r", (fd) => {
      const buffer = Buffer.alloc(3);
      run.fs.readSync(fd, buffer, 0, 3, 5);
      run.fs.readSync(fd, buffer, 0, 3, null);
      return buffer.toString();
    }),
  );
  define("two descriptors have positions of their own", (run) =>
    withFile(run, "r", (fd) => {
      const other = run.fs.openSync(run.at("f"), "r");
      const buffer = Buffer.alloc(4);
      run.fs.readSync(fd, buffer);
      run.fs.readSync(other, buffer, 0, 2, null);
      run.fs.closeSync(other);
      return buffer.toString();
    }),
  );
  define.forms(
    "read of what is open for writing",
    (run) => withFile(run, "a", (fd) => run.attempt("read", fd, Buffer.alloc(2), 0, 2, 0)),
    BY_FD,
  );
  define.forms(
    "write of what is open for reading",
    (run) => withFile(run, "r", (fd) => run.attempt("write", fd, "x")),
    BY_FD,
  );
  define.forms(
    "read of a directory",
    async (run) => {
      const fd = run.fs.openSync(run.dir, "r");
      const outcome = await run.attempt("read", fd, Buffer.alloc(2), 0, 2, 0);
      run.fs.closeSync(fd);
      return outcome;
    },
    BY_FD,
  );
}

function vectors(define: Define): void {
  const buffers = (): Buffer[] => [Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(4)];
  const places: readonly unknown[] = [undefined, null, 2, 100, -1, "1", 1n];
  for (const place of places) {
    define.forms(
      `readv at ${typeof place} ${String(place)}`,
      (run) =>
        withFile(run, "r", async (fd) => {
          const list = buffers();
          return [await run.attempt("readv", fd, list, place), list];
        }),
      BY_FD,
    );
    define.forms(
      `writev at ${typeof place} ${String(place)}`,
      (run) =>
        withFile(run, "r+", (fd) =>
          run.attempt("writev", fd, [Buffer.from("ab"), Buffer.alloc(0), Buffer.from("cde")], place),
        ),
      BY_FD,
    );
  }
  for (const list of [[new Uint16Array(1), new DataView(new ArrayBuffer(1))]]) {
    define.forms(
      `readv and writev of ${list.length} views`,
      (run) =>
        withFile(run, "r+", async (fd) => [
          await run.attempt("readv", fd, list),
          await run.attempt("writev", fd, list),
        ]),
      BY_FD,
    );
  }
  define.forms(
    "readv and writev refuse what is no list of views",
    (run) =>
      withFile(run, "r+", async (fd) => {
        const outcomes = [];
        for (const list of [undefined, null, "x", {}, Buffer.alloc(1), ["x"], [1], [null], [[1]]]) {
          outcomes.push(await run.attempt("readv", fd, list), await run.attempt("writev", fd, list));
        }
        return outcomes;
      }),
    BY_FD,
  );
  define("more than 1024 buffers in one writev", (run) =>
    withFile(run, "w", (fd) => {
      const list = Array.from({ length: 1500 }, (_, index) => Buffer.from(String(index % 10)));
      return run.attempt("writev", fd, list);
    }),
  );
}

function appending(define: Define): void {
  define("O_APPEND writes at the end, wherever it is told to", (run) =>
    withFile(run, "a+", (fd) => {
      const { fs } = run;
      fs.writeSync(fd, "A", 0);
      fs.writeSync(fd, Buffer.from("B"), 0, 1, 2);
      fs.writevSync(fd, [Buffer.from("C")], 1);
      fs.ftruncateSync(fd, 2);
      fs.writeSync(fd, "D");
      const buffer = Buffer.alloc(5);
      return [fs.readSync(fd, buffer, 0, 5, 0), buffer];
    }),
  );
  define("two that append do not write over each other", (run) => {
    const { fs } = run;
    const one = fs.openSync(run.at("f"), "a");
    const two = fs.openSync(run.at("f"), "a");
    for (let index = 0; index < 4; index++) {
      fs.writeSync(one, "1");
      fs.writeSync(two, "2");
    }
    fs.closeSync(one);
    fs.closeSync(two);
  });
  define("a write behind the end leaves a hole of zeros", (run) =>
    withFile(run, "r+", (fd) => {
      run.fs.writeSync(fd, "x", 20);
      return run.fs.readFileSync(run.at("f"));
    }),
  );
  define("a sparse file takes no blocks for its hole", (run) => {
    const { fs } = run;
    const fd = fs.openSync(run.at("f"), "w");
    fs.writeSync(fd, "x", 64 * 1024 * 1024);
    fs.closeSync(fd);
    const { size, blocks } = fs.statSync(run.at("f"));
    fs.truncateSync(run.at("f"), 3);
    return [size, blocks < 100];
  });
}

function lengths(define: Define): void {
  for (const length of [undefined, 0, 4, 10, 15, 4096, 10_000]) {
    const args = length === undefined ? [] : [length];
    define.forms(
      `ftruncate to ${length}`,
      (run) => withFile(run, "r+", (fd) => run.call("ftruncate", fd, ...args)),
      BY_FD,
    );
    define.forms(`truncate to ${length}`, (run) => {
      run.fs.writeFileSync(run.at("f"), "0123456789");
      return run.call("truncate", run.at("f"), ...args);
    });
  }
  define.forms("truncate of a directory, of a missing file", async (run) => [
    await run.attempt("truncate", run.dir, 0),
    await run.attempt("truncate", run.at("missing"), 0),
  ]);
  define.forms(
    "ftruncate of what is open for reading",
    (run) => withFile(run, "r", (fd) => run.attempt("ftruncate", fd, 1)),
    BY_FD,
  );
  define.forms(
    "a file of 2^53 - 1 bytes",
    (run) =>
      withFile(run, "r+", async (fd) => {
        const outcome = await run.attempt("ftruncate", fd, 2 ** 53 - 1);
        run.fs.ftruncateSync(fd, 1);
        return outcome;
      }),
    BY_FD,
  );
  define("data behind a new end does not come back", (run) =>
    withFile(run, "r+", (fd) => {
      run.fs.ftruncateSync(fd, 3);
      run.fs.ftruncateSync(fd, 8);
      return run.fs.readFileSync(run.at("f"));
    }),
  );
  define.forms(
    "fsync and fdatasync",
    (run) =>
      withFile(run, "r+", async (fd) => [await run.call("fsync", fd), await run.call("fdatasync", fd)]),
    BY_FD,
  );
  define("a megabyte goes through a file unchanged", (run) => {
    const data = Buffer.alloc(1_000_003);
    for (let index = 0; index < data.length; index++) data[index] = (index * 31 + (index >> 8)) & 255;
    run.fs.writeFileSync(run.at("f"), data);
    return run.fs.readFileSync(run.at("f")).equals(data);
  });
}
