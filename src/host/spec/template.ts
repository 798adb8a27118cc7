// The config.json that `wvisor spec` writes: small enough to read, complete enough to run.

import { basename } from "node:path";
import { DEFAULT_HOME, DEFAULT_HOSTNAME, DEFAULT_PATH, RUNTIME_DIRECTORY } from "../config/defaults.ts";

/** The root directory, relative to the bundle. */
export const ROOT_DIRECTORY = "rootfs";

/** A bundle that runs the host's `module` (absolute) with `args`, as root of an otherwise empty, read-only file system. */
export function specTemplate(module: string, args: readonly string[]): object {
  const program = `${RUNTIME_DIRECTORY}/${basename(module)}`;
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args: [program, ...args],
      env: [`PATH=${DEFAULT_PATH}`, `HOME=${DEFAULT_HOME}`],
      cwd: "/",
      capabilities: { effective: [] },
    },
    root: { path: ROOT_DIRECTORY, readonly: true },
    hostname: DEFAULT_HOSTNAME,
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "devtmpfs", source: "devtmpfs" },
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["mode=1777"] },
      { destination: program, type: "bind", source: module, options: ["bind", "ro"] },
    ],
  };
}
