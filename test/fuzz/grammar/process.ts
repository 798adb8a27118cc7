// What belongs to a process: where it is and who.

import * as f from "../../../assembly/abi/fcntl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import type { Generator, Rule } from "../generator.ts";

const MINUS_ONE = 0xffffffff;

/** A process gives up what it cannot get back only seldom: else all would soon be the same. */
function identity(g: Generator): number {
  return g.random.pick([0, 1000, 1001, MINUS_ONE]);
}

/** All but CAP_SYS_RESOURCE, which not every root has. */
const PERMITTED = [0xfeffffff, 0x1ff] as const;
/** CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, SYS_CHROOT, SYS_ADMIN, MKNOD, SETFCAP. */
const CAPABILITIES = [0, 1, 2, 3, 4, 18, 21, 27, 31] as const;
const CAPABILITY_VERSION_3 = 0x20080522;

/** Works without some capabilities, or with all again: root's stay permitted. Others have none to give up. */
function setCapabilities(g: Generator): void {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(CAPABILITY_VERSION_3, 0);
  const data = Buffer.alloc(24);
  const lost = g.random.chance(0.5)
    ? 0
    : g.random.bits(
        CAPABILITIES.map((bit) => 1 << bit),
        0.3,
      );
  data.writeUInt32LE((PERMITTED[0] & ~lost) >>> 0, 0);
  data.writeUInt32LE(PERMITTED[0], 4);
  data.writeUInt32LE(PERMITTED[1], 12);
  data.writeUInt32LE(PERMITTED[1], 16);
  g.call(nr.SYS_capset, [header, data]);
}

/** Goes below another root, looks around there, and comes back by a descriptor. */
function visit(g: Generator): void {
  const back = g.call(nr.SYS_openat, [f.AT_FDCWD, "/", f.O_DIRECTORY, 0]) < 0 ? -1 : { fd: g.lastId };
  g.call(nr.SYS_chroot, [g.plain(g.absolute("d"))]);
  for (let i = g.random.below(4); i > 0; i--) {
    const path = g.random.pick(["/..", "..", "/", ".", "/../a", "../b", g.absolute(), g.absolute("l")]);
    g.call(nr.SYS_stat, [path, { out: 144 }], "stat");
    if (g.random.chance(0.3)) g.call(nr.SYS_getcwd, [{ out: 4096 }, 4096], "bytes");
    if (g.random.chance(0.2)) g.call(nr.SYS_chdir, [path]);
  }
  if (g.call(nr.SYS_fchdir, [back]) === 0) g.cwd = "/";
  g.call(nr.SYS_chroot, ["."]);
  g.call(nr.SYS_close, [back]);
}

export const PROCESS_RULES: readonly Rule[] = [
  { name: "capset", number: nr.SYS_capset, weight: 3, run: setCapabilities },
  { name: "chroot", number: nr.SYS_chroot, weight: 1, run: visit },
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
