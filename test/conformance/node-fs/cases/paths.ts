// How a path is walked. In-memory file systems get this wrong most often: they simplify `l/../x` as text, follow loops for ever,
// or take a file for a directory.

import type { Define, Run } from "../case.ts";

/** Calls that reach their path in different ways. */
const WALKERS: readonly (readonly [string, readonly unknown[]])[] = [
  ["stat", []],
  ["lstat", []],
  ["access", []],
  ["readFile", ["utf8"]],
  ["writeFile", ["new content"]],
  ["readdir", []],
  ["chmod", [0o700]],
  ["unlink", []],
  ["rmdir", []],
  ["mkdir", []],
  ["truncate", [3]],
  ["readlink", []],
  ["utimes", [1, 2]],
];

/** Paths, in the tree that `plant` makes. */
const PATHS: readonly (readonly [string, string])[] = [
  ["a link's parent is where the link leads", "link/../beside"],
  ["a name below a file", "file/x"],
  ["a file with a slash after it", "file/"],
  ["a file with a dot after it", "file/."],
  ["a directory with a slash after it", "empty/"],
  ["a directory with a dot after it", "empty/."],
  ["a loop of links", "loop"],
  ["a name below a loop", "loop/x"],
  ["a link to nothing", "dangling"],
  ["a link to nothing with a slash after it", "dangling/"],
  ["a link to a directory", "link"],
  ["a link to a directory with a slash after it", "link/"],
  ["a link to a file", "to-file"],
  ["a link to a file with a slash after it", "to-file/"],
  ["a name of 255 bytes", "n".repeat(255)],
  ["a name of 256 bytes", "n".repeat(256)],
  ["a path of 4096 bytes", `${"./".repeat(2100)}file`],
  ["many slashes", "//deep////inner//"],
  ["a parent of what does not exist", "missing/../file"],
  ["a parent of a file", "file/../file"],
];

/**
 *     beside  file  empty/  deep/inner/  deep/beside  loop -> loop2 -> loop  dangling -> nothing
 *     link -> deep/inner  to-file -> file
 */
function plant({ fs, at }: { fs: Run["fs"]; at: (name: string) => string }): void {
  fs.writeFileSync(at("beside"), "the one beside");
  fs.writeFileSync(at("file"), "file");
  fs.mkdirSync(at("empty"));
  fs.mkdirSync(at("deep/inner"), { recursive: true });
  fs.writeFileSync(at("deep/beside"), "the one in deep");
  fs.symlinkSync("loop2", at("loop"));
  fs.symlinkSync("loop", at("loop2"));
  fs.symlinkSync("nothing", at("dangling"));
  fs.symlinkSync("deep/inner", at("link"));
  fs.symlinkSync("file", at("to-file"));
}

function planted(run: Run): void {
  plant({ fs: run.fs, at: (name) => run.at(name) });
}

export function pathCases(define: Define): void {
  for (const [name, rest] of WALKERS) {
    for (const [sentence, path] of PATHS) {
      define(`${name}: ${sentence}`, (run) => {
        planted(run);
        return run.call(name, run.at(path), ...rest);
      });
    }
  }
  for (const [sentence, path] of PATHS) {
    define.forms(`open for writing: ${sentence}`, async (run) => {
      planted(run);
      const opened = await run.call("open", run.at(path), "w");
      if (typeof opened === "number") run.fs.closeSync(opened);
      else await (opened as { close(): Promise<void> }).close();
    });
    define.forms(`rename: ${sentence}`, (run) => {
      planted(run);
      return run.call("rename", run.at(path), run.at("renamed"));
    });
    define(`link: ${sentence}`, (run) => {
      planted(run);
      return run.call("link", run.at(path), run.at("linked"));
    });
    define(`realpath: ${sentence}`, (run) => {
      planted(run);
      return run.call("realpath", run.at(path));
    });
    // realpath(3) of the C library walks in user space, and knows no longest path.
    if (path.length < 4096)
      define(`realpath.native: ${sentence}`, (run) => {
        planted(run);
        return run.fs.realpathSync.native(run.at(path));
      });
    define(`exists: ${sentence}`, (run) => {
      planted(run);
      return run.fs.existsSync(run.at(path));
    });
  }
  formsOfPaths(define);
}

function formsOfPaths(define: Define): void {
  define.forms("the empty path", async (run) => {
    const calls = ["stat", "lstat", "readdir", "mkdir", "unlink", "readFile", "rmdir", "readlink"];
    const outcomes = [];
    for (const name of calls) outcomes.push(await run.attempt(name, ""));
    return outcomes;
  });
  define.forms("a Buffer is a path", async (run) => {
    await run.call("writeFile", Buffer.from(run.at("x")), "1");
    return [
      await run.call("readFile", Buffer.from(run.at("x"))),
      await run.attempt("stat", Buffer.from(run.at("y"))),
    ];
  });
  define.forms("a Uint8Array is a path", (run) => run.call("stat", new TextEncoder().encode(run.dir)));
  define.forms("a URL is a path", async (run) => {
    await run.call("writeFile", new URL(`file://${run.at("a%20b")}`), "1");
    return [
      await run.call("readdir", run.dir),
      await run.attempt("stat", new URL(`file://${run.at("%C3%A4")}`)),
    ];
  });
  define.forms("a name that is not UTF-8", async (run) => {
    const name = Buffer.from([0x66, 0xff, 0xfe, 0x80]);
    const path = Buffer.concat([Buffer.from(`${run.dir}/`), name]);
    await run.call("writeFile", path, "x");
    return [
      await run.call("readdir", run.dir),
      await run.call("readdir", run.dir, "buffer"),
      await run.call("readdir", run.dir, { encoding: "latin1" }),
      await run.call("readdir", run.dir, { encoding: "buffer", withFileTypes: true }),
      await run.call("readdir", run.dir, { encoding: "hex" }),
      await run.attempt("stat", Buffer.concat([path, Buffer.from([0xff])])),
      await run.call("readFile", path, "utf8"),
    ];
  });
  define("a name that is not UTF-8 in a link", async (run) => {
    const path = run.at("l");
    run.fs.symlinkSync(Buffer.from([0x66, 0xff]), path);
    return [
      run.fs.readlinkSync(path),
      run.fs.readlinkSync(path, "buffer"),
      run.fs.readlinkSync(path, "latin1"),
    ];
  });
  define.forms("names of every kind", async (run) => {
    const names = [
      " ",
      "a b",
      "ä",
      "\u{1f600}",
      "-",
      "...",
      "a\\b",
      "a\nb",
      "~",
      "e\u0301",
      "\u00e9",
      "*",
      "%2f",
    ];
    for (const name of names) await run.call("writeFile", run.at(name), name);
    return ((await run.call("readdir", run.dir)) as string[]).sort();
  });
  define.forms("lone surrogates in a name", async (run) => {
    await run.call("writeFile", run.at("a\ud800b"), "x");
    return run.call("readdir", run.dir, "buffer");
  });
  define("forty links in a row are followed, forty-one are not", async (run) => {
    run.fs.writeFileSync(run.at("l0"), "end");
    for (let index = 1; index <= 41; index++) run.fs.symlinkSync(`l${index - 1}`, run.at(`l${index}`));
    return [run.fs.readFileSync(run.at("l40"), "utf8"), await run.attempt("readFile", run.at("l41"))];
  });
  define("a link that is absolute", (run) => {
    run.fs.mkdirSync(run.at("d"));
    run.fs.writeFileSync(run.at("d/f"), "x");
    run.fs.symlinkSync(run.at("d"), run.at("l"));
    return [
      run.fs.readFileSync(run.at("l/f"), "utf8"),
      run.fs.realpathSync(run.at("l/f")),
      run.fs.readlinkSync(run.at("l")),
    ];
  });
  define("the root's parent is the root", (run) => {
    const up = `${"/..".repeat(40)}${run.dir}`;
    run.fs.writeFileSync(run.at("f"), "x");
    return run.fs.readFileSync(`${up}/f`, "utf8");
  });
  define("a file is created through a link to nothing", (run) => {
    run.fs.symlinkSync("made", run.at("l"));
    run.fs.writeFileSync(run.at("l"), "x");
  });
  define("no file is created through a link to nothing with wx", (run) => {
    run.fs.symlinkSync("made", run.at("l"));
    return run.attempt("writeFile", run.at("l"), "x", { flag: "wx" });
  });
  define.forms("realpath of links below links, in encodings", async (run) => {
    planted(run);
    run.fs.symlinkSync("link/../deep/inner", run.at("far"));
    const outcomes = [];
    for (const options of [undefined, "utf8", "buffer", { encoding: "hex" }, { encoding: "buffer" }]) {
      outcomes.push(await run.call("realpath", run.at("far"), ...(options === undefined ? [] : [options])));
    }
    const hex = outcomes[3] as string;
    outcomes[3] = Buffer.from(hex, "hex").toString();
    return outcomes;
  });
}
