// The conformance programs under node:wasi, on a directory of this machine: a second implementation shows
// that the checks themselves are right. What it fails is listed with the reason, and exactly that has to
// fail.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { NODE_WASI_FAILURES } from "./node-wasi-failures.ts";
import { type GuestResult, READ_ONLY_LINKS, READ_ONLY_TREE, wasiSuite } from "./suite.ts";

const PROCESS = fileURLToPath(new URL("node-wasi-process.mjs", import.meta.url));
const TIME_LIMIT_MS = 20_000;
/** Enough for every check but the one that wants to run out of them. */
const DESCRIPTORS = 256;

const root = mkdtempSync(path.join(tmpdir(), "node-wasi-"));
const fixed = path.join(root, "fixed");

afterAll(() => rmSync(root, { recursive: true, force: true }));

function fillReadOnly(): void {
  mkdirSync(fixed);
  for (const [name, content] of Object.entries(READ_ONLY_TREE)) {
    if (content === null) mkdirSync(path.join(fixed, name));
    else writeFileSync(path.join(fixed, name), content);
  }
  for (const [name, text] of Object.entries(READ_ONLY_LINKS)) symlinkSync(text, path.join(fixed, name));
}

/** A mount namespace of its own, in which the directory is read-only. */
const IN_NAMESPACE = ["unshare", "-rm", "sh", "-c"];
const MOUNT_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"';

/** Not every machine lets a test mount; without it the read-only topic is left out. */
function canMountReadOnly(): boolean {
  const [program, ...args] = [...IN_NAMESPACE, MOUNT_READ_ONLY, fixed] as const;
  return spawnSync(program!, args, { stdio: "ignore" }).status === 0;
}

function scratch(topic: string): string {
  mkdirSync(path.join(root, topic));
  return `/${topic}`;
}

async function run(
  guest: Uint8Array,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<GuestResult> {
  const topic = args[0]!;
  const file = path.join(root, `${topic}.wasm`);
  writeFileSync(file, guest);
  const task = JSON.stringify({ file, args, env, preopens: { "/": root } });
  const limited = `ulimit -n ${DESCRIPTORS}; exec "$@"`;
  const setUp = topic === "read-only" ? `${MOUNT_READ_ONLY}; ${limited}` : limited;
  const [program, ...prefix] = topic === "read-only" ? IN_NAMESPACE : ["sh", "-c"];
  const child = spawn(program!, [...prefix, setUp, fixed, process.execPath, "--no-warnings", PROCESS, task], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TIME_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    stderr += chunk;
  });
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 128));
  });
  return { exitCode, stdout, stderr };
}

fillReadOnly();
wasiSuite({
  mode: "node:wasi",
  run,
  scratch,
  known: NODE_WASI_FAILURES,
  ...(canMountReadOnly() ? { readOnly: "/fixed" } : {}),
});
