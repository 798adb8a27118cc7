// Which cgroup a container gets: linux.cgroupsPath, turned into a path as runc does.

import { posix } from "node:path";
import { WvisorError } from "../../common/errors.ts";

/** Where systemd keeps what nobody put elsewhere. */
const DEFAULT_SLICE = "system.slice";
const DEFAULT_PREFIX = "wvisor";
const SLICE = ".slice";
/** It stands in a line of a file of ours, and no engine has one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/**
 * An absolute path counts from the root of each hierarchy, a relative one from the cgroup of the caller (directoryIn()). With
 * `systemd` what is given has the form SLICE:PREFIX:NAME. `name` is for who gave nothing. Errors: WvisorError.
 */
export function cgroupPath(given: string, name: string, systemd: boolean): string {
  if (CONTROL_CHARACTER.test(given)) throw refused(given, "must not have control characters");
  if (systemd) return systemdPath(given, name);
  if (given.startsWith("/")) return posix.normalize(given);
  const inside = posix.normalize(`/${given}`).slice(1);
  return inside === "" ? name : inside;
}

function systemdPath(given: string, defaultName: string): string {
  if (given === "") return posix.join(expandSlice(DEFAULT_SLICE), unitName(DEFAULT_PREFIX, defaultName));
  const parts = given.split(":");
  if (parts.length !== 3) throw refused(given, 'expected "slice:prefix:name" with --systemd-cgroup');
  const [slice, prefix, name] = parts as [string, string, string];
  const unit = unitName(prefix, name);
  if (unit.includes("/") || unit.startsWith(".")) throw refused(given, "the name of a unit has no slash");
  return posix.join(expandSlice(slice === "" ? DEFAULT_SLICE : slice), unit);
}

function unitName(prefix: string, name: string): string {
  if (name.endsWith(SLICE)) return name;
  return prefix === "" ? `${name}.scope` : `${prefix}-${name}.scope`;
}

/** "a-b.slice" lies in "a.slice" (systemd.slice(5)): "/a.slice/a-b.slice". "-.slice" is the root. */
export function expandSlice(slice: string): string {
  if (slice === `-${SLICE}`) return "/";
  const name = slice.slice(0, -SLICE.length);
  if (!slice.endsWith(SLICE) || name === "" || /\/|^-|-$|--/.test(name)) {
    throw new WvisorError("ERR_WVISOR_CONTAINER", `invalid slice name: ${slice}`);
  }
  const parts = name.split("-");
  const path = parts.map((_, at) => `${parts.slice(0, at + 1).join("-")}${SLICE}`);
  return `/${path.join("/")}`;
}

function refused(given: string, why: string): WvisorError {
  const shown = JSON.stringify(given.slice(0, 128));
  return new WvisorError("ERR_WVISOR_CONTAINER", `linux.cgroupsPath ${shown}: ${why}`);
}
