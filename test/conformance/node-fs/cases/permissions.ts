// Who may do what: as root, as the owner, as somebody of the group, as others; and the bits above rwx.

import type { Define, Run } from "../case.ts";

const OWNER = 1000;
const GROUP = 1000;
const OTHER = 2000;

/** Calls that are tried with each mode, on `d/f`. */
const ON_FILE: readonly (readonly [string, (run: Run) => unknown])[] = [
  ["read", (run) => run.fs.readFileSync(run.at("d/f"), "utf8")],
  ["write", (run) => run.fs.appendFileSync(run.at("d/f"), "+")],
  ["truncate", (run) => run.fs.truncateSync(run.at("d/f"), 2)],
  ["chmod", (run) => run.fs.chmodSync(run.at("d/f"), 0o640)],
  ["chown to another", (run) => run.fs.chownSync(run.at("d/f"), 5, -1)],
  ["chown to one's group", (run) => run.fs.chownSync(run.at("d/f"), -1, GROUP)],
  ["utimes", (run) => run.fs.utimesSync(run.at("d/f"), 1, 2)],
  ["access for reading", (run) => run.fs.statSync(run.at("d/f"))],
  ["stat", (run) => run.fs.statSync(run.at("d/f"))],
];

const ON_DIRECTORY: readonly (readonly [string, (run: Run) => unknown])[] = [
  ["list", (run) => run.fs.readdirSync(run.at("d"))],
  ["stat a name", (run) => run.fs.statSync(run.at("d/f"))],
  ["stat a missing name", (run) => run.fs.statSync(run.at("d/missing"))],
  ["create", (run) => run.fs.writeFileSync(run.at("d/new"), "x")],
  ["make a directory", (run) => run.fs.mkdirSync(run.at("d/newdir"))],
  ["remove", (run) => run.fs.unlinkSync(run.at("d/f"))],
  ["rename", (run) => run.fs.renameSync(run.at("d/f"), run.at("d/g"))],
  ["link", (run) => run.fs.linkSync(run.at("d/f"), run.at("d/g"))],
  ["remove the directory", (run) => run.fs.rmSync(run.at("d"), { recursive: true })],
];

const WHO: readonly (readonly [string, number, number])[] = [
  ["root", 0, 0],
  ["the owner", OWNER, GROUP],
  ["one of the group", OTHER, GROUP],
  ["another", OTHER, OTHER],
];

function plant(run: Run, directoryMode: number, fileMode: number): void {
  run.fs.chmodSync(run.dir, 0o777);
  run.fs.mkdirSync(run.at("d"));
  run.fs.writeFileSync(run.at("d/f"), "content");
  run.fs.chownSync(run.at("d/f"), OWNER, GROUP);
  run.fs.chmodSync(run.at("d/f"), fileMode);
  run.fs.chownSync(run.at("d"), OWNER, GROUP);
  run.fs.chmodSync(run.at("d"), directoryMode);
}

function attempts(run: Run, list: typeof ON_FILE): unknown[] {
  return list.map(([name, call]) => {
    try {
      return [name, call(run)];
    } catch (error) {
      return [name, error];
    }
  });
}

export function permissionCases(define: Define): void {
  for (const [who, user, group] of WHO) {
    for (const mode of [0o000, 0o400, 0o200, 0o040, 0o020, 0o004, 0o002, 0o644, 0o666]) {
      define(`a file of mode ${mode.toString(8)} for ${who}`, (run) => {
        plant(run, 0o755, mode);
        return run.as(user, group, () => attempts(run, ON_FILE));
      });
    }
    for (const mode of [0o000, 0o700, 0o500, 0o300, 0o100, 0o070, 0o005, 0o003, 0o777, 0o1777, 0o1770]) {
      define(`a directory of mode ${mode.toString(8)} for ${who}`, (run) => {
        plant(run, mode, 0o644);
        return run.as(user, group, () => attempts(run, ON_DIRECTORY));
      });
    }
  }
  bits(define);
  forms(define);
}

function bits(define: Define): void {
  define("a directory with the setgid bit gives its group on", (run) => {
    run.fs.mkdirSync(run.at("d"));
    run.fs.chownSync(run.at("d"), OWNER, 77);
    run.fs.chmodSync(run.at("d"), 0o2777);
    run.fs.writeFileSync(run.at("d/f"), "x");
    run.fs.mkdirSync(run.at("d/e"));
    run.as(OWNER, GROUP, () => run.fs.writeFileSync(run.at("d/g"), "x"));
    run.as(OWNER, GROUP, () => run.fs.mkdirSync(run.at("d/h")));
  });
  for (const mode of [0o4755, 0o6777, 0o2755, 0o2745]) {
    for (const [what, change] of [
      ["write", (run: Run) => run.fs.appendFileSync(run.at("f"), "x")],
      ["truncate", (run: Run) => run.fs.truncateSync(run.at("f"), 1)],
      ["chown", (run: Run) => run.fs.chownSync(run.at("f"), OWNER, GROUP)],
    ] as const) {
      define(`mode ${mode.toString(8)} after ${what} by the owner`, (run) => {
        run.fs.writeFileSync(run.at("f"), "content");
        run.fs.chownSync(run.at("f"), OWNER, GROUP);
        run.fs.chmodSync(run.at("f"), mode);
        run.as(OWNER, GROUP, () => change(run));
      });
      define(`mode ${mode.toString(8)} after ${what} by root`, (run) => {
        run.fs.writeFileSync(run.at("f"), "content");
        run.fs.chmodSync(run.at("f"), mode);
        change(run);
      });
    }
  }
  define("chmod drops the setgid bit for those outside of the group", (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    run.fs.chownSync(run.at("f"), OWNER, 77);
    run.as(OWNER, GROUP, () => run.fs.chmodSync(run.at("f"), 0o2755));
  });
  define("in a sticky directory only owners remove and rename", (run) => {
    run.fs.mkdirSync(run.at("tmp"));
    run.fs.chmodSync(run.at("tmp"), 0o1777);
    run.as(OWNER, GROUP, () => run.fs.writeFileSync(run.at("tmp/mine"), "x"));
    run.as(OWNER, GROUP, () => run.fs.writeFileSync(run.at("tmp/also"), "x"));
    const outcomes = run.as(OTHER, OTHER, () =>
      [
        () => run.fs.unlinkSync(run.at("tmp/mine")),
        () => run.fs.renameSync(run.at("tmp/mine"), run.at("tmp/x")),
        () => run.fs.writeFileSync(run.at("tmp/theirs"), "x"),
        () => run.fs.renameSync(run.at("tmp/theirs"), run.at("tmp/mine")),
        () => run.fs.unlinkSync(run.at("tmp/theirs")),
      ].map((step) => {
        try {
          return step();
        } catch (error) {
          return error;
        }
      }),
    );
    run.as(OWNER, GROUP, () => run.fs.unlinkSync(run.at("tmp/also")));
    return outcomes;
  });
}

function forms(define: Define): void {
  define.forms("calls that are denied", async (run) => {
    plant(run, 0o700, 0o600);
    const outcomes = await run.as(OTHER, OTHER, async () => {
      const all = [];
      for (const [name, ...rest] of [
        ["stat"],
        ["readFile"],
        ["writeFile", "x"],
        ["open", "r"],
        ["unlink"],
        ["readlink"],
        ["realpath"],
        ["truncate", 1],
        ["chmod", 0o777],
        ["chown", 1, 1],
        ["utimes", 1, 1],
      ] as const) {
        all.push(await run.attempt(name, run.at("d/f"), ...rest));
      }
      all.push(
        await run.attempt("readdir", run.at("d")),
        await run.attempt("mkdir", run.at("d/x")),
        await run.attempt("rename", run.at("d/f"), run.at("g")),
      );
      all.push(
        await run.attempt("rm", run.at("d"), { recursive: true }),
        await run.attempt("mkdir", run.at("d/x/y"), { recursive: true }),
      );
      all.push(await run.attempt("copyFile", run.at("d/f"), run.at("g")));
      return all;
    });
    return outcomes;
  });
  for (const mode of [0o000, 0o444, 0o222, 0o111, 0o755]) {
    define.forms(`access of mode ${mode.toString(8)} by root`, async (run) => {
      run.fs.writeFileSync(run.at("f"), "x");
      run.fs.chmodSync(run.at("f"), mode);
      const outcomes = [];
      for (let want = 0; want < 8; want++) outcomes.push(await run.attempt("access", run.at("f"), want));
      return outcomes;
    });
  }
  define.forms("access of what is missing, of a link to nothing", async (run) => {
    run.fs.symlinkSync("nothing", run.at("l"));
    return [
      await run.attempt("access", run.at("x")),
      await run.attempt("access", run.at("l")),
      await run.attempt("access", run.dir, 7),
    ];
  });
  for (const mode of ["755", 0o755, 0o7777, 0o0, "0o600".slice(2)]) {
    define.forms(`chmod to ${String(mode)}`, async (run) => {
      run.fs.writeFileSync(run.at("f"), "x");
      run.fs.mkdirSync(run.at("d"));
      await run.call("chmod", run.at("f"), mode);
      await run.call("chmod", run.at("d"), mode);
    });
  }
  define.forms(
    "fchmod and fchown",
    async (run) => {
      const fd = run.fs.openSync(run.at("f"), "w");
      await run.call("fchmod", fd, 0o604);
      await run.call("fchown", fd, 12, 13);
      run.fs.closeSync(fd);
    },
    ["sync", "callback"],
  );
  define.forms("chown with -1 leaves the owner, the group", async (run) => {
    run.fs.writeFileSync(run.at("f"), "x");
    await run.call("chown", run.at("f"), 5, -1);
    await run.call("chown", run.at("f"), -1, 6);
    await run.call("lchown", run.at("f"), -1, -1);
  });
  define("a symbolic link that belongs to another is followed", (run) => {
    run.fs.mkdirSync(run.at("tmp"));
    run.fs.chmodSync(run.at("tmp"), 0o777);
    run.as(OTHER, OTHER, () => run.fs.symlinkSync("../f", run.at("tmp/l")));
    run.fs.writeFileSync(run.at("f"), "x");
    return run.fs.readFileSync(run.at("tmp/l"), "utf8");
  });
}
