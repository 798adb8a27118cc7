// What annotations say of the volumes of a pod: that one is memory, and whether containers share it (MH rows).
//
//   dev.gvisor.spec.mount.NAME.source    what the mounts of containers name as their source
//   dev.gvisor.spec.mount.NAME.type      tmpfs or bind
//   dev.gvisor.spec.mount.NAME.share     container, pod, or shared: with others on the host as well
//   dev.gvisor.spec.mount.NAME.options   of mounts, between commas
//
// The prefix may be wvisor.dev/mount. as well. A tmpfs of a pod or of one container is a file system of the sandbox's own, made once;
// whatever type the containers' mounts of that source have. A bind is served for each container, and read anew when others may
// change it. What names no field, or a field that makes no sense, is left out with a warning, as gVisor does since 2023.

import { parseMountOptions, unknownOption } from "../config/mount-options.ts";
import type { CachePolicy } from "../config/sandbox-config.ts";
import { MNT_NOATIME, MNT_NOEXEC, MNT_NOSUID, MNT_READONLY } from "../kernel/exports.ts";
import { SpecError } from "./runtime-spec.ts";

const PREFIXES = ["dev.gvisor.spec.mount.", "wvisor.dev/mount."];
const TYPES = ["tmpfs", "bind"] as const;
const SHARES = ["container", "pod", "shared"] as const;
/** Said to gVisor, and without effect here. */
const WITHOUT_EFFECT = ["directfs", "lifecycle"];
/** More than any pod has; each is looked at for each mount. */
const HINTS_MAX = 1024;

export interface VolumeHint {
  readonly name: string;
  readonly source: string;
  readonly type: (typeof TYPES)[number];
  readonly share: (typeof SHARES)[number];
  readonly options: readonly string[];
  /** Of a bind: nobody else changes one container's (MH-07). */
  readonly cache: CachePolicy;
}

/** By their sources (MH-04). */
export type VolumeHints = ReadonlyMap<string, VolumeHint>;

/** Errors: SpecError for what is no annotation of that form, and for two volumes with one source. */
export function parseVolumeHints(
  annotations: Readonly<Record<string, string>>,
  warn: (text: string) => void,
): VolumeHints {
  const hints = new Map<string, VolumeHint>();
  for (const [name, fields] of groupByName(annotations)) {
    const hint = completeHint(name, fields, warn);
    if (hint === undefined) continue;
    const other = hints.get(hint.source);
    if (other !== undefined) {
      const names = `${quote(other.name)} and ${quote(name)}`;
      throw new SpecError("annotations", `mounts ${names} have the same mount source ${quote(hint.source)}`);
    }
    hints.set(hint.source, hint);
  }
  return hints;
}

/** A file system that the sandbox makes once and keeps (MH-05). */
export function isSharedMemory({ type, share }: VolumeHint): boolean {
  return type === "tmpfs" && share !== "shared";
}

/** What the volume is mounted without, no container may have: undefined, or what is wrong (MH-06, as of 2023). */
export function checkVolumeOptions({ options }: VolumeHint, mount: readonly string[]): string | undefined {
  const strict = MNT_READONLY | MNT_NOEXEC | MNT_NOATIME | MNT_NOSUID;
  const missing = parseMountOptions(options).flags & ~parseMountOptions(mount).flags & strict;
  if (missing === 0) return undefined;
  const both = `annotation: ${options.join(",")}, mount: ${mount.join(",")}`;
  return `mount options in annotations differ from container mount, ${both}`;
}

/** Errors: SpecError (MH-01). */
function groupByName(annotations: Readonly<Record<string, string>>): Map<string, Map<string, string>> {
  const groups = new Map<string, Map<string, string>>();
  for (const [key, value] of Object.entries(annotations)) {
    const prefix = PREFIXES.find((each) => key.startsWith(each));
    if (prefix === undefined) continue;
    const [name, field, ...more] = key.slice(prefix.length).split(".");
    if (field === undefined || more.length > 0) {
      throw new SpecError("annotations", `invalid mount annotation: ${key}=${value}`);
    }
    if (name === undefined || name === "") throw new SpecError("annotations", `invalid mount name: ${key}`);
    const fields = groups.get(name) ?? new Map<string, string>();
    groups.set(name, fields.set(field, value));
    if (groups.size > HINTS_MAX) throw new SpecError("annotations", `more than ${HINTS_MAX} mounts`);
  }
  return groups;
}

/** Undefined for one that does not say enough (MH-02, MH-03). */
function completeHint(
  name: string,
  fields: ReadonlyMap<string, string>,
  warn: (text: string) => void,
): VolumeHint | undefined {
  const source = fields.get("source") ?? "";
  const type = oneOf(TYPES, fields.get("type"));
  const share = oneOf(SHARES, fields.get("share"));
  const options = splitOptions(fields.get("options"));
  const problem =
    unknownField(fields) ??
    (source === "" ? "source cannot be empty" : undefined) ??
    (type === undefined ? `invalid type ${quote(fields.get("type") ?? "")}` : undefined) ??
    (share === undefined ? `invalid share ${quote(fields.get("share") ?? "")}` : undefined) ??
    optionsProblem(type ?? "tmpfs", options);
  if (problem !== undefined || type === undefined || share === undefined) {
    warn(`annotations: ignoring what they say of the mount ${quote(name)}: ${problem}`);
    return undefined;
  }
  const cache = share === "container" ? "exclusive" : "shared";
  return { name, source, type, share, options, cache };
}

function unknownField(fields: ReadonlyMap<string, string>): string | undefined {
  const known = ["source", "type", "share", "options", ...WITHOUT_EFFECT];
  const unknown = [...fields.keys()].find((field) => !known.includes(field));
  return unknown === undefined ? undefined : `unknown field ${quote(unknown)}`;
}

function optionsProblem(type: string, options: readonly string[]): string | undefined {
  const unknown = unknownOption(type, parseMountOptions(options).rest);
  return unknown === undefined ? undefined : `unknown mount option ${quote(unknown)}`;
}

/** Sorted, as gVisor has them. */
function splitOptions(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .filter((option) => option !== "")
    .sort();
}

function oneOf<T extends string>(known: readonly T[], text: string | undefined): T | undefined {
  return known.find((each) => each === text);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
