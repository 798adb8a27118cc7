// Boots Linux in a virtual machine that mounts our gofer by TCP, and lets it do with files what programs do: the strictest
// client of 9P2000.L that there is.
//
//   node scripts/qemu-9p.mjs [--debug] [--kvm]      needs qemu-system-x86_64, busybox (static) and cc, and Debian's kernel
//
// The kernel is that of Debian's package linux-image-amd64, which apt-get downloads once into build/qemu/ and which is unpacked,
// not installed. Prints a line for each exercise, and with --debug all that the guest says. Exits 0 when all have passed.

import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = path.join(ROOT, "scripts/qemu");
const CACHE = path.join(ROOT, "build/qemu");
const CLI = path.join(ROOT, "build/cli.js");
/** In the order in which they need each other. */
const MODULES = ["e1000", "netfs", "fscache", "9pnet", "9pnet_fd", "9p"];
const TIME_LIMIT_MS = 1_200_000;

/** What ends with this process. */
const children = new Set();
for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
]) {
  process.once(signal, () => {
    for (const child of children) child.kill("SIGKILL");
    process.exit(128 + number);
  });
}

const isDebugging = process.argv.includes("--debug");

/** Unpacks Debian's kernel; the folder. */
function unpackKernel() {
  const folder = path.join(CACHE, "kernel");
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const depends = execFileSync("apt-cache", ["depends", "--important", "linux-image-amd64"], {
    encoding: "utf8",
  });
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error("apt-cache knows no linux-image-amd64");
  execFileSync("apt-get", ["download", name], { cwd: CACHE, stdio: ["ignore", "ignore", "inherit"] });
  const archive = readdirSync(CACHE).find((file) => file.endsWith(".deb"));
  const fresh = `${folder}-fresh`;
  execFileSync("dpkg-deb", ["-x", path.join(CACHE, archive), fresh]);
  execFileSync("mv", [fresh, folder]);
  rmSync(path.join(CACHE, archive));
  return folder;
}

/** The paths of `modules` below `kernel`; the kernel has built in those that are not there. */
function findModules(kernel) {
  const all = readdirSync(path.join(kernel, "lib/modules"), { recursive: true }).map(String);
  return MODULES.flatMap((name) => all.filter((file) => path.basename(file) === `${name}.ko`)).map((file) =>
    path.join(kernel, "lib/modules", file),
  );
}

/** Makes the guest's whole file system in `scratch`: busybox, the modules, the exercise. The archive's path. */
function makeInitramfs(kernel, scratch) {
  const tree = path.join(scratch, "tree");
  for (const folder of ["bin", "modules", "proc", "sys", "dev", "tmp"]) {
    mkdirSync(path.join(tree, folder), { recursive: true });
  }
  const modules = findModules(kernel);
  for (const file of modules) copyFileSync(file, path.join(tree, "modules", path.basename(file)));
  writeFileSync(path.join(tree, "modules/order"), modules.map((file) => `${path.basename(file)}\n`).join(""));
  copyFileSync(findProgram("busybox"), path.join(tree, "bin/busybox"));
  copyFileSync(path.join(SOURCES, "init.sh"), path.join(tree, "init"));
  chmodSync(path.join(tree, "init"), 0o755);
  const exercise = path.join(SOURCES, "exercise.c");
  execFileSync("cc", [
    "-static",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-o",
    path.join(tree, "exercise"),
    exercise,
  ]);
  const archive = path.join(scratch, "initramfs");
  execFileSync("sh", ["-c", `find . | busybox cpio -o -H newc >"$1" 2>/dev/null`, "sh", archive], {
    cwd: tree,
  });
  return archive;
}

function findProgram(name) {
  for (const folder of process.env.PATH.split(":")) {
    const file = path.join(folder, name);
    if (existsSync(file)) return file;
  }
  throw new Error(`${name} is not installed`);
}

/** Serves `root`; the port, and what ends it: the exit code, and what the gofer said. */
async function serve(root, ...flags) {
  const child = spawn(
    process.execPath,
    [CLI, "gofer", "--listen", "tcp:127.0.0.1:0", "--root", root, ...flags],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  children.add(child);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const ended = new Promise((resolve) => child.on("close", (code) => resolve({ code, stderr })));
  const line = await Promise.race([
    new Promise((resolve) => child.stdout.setEncoding("utf8").once("data", resolve)),
    ended.then(() => {
      throw new Error(`the gofer did not start: ${stderr}`);
    }),
  ]);
  const stop = () => {
    child.kill("SIGTERM");
    return ended;
  };
  return { port: /:(\d+)\n/.exec(line)[1], stop };
}

/** Runs the machine to its end. What it said. */
async function boot(kernel, initramfs, parameters) {
  const image = readdirSync(path.join(kernel, "boot")).find((file) => file.startsWith("vmlinuz"));
  const append = ["console=ttyS0", "quiet", "panic=-1", "oops=panic", "net.ifnames=0", ...parameters].join(
    " ",
  );
  // Without --kvm the machine is emulated, which takes a minute or two and works everywhere.
  const machine = process.argv.includes("--kvm") ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", "tcg"];
  const child = spawn(
    "qemu-system-x86_64",
    [
      ...machine,
      ...["-smp", "2", "-m", "512", "-no-reboot", "-nodefaults", "-display", "none", "-serial", "stdio"],
      ...["-netdev", "user,id=net", "-device", "e1000,netdev=net,romfile="],
      ...["-kernel", path.join(kernel, "boot", image), "-initrd", initramfs, "-append", append],
    ],
    { stdio: ["ignore", "pipe", "inherit"], timeout: TIME_LIMIT_MS },
  );
  children.add(child);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => {
    text += part;
    if (isDebugging) process.stdout.write(part);
  });
  await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  return text.replaceAll("\r", "");
}

/** Prints what became of each exercise. The number of those that have not passed. */
function report(text) {
  let mode = "";
  let [passed, failed] = [0, 0];
  for (const line of text.split("\n")) {
    if (line.startsWith("MODE ")) mode = line.slice(5);
    const isFailure = /^FAIL |\b(BUG|WARNING|Oops|panic|blocked for more than)\b/.test(line);
    if (isFailure) console.log(`${mode}: ${line}`);
    else if (line.startsWith("PASS ")) console.log(`${mode}: ${line}`);
    if (isFailure) failed++;
    else if (line.startsWith("PASS ")) passed++;
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (mode === "end") return failed;
  console.log("the guest did not come to its end");
  return failed + 1;
}

async function main() {
  const scratch = mkdtempSync(path.join(tmpdir(), "wvisor-qemu-"));
  try {
    const served = path.join(scratch, "served");
    const fixed = path.join(scratch, "fixed");
    for (const folder of [served, fixed]) mkdirSync(folder);
    writeFileSync(path.join(fixed, "file"), "hello\n");
    symlinkSync("/etc/shadow", path.join(fixed, "outward"));
    const kernel = unpackKernel();
    const initramfs = makeInitramfs(kernel, scratch);
    const [writable, readonly] = [await serve(served), await serve(fixed, "--readonly")];
    const text = await boot(kernel, initramfs, [`port=${writable.port}`, `readonly=${readonly.port}`]);
    let failed = report(text);
    for (const { stop } of [writable, readonly]) {
      const { code, stderr } = await stop();
      // 128 + SIGTERM: it was running until now.
      if (code === 143 && stderr === "") continue;
      console.log(`the gofer ended with ${code}: ${stderr}`);
      failed++;
    }
    process.exitCode = failed === 0 ? 0 : 1;
  } finally {
    // Not rmSync, which some trees are too deep for.
    execFileSync("rm", ["-rf", scratch]);
  }
}

await main();
