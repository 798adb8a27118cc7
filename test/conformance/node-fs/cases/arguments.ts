// What Node says to arguments of wrong types and values: each function with a path, and each other parameter.

import type { Define, Form, Run } from "../case.ts";

/** Values that are no paths. */
const NO_PATHS: readonly unknown[] = [
  undefined,
  null,
  1,
  true,
  {},
  [],
  Symbol("path"),
  () => "path",
  10n,
  "/nowhere/a\0b",
  Buffer.from("/nowhere/a\0b"),
  new Uint16Array(2),
  new URL("http://example.org/x"),
  new URL("file://host/x"),
  new URL("file:///a%2Fb"),
  new URL("file:///nowhere/a%00b"),
];

/** Functions whose first argument is a path, with arguments that may follow it. */
const BY_PATH: readonly (readonly [string, readonly unknown[], (readonly Form[])?])[] = [
  ["access", []],
  ["appendFile", ["x"]],
  ["chmod", [0o644]],
  ["chown", [0, 0]],
  ["copyFile", ["/nowhere/x"]],
  ["lchown", [0, 0]],
  ["link", ["/nowhere/x"]],
  ["lstat", []],
  ["lutimes", [1, 1]],
  ["mkdir", []],
  ["mkdtemp", []],
  ["open", ["r"]],
  ["opendir", []],
  ["readdir", []],
  ["readFile", []],
  ["readlink", []],
  ["realpath", [], ["promise"]],
  ["rename", ["/nowhere/x"]],
  ["rm", []],
  ["rmdir", []],
  ["stat", []],
  ["statfs", []],
  ["symlink", ["/nowhere/x"]],
  ["truncate", [0]],
  ["unlink", []],
  ["utimes", [1, 1]],
  ["writeFile", ["x"]],
  ["cp", ["/nowhere/x"]],
];

/** They take a descriptor for a path. */
const DESCRIPTORS_TOO: ReadonlySet<string> = new Set(["appendFile", "readFile", "truncate", "writeFile"]);

/** Functions whose second argument is a path. */
const TO_PATH = ["copyFile", "link", "rename", "symlink", "cp"] as const;

const BY_FD: readonly (readonly [string, readonly unknown[]])[] = [
  ["close", []],
  ["fchmod", [0o644]],
  ["fchown", [0, 0]],
  ["fdatasync", []],
  ["fstat", []],
  ["fsync", []],
  ["ftruncate", [0]],
  ["futimes", [1, 1]],
  ["read", [Buffer.alloc(4), 0, 4, 0]],
  ["readv", [[Buffer.alloc(4)], 0]],
  ["write", [Buffer.alloc(4), 0, 4, 0]],
  ["writev", [[Buffer.alloc(4)], 0]],
];

/** No symbol: to close one ends a process of Node 20. No bigint: it shows some with their n, and some without. */
const NO_FDS: readonly unknown[] = [
  undefined,
  null,
  "1",
  true,
  {},
  [],
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31,
];

async function each(
  values: readonly unknown[],
  attempt: (value: unknown) => Promise<unknown>,
): Promise<unknown[]> {
  const outcomes = [];
  for (const value of values) outcomes.push(await attempt(value));
  return outcomes;
}

/** A parameter that is tried with many values, in a directory with a file `f` and a directory `d`. */
function parameter(
  define: Define,
  sentence: string,
  name: string,
  args: (run: Run, value: unknown) => unknown[],
  values: readonly unknown[],
  forms?: readonly Form[],
): void {
  define.forms(
    `${name}: ${sentence}`,
    async (run) => {
      run.fs.writeFileSync(run.at("f"), "content");
      run.fs.mkdirSync(run.at("d"));
      return each(values, (value) => run.attempt(name, ...args(run, value)));
    },
    forms,
  );
}

const MODES: readonly unknown[] = [
  "644",
  "9",
  "",
  "0o644",
  -1,
  1.5,
  2 ** 32,
  Number.NaN,
  null,
  true,
  {},
  [],
  1n,
];
const ENCODINGS: readonly unknown[] = [
  "utf-9",
  "",
  "LATIN1",
  "hex",
  "buffer",
  1,
  true,
  null,
  { encoding: "nope" },
  { encoding: 1 },
];
const IDS: readonly unknown[] = [undefined, null, "0", true, {}, -2, 1.5, 2 ** 32, Number.NaN, 1n];
const LENGTHS: readonly unknown[] = [
  "1",
  true,
  {},
  [],
  1.5,
  Number.NaN,
  1n,
  Number.POSITIVE_INFINITY,
  -3,
  undefined,
  null,
];
const TIMES: readonly unknown[] = [
  undefined,
  null,
  true,
  {},
  [],
  "x",
  Number.NaN,
  Symbol("t"),
  1n,
  new Date(Number.NaN),
];
const SIGNALS: readonly unknown[] = [1, "abort", {}, null];

export function argumentCases(define: Define): void {
  for (const [name, rest, forms] of BY_PATH) {
    const values = DESCRIPTORS_TOO.has(name)
      ? NO_PATHS.filter((value) => !/number|symbol|bigint/.test(typeof value))
      : NO_PATHS;
    define.forms(
      `${name} refuses what is no path`,
      (run) => each(values, (value) => run.attempt(name, value, ...rest)),
      forms,
    );
  }
  for (const name of TO_PATH) {
    define.forms(`${name} refuses a second argument that is no path`, (run) =>
      each(NO_PATHS, (value) => run.attempt(name, run.at("from"), value)),
    );
  }
  for (const [name, rest] of BY_FD) {
    define.forms(
      `${name} refuses what is no descriptor`,
      (run) => each(NO_FDS, (value) => run.attempt(name, value, ...rest)),
      ["sync", "callback"],
    );
    define.forms(`${name} of a descriptor that is not open`, (run) => run.call(name, 987_654, ...rest), [
      "sync",
      "callback",
    ]);
  }
  modeCases(define);
  optionCases(define);
  callbackCases(define);
}

function modeCases(define: Define): void {
  parameter(define, "modes", "chmod", (run, value) => [run.at("f"), value], [...MODES, undefined]);
  parameter(define, "modes", "mkdir", (run, value) => [run.at("new"), value], MODES);
  parameter(
    define,
    "modes in options",
    "mkdir",
    (run, value) => [run.at("new2"), { mode: value }],
    MODES.filter((mode) => mode !== null),
  );
  parameter(define, "modes", "access", (run, value) => [run.at("f"), value], [
    "4",
    8,
    -1,
    1.5,
    Number.NaN,
    {},
    true,
    2n,
  ]);
  parameter(define, "users", "chown", (run, value) => [run.at("f"), value, 0], IDS);
  parameter(define, "groups", "chown", (run, value) => [run.at("f"), 0, value], IDS);
  parameter(define, "users", "lchown", (run, value) => [run.at("f"), value, 0], IDS);
  parameter(define, "lengths", "truncate", (run, value) => [run.at("f"), value], LENGTHS);
  parameter(define, "access times", "utimes", (run, value) => [run.at("f"), value, 1], TIMES);
  parameter(define, "modification times", "utimes", (run, value) => [run.at("f"), 1, value], TIMES);
  parameter(define, "access times", "lutimes", (run, value) => [run.at("f"), value, 1], TIMES);
  parameter(define, "modes of copying", "copyFile", (run, value) => [run.at("f"), run.at("g"), value], [
    "1",
    -1,
    8,
    1.5,
    true,
    {},
  ]);
}

function optionCases(define: Define): void {
  for (const name of ["readFile", "readdir", "readlink", "realpath"]) {
    parameter(define, "encodings", name, (run, value) => [run.at("missing"), value], ENCODINGS);
  }
  for (const name of ["writeFile", "appendFile"]) {
    parameter(define, "options", name, (run, value) => [run.at("new"), "x", value], ENCODINGS);
    parameter(define, "data", name, (run, value) => [run.at("data"), value], [
      undefined,
      null,
      1,
      true,
      {},
      [],
      Symbol("x"),
      1n,
      { toString: () => "own" },
      new ArrayBuffer(2),
    ]);
    parameter(define, "modes in options", name, (run, value) => [run.at("new"), "x", { mode: value }], MODES);
    parameter(define, "flags in options", name, (run, value) => [run.at("new"), "x", { flag: value }], [
      "q",
      "",
      1n,
      {},
      true,
    ]);
    parameter(define, "flush", name, (run, value) => [run.at("new"), "x", { flush: value }], [
      "true",
      1,
      {},
      null,
      true,
      false,
    ]);
  }
  for (const name of ["readFile", "writeFile"]) {
    const data = name === "writeFile" ? ["x"] : [];
    parameter(define, "signals", name, (run, value) => [run.at("f"), ...data, { signal: value }], SIGNALS, [
      "callback",
      "promise",
    ]);
  }
  parameter(define, "flags", "open", (run, value) => [run.at("f"), value], [
    "q",
    "",
    "rw",
    "R",
    "r++",
    "+r",
    true,
    {},
    [],
    1.5,
    -1,
    2 ** 31,
    1n,
    Symbol("f"),
  ]);
  parameter(define, "recursive", "mkdir", (run, value) => [run.at("r"), { recursive: value }], [
    1,
    "true",
    {},
    null,
  ]);
  parameter(define, "recursive", "rmdir", (run, value) => [run.at("d"), { recursive: value }], [
    1,
    "true",
    {},
    null,
  ]);
  parameter(define, "options", "rmdir", (run, value) => [run.at("missing"), value], ["x", 1, true, null]);
  parameter(define, "options", "rm", (run, value) => [run.at("missing"), value], ["x", 1, true, null]);
  for (const option of ["recursive", "force"]) {
    parameter(define, option, "rm", (run, value) => [run.at("f"), { [option]: value }], [
      1,
      "true",
      {},
      null,
    ]);
  }
  for (const option of ["maxRetries", "retryDelay"]) {
    parameter(define, option, "rm", (run, value) => [run.at("f"), { [option]: value }], [
      -1,
      "1",
      1.5,
      2 ** 32,
      {},
      null,
    ]);
  }
  for (const option of ["recursive", "withFileTypes"]) {
    parameter(
      define,
      option,
      "readdir",
      (run, value) => [run.at("d"), { [option]: value }],
      [1, "true", {}, null, 0],
      ["sync"],
    );
  }
  parameter(
    define,
    "buffer sizes",
    "opendir",
    (run, value) => [run.at("d"), { bufferSize: value }],
    [-1, 1.5, "1", {}],
    ["sync"],
  );
  for (const option of [
    "force",
    "recursive",
    "errorOnExist",
    "dereference",
    "preserveTimestamps",
    "verbatimSymlinks",
  ]) {
    parameter(define, option, "cp", (run, value) => [run.at("f"), run.at("g"), { [option]: value }], [
      1,
      "true",
      {},
      null,
    ]);
  }
  parameter(define, "filter", "cp", (run, value) => [run.at("f"), run.at("g"), { filter: value }], [
    1,
    "x",
    {},
    null,
  ]);
  parameter(define, "options", "cp", (run, value) => [run.at("f"), run.at("g"), value], [1, "x", true, null]);
  parameter(define, "mode", "cp", (run, value) => [run.at("f"), run.at("g"), { mode: value }], [
    -1,
    8,
    "1",
    1.5,
  ]);
  parameter(define, "types of links", "symlink", (run, value) => ["t", run.at("l"), value], [
    "nope",
    1,
    true,
    {},
    "file",
    "dir",
    "junction",
    null,
  ]);
  parameter(define, "bigint", "stat", (run, value) => [run.at("f"), { bigint: value }], [
    1,
    "true",
    null,
    false,
  ]);
  parameter(define, "options", "stat", (run, value) => [run.at("f"), value], [1, "x", true]);
}

/** Functions that need a callback, with arguments that are right. Without rm: Node looks for its callback when it is too late. */
const WITH_CALLBACK: readonly (readonly [string, (run: Run) => unknown[]])[] = [
  ["access", (run) => [run.dir]],
  ["appendFile", (run) => [run.at("x"), "x"]],
  ["chmod", (run) => [run.dir, 0o755]],
  ["chown", (run) => [run.dir, 0, 0]],
  ["copyFile", (run) => [run.dir, run.at("x")]],
  ["exists", (run) => [run.dir]],
  ["fchmod", () => [987_654, 0]],
  ["fchown", () => [987_654, 0, 0]],
  ["fstat", () => [987_654]],
  ["fsync", () => [987_654]],
  ["ftruncate", () => [987_654, 0]],
  ["futimes", () => [987_654, 0, 0]],
  ["lchown", (run) => [run.dir, 0, 0]],
  ["link", (run) => [run.dir, run.at("x")]],
  ["lstat", (run) => [run.dir]],
  ["mkdir", (run) => [run.at("made")]],
  ["mkdtemp", (run) => [run.at("t-")]],
  ["open", (run) => [run.dir, "r"]],
  ["opendir", (run) => [run.dir]],
  ["read", () => [987_654, Buffer.alloc(1), 0, 1, 0]],
  ["readdir", (run) => [run.dir]],
  ["readFile", (run) => [run.dir]],
  ["readlink", (run) => [run.dir]],
  ["readv", () => [987_654, [Buffer.alloc(1)]]],
  ["realpath", (run) => [run.dir]],
  ["rename", (run) => [run.at("x"), run.at("y")]],
  ["rmdir", (run) => [run.at("x")]],
  ["stat", (run) => [run.dir]],
  ["statfs", (run) => [run.dir]],
  ["symlink", (run) => ["x", run.at("l")]],
  ["truncate", (run) => [run.at("x"), 0]],
  ["unlink", (run) => [run.at("x")]],
  ["utimes", (run) => [run.dir, 1, 1]],
  ["write", () => [987_654, Buffer.alloc(1), 0, 1, 0]],
  ["writeFile", (run) => [run.at("x"), "x"]],
  ["writev", () => [987_654, [Buffer.alloc(1)]]],
  ["cp", (run) => [run.at("x"), run.at("y")]],
];

const NO_CALLBACKS: readonly unknown[] = [undefined, null, 1, "x", {}, true];

function callbackCases(define: Define): void {
  for (const [name, args] of WITH_CALLBACK) {
    define(`${name} throws without a callback`, (run) =>
      NO_CALLBACKS.map((callback) => {
        try {
          return (Reflect.get(run.fs, name) as (...all: unknown[]) => unknown)(...args(run), callback);
        } catch (error) {
          return error;
        }
      }),
    );
  }
}
