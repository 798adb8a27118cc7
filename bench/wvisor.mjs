// Runs a guest in the sandbox, through the built command line.

import { fileURLToPath } from "node:url";
import { runProcess } from "./process.mjs";

const CLI = fileURLToPath(new URL("../build/cli.js", import.meta.url));

/** Where the guest works, for each kind of file system. */
const MOUNTS = {
  tmpfs: () => ["--tmpfs", "/bench"],
  bind: (directory) => ["-v", `${directory}:/bench:exclusive`],
  shared: (directory) => ["-v", `${directory}:/bench:shared`],
  overlay: (directory) => ["-v", `${directory}:/bench:O`],
};

/** The arguments of `node` that run the guest with /bench on that file system. */
export function commandLine(mode, directory, guest, args = []) {
  return [CLI, "do", ...MOUNTS[mode](directory), "--", guest, ...args];
}

/** Runs it and returns its standard output. */
export function run({ node, mode, directory, guest, args }) {
  return runProcess(node, commandLine(mode, directory, guest, args));
}
