// The mounts of a bundle, from OCI's words to what the kernel mounts.
//
// Options of mounts in general become flags of the mount; an option that neither mounts nor the file system have is refused, where
// gVisor only warns (V21-27): a sandbox that silently lacks a "noexec" is not what was asked for. A mount of a type that the kernel
// does not have is left out with a warning (V21-26).
//
// A destination that is not absolute begins at the root, as in runc.

import { resolve } from "node:path";
import { parseMountOptions, unknownOption } from "../config/mount-options.ts";
import type {
  BindSource,
  CachePolicy,
  MountConfig,
  MountSource,
  OverlaySource,
  SharedVolume,
  TmpfsSource,
} from "../config/sandbox-config.ts";
import { cleanPath } from "../config/sandbox-path.ts";
import { parseTmpfsOptions, splitOption } from "../config/tmpfs-options.ts";
import { MNT_READONLY, MNT_RELATIME } from "../kernel/exports.ts";
import { SpecError, type SpecMount } from "./runtime-spec.ts";
import { checkVolumeOptions, isSharedMemory, type VolumeHints } from "./volume-hints.ts";

/** Types that the kernel makes from the options alone. */
const KERNEL_FILESYSTEMS = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"] as const;

export interface MountContext {
  /** Relative sources start here. */
  readonly bundle: string;
  /** Writable binds get an overlay in memory. */
  readonly overlay: boolean;
  /** What each of them may have in bytes; the kernel's own limit when undefined. */
  readonly overlayBytes?: number | undefined;
  readonly cache: CachePolicy;
  /** What annotations say of sources. */
  readonly hints: VolumeHints;
  warn(text: string): void;
}

/** Where a mount is, clean; undefined for what is no path. */
export function mountPlace(destination: string): string | undefined {
  return cleanPath(destination.startsWith("/") ? destination : `/${destination}`);
}

/** Errors: SpecError with the path of the field. */
export function convertMounts(mounts: readonly SpecMount[], context: MountContext): MountConfig[] {
  const converted: MountConfig[] = [];
  mounts.forEach((mount, index) => {
    const path = `mounts[${index}]`;
    const destination = mountPlace(mount.destination);
    if (destination === undefined) {
      throw new SpecError(`${path}.destination`, "must be a path of at most 4095 bytes");
    }
    if (destination === "/") throw new SpecError(`${path}.destination`, "must not be /, which root sets");
    const { flags, remount, bind, rest } = parseMountOptions(mount.options);
    if (remount) {
      remountLast(converted, destination, flags, path);
      return;
    }
    const source = convertSource(mount, destination, path, context);
    if (source === undefined) {
      context.warn(`${path}.type: ignoring unknown filesystem type "${mount.type}"`);
      return;
    }
    const unknown = unknownOption(bind ? "bind" : mount.type, rest);
    if (unknown !== undefined) {
      throw optionsProblem(path, `the mount at ${destination} has no option "${unknown}" (EINVAL)`);
    }
    const shared = sharedVolume(mount, path, context.hints);
    const named = withDevice({ destination, source, ...shared }, mount.source);
    converted.push(withFlags(named, flags & ~MNT_READONLY));
  });
  return converted;
}

/** What the bundle calls a file system that is the kernel's own: "proc", "shm". A path of the host is not shown. */
function withDevice(mount: MountConfig, device: string): MountConfig {
  const { type } = mount.source;
  if (device.startsWith("/")) return mount;
  return device !== "" && (type === "kernel" || type === "tmpfs") ? { ...mount, device } : mount;
}

/** Flags that every mount has anyway are left out. */
function withFlags(mount: MountConfig, flags: number): MountConfig {
  return flags === MNT_RELATIME ? mount : { ...mount, flags };
}

/** "remount": the newest mount of that place gets other flags. A source that the host protects stays read-only. */
function remountLast(converted: MountConfig[], destination: string, flags: number, path: string): void {
  const index = converted.findLastIndex((mount) => mount.destination === destination);
  const before = converted[index];
  if (before === undefined)
    throw optionsProblem(path, `remount: nothing is mounted at ${destination} (EINVAL)`);
  const readonly = (flags & MNT_READONLY) !== 0;
  const { flags: _old, ...rest } = before;
  converted[index] = withFlags({ ...rest, source: { ...before.source, readonly } }, flags & ~MNT_READONLY);
}

/** What says so of a bind: an overlay in memory, of a size where one is given. */
export function memoryOverlay(
  overlay: boolean,
  bytes: number | undefined,
): Pick<BindSource, "overlay" | "overlayBytes"> {
  return overlay && bytes !== undefined ? { overlay, overlayBytes: bytes } : { overlay };
}

function convertSource(
  mount: SpecMount,
  destination: string,
  path: string,
  context: MountContext,
): MountSource | undefined {
  const { type, options } = mount;
  const hint = context.hints.get(mount.source);
  if (hint !== undefined && isSharedMemory(hint)) {
    return { ...convertTmpfs(hint.options, path), readonly: isReadonly(options) };
  }
  // The option makes a bind of any type, as in gVisor: engines write type "none" or leave it out.
  if (type === "bind" || options.includes("bind") || options.includes("rbind")) {
    if (mount.source === "") throw new SpecError(`${path}.source`, "must not be empty");
    const readonly = isReadonly(options);
    const overlay = memoryOverlay(context.overlay && !readonly, context.overlayBytes);
    const source = resolve(context.bundle, mount.source);
    return { type: "bind", source, readonly, ...overlay, cache: hint?.cache ?? context.cache };
  }
  const { flags, rest } = parseMountOptions(options);
  const readonly = (flags & MNT_READONLY) !== 0;
  const text = rest.join(",");
  // An engine fills the tmpfs that it mounts at /dev with devices: ours comes with them (CM-01).
  if (type === "devtmpfs" || (type === "tmpfs" && destination === "/dev")) {
    return { type: "kernel", name: "devtmpfs", options: text, readonly };
  }
  if (type === "tmpfs") return convertTmpfs(options, path);
  if (type === "overlay") return convertOverlay(options, path, context);
  const name = KERNEL_FILESYSTEMS.find((each) => each === type);
  return name === undefined ? undefined : { type: "kernel", name, options: text, readonly };
}

/** A mount whose source annotations speak of, checked against what they say. */
function sharedVolume(
  mount: SpecMount,
  path: string,
  hints: VolumeHints,
): { readonly shared?: SharedVolume } {
  const hint = hints.get(mount.source);
  if (hint === undefined || !isSharedMemory(hint)) return {};
  const problem = checkVolumeOptions(hint, mount.options);
  if (problem !== undefined) throw optionsProblem(path, problem);
  return { shared: { name: hint.name, source: hint.source } };
}

/** The last of "ro" and "rw" wins. */
function isReadonly(options: readonly string[]): boolean {
  return (parseMountOptions(options).flags & MNT_READONLY) !== 0;
}

function convertTmpfs(options: readonly string[], path: string): TmpfsSource {
  const { source, problem } = parseTmpfsOptions(options);
  if (problem !== undefined) throw optionsProblem(path, problem);
  return source;
}

function convertOverlay(options: readonly string[], path: string, context: MountContext): MountSource {
  let lowers: string[] = [];
  let upper: string | undefined;
  const others: string[] = [];
  for (const option of parseMountOptions(options).rest) {
    const [key, value] = splitOption(option);
    if (key === "lowerdir" && value !== undefined) lowers = splitLowers(value);
    else if (key === "upperdir" && value !== undefined) upper = value;
    else if (key !== "workdir") others.push(option);
  }
  if (lowers.length === 0 || lowers.includes("")) {
    throw optionsProblem(path, "an overlay needs lowerdir=DIR[:DIR...]");
  }
  if (upper === "") throw optionsProblem(path, "upperdir is empty");
  // Work files are made beside their places, by a gofer that serves the upper layer and nothing beside it.
  if (upper !== undefined && others.includes("index=on")) {
    throw optionsProblem(path, "index=on needs an upper layer in memory");
  }
  const source: OverlaySource = {
    type: "overlay",
    lowers: lowers.map((lower) => resolve(context.bundle, lower)),
    upper: upper === undefined ? undefined : resolve(context.bundle, upper),
    readonly: isReadonly(options),
    cache: context.cache,
  };
  return others.length === 0 ? source : { ...source, options: others.join(",") };
}

/** Directories between colons; "\:" is a colon in a name, as in overlayfs. */
function splitLowers(value: string): string[] {
  const names = value.match(/(?:\\.|[^:\\])+|(?<=^|:)(?=:|$)/g) ?? [];
  return names.map((name) => name.replace(/\\(.)/g, "$1"));
}

function optionsProblem(path: string, problem: string): SpecError {
  return new SpecError(`${path}.options`, problem);
}
