// Options that every mount has, in the words of mount(8) and the OCI runtime spec, whatever is mounted.

import {
  MNT_NOATIME,
  MNT_NODEV,
  MNT_NODIRATIME,
  MNT_NOEXEC,
  MNT_NOSUID,
  MNT_NOSYMFOLLOW,
  MNT_READONLY,
  MNT_RELATIME,
} from "../kernel/exports.ts";

export interface MountOptions {
  /** MNT_* of the kernel, MNT_READONLY included. */
  readonly flags: number;
  readonly bind: boolean;
  /** Changes the mount that is there instead of making one. */
  readonly remount: boolean;
  /** What is no option of mounts in general: for the file system to know. */
  readonly rest: readonly string[];
}

/** What an option sets and what it clears. The last one wins. */
const EFFECTS = new Map<string, readonly [set: number, clear: number]>([
  ["ro", [MNT_READONLY, 0]],
  ["rw", [0, MNT_READONLY]],
  ["nosuid", [MNT_NOSUID, 0]],
  ["suid", [0, MNT_NOSUID]],
  ["nodev", [MNT_NODEV, 0]],
  ["dev", [0, MNT_NODEV]],
  ["noexec", [MNT_NOEXEC, 0]],
  ["exec", [0, MNT_NOEXEC]],
  ["noatime", [MNT_NOATIME, MNT_RELATIME]],
  ["atime", [MNT_RELATIME, MNT_NOATIME]],
  ["relatime", [MNT_RELATIME, MNT_NOATIME]],
  ["norelatime", [0, MNT_RELATIME]],
  ["strictatime", [0, MNT_RELATIME | MNT_NOATIME]],
  ["nostrictatime", [MNT_RELATIME, 0]],
  ["nodiratime", [MNT_NODIRATIME, 0]],
  ["diratime", [0, MNT_NODIRATIME]],
  ["nosymfollow", [MNT_NOSYMFOLLOW, 0]],
  ["symfollow", [0, MNT_NOSYMFOLLOW]],
]);

/** Propagation to a host that never sees these mounts, when data is written, and what an engine tells itself. */
const WITHOUT_EFFECT = new Set([
  ...["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"],
  ...["defaults", "sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand"],
  ...["iversion", "noiversion", "loud", "silent", "acl", "noacl", "tmpcopyup", "notmpcopyup"],
]);

/** All that parseMountOptions() understands, in the alphabet's order. */
export function knownMountOptions(): string[] {
  const flags = [...EFFECTS.keys()];
  return [
    ...flags,
    ...flags.map((name) => `r${name}`),
    ...WITHOUT_EFFECT,
    "bind",
    "rbind",
    "remount",
  ].toSorted();
}

export function parseMountOptions(options: readonly string[]): MountOptions {
  let flags = MNT_RELATIME;
  let bind = false;
  let remount = false;
  const rest: string[] = [];
  for (const option of options) {
    // "rro" is "ro" for all that is mounted below as well, and of a bind nothing is.
    const effect = EFFECTS.get(option) ?? (option.startsWith("r") ? EFFECTS.get(option.slice(1)) : undefined);
    if (effect !== undefined) flags = (flags & ~effect[1]) | effect[0];
    else if (option === "bind" || option === "rbind") bind = true;
    else if (option === "remount") remount = true;
    else if (!WITHOUT_EFFECT.has(option)) rest.push(option);
  }
  return { flags, bind, remount, rest };
}

/** Options of their own that file systems have, by name; those with a value end in "=". */
const OWN = new Map<string, readonly string[]>([
  ["bind", []],
  [
    "tmpfs",
    ["size=", "nr_blocks=", "nr_inodes=", "mode=", "uid=", "gid=", "huge=", "mpol=", "inode32", "inode64"],
  ],
  ["devtmpfs", ["size=", "nr_inodes=", "mode="]],
  [
    "overlay",
    [
      ...["lowerdir=", "upperdir=", "workdir=", "index=", "redirect_dir=", "metacopy=", "xino="],
      ...["nfs_export=", "uuid=", "fsync=", "userxattr", "volatile", "default_permissions"],
    ],
  ],
  ["proc", ["hidepid=", "gid=", "subset="]],
  ["sysfs", []],
  ["devpts", ["newinstance", "ptmxmode=", "mode=", "uid=", "gid=", "max="]],
  ["mqueue", []],
  ["cgroup", ["all", "cpu", "cpuacct", "cpuset", "memory", "pids", "job"]],
  [
    "cgroup2",
    [
      ...["nsdelegate", "favordynmods", "memory_localevents", "memory_recursiveprot"],
      ...["memory_hugetlb_accounting", "pids_localevents"],
    ],
  ],
]);

/** The first option that a file system of that type does not have. */
export function unknownOption(type: string, rest: readonly string[]): string | undefined {
  const own = OWN.get(type);
  if (own === undefined) return undefined;
  return rest.find((option) => {
    const equals = option.indexOf("=");
    return !own.includes(equals < 0 ? option : option.slice(0, equals + 1));
  });
}
