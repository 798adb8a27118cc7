// Mounts as callers name them.

import { DEFAULT_TMPFS } from "../host/config/defaults.ts";
import type { CachePolicy, MountConfig, MountSource, TmpfsSource } from "../host/config/sandbox-config.ts";
import { cleanPath } from "../host/config/sandbox-path.ts";
import {
  checkArray,
  checkBoolean,
  checkInteger,
  checkNames,
  checkObject,
  checkOneOf,
  checkString,
  wrongValue,
} from "./arguments.ts";
import { checkId, checkSize, hostFile, type Size, type User } from "./values.ts";

interface BindOptions {
  readonly type: "bind";
  /** A directory or file of the host. */
  readonly src: string | URL;
  /** Programs cannot change it. */
  readonly ro?: boolean;
  /** Programs' changes stay in memory: nothing on disk changes. */
  readonly overlay?: boolean;
  /** "exclusive": nobody else changes it meanwhile, which is faster; "shared", the default: look again each time. */
  readonly cache?: CachePolicy;
}

interface TmpfsOptions {
  readonly type: "tmpfs";
  /** The most that its files may hold. */
  readonly size?: Size;
  /** The most files. */
  readonly inodes?: number;
  /** Permission bits of its root: 0o1777, or 0o755 of the root directory. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly ro?: boolean;
}

/** Host directories on top of each other, as Linux's overlay has them. */
interface OverlayOptions {
  readonly type: "overlay";
  /** From top to bottom; never changed. */
  readonly lower: readonly (string | URL)[];
  /** Takes the changes, as Linux's overlay writes them; memory when absent. */
  readonly upper?: string | URL;
  readonly cache?: CachePolicy;
}

export type Root = BindOptions | TmpfsOptions | OverlayOptions;
/** `dst`: an absolute path inside the sandbox; made where it is missing. */
export type Mount = Root & { readonly dst: string };

/** What mounts() lists. */
export interface MountInfo {
  readonly type: "bind" | "tmpfs" | "overlay";
  readonly dst: string;
  /** Of the host. */
  readonly src?: string;
  readonly ro: boolean;
  readonly overlay: boolean;
}

const PERMISSION_BITS = 0o7777;
const INODES_MAX = 2 ** 32 - 1;
const KEYS = {
  bind: ["type", "src", "dst", "ro", "overlay", "cache"],
  tmpfs: ["type", "dst", "size", "inodes", "mode", "uid", "gid", "ro"],
  overlay: ["type", "dst", "lower", "upper", "cache"],
} as const;

export function mountConfig(value: unknown, name: string): MountConfig {
  const mount = checkObject(name, value);
  const destination = cleanPath(checkString(`${name}.dst`, mount.dst));
  if (destination === undefined || destination === "/") {
    throw wrongValue(`${name}.dst`, "must be an absolute path below the root", mount.dst);
  }
  return { destination, source: checkSource(mount, name, DEFAULT_TMPFS) };
}

/** An empty root belongs to the user, who may do there as he likes. */
export function rootSource(value: unknown, { uid, gid = 0 }: User): MountSource {
  const own: TmpfsSource = { ...DEFAULT_TMPFS, mode: 0o755, uid, gid };
  if (value === undefined) return own;
  const root = checkObject("options.root", value);
  if (root.dst !== undefined) throw wrongValue("options.root.dst", "is not for the root", root.dst);
  return checkSource(root, "options.root", own);
}

function checkSource(mount: Record<string, unknown>, name: string, tmpfs: TmpfsSource): MountSource {
  const type = checkOneOf(`${name}.type`, mount.type, ["bind", "tmpfs", "overlay"]);
  checkNames(name, mount, KEYS[type]);
  if (type === "tmpfs") return tmpfsSource(mount, name, tmpfs);
  const cache =
    mount.cache === undefined ? "shared" : checkOneOf(`${name}.cache`, mount.cache, ["exclusive", "shared"]);
  if (type === "bind") {
    const readonly = flag(mount, name, "ro");
    const overlay = flag(mount, name, "overlay") && !readonly;
    return { type, source: hostFile(`${name}.src`, mount.src), readonly, overlay, cache };
  }
  const lowers = checkArray(`${name}.lower`, mount.lower).map((lower, index) =>
    hostFile(`${name}.lower[${index}]`, lower),
  );
  if (lowers.length === 0) throw wrongValue(`${name}.lower`, "must not be empty", lowers);
  const upper = mount.upper === undefined ? undefined : hostFile(`${name}.upper`, mount.upper);
  return { type, lowers, upper, readonly: false, cache };
}

function tmpfsSource(mount: Record<string, unknown>, name: string, initial: TmpfsSource): TmpfsSource {
  const { size, inodes, mode, uid, gid } = mount;
  return {
    ...initial,
    readonly: flag(mount, name, "ro"),
    ...(size !== undefined && { sizeBytes: checkSize(`${name}.size`, size) }),
    ...(inodes !== undefined && { inodes: checkInteger(`${name}.inodes`, inodes, 1, INODES_MAX) }),
    ...(mode !== undefined && { mode: checkInteger(`${name}.mode`, mode, 0, PERMISSION_BITS) }),
    ...(uid !== undefined && { uid: checkId(`${name}.uid`, uid) }),
    ...(gid !== undefined && { gid: checkId(`${name}.gid`, gid) }),
  };
}

function flag(mount: Record<string, unknown>, name: string, key: string): boolean {
  return mount[key] === undefined ? false : checkBoolean(`${name}.${key}`, mount[key]);
}

export function mountInfo({ destination, source }: MountConfig): MountInfo {
  const overlay = source.type === "overlay" || (source.type === "bind" && source.overlay);
  // A kernel's own file system is nothing that callers mount.
  const type = source.type === "kernel" ? "tmpfs" : source.type;
  const info = { type, dst: destination, ro: source.readonly, overlay };
  return source.type === "bind" ? { ...info, src: source.source } : info;
}
