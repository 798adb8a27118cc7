// What changes names: links, renames, removals.

import type { Define, Run } from "../case.ts";

/** Everything that a name can be. */
const KINDS = [
  "file",
  "other-file",
  "same-file",
  "empty",
  "full",
  "to-file",
  "to-dir",
  "dangling",
  "missing",
  "missing/x",
  "file/x",
  "full/inside",
];

function plant({ fs, dir }: Run): void {
  fs.writeFileSync(`${dir}/file`, "file");
  fs.writeFileSync(`${dir}/other-file`, "other");
  fs.linkSync(`${dir}/file`, `${dir}/same-file`);
  fs.mkdirSync(`${dir}/empty`);
  fs.mkdirSync(`${dir}/full/inside`, { recursive: true });
  fs.writeFileSync(`${dir}/full/f`, "in full");
  fs.symlinkSync("file", `${dir}/to-file`);
  fs.symlinkSync("full", `${dir}/to-dir`);
  fs.symlinkSync("nothing", `${dir}/dangling`);
}

export function nameCases(define: Define): void {
  for (const from of KINDS) {
    for (const to of [...KINDS, "new", "new/", "full/new", "full/inside/deep"]) {
      define(`rename of ${from} to ${to}`, (run) => {
        plant(run);
        return run.call("rename", run.at(from), run.at(to));
      });
    }
    for (const to of ["new", "new/", "file", "empty", "missing/x", "dangling", "to-dir/new"]) {
      define(`link of ${from} to ${to}`, (run) => {
        plant(run);
        return run.call("link", run.at(from), run.at(to));
      });
    }
    for (const name of ["unlink", "rmdir", "rm"]) {
      define.forms(`${name} of ${from}`, (run) => {
        plant(run);
        return run.call(name, run.at(from));
      });
    }
    define.forms(`rm of ${from} with force`, (run) => {
      plant(run);
      return run.call("rm", run.at(from), { force: true });
    });
    define.forms(`rm of ${from}, recursively`, (run) => {
      plant(run);
      return run.call("rm", run.at(from), { recursive: true });
    });
    // Of which of its calls Node complains, below a file, depends on the options.
    if (from !== "file/x")
      define(`rm of ${from} with everything`, (run) => {
        plant(run);
        return run.call("rm", run.at(from), { recursive: true, force: true, maxRetries: 2, retryDelay: 1 });
      });
    define(`rmdir of ${from}, recursively`, (run) => {
      plant(run);
      return run.attempt("rmdir", run.at(from), { recursive: true });
    });
  }
  formCases(define);
  linkCases(define);
}

function formCases(define: Define): void {
  const pairs: readonly (readonly [string, string])[] = [
    ["file", "new"],
    ["missing", "new"],
    ["full", "full/inside/x"],
    ["file", "empty"],
    ["empty", "file"],
    ["empty", "full"],
  ];
  for (const [from, to] of pairs) {
    for (const name of ["rename", "link"]) {
      define.forms(`${name} in each form: ${from} to ${to}`, (run) => {
        plant(run);
        return run.call(name, run.at(from), run.at(to));
      });
    }
  }
  for (const path of ["empty/.", "empty/..", "full/inside/..", "to-dir/", "to-dir/."]) {
    define(`rename of ${path}`, (run) => {
      plant(run);
      return [run.at("x"), run.at("full")].map((to) => {
        try {
          return run.fs.renameSync(run.at(path), to);
        } catch (error) {
          return error;
        }
      });
    });
    define(`rm of ${path}, recursively`, (run) => {
      plant(run);
      return run.attempt("rm", run.at(path), { recursive: true });
    });
  }
  define("rename moves a tree with all in it", (run) => {
    plant(run);
    run.fs.renameSync(run.at("full"), run.at("empty/full"));
    run.fs.renameSync(run.at("empty/full/inside"), run.at("inside"));
  });
  define("rename over a file that is open and has other links", (run) => {
    plant(run);
    run.fs.renameSync(run.at("other-file"), run.at("file"));
    return run.fs.statSync(run.at("same-file")).nlink;
  });
  define.forms("rm with a callback or options of undefined", async (run) => {
    plant(run);
    return [
      await run.attempt("rm", run.at("file"), undefined),
      await run.attempt("rm", run.at("full"), undefined),
    ];
  });
  define.forms("rm of a tree of 200 names", async (run) => {
    for (let index = 0; index < 10; index++) {
      run.fs.mkdirSync(run.at(`t/d${index}`), { recursive: true });
      for (let file = 0; file < 20; file++) run.fs.writeFileSync(run.at(`t/d${index}/${file}`), "");
    }
    return run.call("rm", run.at("t"), { recursive: true });
  });
}

function linkCases(define: Define): void {
  define.forms("symlink and readlink", async (run) => {
    const outcomes = [];
    for (const target of [
      "x",
      "/abs/olute",
      "../up",
      "a//b/",
      ".",
      "x".repeat(4095),
      Buffer.from("buffer"),
    ]) {
      await run.call("symlink", target, run.at("l"));
      outcomes.push(await run.call("readlink", run.at("l")), run.fs.lstatSync(run.at("l")).size);
      run.fs.unlinkSync(run.at("l"));
    }
    return outcomes;
  });
  define.forms("symlink that cannot be made", async (run) => {
    plant(run);
    return [
      await run.attempt("symlink", "x", run.at("file")),
      await run.attempt("symlink", "x", run.at("missing/l")),
      await run.attempt("symlink", "x", run.at("file/l")),
      await run.attempt("symlink", "", run.at("l")),
      await run.attempt("symlink", "x".repeat(4096), run.at("l2")),
      await run.attempt("symlink", "x", run.at("l3/")),
    ];
  });
  define.forms("symlink with a URL", async (run) => {
    await run.call("symlink", new URL(`file://${run.at("target")}`), new URL(`file://${run.at("l")}`));
  });
  for (const encoding of ["utf8", "buffer", "hex", "latin1", { encoding: "buffer" }, null]) {
    define.forms(`readlink in ${JSON.stringify(encoding)}`, (run) => {
      run.fs.symlinkSync("ziel-ä", run.at("l"));
      return run.call("readlink", run.at("l"), encoding);
    });
  }
  define.forms("readlink of what is no link", async (run) => {
    plant(run);
    return [
      await run.attempt("readlink", run.at("file")),
      await run.attempt("readlink", run.at("empty")),
      await run.attempt("readlink", run.at("missing")),
    ];
  });
  define("a link is changed by none of chmod, chown, utimes", (run) => {
    plant(run);
    run.fs.chmodSync(run.at("to-file"), 0o600);
    run.fs.chownSync(run.at("to-file"), 5, 6);
    run.fs.lchownSync(run.at("to-dir"), 7, 8);
  });
  define("hard links: one content, one mode, until the last is gone", (run) => {
    plant(run);
    run.fs.appendFileSync(run.at("same-file"), "+");
    run.fs.chmodSync(run.at("file"), 0o600);
    run.fs.unlinkSync(run.at("file"));
    return run.fs.readFileSync(run.at("same-file"), "utf8");
  });
  define("a hard link to a symbolic link is one to the link itself", (run) => {
    plant(run);
    run.fs.linkSync(run.at("to-file"), run.at("second"));
    return run.fs.lstatSync(run.at("second")).nlink;
  });
}
