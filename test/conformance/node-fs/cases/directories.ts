// Directories: made, listed, walked, removed.

import type { Dir, Dirent } from "node:fs";
import { type Define, FORMS, type Form, type Run } from "../case.ts";

/** `d` with a file, a directory with a file, a link to a file and one to a directory. */
function plant({ fs, dir }: Run): void {
  fs.mkdirSync(`${dir}/d/sub/deep`, { recursive: true });
  fs.writeFileSync(`${dir}/d/file`, "x");
  fs.writeFileSync(`${dir}/d/sub/inner`, "x");
  fs.writeFileSync(`${dir}/d/sub/deep/most`, "x");
  fs.symlinkSync("file", `${dir}/d/to-file`);
  fs.symlinkSync("sub", `${dir}/d/to-sub`);
}

function byName(entries: unknown): unknown {
  return (entries as Dirent[]).sort((a, b) =>
    `${a.parentPath}/${a.name}` < `${b.parentPath}/${b.name}` ? -1 : 1,
  );
}

/** With `recursive` Node 20 calls back before it returns, and throws what it should hand on. */
const RECURSIVE: readonly Form[] = ["sync", "promise"];

function formsFor(options: unknown): readonly Form[] {
  return JSON.stringify(options)?.includes('"recursive":true') ? RECURSIVE : FORMS;
}

export function directoryCases(define: Define): void {
  mkdirCases(define);
  readdirCases(define);
  opendirCases(define);
  mkdtempCases(define);
}

function mkdirCases(define: Define): void {
  const paths: readonly (readonly [string, string])[] = [
    ["a new name", "new"],
    ["a new name with a slash", "new/"],
    ["two new names", "new/inner"],
    ["five new names", "a/b/c/d/e"],
    ["names with dots", "a/./b/../c"],
    ["what is there", "d"],
    ["a file", "d/file"],
    ["a name below a file", "d/file/x"],
    ["names below a file", "d/file/x/y"],
    ["a link to a directory", "d/to-sub"],
    ["a name below a link", "d/to-sub/new"],
    ["a link to a file", "d/to-file"],
    ["a dot", "d/."],
    ["two dots", "d/.."],
    ["a name that is too long", `${"n".repeat(256)}/x`],
  ];
  for (const [sentence, path] of paths) {
    define.forms(`mkdir of ${sentence}`, (run) => {
      plant(run);
      return run.call("mkdir", run.at(path));
    });
    define.forms(`mkdir of ${sentence}, recursively`, (run) => {
      plant(run);
      return run.call("mkdir", run.at(path), { recursive: true });
    });
  }
  define.forms("mkdir with modes, recursively", async (run) => {
    await run.call("mkdir", run.at("a/b"), { recursive: true, mode: 0o700 });
    await run.call("mkdir", run.at("c/d"), { recursive: true, mode: "711" });
    await run.call("mkdir", run.at("e"), "750");
  });
  define.forms("mkdir through a link to nothing", async (run) => {
    run.fs.symlinkSync("nothing", run.at("l"));
    return [
      await run.attempt("mkdir", run.at("l")),
      await run.attempt("mkdir", run.at("l"), { recursive: true }),
      // The forms of Node differ in which name they complain of.
      run.form === "sync" && (await run.attempt("mkdir", run.at("l/x"), { recursive: true })),
    ];
  });
  define.forms("rmdir of what it cannot remove", async (run) => {
    plant(run);
    const outcomes = [];
    for (const path of ["d", "d/file", "d/to-sub", "d/to-sub/", "missing", "d/sub/deep/.", "d/sub/deep/.."]) {
      outcomes.push(await run.attempt("rmdir", run.at(path)));
    }
    return outcomes;
  });
  define.forms("rmdir of the root", (run) => run.attempt("rmdir", "/"));
}

function readdirCases(define: Define): void {
  const options: readonly unknown[] = [
    undefined,
    null,
    "utf8",
    "buffer",
    "hex",
    {},
    { encoding: "buffer" },
    { recursive: true },
    { recursive: false },
  ];
  for (const option of options) {
    define.forms(
      `readdir with ${JSON.stringify(option)}`,
      async (run) => {
        plant(run);
        const names = (await run.call("readdir", run.at("d"), option)) as unknown[];
        return names.sort((a, b) => (String(a) < String(b) ? -1 : 1));
      },
      formsFor(option),
    );
  }
  for (const option of [{}, { recursive: true }, { encoding: "buffer" }]) {
    define.forms(
      `readdir with file types and ${JSON.stringify(option)}`,
      async (run) => {
        plant(run);
        return byName(await run.call("readdir", run.at("d"), { ...option, withFileTypes: true }));
      },
      formsFor(option),
    );
    define.forms(
      `readdir with file types of a path with a slash and ${JSON.stringify(option)}`,
      async (run) => {
        plant(run);
        return byName(await run.call("readdir", `${run.at("d")}/`, { ...option, withFileTypes: true }));
      },
      formsFor(option),
    );
  }
  define.forms("readdir of what is no directory", async (run) => {
    plant(run);
    const outcomes = [];
    for (const path of ["d/file", "missing", "d/to-file", "d/file/x"]) {
      outcomes.push(
        await run.attempt("readdir", run.at(path)),
        await run.attempt("readdir", run.at(path), { withFileTypes: true }),
      );
    }
    return outcomes;
  });
  define.forms("readdir of a link to a directory", async (run) => {
    plant(run);
    return [
      await run.call("readdir", run.at("d/to-sub")),
      byName(await run.call("readdir", run.at("d/to-sub"), { withFileTypes: true })),
    ];
  });
  define.forms("readdir of an empty directory", async (run) => [
    await run.call("readdir", run.dir),
    await run.call("readdir", run.dir, { withFileTypes: true }),
  ]);
  define.forms("readdir of 500 names", async (run) => {
    for (let index = 0; index < 500; index++)
      run.fs.writeFileSync(run.at(`a-name-of-some-length-${index}`), "");
    const names = (await run.call("readdir", run.dir)) as string[];
    for (const name of names) run.fs.unlinkSync(run.at(name));
    return names.sort();
  });
  define("names are listed once while others come and go", (run) => {
    for (let index = 0; index < 100; index++) run.fs.writeFileSync(run.at(`f${index}`), "");
    const dir = run.fs.opendirSync(run.dir, { bufferSize: 4 });
    const seen: string[] = [];
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
      if (entry.name.startsWith("f")) seen.push(entry.name);
      run.fs.rmSync(run.at(entry.name), { force: true });
      run.fs.writeFileSync(run.at(`new${seen.length % 3}`), "");
    }
    dir.closeSync();
    return [seen.length, new Set(seen).size];
  });
  define("fs.Dirent's methods and fields", (run) => {
    plant(run);
    const [entry] = run.fs.readdirSync(run.at("d"), { withFileTypes: true });
    return [
      Object.keys(entry!).sort(),
      Object.getOwnPropertyNames(run.fs.Dirent.prototype).sort(),
      entry instanceof run.fs.Dirent,
    ];
  });
}

async function allOf(directory: Dir): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of directory) names.push(`${entry.isDirectory() ? "d" : "-"}${entry.name}`);
  return names.sort();
}

function opendirCases(define: Define): void {
  define.forms("opendir and all its ways of reading", async (run) => {
    plant(run);
    const open = async (): Promise<Dir> => (await run.call("opendir", run.at("d"))) as Dir;
    const iterated = await allOf(await open());
    const bySync = await open();
    const names = [];
    for (let entry = bySync.readSync(); entry !== null; entry = bySync.readSync()) names.push(entry.name);
    bySync.closeSync();
    const byPromise = await open();
    const promised = [];
    for (let entry = await byPromise.read(); entry !== null; entry = await byPromise.read())
      promised.push(entry.name);
    await byPromise.close();
    const byCallback = await open();
    const called: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const next = (): void =>
        byCallback.read((error, entry) => {
          if (error) reject(error);
          else if (entry === null) resolve();
          else {
            called.push(entry.name);
            next();
          }
        });
      next();
    });
    const closed = await new Promise((resolve) => byCallback.close(resolve));
    return [iterated, names.sort(), promised.sort(), called.sort(), closed, byPromise.path];
  });
  for (const options of [{ recursive: true }, { bufferSize: 1 }, { encoding: "buffer" }, "utf8", null]) {
    define.forms(`opendir with ${JSON.stringify(options)}`, async (run) => {
      plant(run);
      return allOf((await run.call("opendir", run.at("d"), options)) as Dir);
    });
  }
  define.forms(
    "opendir of what is no directory",
    async (run) => {
      plant(run);
      return [
        await run.attempt("opendir", run.at("d/file")),
        await run.attempt("opendir", run.at("missing")),
      ];
      // The synchronous form's error of Node 20 does not say of which path.
    },
    ["callback", "promise"],
  );
  define("a Dir that is closed", async (run) => {
    const dir = run.fs.opendirSync(run.dir);
    dir.closeSync();
    const attempts: readonly (() => unknown)[] = [
      () => dir.closeSync(),
      () => dir.readSync(),
      () => dir.read(),
      () => dir.close(),
      () => new Promise((resolve) => dir.close(resolve)),
      () => new Promise((resolve) => dir.read((...args) => resolve(args))),
      () => allOf(dir),
    ];
    const outcomes = [];
    for (const attempt of attempts) {
      try {
        outcomes.push(await attempt());
      } catch (error) {
        outcomes.push(error);
      }
    }
    return outcomes;
  });
  define("a Dir that is left in the middle of a loop is closed", async (run) => {
    plant(run);
    const dir = run.fs.opendirSync(run.at("d"));
    for await (const entry of dir) if (entry.name.length > 0) break;
    return dir.close().catch((error: unknown) => error);
  });
  define("two that read a Dir at once", async (run) => {
    plant(run);
    const dir = run.fs.opendirSync(run.at("d"));
    const entries = await Promise.all([dir.read(), dir.read(), dir.read()]);
    await dir.close();
    return new Set(entries.map((entry) => entry?.name)).size;
  });
  define("a synchronous read while another is under way", async (run) => {
    plant(run);
    const dir = run.fs.opendirSync(run.at("d"));
    const pending = dir.read();
    let outcome: unknown;
    try {
      outcome = dir.readSync()?.name.length;
    } catch (error) {
      outcome = error;
    }
    await pending;
    await dir.close();
    return outcome;
  });
  define("entries of an opened directory", async (run) => {
    plant(run);
    const dir = run.fs.opendirSync(run.at("d"));
    const entries: Dirent[] = [];
    for await (const entry of dir) entries.push(entry);
    return byName(entries);
  });
  define("Dir cannot be made without a handle", (run) => {
    try {
      return Reflect.construct(run.fs.Dir, []);
    } catch (error) {
      return error;
    }
  });
}

function mkdtempCases(define: Define): void {
  define.forms("mkdtemp appends six characters", async (run) => {
    const made = (await run.call("mkdtemp", run.at("prefix-"))) as string;
    const buffer = (await run.call("mkdtemp", run.at("b-"), "buffer")) as Buffer;
    const mode = run.fs.statSync(made).mode;
    run.fs.rmdirSync(made);
    run.fs.rmdirSync(buffer);
    return [
      made.length - run.at("prefix-").length,
      made.startsWith(run.at("prefix-")),
      Buffer.isBuffer(buffer),
      mode,
    ];
  });
  define.forms("mkdtemp of a Buffer and a URL", async (run) => {
    const made = [
      (await run.call("mkdtemp", Buffer.from(run.at("b-")))) as string,
      (await run.call("mkdtemp", new URL(`file://${run.at("u-")}`))) as string,
    ];
    for (const path of made) run.fs.rmdirSync(path);
    return made.map((path) => path.slice(0, -6));
  });
  define.forms("mkdtemp in a missing directory", async (run) => {
    const { code, syscall, message } = (await run.attempt(
      "mkdtemp",
      run.at("missing/x"),
    )) as NodeJS.ErrnoException;
    return [code, syscall, message.replace(/.{6}'$/, "'")];
  });
}
