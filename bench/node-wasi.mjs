// Runs a guest under node:wasi on a directory of the host.

import { fileURLToPath } from "node:url";
import { runProcess } from "./process.mjs";

const PROCESS = fileURLToPath(new URL("node-wasi-process.mjs", import.meta.url));

export function commandLine(directory, guest, args = []) {
  return ["--no-warnings", PROCESS, guest, directory, ...args];
}

export function run({ node, directory, guest, args }) {
  return runProcess(node, commandLine(directory, guest, args));
}
