// System calls that a confined process makes in tests, from inside: a build of the gofer or of the command line with a few lines
// in front, which wait until the process has put on its filter.
//
// How a probe ends is the process's end: killed by SIGSYS, or an exit code that says what the call gave.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../../..");
const ADDON = path.join(root, "build/test/probe.node");
const EXIT_SUCCEEDED = 200;
const SIGSYS = 31;

/** A system call by its name in the table below, with numbers and texts. */
export interface Probe {
  readonly call: keyof typeof NUMBERS;
  readonly args: readonly (number | string)[];
}

/** x86-64 and arm64. */
const NUMBERS = {
  execve: [59, 221],
  execveat: [322, 281],
  socket: [41, 198],
  connect: [42, 203],
  socketpair: [53, 199],
  bind: [49, 200],
  listen: [50, 201],
  openat: [257, 56],
  openat2: [437, 437],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  mount: [165, 40],
  umount2: [166, 39],
  unshare: [272, 97],
  setns: [308, 268],
  setuid: [105, 146],
  kill: [62, 129],
  tgkill: [234, 131],
  mmap: [9, 222],
  mprotect: [10, 226],
  memfd_create: [319, 279],
  clone: [56, 220],
  clone3: [435, 435],
  bpf: [321, 280],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  prlimit64: [302, 261],
  pidfd_open: [434, 434],
  userfaultfd: [323, 282],
  chroot: [161, 51],
  keyctl: [250, 219],
  perf_event_open: [298, 241],
  prctl: [157, 167],
  sched_getaffinity: [204, 123],
  mknodat: [259, 33],
  newfstatat: [262, 79],
  statx: [332, 291],
  sendto: [44, 206],
  linkat: [265, 37],
  unlinkat: [263, 35],
  mkdirat: [258, 34],
  fchmodat: [268, 53],
  readlinkat: [267, 78],
  open_by_handle_at: [304, 265],
  pidfd_getfd: [438, 438],
  process_madvise: [440, 440],
  ioctl: [16, 29],
} as const;

export function buildProbeAddon(): void {
  const source = path.join(import.meta.dirname, "probe.c");
  mkdirSync(path.dirname(ADDON), { recursive: true });
  if (existsSync(ADDON)) return;
  const include = path.join(path.dirname(path.dirname(process.execPath)), "include/node");
  const headers = existsSync(path.join(include, "node_api.h"))
    ? include
    : path.join(root, "node_modules/node-api-headers/include");
  const draft = `${ADDON}.${process.pid}`;
  const flags = ["-std=c17", "-D_GNU_SOURCE", "-shared", "-fPIC", `-I${headers}`];
  const { status, stderr } = spawnSync("cc", [...flags, "-o", draft, source], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  renameSync(draft, ADDON);
}

/** Makes this process one that has the addon's file among its libraries: a gofer in namespaces sees those. */
export function loadProbeAddon(): void {
  process.dlopen({ exports: {} }, ADDON);
}

/** The built file `name` with the probe in front; returns the new file, which lies beside it. */
export function withProbe(name: string, probe: Probe): string {
  const number = NUMBERS[probe.call][process.arch === "arm64" ? 1 : 0];
  return withHelper(
    name,
    `const addon = { exports: {} };
    open.call(process, addon, ${JSON.stringify(ADDON)});
    const change = (native) => ({
      seccomp: (policy, flags) => {
        const status = native.seccomp(policy, flags);
        if (status < 0) return status;
        const result = addon.exports.probe(${number}, ...${JSON.stringify(probe.args)});
        native.exit(result < 0 ? Math.min(-result, ${EXIT_SUCCEEDED - 1}) : ${EXIT_SUCCEEDED});
      },
    });`,
  );
}

/** The gofer, which makes garbage and code for the compiler with every answer, as one does that has much to do. */
export function busyGofer(): string {
  return withHelper(
    "gofer.js",
    `let kept = [];
    let answers = 0;
    const makeGarbage = () => {
      for (let i = 0; i < 2000; i++) kept.push({ i, text: "text " + i });
      if (kept.length > 500_000) kept = [];
      if (++answers % 50 !== 0) return;
      const hot = new Function("n", "let s = " + answers + "; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s;");
      for (let i = 0; i < 100; i++) hot(2000);
    };
    const change = (native) => ({
      p9Send: (...numbers) => {
        makeGarbage();
        return native.p9Send(...numbers);
      },
    });`,
  );
}

/** The built file with lines in front that define `change`, a function from the native helper to what takes its functions' places. */
function withHelper(name: string, lines: string): string {
  const front = `{
    const open = process.dlopen;
    ${lines}
    process.dlopen = (module, file) => {
      open.call(process, module, file);
      if (file.endsWith("/wv.node")) module.exports = { ...module.exports, ...change(module.exports) };
    };
  }\n`;
  const text = readFileSync(path.join(root, "build", name), "utf8").replace(/^#!.*\n/, "");
  const file = path.join(root, "build", `probe-${process.pid}-${name}`);
  writeFileSync(file, front + text);
  return file;
}

/** Removes what this process made of built files. */
export function removeProbes(): void {
  const build = path.join(root, "build");
  for (const name of readdirSync(build)) {
    if (name.startsWith(`probe-${process.pid}-`)) rmSync(path.join(build, name));
  }
}

/** What an exit code, 128 + a signal's number, or that signal says about the probe. */
export function verdict(code: number): string {
  if (code === 128 + SIGSYS) return "killed";
  if (code === EXIT_SUCCEEDED) return "allowed";
  return `errno ${code}`;
}
