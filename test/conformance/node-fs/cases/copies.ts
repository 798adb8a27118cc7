// copyFile, and cp with its options.

import type { Define, Form, Run } from "../case.ts";

function plant({ fs, dir }: Run): void {
  fs.mkdirSync(`${dir}/src/sub/deep`, { recursive: true });
  fs.writeFileSync(`${dir}/src/file`, "file", { mode: 0o640 });
  fs.writeFileSync(`${dir}/src/sub/inner`, "inner");
  fs.chmodSync(`${dir}/src/sub`, 0o750);
  fs.symlinkSync("file", `${dir}/src/to-file`);
  fs.symlinkSync("sub", `${dir}/src/to-sub`);
  fs.symlinkSync("../beside", `${dir}/src/out`);
  fs.writeFileSync(`${dir}/beside`, "beside");
  fs.mkdirSync(`${dir}/dest`);
  fs.writeFileSync(`${dir}/dest/file`, "old");
  fs.writeFileSync(`${dir}/old`, "old", { mode: 0o600 });
}

const PAIRS: readonly (readonly [string, string])[] = [
  ["src/file", "new"],
  ["src/file", "old"],
  ["src/file", "dest"],
  ["src/file", "missing/new"],
  ["src/file", "src/file"],
  ["src/file", "src/to-file"],
  ["src/to-file", "new"],
  ["src/to-file", "src/file"],
  ["src/out", "new"],
  ["src", "new"],
  ["src", "dest"],
  ["src", "old"],
  ["src", "src/sub/x"],
  ["src", "src"],
  ["src", "missing/new"],
  ["src/sub", "src"],
  ["src/sub/deep", "new"],
  ["src/to-sub", "new"],
  ["missing", "new"],
  ["src/file/x", "new"],
  ["src/", "dest/"],
];

const OPTIONS: readonly (readonly [string, Record<string, unknown>])[] = [
  ["recursively", { recursive: true }],
  ["dereferencing", { recursive: true, dereference: true }],
  ["without force", { recursive: true, force: false }],
  ["without force, an error if it exists", { recursive: true, force: false, errorOnExist: true }],
  ["with links verbatim", { recursive: true, verbatimSymlinks: true }],
  ["exclusively", { recursive: true, mode: 1 }],
  ["with times", { recursive: true, preserveTimestamps: true }],
];

const CP: readonly Form[] = ["sync", "promise"];

/** How far a copy came before its error depends on the order of names. */
async function copyAndForgetHalves(run: Run, from: string, to: string, options: object): Promise<unknown> {
  plant(run);
  const outcome = await run.attempt("cp", run.at(from), run.at(to), options);
  if (outcome instanceof Error && !to.startsWith("src")) {
    run.fs.rmSync(run.at(to), { recursive: true, force: true });
  }
  return outcome;
}

export function copyCases(define: Define): void {
  for (const [from, to] of PAIRS) {
    define.forms(`copyFile of ${from} to ${to}`, (run) => {
      plant(run);
      return run.call("copyFile", run.at(from), run.at(to));
    });
    define.forms(`cp of ${from} to ${to}`, (run) => {
      plant(run);
      return run.call("cp", run.at(from), run.at(to));
    });
    for (const [sentence, options] of OPTIONS) {
      define.forms(
        `cp of ${from} to ${to}, ${sentence}`,
        (run) => copyAndForgetHalves(run, from, to, options),
        CP,
      );
    }
  }
  for (const mode of [0, 1, 2, 3]) {
    define.forms(`copyFile with mode ${mode} to what is there and what is not`, async (run) => {
      plant(run);
      return [
        await run.attempt("copyFile", run.at("src/file"), run.at("new"), mode),
        await run.attempt("copyFile", run.at("src/file"), run.at("old"), mode),
      ];
    });
  }
  define.forms("copyFile of an empty file, of a large one", async (run) => {
    run.fs.writeFileSync(run.at("empty"), "");
    run.fs.writeFileSync(run.at("large"), Buffer.alloc(300_000, 7));
    await run.call("copyFile", run.at("empty"), run.at("empty2"));
    await run.call("copyFile", run.at("large"), run.at("large2"));
  });
  define.forms("copyFile that cannot clone", (run) => {
    plant(run);
    return run.call("copyFile", run.at("src/file"), run.at("new"), run.fs.constants.COPYFILE_FICLONE_FORCE);
  });
  filterCases(define);
  define.forms("cp of a tree into one that overlaps with it", async (run) => {
    plant(run);
    run.fs.mkdirSync(run.at("dest/sub"));
    run.fs.writeFileSync(run.at("dest/sub/extra"), "kept");
    run.fs.symlinkSync("nowhere", run.at("dest/to-file"));
    const outcome = await run.attempt("cp", run.at("src"), run.at("dest"), { recursive: true });
    if (outcome instanceof Error) run.fs.rmSync(run.at("dest"), { recursive: true });
    return outcome;
  });
  define.forms("cp of a directory over a file in the tree, and the other way round", async (run) => {
    plant(run);
    run.fs.writeFileSync(run.at("dest/sub"), "a file");
    const first = await run.attempt("cp", run.at("src"), run.at("dest"), { recursive: true });
    run.fs.rmSync(run.at("dest"), { recursive: true });
    run.fs.mkdirSync(run.at("dest/file"), { recursive: true });
    const second = await run.attempt("cp", run.at("src"), run.at("dest"), { recursive: true });
    run.fs.rmSync(run.at("dest"), { recursive: true });
    return [first, second];
  });
  define.forms("cp with times keeps them", async (run) => {
    plant(run);
    run.fs.utimesSync(run.at("src/file"), 1_000, 2_000);
    await run.call("cp", run.at("src/file"), run.at("new"), { preserveTimestamps: true });
    return run.fs.statSync(run.at("new")).mtimeMs;
  });
  define.forms("cp of URLs", async (run) => {
    plant(run);
    await run.call("cp", new URL(`file://${run.at("src")}`), new URL(`file://${run.at("new")}`), {
      recursive: true,
    });
  });
}

function filterCases(define: Define): void {
  define.forms("cp with a filter", async (run) => {
    plant(run);
    const asked: string[] = [];
    await run.call("cp", run.at("src"), run.at("new"), {
      recursive: true,
      filter(source: string, destination: string) {
        asked.push(`${source} ${destination}`);
        return !source.endsWith("inner");
      },
    });
    return asked.sort();
  });
  define.forms("cp with a filter that refuses the source", async (run) => {
    plant(run);
    return run.call("cp", run.at("src/file"), run.at("new"), { filter: () => false });
  });
  define.forms("cp with a filter that is asynchronous", (run) => {
    plant(run);
    return run.call("cp", run.at("src"), run.at("new"), {
      recursive: true,
      filter: async (source: string) => !source.endsWith("sub"),
    });
  });
  define.forms(
    "cp with a filter that throws",
    (run) => {
      plant(run);
      return run.call("cp", run.at("src"), run.at("new"), {
        recursive: true,
        filter: () => {
          throw new Error("its own");
        },
      });
    },
    CP,
  );
}
