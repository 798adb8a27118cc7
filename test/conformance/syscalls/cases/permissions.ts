// Whose permission bits count, for what: each way to use a file or directory, with each value of the three bits that are the
// caller's. The other classes' bits are the contrary, so that looking at the wrong ones shows.

import { describe, expect, test } from "vitest";
import { EACCES, ENODATA } from "../../../../assembly/abi/errno.ts";
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../../../../assembly/abi/fcntl.ts";
import * as nr from "../../../../assembly/abi/syscall.ts";
import { Calls } from "../../../support/sys/calls.ts";
import type { Identity, Target } from "../../../support/sys/target.ts";

const OWNER: Identity = { uid: 1000, gid: 1000 };
const READ = 4;
const WRITE = 2;
const EXECUTE = 1;
const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

interface Caller {
  readonly name: string;
  readonly identity: Identity;
  /** Where the bits that count for this caller are; undefined: none do. */
  readonly shift: number | undefined;
}

const CALLERS: readonly Caller[] = [
  { name: "the owner", identity: OWNER, shift: 6 },
  { name: "one of the file's group", identity: { uid: 2000, gid: 1000 }, shift: 3 },
  {
    name: "one with the group among others",
    identity: { uid: 3000, gid: 3000, groups: [5, 1000] },
    shift: 3,
  },
  { name: "a stranger", identity: { uid: 4000, gid: 4000 }, shift: 0 },
  { name: "root", identity: { uid: 0, gid: 0 }, shift: undefined },
];

interface Use {
  readonly name: string;
  /** The bits that it takes. */
  readonly needs: number;
  readonly try: (sys: Calls, path: string) => number;
}

const FILE_USES: readonly Use[] = [
  { name: "to open it to read", needs: READ, try: (sys, path) => sys.open(path, O_RDONLY) },
  { name: "to open it to write", needs: WRITE, try: (sys, path) => sys.open(path, O_WRONLY) },
  { name: "to open it for both", needs: READ | WRITE, try: (sys, path) => sys.open(path, O_RDWR) },
  {
    name: "to empty it by open",
    needs: READ | WRITE,
    try: (sys, path) => sys.open(path, O_RDONLY | O_TRUNC),
  },
  { name: "to truncate it", needs: WRITE, try: (sys, path) => sys.process.syscall(nr.SYS_truncate, path, 3) },
  {
    name: "to read its attributes",
    needs: READ,
    try: (sys, path) => Number(sys.getxattr(path, "user.a", 0)),
  },
];

const DIRECTORY_USES: readonly Use[] = [
  { name: "to list it", needs: READ, try: (sys, path) => sys.open(path, O_RDONLY | O_DIRECTORY) },
  {
    name: "to find something in it",
    needs: EXECUTE,
    try: (sys, path) => Math.min(0, Number(sys.stat(`${path}/file`)) || 0),
  },
  {
    name: "to make a file in it",
    needs: WRITE | EXECUTE,
    try: (sys, path) => sys.open(`${path}/new`, O_CREAT | O_EXCL | O_WRONLY),
  },
  { name: "to make a directory in it", needs: WRITE | EXECUTE, try: (sys, path) => sys.mkdir(`${path}/new`) },
  { name: "to remove a name in it", needs: WRITE | EXECUTE, try: (sys, path) => sys.unlink(`${path}/file`) },
  {
    name: "to rename in it",
    needs: WRITE | EXECUTE,
    try: (sys, path) => sys.rename(`${path}/file`, `${path}/moved`),
  },
  { name: "to make it the working directory", needs: EXECUTE, try: (sys, path) => chdir(sys, path) },
];

/** There and back, on one descriptor of the top directory. */
function chdir(sys: Calls, path: string): number {
  const top = sys.open(".", O_RDONLY | O_DIRECTORY);
  const result = sys.process.syscall(nr.SYS_chdir, path);
  sys.process.syscall(nr.SYS_fchdir, top);
  sys.close(top);
  return result;
}

/** A mode that has `bits` for the caller's class and the contrary for the others. */
function modeOf(bits: number, { shift }: Caller): number {
  const contrary = 7 - bits;
  if (shift === undefined) return bits * 0o111;
  return ((contrary * 0o111) & ~(7 << shift)) | (bits << shift);
}

export function permissionCases(make: () => Target): void {
  function outcomes(sys: Calls, use: Use): boolean[] {
    return ALL.map((bits) => {
      const result = use.try(sys, `at${bits}`);
      if (result < 0 && result !== -EACCES && result !== -ENODATA) throw new Error(`${use.name}: ${result}`);
      if (result > 0) sys.close(result);
      return result !== -EACCES;
    });
  }
  const expected = ({ shift }: Caller, needs: number) =>
    ALL.map((bits) => shift === undefined || (bits & needs) === needs);

  for (const caller of CALLERS) {
    describe(`a file's bits, for ${caller.name}`, () => {
      for (const use of FILE_USES) {
        test(`say who may use it ${use.name}`, () => {
          const target = make();
          const owner = new Calls(target.process(OWNER));
          for (const bits of ALL)
            owner.close(owner.open(`at${bits}`, O_CREAT | O_WRONLY, modeOf(bits, caller)));
          const sys = new Calls(target.process(caller.identity));
          expect(outcomes(sys, use)).toEqual(expected(caller, use.needs));
          target.end();
        });
      }
      test("say who may execute it: root, too, needs one bit of any class", () => {
        const target = make();
        const owner = new Calls(target.process(OWNER));
        for (const bits of ALL)
          owner.close(owner.open(`at${bits}`, O_CREAT | O_WRONLY, modeOf(bits, caller)));
        const { process } = new Calls(target.process(caller.identity));
        const found = ALL.map(
          (bits) => process.syscall(nr.SYS_faccessat, AT_FDCWD, `at${bits}`, EXECUTE) === 0,
        );
        expect(found).toEqual(ALL.map((bits) => (bits & EXECUTE) !== 0));
        target.end();
      });
    });
    describe(`a directory's bits, for ${caller.name}`, () => {
      for (const use of DIRECTORY_USES) {
        test(`say who may use it ${use.name}`, () => {
          const target = make();
          const owner = new Calls(target.process(OWNER));
          const root = new Calls(target.process());
          for (const bits of ALL) {
            owner.mkdir(`at${bits}`, modeOf(bits, caller));
            root.close(root.open(`at${bits}/file`, O_CREAT | O_WRONLY));
          }
          const sys = new Calls(target.process(caller.identity));
          expect(outcomes(sys, use)).toEqual(expected(caller, use.needs));
          target.end();
        });
      }
    });
  }
}
