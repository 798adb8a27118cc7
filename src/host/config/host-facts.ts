// What a front end takes from the process it runs in: in one place, so that nothing else of the host leaks into a sandbox
// unnoticed, and tests can say who the caller is.

import { WvisorError } from "../../common/errors.ts";
import { reasonOf } from "./host-file.ts";

export interface HostFacts {
  /** Relative paths of the command line start here. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  /** Where wVisor itself is installed: known runtimes are looked for from here too. */
  readonly ownDirectory: string;
}

/** Fails where somebody removed the directory meanwhile. */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    const message = `the current directory: ${reasonOf(cause)}`;
    throw new WvisorError("ERR_WVISOR_CURRENT_DIRECTORY", message, undefined, { cause });
  }
}

export function hostFacts(): HostFacts {
  return {
    cwd: currentDirectory(),
    env: process.env,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
    umask: process.umask(),
    ownDirectory: import.meta.dirname,
  };
}
