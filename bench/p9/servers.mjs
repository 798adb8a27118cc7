// Servers of one directory over a unix socket, each a process of its own that is new for every round.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openSocket } from "./client.mjs";

const CLI = fileURLToPath(new URL("../../build/cli.js", import.meta.url));
const GOFER = fileURLToPath(new URL("../../build/gofer.js", import.meta.url));
/** What wVisor starts it with. */
const NODE_FLAGS = ["--no-warnings", "--v8-pool-size=1"];
const START_TRIES = 500;
/** The helper's slot for a moment. */
const SCRATCH_SLOT = 15;

export function hasDiod() {
  return spawnSync("sh", ["-c", "command -v diod"]).status === 0;
}

/** Debian's server: no authentication, and nothing else changed. It logs every walk that fails: to nowhere. */
export const diod = {
  name: "diod",
  tree: (folder) => folder,
  async start(native, folder, address) {
    const args = ["-f", "-n", "-e", folder, "-l", address, "-L", "/dev/null"];
    return connectTo(native, spawn("diod", args, { stdio: "ignore" }), address);
  },
};

/** `wvisor gofer --listen unix:PATH`, with flags. */
export function gofer(name, ...flags) {
  return {
    name,
    tree: () => "/",
    async start(native, folder, address) {
      const args = [CLI, "gofer", "--listen", `unix:${address}`, "--root", folder, ...flags];
      return connectTo(
        native,
        spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] }),
        address,
      );
    },
  };
}

/** The gofer as the sandbox has it: on one end of a pair of sockets, and with nobody else to listen to. */
export const donated = {
  name: "pair",
  tree: () => "/",
  async start(native, folder) {
    const ends = new Int32Array(2);
    native.registerMemory(SCRATCH_SLOT, new Uint8Array(ends.buffer));
    native.socketpair(SCRATCH_SLOT, 0);
    const mounts = [{ fd: 3, source: folder, readonly: false, donate: false }];
    const child = spawn(process.execPath, [...NODE_FLAGS, GOFER, "--config-fd=4"], {
      stdio: ["ignore", "ignore", "inherit", ends[1], "pipe"],
      env: {},
    });
    child.stdio[4].end(JSON.stringify({ mounts, confine: { level: "none", report: false } }));
    // The gofer reads it before anybody may wait for the gofer.
    await once(child.stdio[4], "finish");
    native.close(ends[1]);
    return { socket: ends[0], stop: () => stop(child) };
  },
};

async function connectTo(native, child, address) {
  let ended = false;
  child.once("exit", () => {
    ended = true;
  });
  for (let tries = 0; ; tries++) {
    try {
      if (existsSync(address)) {
        const socket = await openSocket(native, address);
        return { socket, stop: () => stop(child, address) };
      }
    } catch (error) {
      if (ended || tries === START_TRIES) throw error;
    }
    if (ended || tries === START_TRIES) throw new Error("the server has not started");
    await wait(10);
  }
}

async function stop(child, address) {
  const exited = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
  child.kill("SIGTERM");
  await exited;
  if (address !== undefined) rmSync(address, { force: true });
}
