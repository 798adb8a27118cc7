// Runs the gofer alone: from its spawn until it ends because the other end of its only socket is closed.

import { spawn } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const GOFER = fileURLToPath(new URL("../build/gofer.js", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../build/native/wv-launch", import.meta.url));
/** What wVisor starts it with. */
const NODE_FLAGS = ["--no-warnings", "--v8-pool-size=1"];
const SOCKET_FD = 3;
const CONFIG_FD = 4;

/** Writes the gofer's configuration for one directory. */
export function writeConfig(directory) {
  const file = path.join(directory, "gofer.json");
  const mount = { fd: SOCKET_FD, source: directory, readonly: true, donate: true };
  writeFileSync(file, JSON.stringify({ mounts: [mount] }));
  return file;
}

export function run(node, config) {
  const configuration = openSync(config, "r");
  const program = [node, ...NODE_FLAGS, GOFER, `--config-fd=${CONFIG_FD}`];
  const child = spawn(LAUNCHER, [`--fds=${CONFIG_FD + 1}`, "--", ...program], {
    // Node makes a pair of connected sockets of "pipe".
    stdio: ["ignore", "ignore", "inherit", "pipe", configuration],
    env: {},
  });
  closeSync(configuration);
  child.stdio[SOCKET_FD].destroy();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`the gofer ended with ${code ?? signal}`));
    });
  });
}
