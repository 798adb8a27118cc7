// From the kernel's record of a refusal (assembly/abi/refusal.ts) to what a trace says about it.

import * as capabilities from "../../../assembly/abi/capability.ts";
import * as abi from "../../../assembly/abi/refusal.ts";
import type { MountRecord, Reason } from "../../trace/record.ts";
import { escapeText, type Text } from "../../trace/value.ts";
import { textOf } from "./guest-memory.ts";
import { rightNames, wasiNameOfLinux } from "./names.ts";

/** The record as it stands in the kernel's memory. */
interface Refusal {
  readonly value: bigint;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly fsuid: number;
  readonly fsgid: number;
  readonly path: Text | undefined;
  readonly mount: MountRecord | undefined;
}

interface Rule {
  readonly rule: string;
  text(refusal: Refusal): string;
}

const NAME_OF_CAPABILITY = new Map<number, string>(
  Object.entries(capabilities).map(([name, value]) => [value, name]),
);
const MAY = ["execute", "write", "read"] as const;
const MAY_IN_DIRECTORY = ["search", "write", "read"] as const;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const MODE_BITS = 0o7777;
const KIB = 1024n;

/** A path in a sentence; what a terminal would take for more is escaped. */
function shown(path: Text): string {
  return escapeText(path);
}

function place({ path }: Refusal): string {
  return path === undefined ? "the file" : shown(path);
}

function mountPoint({ mount }: Refusal): string {
  return mount === undefined ? "the mount" : `mount ${shown(mount.path)}`;
}

function filesystem({ mount }: Refusal): string {
  return mount === undefined ? "the file system" : `${mount.type} at ${shown(mount.path)}`;
}

/** "write, search" */
function wanted({ value, mode }: Refusal): string {
  const words = (mode & S_IFMT) === S_IFDIR ? MAY_IN_DIRECTORY : MAY;
  return words.filter((_, bit) => (Number(value) >> bit) & 1).join(", ");
}

function owner({ mode, uid, gid }: Refusal): string {
  return `mode ${(mode & MODE_BITS).toString(8).padStart(4, "0")}, owner ${uid}:${gid}`;
}

function you({ fsuid, fsgid }: Refusal): string {
  return `you are ${fsuid}:${fsgid}`;
}

/** 64m for 67108864, as the option is given. */
function size(bytes: bigint): string {
  let [amount, unit] = [bytes, 0];
  while (amount >= KIB && amount % KIB === 0n && unit < 3) {
    amount /= KIB;
    unit++;
  }
  return `${amount}${["", "k", "m", "g"][unit]}`;
}

/** What a walk may not leave. */
function bounds({ value, path }: Refusal): string {
  if (value === 1n) return "the root directory";
  return path === undefined ? "the descriptor's directory" : shown(path);
}

function rightsOf({ value }: Refusal): string {
  return rightNames(value).join(", ");
}

const RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [abi.REFUSED_BY_MODE, { rule: "mode", text: (r) => `${wanted(r)} ${place(r)}: ${owner(r)}, ${you(r)}` }],
  [
    abi.REFUSED_BY_ACL,
    {
      rule: "acl",
      text: (r) => `${wanted(r)} ${place(r)}: its access control list, ${owner(r)}, ${you(r)}`,
    },
  ],
  [abi.REFUSED_READONLY_MOUNT, { rule: "read-only-mount", text: (r) => `${mountPoint(r)} is read-only` }],
  [
    abi.REFUSED_READONLY_FILESYSTEM,
    { rule: "read-only-filesystem", text: (r) => `${filesystem(r)} is read-only` },
  ],
  [abi.REFUSED_ESCAPE_DOTDOT, { rule: "escape-dotdot", text: (r) => `path leaves ${bounds(r)} at ".."` }],
  [
    abi.REFUSED_ESCAPE_ABSOLUTE,
    { rule: "escape-absolute", text: () => 'path begins with "/": WASI paths are relative to a descriptor' },
  ],
  [
    abi.REFUSED_ESCAPE_LINK,
    { rule: "escape-link", text: (r) => `path leaves ${bounds(r)} by a symbolic link that begins with "/"` },
  ],
  [abi.REFUSED_ESCAPE_JUMP, { rule: "escape-jump", text: (r) => `path leaves ${bounds(r)} by a magic link` }],
  [
    abi.REFUSED_ESCAPE_MOVED,
    { rule: "escape-moved", text: (r) => `path leaves ${bounds(r)}: a directory was moved meanwhile` },
  ],
  [abi.REFUSED_RIGHTS, { rule: "rights", text: (r) => `the descriptor lacks ${rightsOf(r)}` }],
  [
    abi.REFUSED_INHERITING,
    { rule: "rights-inheriting", text: (r) => `the directory's descriptor does not hand on ${rightsOf(r)}` },
  ],
  [abi.REFUSED_NOT_READABLE, { rule: "not-readable", text: () => "the file is not open for reading" }],
  [abi.REFUSED_NOT_WRITABLE, { rule: "not-writable", text: () => "the file is not open for writing" }],
  [abi.REFUSED_OPEN_FILES, { rule: "open-files", text: (r) => `limit of open files ${r.value}` }],
  [abi.REFUSED_FILE_SIZE, { rule: "file-size", text: (r) => `limit of file size ${size(r.value)}` }],
  [
    abi.REFUSED_TMPFS_SIZE,
    { rule: "tmpfs-size", text: (r) => `limit size=${size(r.value)} of ${filesystem(r)}` },
  ],
  [
    abi.REFUSED_TMPFS_INODES,
    { rule: "tmpfs-inodes", text: (r) => `limit nr_inodes=${r.value} of ${filesystem(r)}` },
  ],
  [
    abi.REFUSED_DIRECTORY_FULL,
    { rule: "directory-full", text: () => "the directory can take no more names" },
  ],
  [abi.REFUSED_KERNEL_MEMORY, { rule: "kernel-memory", text: () => "the kernel's memory is used up" }],
  [
    abi.REFUSED_STICKY,
    {
      rule: "sticky",
      text: (r) => `${place(r)} is sticky: ${owner(r)}, and the file is of ${r.value}; ${you(r)}`,
    },
  ],
  [
    abi.REFUSED_NOT_OWNER,
    {
      rule: "not-owner",
      text: (r) =>
        `only the owner may, or ${NAME_OF_CAPABILITY.get(Number(r.value)) ?? r.value}: ${place(r)}: ${owner(r)}, ${you(r)}`,
    },
  ],
  [abi.REFUSED_MOUNT_POINT, { rule: "mount-point", text: () => "it is a mount point" }],
  [abi.REFUSED_TWO_MOUNTS, { rule: "two-mounts", text: () => "the paths are on two mounts" }],
  [abi.REFUSED_TWO_FILESYSTEMS, { rule: "two-filesystems", text: () => "the paths are on two file systems" }],
  [
    abi.REFUSED_NO_REDIRECT,
    { rule: "no-redirect", text: () => "a directory of a lower layer, and the overlay has redirect_dir=off" },
  ],
  [abi.REFUSED_WHITEOUT_NAME, { rule: "whiteout-name", text: () => "overlays keep that name for whiteouts" }],
  [
    abi.REFUSED_PROTECTED_LINK,
    { rule: "protected-link", text: (r) => `${place(r)} is not yours, and not yours to write` },
  ],
  [abi.REFUSED_DIRECTORY_LINK, { rule: "directory-link", text: () => "directories have one name" }],
  [
    abi.REFUSED_LINK_TEXT,
    { rule: "link-text", text: () => 'WASI makes no symbolic link to what begins with "/"' },
  ],
  [abi.REFUSED_BY_TYPE, { rule: "filesystem-type", text: (r) => `${filesystem(r)} does not do that` }],
  [abi.REFUSED_NODEV, { rule: "nodev", text: (r) => `${mountPoint(r)} has nodev` }],
  [abi.REFUSED_NOSYMFOLLOW, { rule: "nosymfollow", text: (r) => `${mountPoint(r)} has nosymfollow` }],
  [abi.REFUSED_TOO_MANY_LINKS, { rule: "links", text: (r) => `more than ${r.value} symbolic links` }],
  [abi.REFUSED_NOT_FOLLOWED, { rule: "not-followed", text: () => "a symbolic link, without SYMLINK_FOLLOW" }],
  [abi.REFUSED_BY_HOST, { rule: "host", text: () => "the host refused it" }],
  [abi.REFUSED_DISK_SPACE, { rule: "disk-space", text: () => "the sandbox's limit of disk space" }],
  [abi.REFUSED_GOFER_GONE, { rule: "gofer-gone", text: () => "the gofer is gone" }],
]);

/** The host gives many an errno that is no refusal: that there is no such name, say. */
const HOST_REFUSALS = new Set(
  [
    "EACCES",
    "EPERM",
    "EROFS",
    "ENOSPC",
    "EDQUOT",
    "EFBIG",
    "EIO",
    "EBUSY",
    "ETXTBSY",
    "EMFILE",
    "ENFILE",
  ].concat(["ENOMEM", "EXDEV", "EMLINK", "ENOTSUP"]),
);

/** Leaving a directory is EXDEV to Linux and EPERM to WASI. */
function isEscape(reason: number): boolean {
  return reason >= abi.REFUSED_ESCAPE_DOTDOT && reason <= abi.REFUSED_ESCAPE_MOVED;
}

/** The record at `at`, unless there is none or it is not about `errno`. */
export function readReason(
  memory: ArrayBufferLike,
  at: number,
  errno: string,
  mounts: ReadonlyMap<number, MountRecord>,
): Reason | undefined {
  const view = new DataView(memory, at, abi.SIZEOF_REFUSAL);
  const number = view.getUint32(abi.REFUSAL_REASON, true);
  const rule = RULES.get(number);
  if (rule === undefined) return undefined;
  const linux = view.getInt32(abi.REFUSAL_ERRNO, true);
  const fits = linux === 0 || wasiNameOfLinux(linux) === errno || isEscape(number);
  if (!fits || (number === abi.REFUSED_BY_HOST && !HOST_REFUSALS.has(errno))) return undefined;
  const length = view.getUint32(abi.REFUSAL_PATH_LENGTH, true);
  const path =
    length === 0 ? undefined : textOf(new Uint8Array(memory, at + abi.REFUSAL_PATH, length).slice());
  const mount = mounts.get(view.getUint32(abi.REFUSAL_MOUNT, true));
  const text = rule.text({
    value: view.getBigUint64(abi.REFUSAL_VALUE, true),
    mode: view.getUint32(abi.REFUSAL_MODE, true),
    uid: view.getUint32(abi.REFUSAL_UID, true),
    gid: view.getUint32(abi.REFUSAL_GID, true),
    fsuid: view.getUint32(abi.REFUSAL_FSUID, true),
    fsgid: view.getUint32(abi.REFUSAL_FSGID, true),
    path,
    mount,
  });
  return {
    rule: rule.rule,
    text,
    ...(mount === undefined ? {} : { mount: mount.path }),
    ...(path === undefined ? {} : { path }),
  };
}
