// Opening: flags as words and numbers, and what may be done with the descriptor.

import type { Define, Run } from "../case.ts";

const WORDS = [
  "r",
  "rs",
  "sr",
  "r+",
  "rs+",
  "sr+",
  "w",
  "wx",
  "xw",
  "w+",
  "wx+",
  "xw+",
  "a",
  "ax",
  "xa",
  "as",
  "sa",
  "a+",
  "ax+",
  "xa+",
  "as+",
  "sa+",
];

/** What a descriptor allows: it is read at 0, written, read from where it stands, and cut. */
function exercise(run: Run, fd: number): unknown[] {
  const { fs } = run;
  const steps: readonly (() => unknown)[] = [
    () => fs.readSync(fd, Buffer.alloc(3), 0, 3, 0),
    () => fs.writeSync(fd, "XY"),
    () => fs.writeSync(fd, "Z", 1),
    () => fs.readSync(fd, Buffer.alloc(8)),
    () => fs.ftruncateSync(fd, 4),
    () => fs.fstatSync(fd),
  ];
  return steps.map((step) => {
    try {
      return step();
    } catch (error) {
      return error;
    }
  });
}

function opened(run: Run, name: string, flags: string | number, mode?: number): unknown {
  const fd = run.fs.openSync(run.at(name), flags, mode);
  try {
    return exercise(run, fd);
  } finally {
    run.fs.closeSync(fd);
  }
}

export function openCases(define: Define): void {
  for (const word of WORDS) {
    define(`${word} of a file`, (run) => {
      run.fs.writeFileSync(run.at("f"), "content");
      return opened(run, "f", word);
    });
    define(`${word} of a missing name`, (run) => opened(run, "f", word));
    define(`${word} of a directory`, (run) => {
      run.fs.mkdirSync(run.at("f"));
      return opened(run, "f", word);
    });
  }
  numberCases(define);
  modeCases(define);
  formCases(define);
  unlinkedCases(define);
}

function numberCases(define: Define): void {
  const numbers: readonly (readonly [string, (c: Run["fs"]["constants"]) => number])[] = [
    ["O_RDONLY", (c) => c.O_RDONLY],
    ["O_WRONLY", (c) => c.O_WRONLY],
    ["O_RDWR|O_CREAT", (c) => c.O_RDWR | c.O_CREAT],
    ["O_RDWR|O_TRUNC", (c) => c.O_RDWR | c.O_TRUNC],
    ["O_WRONLY|O_APPEND", (c) => c.O_WRONLY | c.O_APPEND],
    ["O_CREAT|O_EXCL", (c) => c.O_CREAT | c.O_EXCL],
    ["O_DIRECTORY", (c) => c.O_DIRECTORY],
    ["O_NOFOLLOW", (c) => c.O_NOFOLLOW],
    ["O_RDWR|O_SYNC", (c) => c.O_RDWR | c.O_SYNC],
  ];
  for (const [name, flags] of numbers) {
    for (const what of ["file", "directory", "link", "nothing"]) {
      define(`${name} of a ${what}`, (run) => {
        if (what === "directory") run.fs.mkdirSync(run.at("f"));
        else if (what !== "nothing")
          run.fs.writeFileSync(run.at(what === "link" ? "target" : "f"), "content");
        if (what === "link") run.fs.symlinkSync("target", run.at("f"));
        return opened(run, "f", flags(run.fs.constants));
      });
    }
  }
  define("O_PATH opens nothing for reading", (run) => {
    run.fs.writeFileSync(run.at("f"), "content");
    return opened(run, "f", 0o10000000);
  });
  define("O_TMPFILE makes a file without a name", (run) => {
    const fd = run.fs.openSync(run.dir, 0o20200000 | run.fs.constants.O_RDWR, 0o600);
    const outcome = [exercise(run, fd), run.fs.fstatSync(fd).nlink];
    run.fs.closeSync(fd);
    return outcome;
  });
}

function modeCases(define: Define): void {
  for (const mode of [0o777, 0o644, 0o600, 0o000, 0o4755, 0o2755, 0o1777, 0o7777, "640", "0755"]) {
    define(`open makes a file of mode ${mode.toString(8)}`, (run) => {
      run.fs.closeSync(run.fs.openSync(run.at("f"), "w", mode));
    });
    define(`mkdir makes a directory of mode ${mode.toString(8)}`, (run) =>
      run.fs.mkdirSync(run.at("d"), mode),
    );
    define(`writeFile makes a file of mode ${mode.toString(8)}`, (run) =>
      run.fs.writeFileSync(run.at("f"), "x", { mode }),
    );
  }
  for (const mask of [0, 0o077, 0o777, 0o027]) {
    define(`the umask ${mask.toString(8)} is taken from modes`, (run) => {
      const last = run.umask(mask);
      run.fs.closeSync(run.fs.openSync(run.at("f"), "w"));
      run.fs.closeSync(run.fs.openSync(run.at("g"), "w", 0o7777));
      run.fs.mkdirSync(run.at("d"));
      run.fs.mkdirSync(run.at("e"), 0o7777);
      run.fs.symlinkSync("t", run.at("l"));
      run.fs.chmodSync(run.at("g"), 0o777);
      run.umask(last);
      return last;
    });
  }
  define("the mode is for new files only", (run) => {
    run.fs.writeFileSync(run.at("f"), "x", { mode: 0o644 });
    run.fs.writeFileSync(run.at("f"), "y", { mode: 0o600 });
  });
}

function formCases(define: Define): void {
  define.forms("open with a path only, with null flags, with a mode", async (run) => {
    run.fs.writeFileSync(run.at("f"), "content");
    const close = async (file: unknown): Promise<string> => {
      if (typeof file === "number") run.fs.closeSync(file);
      else await (file as { close(): Promise<void> }).close();
      return "open";
    };
    const lists = [
      [run.at("f")],
      [run.at("f"), undefined],
      [run.at("f"), null],
      [run.at("new"), "w", 0o600],
      [run.at("new2"), "w", "640"],
    ];
    const outcomes = [];
    for (const list of lists) outcomes.push(await close(await run.call("open", ...list)));
    return outcomes;
  });
  define.forms("open of a missing file", (run) => run.call("open", run.at("missing"), "r"));
  define.forms("open of a file that exists, exclusively", (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    return run.call("open", run.at("f"), "wx");
  });
  define.forms(
    "close twice",
    async (run) => {
      const fd = run.fs.openSync(run.at("f"), "w");
      await run.call("close", fd);
      return run.call("close", fd);
    },
    ["sync", "callback"],
  );
  define("close without a callback", async (run) => {
    const fd = run.fs.openSync(run.at("f"), "w");
    run.fs.close(fd);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return run.attempt("fstat", fd);
  });
  define("the smallest free number is the next descriptor", (run) => {
    const first = run.fs.openSync(run.at("f"), "w");
    const second = run.fs.openSync(run.at("g"), "w");
    run.fs.closeSync(first);
    const third = run.fs.openSync(run.at("h"), "w");
    run.fs.closeSync(second);
    run.fs.closeSync(third);
    return third === first;
  });
}

function unlinkedCases(define: Define): void {
  define("a file that was removed lives on in its descriptor", (run) => {
    const { fs } = run;
    const fd = fs.openSync(run.at("f"), "w+");
    fs.writeSync(fd, "before");
    fs.unlinkSync(run.at("f"));
    fs.writeSync(fd, " after");
    const buffer = Buffer.alloc(20);
    const read = fs.readSync(fd, buffer, 0, 20, 0);
    const outcome = [buffer.toString("latin1", 0, read), fs.fstatSync(fd), fs.existsSync(run.at("f"))];
    fs.closeSync(fd);
    return outcome;
  });
  define("a name that was removed can be made again beside the open file", (run) => {
    const { fs } = run;
    fs.writeFileSync(run.at("f"), "old");
    const fd = fs.openSync(run.at("f"), "r");
    fs.unlinkSync(run.at("f"));
    fs.writeFileSync(run.at("f"), "new");
    const outcome = [fs.readFileSync(fd, "utf8"), fs.readFileSync(run.at("f"), "utf8")];
    fs.closeSync(fd);
    return outcome;
  });
  define("a file that a rename replaced lives on in its descriptor", (run) => {
    const { fs } = run;
    fs.writeFileSync(run.at("old"), "old");
    fs.writeFileSync(run.at("new"), "new");
    const fd = fs.openSync(run.at("old"), "r");
    fs.renameSync(run.at("new"), run.at("old"));
    const outcome = [
      fs.readFileSync(fd, "utf8"),
      fs.fstatSync(fd).nlink,
      fs.readFileSync(run.at("old"), "utf8"),
    ];
    fs.closeSync(fd);
    return outcome;
  });
  define("a descriptor follows its file through a rename", (run) => {
    const { fs } = run;
    const fd = fs.openSync(run.at("a"), "w");
    fs.renameSync(run.at("a"), run.at("b"));
    fs.writeSync(fd, "x");
    fs.fchmodSync(fd, 0o600);
    fs.closeSync(fd);
  });
  define("a directory that was removed has no links", (run) => {
    const { fs } = run;
    fs.mkdirSync(run.at("d"));
    const fd = fs.openSync(run.at("d"), "r");
    fs.rmdirSync(run.at("d"));
    const outcome = fs.fstatSync(fd).nlink;
    fs.closeSync(fd);
    return outcome;
  });
}
