// What stat tells, and what changes it: times, modes, owners, links.

import type { BigIntStats, Stats } from "node:fs";
import type { Define, Run } from "../case.ts";

const TYPES = [
  "isFile",
  "isDirectory",
  "isSymbolicLink",
  "isFIFO",
  "isSocket",
  "isBlockDevice",
  "isCharacterDevice",
];
const MOMENT = 1_000_000_000;
/** To Node a negative number of seconds is the present. */
const NOW = -1.5;

function times(stats: Stats): unknown {
  return { atimeMs: stats.atimeMs, mtimeMs: stats.mtimeMs, atime: stats.atime, mtime: stats.mtime };
}

export function attributeCases(define: Define): void {
  statCases(define);
  timeCases(define);
  ctimeCases(define);
  statfsCases(define);
}

function statCases(define: Define): void {
  for (const what of ["file", "directory", "link to a file", "link to nothing"]) {
    for (const name of ["stat", "lstat"]) {
      define.forms(`${name} of a ${what}, with numbers and bigints`, async (run) => {
        if (what === "file") run.fs.writeFileSync(run.at("x"), "content");
        else if (what === "directory") run.fs.mkdirSync(run.at("x"), 0o2750);
        else run.fs.symlinkSync(what === "link to a file" ? "target" : "nothing", run.at("x"));
        run.fs.writeFileSync(run.at("target"), "target");
        return [await run.attempt(name, run.at("x")), await run.attempt(name, run.at("x"), { bigint: true })];
      });
    }
  }
  define.forms(
    "fstat, with numbers and bigints",
    async (run) => {
      const fd = run.fs.openSync(run.at("f"), "w", 0o640);
      const outcome = [await run.call("fstat", fd), await run.call("fstat", fd, { bigint: true })];
      run.fs.closeSync(fd);
      return outcome;
    },
    ["sync", "callback"],
  );
  define("stat without throwing", (run) => [
    run.fs.statSync(run.at("missing"), { throwIfNoEntry: false }),
    run.fs.lstatSync(run.at("missing"), { throwIfNoEntry: false }),
    run.fs.statSync(`${run.at("missing")}/x`, { throwIfNoEntry: false, bigint: true }),
  ]);
  define.forms(
    "stat without throwing, of a name below a file and of a loop",
    async (run) => {
      run.fs.writeFileSync(run.at("f"), "x");
      run.fs.symlinkSync("l", run.at("l"));
      return [
        await run.attempt("stat", run.at("f/x"), { throwIfNoEntry: false }),
        await run.attempt("stat", run.at("l"), { throwIfNoEntry: false }),
      ];
    },
    ["sync"],
  );
  define("the fields of Stats", (run) => {
    const stats = run.fs.statSync(run.dir);
    const big = run.fs.statSync(run.dir, { bigint: true });
    const shapeOf = (value: Stats | BigIntStats): unknown => [
      Object.keys(value).filter((key) => !key.endsWith("time")),
      TYPES.map((name) => typeof Reflect.get(value, name)),
      Object.prototype.toString.call(value),
      value.atime instanceof Date,
    ];
    return [
      shapeOf(stats),
      shapeOf(big),
      stats instanceof run.fs.Stats,
      Number.isInteger(stats.ino),
      stats.ino > 0,
    ];
  });
  define("times of Stats agree with each other", (run) => {
    const now = Date.now();
    run.fs.writeFileSync(run.at("f"), "x");
    const stats = run.fs.statSync(run.at("f"));
    const big = run.fs.statSync(run.at("f"), { bigint: true });
    return [
      stats.mtime.getTime() === Math.round(stats.mtimeMs),
      big.mtimeMs === big.mtimeNs / 1_000_000n,
      big.birthtimeNs <= big.ctimeNs,
      Math.abs(stats.mtimeMs - now) < 60_000,
    ];
  });
  define("hard links share an inode", (run) => {
    run.fs.writeFileSync(run.at("a"), "x");
    run.fs.linkSync(run.at("a"), run.at("b"));
    const [a, b] = [run.fs.statSync(run.at("a")), run.fs.statSync(run.at("b"))];
    return [a.ino === b.ino, a.dev === b.dev, a.nlink];
  });
  define("an inode number stays through a rename", (run) => {
    run.fs.writeFileSync(run.at("a"), "x");
    const before = run.fs.statSync(run.at("a")).ino;
    run.fs.renameSync(run.at("a"), run.at("b"));
    return run.fs.statSync(run.at("b")).ino === before;
  });
  define("a directory has a link from each directory in it", (run) => {
    run.fs.mkdirSync(run.at("d/a"), { recursive: true });
    run.fs.mkdirSync(run.at("d/b"));
    run.fs.writeFileSync(run.at("d/f"), "x");
    const before = run.fs.statSync(run.at("d")).nlink;
    run.fs.rmdirSync(run.at("d/a"));
    return [before, run.fs.statSync(run.at("d")).nlink];
  });
}

function timeCases(define: Define): void {
  const values: readonly (readonly [string, unknown])[] = [
    ["seconds", MOMENT],
    ["seconds with milliseconds", MOMENT + 0.123],
    ["seconds with microseconds", 1_500_000_000.654_321],
    ["a Date", new Date(1_234_567_890_123)],
    ["a string of digits", "1234567890"],
    ["a string with a fraction", "1234567890.5"],
    ["zero", 0],
    ["a negative number", NOW],
    ["far in the future", 4_102_444_800],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a string that is no number", "soon"],
    ["a date before 1970", new Date(-1000)],
  ];
  for (const [sentence, value] of values) {
    for (const name of ["utimes", "lutimes"]) {
      define.forms(`${name} with ${sentence}`, async (run) => {
        run.fs.writeFileSync(run.at("f"), "x");
        const outcome = await run.attempt(name, run.at("f"), value, value);
        return [
          outcome,
          outcome instanceof Error || value === NOW ? null : times(run.fs.statSync(run.at("f"))),
        ];
      });
    }
    define.forms(
      `futimes with ${sentence}`,
      async (run) => {
        const fd = run.fs.openSync(run.at("f"), "w");
        const outcome = await run.attempt("futimes", fd, value, value);
        run.fs.closeSync(fd);
        return [
          outcome,
          outcome instanceof Error || value === NOW ? null : times(run.fs.statSync(run.at("f"))),
        ];
      },
      ["sync", "callback"],
    );
  }
  define.forms("lutimes of a link leaves what it leads to", async (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    run.fs.utimesSync(run.at("f"), 5, 6);
    run.fs.symlinkSync("f", run.at("l"));
    await run.call("lutimes", run.at("l"), 7, 8);
    return [times(run.fs.statSync(run.at("f"))), times(run.fs.lstatSync(run.at("l")))];
  });
  define("nanoseconds are kept", (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    const { mtimeNs } = run.fs.statSync(run.at("f"), { bigint: true });
    run.fs.utimesSync(run.at("f"), 1.000_000_5, 2.000_001_5);
    const big = run.fs.statSync(run.at("f"), { bigint: true });
    return [mtimeNs > 1n, big.atimeNs, big.mtimeNs, big.atimeMs];
  });
  define.forms("utimes of a missing file", (run) => run.call("utimes", run.at("missing"), 1, 1));
}

/** Which of the times of `name` are later after `change`. */
async function changed(run: Run, name: string, change: () => unknown): Promise<unknown> {
  const before = run.fs.lstatSync(run.at(name), { bigint: true });
  await new Promise((resolve) => setTimeout(resolve, 12));
  await change();
  const after = run.fs.lstatSync(run.at(name), { bigint: true });
  return {
    mtime: after.mtimeNs > before.mtimeNs,
    ctime: after.ctimeNs > before.ctimeNs,
    birthtime: after.birthtimeNs === before.birthtimeNs,
  };
}

function ctimeCases(define: Define): void {
  const changes: readonly (readonly [string, string, (run: Run) => unknown])[] = [
    ["a write", "f", ({ fs, dir }) => fs.writeFileSync(`${dir}/f`, "y")],
    ["chmod", "f", ({ fs, dir }) => fs.chmodSync(`${dir}/f`, 0o600)],
    ["chown", "f", ({ fs, dir }) => fs.chownSync(`${dir}/f`, 1, 1)],
    ["a link", "f", ({ fs, dir }) => fs.linkSync(`${dir}/f`, `${dir}/g`)],
    [
      "a rename",
      "f",
      ({ fs, dir }) => {
        fs.renameSync(`${dir}/f`, `${dir}/g`);
        fs.renameSync(`${dir}/g`, `${dir}/f`);
      },
    ],
    ["truncate", "f", ({ fs, dir }) => fs.truncateSync(`${dir}/f`, 1)],
    ["truncate to the same length", "f", ({ fs, dir }) => fs.truncateSync(`${dir}/f`, 7)],
    ["a read", "f", ({ fs, dir }) => fs.readFileSync(`${dir}/f`)],
    ["a new name in a directory", "d", ({ fs, dir }) => fs.writeFileSync(`${dir}/d/x`, "x")],
    ["a new directory in a directory", "d", ({ fs, dir }) => fs.mkdirSync(`${dir}/d/x`)],
    ["a name that is removed", "d", ({ fs, dir }) => fs.unlinkSync(`${dir}/d/old`)],
    ["a file that changes in a directory", "d", ({ fs, dir }) => fs.writeFileSync(`${dir}/d/old`, "y")],
    ["utimes to a time of its own", "f", ({ fs, dir }) => fs.utimesSync(`${dir}/f`, 1, MOMENT)],
    ["a write of nothing", "f", ({ fs, dir }) => fs.appendFileSync(`${dir}/f`, "")],
  ];
  for (const [sentence, name, change] of changes) {
    define(`times after ${sentence}`, (run) => {
      run.fs.writeFileSync(run.at("f"), "content");
      run.fs.mkdirSync(run.at("d"));
      run.fs.writeFileSync(run.at("d/old"), "x");
      return changed(run, name, () => change(run));
    });
  }
}

function statfsCases(define: Define): void {
  define.forms("statfs, with numbers and bigints", async (run) => {
    const outcomes = [];
    for (const options of [{}, { bigint: true }]) {
      const value = (await run.call("statfs", run.dir, options)) as Record<string, unknown>;
      outcomes.push([
        value.constructor.name,
        Object.entries(value).map(([key, field]) => `${key}: ${typeof field}`),
        value.type,
        Number(value.bsize),
      ]);
    }
    return outcomes;
  });
  define.forms("statfs of a missing file", (run) => run.call("statfs", run.at("missing")));
}
