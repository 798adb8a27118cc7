// What belongs to a process: where it is and who.

import * as nr from "../../../assembly/abi/syscall.ts";
import type { Generator, Rule } from "../generator.ts";

const MINUS_ONE = 0xffffffff;

/** A process gives up what it cannot get back only seldom: else all would soon be the same. */
function identity(g: Generator): number {
  return g.random.pick([0, 1000, 1001, MINUS_ONE]);
}

export const PROCESS_RULES: readonly Rule[] = [
  {
    name: "chdir",
    number: nr.SYS_chdir,
    weight: 6,
    run(g) {
      const absolute = g.absolute("d");
      if (g.call(nr.SYS_chdir, [g.plain(absolute)]) === 0) g.cwd = absolute;
    },
  },
  {
    name: "fchdir",
    number: nr.SYS_fchdir,
    weight: 4,
    run(g) {
      const fd = g.fd("d");
      const known = g.knownFd(fd);
      if (g.call(nr.SYS_fchdir, [fd]) === 0 && known !== undefined) g.cwd = known.path;
    },
  },
  {
    name: "getcwd",
    number: nr.SYS_getcwd,
    weight: 5,
    run(g) {
      const size = g.random.pick([4096, 4096, 10, 1, 0]);
      g.call(nr.SYS_getcwd, [{ out: Math.max(size, 1) }, size], "bytes");
    },
  },
  {
    name: "umask",
    number: nr.SYS_umask,
    weight: 3,
    run: (g) => g.call(nr.SYS_umask, [g.random.pick([0, 0o22, 0o77, 0o27, 0o777, 0o7022])]),
  },
  { name: "getuid", number: nr.SYS_getuid, weight: 1, run: (g) => g.call(nr.SYS_getuid, []) },
  { name: "geteuid", number: nr.SYS_geteuid, weight: 1, run: (g) => g.call(nr.SYS_geteuid, []) },
  { name: "getgid", number: nr.SYS_getgid, weight: 1, run: (g) => g.call(nr.SYS_getgid, []) },
  { name: "getegid", number: nr.SYS_getegid, weight: 1, run: (g) => g.call(nr.SYS_getegid, []) },
  {
    name: "getresuid",
    number: nr.SYS_getresuid,
    weight: 1,
    run: (g) => g.call(nr.SYS_getresuid, [{ out: 4 }, { out: 4 }, { out: 4 }], "out"),
  },
  {
    name: "getresgid",
    number: nr.SYS_getresgid,
    weight: 1,
    run: (g) => g.call(nr.SYS_getresgid, [{ out: 4 }, { out: 4 }, { out: 4 }], "out"),
  },
  {
    name: "getgroups",
    number: nr.SYS_getgroups,
    weight: 1,
    run: (g) => g.call(nr.SYS_getgroups, [g.random.pick([16, 0, 1]), { out: 64 }], "out"),
  },
  {
    name: "setfsuid",
    number: nr.SYS_setfsuid,
    weight: 2,
    run: (g) => g.call(nr.SYS_setfsuid, [identity(g)]),
  },
  {
    name: "setfsgid",
    number: nr.SYS_setfsgid,
    weight: 2,
    run: (g) => g.call(nr.SYS_setfsgid, [identity(g)]),
  },
  {
    name: "setresuid",
    number: nr.SYS_setresuid,
    weight: 2,
    // The real and saved identities stay, so that the process can come back.
    run: (g) => g.call(nr.SYS_setresuid, [MINUS_ONE, identity(g), MINUS_ONE]),
  },
  {
    name: "setresgid",
    number: nr.SYS_setresgid,
    weight: 2,
    run: (g) => g.call(nr.SYS_setresgid, [MINUS_ONE, identity(g), MINUS_ONE]),
  },
  {
    name: "setreuid",
    number: nr.SYS_setreuid,
    weight: 1,
    run: (g) => g.call(nr.SYS_setreuid, [MINUS_ONE, identity(g)]),
  },
  {
    name: "setgroups",
    number: nr.SYS_setgroups,
    weight: 1,
    run(g) {
      const groups = Uint32Array.from([1000, 1001, 2000].filter(() => g.random.chance(0.5)));
      g.call(nr.SYS_setgroups, [groups.length, new Uint8Array(groups.buffer)]);
    },
  },
];
