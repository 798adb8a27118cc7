// The mounts of a bundle, from OCI's words to what the kernel mounts.
//
// Options that are not listed here (nosuid, nodev, relatime, propagation, ...) are accepted and have no effect, as in
// gVisor: there are no set-user-id programs and no device nodes but the kernel's own in a sandbox.

import { resolve } from "node:path";
import type { MountConfig, MountSource } from "../config/sandbox-config.ts";
import { cleanPath } from "../config/sandbox-path.ts";
import { parseTmpfsOptions, splitOption } from "../config/tmpfs-options.ts";
import { SpecError, type SpecMount } from "./runtime-spec.ts";

/** File systems that the kernel does not have yet: programs find the directory, and nothing in it. */
const PLACEHOLDERS = new Set(["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"]);

export interface MountContext {
  /** Relative sources start here. */
  readonly bundle: string;
  /** Writable binds get an overlay in memory. */
  readonly overlay: boolean;
  warn(text: string): void;
}

/** Errors: SpecError with the path of the field. */
export function convertMounts(mounts: readonly SpecMount[], context: MountContext): MountConfig[] {
  const converted: MountConfig[] = [];
  mounts.forEach((mount, index) => {
    const path = `mounts[${index}]`;
    const destination = cleanPath(mount.destination);
    if (destination === undefined) throw new SpecError(`${path}.destination`, "must be an absolute path");
    if (destination === "/") throw new SpecError(`${path}.destination`, "must not be /, which root sets");
    const source = convertSource(mount, destination, path, context);
    if (source === undefined) {
      context.warn(`${path}: ignoring unknown file system type "${mount.type}" at ${destination}`);
    } else converted.push({ destination, source });
  });
  return converted;
}

function convertSource(
  mount: SpecMount,
  destination: string,
  path: string,
  context: MountContext,
): MountSource | undefined {
  const { type, options } = mount;
  // The option makes a bind of any type, as in gVisor: engines write type "none" or leave it out.
  if (type === "bind" || options.includes("bind") || options.includes("rbind")) {
    if (mount.source === "") throw new SpecError(`${path}.source`, "must not be empty");
    const readonly = isReadonly(options);
    const overlay = context.overlay && !readonly;
    const source = resolve(context.bundle, mount.source);
    return { type: "bind", source, readonly, overlay, cache: "exclusive" };
  }
  if (type === "devtmpfs" || (type === "tmpfs" && destination === "/dev")) return { type: "devtmpfs" };
  if (type === "tmpfs") return convertTmpfs(options, path);
  if (type === "overlay") return convertOverlay(options, path, context);
  if (PLACEHOLDERS.has(type)) return { type: "placeholder", name: type };
  return undefined;
}

/** The last of "ro" and "rw" wins. */
function isReadonly(options: readonly string[]): boolean {
  return options.findLast((option) => option === "ro" || option === "rw") === "ro";
}

function convertTmpfs(options: readonly string[], path: string): MountSource {
  const { source, problem } = parseTmpfsOptions(options);
  if (problem !== undefined) throw optionsProblem(path, problem);
  return source;
}

function convertOverlay(options: readonly string[], path: string, context: MountContext): MountSource {
  let lowers: string[] = [];
  let upper: string | undefined;
  for (const option of options) {
    const [key, value] = splitOption(option);
    if (key === "lowerdir" && value !== undefined) lowers = splitLowers(value);
    else if (key === "upperdir" && value !== undefined) upper = value;
  }
  if (lowers.length === 0 || lowers.includes("")) {
    throw optionsProblem(path, "an overlay needs lowerdir=DIR[:DIR...]");
  }
  if (upper === "") throw optionsProblem(path, "upperdir is empty");
  return {
    type: "overlay",
    lowers: lowers.map((lower) => resolve(context.bundle, lower)),
    upper: upper === undefined ? undefined : resolve(context.bundle, upper),
    readonly: isReadonly(options),
    cache: "exclusive",
  };
}

/** Directories between colons; "\:" is a colon in a name, as in overlayfs. */
function splitLowers(value: string): string[] {
  const names = value.match(/(?:\\.|[^:\\])+|(?<=^|:)(?=:|$)/g) ?? [];
  return names.map((name) => name.replace(/\\(.)/g, "$1"));
}

function optionsProblem(path: string, problem: string): SpecError {
  return new SpecError(`${path}.options`, problem);
}
