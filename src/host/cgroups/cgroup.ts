// The cgroup of a container: a directory in each hierarchy, and how that is written down.
//
// The file "cgroups" of a container's directory has a line for each controller, or for the hierarchy of version 2:
//   memory /sys/fs/cgroup/memory/a/b
//   unified /sys/fs/cgroup/unified/a/b
// It is written before the first directory is made, so that whoever finds it can remove them all.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CgroupSystem, directoryIn, UNIFIED } from "./hierarchies.ts";

export const CGROUPS = "cgroups";

export class Cgroup {
  /** By controller, or UNIFIED. */
  readonly paths: ReadonlyMap<string, string>;

  constructor(paths: ReadonlyMap<string, string>) {
    this.paths = paths;
  }

  /** Undefined where no hierarchy is mounted. `path` as cgroupPath() gives it. */
  static at({ version, hierarchies }: CgroupSystem, path: string): Cgroup | undefined {
    if (hierarchies.length === 0) return undefined;
    const paths = hierarchies.flatMap((hierarchy) => {
      const directory = directoryIn(hierarchy, version, path);
      return hierarchy.names.map((name): [string, string] => [name, directory]);
    });
    return new Cgroup(new Map(paths));
  }

  /** Version 2 alone, or version 1, perhaps with the other beside it. */
  get version(): 1 | 2 {
    return this.paths.size === 1 && this.paths.has(UNIFIED) ? 2 : 1;
  }

  get directories(): string[] {
    return [...new Set(this.paths.values())];
  }

  /** A process that writes "0" there is in the cgroup. */
  get processFiles(): string[] {
    return this.directories.map((directory) => join(directory, "cgroup.procs"));
  }

  /** The directory that has a controller's files; undefined where the controller is not mounted. */
  directoryOf(controller: string): string | undefined {
    return this.paths.get(this.version === 2 ? UNIFIED : controller);
  }

  toString(): string {
    return [...this.paths].map(([name, directory]) => `${name} ${directory}\n`).join("");
  }
}

/** What is written down in a container's directory; undefined when it has no cgroup. */
export function readCgroup(containerDirectory: string): Cgroup | undefined {
  let text: string;
  try {
    text = readFileSync(join(containerDirectory, CGROUPS), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const lines = text.split("\n").filter((line) => line !== "");
  const paths = lines.map((line): [string, string] => {
    const blank = line.indexOf(" ");
    return [line.slice(0, blank), line.slice(blank + 1)];
  });
  return new Cgroup(new Map(paths));
}
