// Debian's packages for these tests, installed where that is possible.

import { spawnSync } from "node:child_process";

const TIMEOUT_MS = 240_000;

function has(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

/** Makes sure that `command`, of `packageName`, is there. Returns why it is not, or undefined. */
export function install(packageName: string, command: string): string | undefined {
  if (has(command)) return undefined;
  if (!has("apt-get")) return `${command} is not installed, and there is no apt-get`;
  if (process.getuid?.() !== 0)
    return `${command} is not installed, and only root can install ${packageName}`;
  const script = `apt-get update && apt-get install -y --no-install-recommends ${packageName}`;
  const result = spawnSync("sh", ["-c", script], {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (has(command)) return undefined;
  return `${packageName} cannot be installed: ${result.stderr.trim().split("\n").at(-1) ?? "no reason given"}`;
}
