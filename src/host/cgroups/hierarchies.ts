// The cgroup hierarchies that this system has mounted, and where in each of them this process is (cgroups(7)).
//
// Version 2 alone is one hierarchy at /sys/fs/cgroup. Version 1 has one for each controller, or for several together, below that
// directory, and beside them there may be one of version 2 without the controllers that the others took ("hybrid").

import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

export const CGROUP_ROOT = "/sys/fs/cgroup";
/** How the only hierarchy of version 2 is called among those of version 1, whose names are their controllers'. */
export const UNIFIED = "unified";

export interface Hierarchy {
  /** Its controllers ("cpu", "name=systemd"), or UNIFIED alone. */
  readonly names: readonly string[];
  readonly mountPoint: string;
  /** Of all its cgroups, the one that is seen at the mount point. */
  readonly mountRoot: string;
  /** The cgroup that this process is in. */
  readonly own: string;
}

export interface CgroupSystem {
  /** What limits are set by. */
  readonly version: 1 | 2;
  /** None where cgroups are not mounted. */
  readonly hierarchies: readonly Hierarchy[];
}

/** `read`: a file below /proc. */
export function findHierarchies(
  read: (file: string) => string = (file) => readFileSync(file, "utf8"),
): CgroupSystem {
  const own = parseMembership(read("/proc/self/cgroup"));
  const mounts = parseMounts(read("/proc/self/mountinfo"));
  const unified = mounts.findLast(({ unified, mountPoint }) => unified && mountPoint === CGROUP_ROOT);
  const seen = unified === undefined ? mounts : [unified];
  const names = new Set<string>();
  const hierarchies: Hierarchy[] = [];
  for (const mount of seen) {
    // Another place where the same is mounted.
    if (mount.names.some((name) => names.has(name))) continue;
    for (const name of mount.names) names.add(name);
    hierarchies.push({
      names: mount.names,
      mountPoint: mount.mountPoint,
      mountRoot: mount.mountRoot,
      own: own.get(mount.names[0]!) ?? "/",
    });
  }
  return { version: unified === undefined ? 1 : 2, hierarchies };
}

/** The directory of a cgroup: of an absolute path, or of one below the cgroup that this process is in. */
export function directoryIn(hierarchy: Hierarchy, version: 1 | 2, path: string): string {
  const { mountPoint, mountRoot, own } = hierarchy;
  if (path.startsWith("/")) return join(mountPoint, path);
  // Version 2 lets a cgroup have either processes or limits for those below: the one above ours has none.
  const start = version === 2 ? join(own, "..") : own;
  return join(mountPoint, below(mountRoot, start), path);
}

/** What of `path` is seen where `root` is mounted. */
function below(root: string, path: string): string {
  const rest = relative(root, path);
  return rest.startsWith("..") ? "" : rest;
}

interface MountLine {
  readonly names: readonly string[];
  readonly mountPoint: string;
  readonly mountRoot: string;
  readonly unified: boolean;
}

const MOUNT_ROOT = 3;
const MOUNT_POINT = 4;
const TYPE = 0;
const SUPER_OPTIONS = 2;
/** What is no controller among the options of a mount of version 1. */
const MOUNT_FLAGS = new Set([
  "rw",
  "ro",
  "xattr",
  "noprefix",
  "clone_children",
  "cpuset_v2_mode",
  "all",
  "none",
]);

/** Those below CGROUP_ROOT (proc_pid_mountinfo(5)). */
function parseMounts(text: string): MountLine[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const fields = before.split(" ");
    const types = after.split(" ");
    const mountPoint = decodeOctal(fields[MOUNT_POINT]!);
    const unified = types[TYPE] === "cgroup2";
    if (!unified && types[TYPE] !== "cgroup") return [];
    if (mountPoint !== CGROUP_ROOT && !mountPoint.startsWith(`${CGROUP_ROOT}/`)) return [];
    const names = unified ? [UNIFIED] : types[SUPER_OPTIONS]!.split(",").filter(isController);
    if (names.length === 0) return [];
    return [{ names, mountPoint, mountRoot: decodeOctal(fields[MOUNT_ROOT]!), unified }];
  });
}

function isController(option: string): boolean {
  return !MOUNT_FLAGS.has(option) && (!option.includes("=") || option.startsWith("name="));
}

/** Blanks, tabs, line ends and backslashes are written as octal digits. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** /proc/self/cgroup: "4:memory:/a/b", "1:name=systemd:/a", "0::/a". */
function parseMembership(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined) continue;
    for (const name of controllers === "" ? [UNIFIED] : controllers.split(",")) own.set(name, path!);
  }
  return own;
}
