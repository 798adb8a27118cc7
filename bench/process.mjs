// Runs a program to its end and gives what it wrote; a failure is an error with the first lines of its
// standard error.

import { spawn } from "node:child_process";

const TIME_LIMIT_MS = 120_000;

/** Without what would make a Node start slower, or otherwise than another one. */
export function quietEnvironment() {
  const { NODE_OPTIONS: _options, NODE_EXTRA_CA_CERTS: _certificates, ...env } = process.env;
  return env;
}

export function runProcess(file, args, options = {}) {
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: quietEnvironment(),
    timeout: TIME_LIMIT_MS,
    killSignal: "SIGKILL",
    ...options,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else
        reject(new Error(`exit code ${code ?? signal}: ${stderr.trim().split("\n").slice(0, 3).join(" ")}`));
    });
  });
}
