// What a gofer and a sentry that somebody has taken over can still do: system calls made from inside the running processes, and
// what /proc says about each of their threads.

import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Confinement } from "../../src/common/confinement.ts";
import { openPair, reapGofer, spawnLauncher, startGofer } from "../../src/host/sandbox/gofer-process.ts";
import {
  buildProbeAddon,
  loadProbeAddon,
  type Probe,
  removeProbes,
  verdict,
  withProbe,
} from "../support/confine/probes.ts";
import { requireNative } from "../support/gofer.ts";
import { buildGuests, guestFile } from "../support/guests.ts";

const native = requireNative();
const isRoot = process.getuid?.() === 0;
const folder = mkdtempSync(path.join(tmpdir(), "wvisor-confine-"));
const BUILD = path.resolve(import.meta.dirname, "../../build");

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const PROT_READ_EXEC = 5;
const MAP_SHARED_ANONYMOUS = 0x21;
const CLONE_NEWUSER = 0x10000000;
const SIGCHLD = 17;
const S_IFCHR = 0o020000;
/** ENOENT and the others as verdict() says them. */
const MISSING = "errno 2";

type Expected = readonly [Probe["call"], Probe["args"], string];

/** Neither of them may do these. */
const NEVER: readonly Expected[] = [
  ["execve", ["/bin/sh", 0, 0], "killed"],
  ["execveat", [AT_FDCWD, "/bin/sh", 0, 0, 0], "killed"],
  ["socket", [1, 1, 0], "killed"],
  ["socket", [2, 1, 0], "killed"],
  ["connect", [3, "\u0001\u0000/run/x", 10], "killed"],
  ["openat", [AT_FDCWD, "/etc/passwd", 0, 0], MISSING],
  ["openat2", [AT_FDCWD, "/etc/passwd", 0, 24], "killed"],
  ["open_by_handle_at", [AT_FDCWD, 0, 0], "killed"],
  ["ptrace", [16, 1, 0, 0], "killed"],
  ["process_vm_readv", [1, 0, 0, 0, 0, 0], "killed"],
  ["mount", [0, "/", 0, 0, 0], "killed"],
  ["umount2", ["/", 2], "killed"],
  ["unshare", [CLONE_NEWUSER], "killed"],
  ["setns", [3, 0], "killed"],
  ["setuid", [0], "killed"],
  ["chroot", ["/"], "killed"],
  ["kill", [process.pid, 0], "killed"],
  ["tgkill", [1 << 21, 1 << 21, 0], "killed"],
  ["pidfd_open", [process.pid, 0], "killed"],
  ["memfd_create", ["x", 0], "killed"],
  ["mmap", [0, 4096, 3, MAP_SHARED_ANONYMOUS, -1, 0], "killed"],
  ["mmap", [0, 4096, 1, 2, 2, 0], "killed"],
  ["clone", [SIGCHLD, 0, 0, 0, 0], "killed"],
  ["clone3", [0, 0], "errno 38"],
  ["bpf", [0, 0, 0], "killed"],
  ["io_uring_setup", [1, 0], "errno 38"],
  ["io_uring_enter", [4, 0, 0, 0, 0, 0], "killed"],
  ["io_uring_register", [4, 0, 0, 0], "killed"],
  ["prlimit64", [1, 7, 0, "x"], "errno 1"],
  ["mmap", [0, 1 << 21, 3, 0x40022, -1, 0], "killed"],
  // Any other error, and V8 of Node 22 and later crashes at random.
  ["sched_getaffinity", [0, 8, "x"], "errno 38"],
  ["userfaultfd", [0], "killed"],
  ["keyctl", [0, 0], "killed"],
  ["perf_event_open", [0, 0, 0, 0, 0], "killed"],
  ["ioctl", [2, 0x5412, "x"], "errno 25"],
];

/** A name from the current directory does not pass the filter; one that is absolute meets Landlock and an empty root. */
const GOFER: readonly Expected[] = [
  ...NEVER,
  ["openat", [3, "/etc/passwd", 0, 0], "refused"],
  ["openat", [3, "/etc", 0o200000, 0], "refused"],
  ["mkdirat", [AT_FDCWD, "x", 0o700], "killed"],
  ["mkdirat", [3, path.join(tmpdir(), "wvisor-made-by-probe"), 0o700], "refused"],
  ["unlinkat", [3, path.join(folder, "outside"), 0], "refused"],
  ["mknodat", [3, "/x", S_IFCHR | 0o600, 0x103], "killed"],
];

const SENTRY: readonly Expected[] = [
  ...NEVER,
  ["openat", [3, "/etc/passwd", 0, 0], MISSING],
  ["newfstatat", [3, "/etc/passwd", 0, 0], MISSING],
  ["newfstatat", [3, "/etc/passwd", 0, AT_EMPTY_PATH], MISSING],
  ["statx", [AT_FDCWD, "/etc/passwd", 0, 0, 0], "errno 38"],
  ["statx", [3, "/etc/passwd", AT_EMPTY_PATH, 0, 0], "errno 38"],
  ["sendto", [3, "x", 1, 0, "\u0001\u0000/run/x", 10], "killed"],
  ["readlinkat", [AT_FDCWD, "/proc/self/exe", 0, 0], MISSING],
  ["linkat", [3, "a", 3, "b", 0], "killed"],
  ["unlinkat", [3, "a", 0], "killed"],
  ["mkdirat", [3, "a", 0], "killed"],
  ["fchmodat", [3, "a", 0], "killed"],
];

const named = (probes: readonly Expected[]) =>
  probes.map(([call, args, expected]) => [`${call}(${args.join(", ")})`, { call, args }, expected] as const);

/** EACCES by Landlock, ENOENT in a root that has no such file, EROFS where that is read-only: but never done. */
const REFUSED = ["errno 13", "errno 2", "errno 30", "errno 1"];

function expectVerdict(actual: string, expected: string): void {
  if (expected === "refused") expect(REFUSED).toContain(actual);
  else expect(actual).toBe(expected);
}

beforeAll(async () => {
  buildProbeAddon();
  loadProbeAddon();
  writeFileSync(path.join(folder, "outside"), "");
  await buildGuests(["hello", "stdin-copy"]);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
  removeProbes();
});

function probeGofer(probe: Probe, confinement: Confinement, jitless = false): string {
  const served = mkdtempSync(path.join(folder, "served-"));
  const program = withProbe("gofer.js", probe);
  const mounts = [{ source: served, readonly: false, donate: true }];
  const { pid, sockets } = startGofer(native, mounts, { program, confinement, jitless });
  const code = native.waitpid(pid, 1);
  for (const socket of sockets) native.close(socket);
  return verdict(code);
}

/** The same in a gofer that may connect its clients to the host's sockets. */
function probeConnecting(probe: Probe, confinement: Confinement): string {
  const served = mkdtempSync(path.join(folder, "served-"));
  const program = withProbe("gofer.js", probe);
  const pairs = [openPair(native), openPair(native)];
  const pid = spawnLauncher(
    native,
    pairs.map(([, theirs]) => theirs),
    { program, confinement },
  );
  const config = JSON.stringify({
    mounts: [{ fd: 3, source: served, readonly: false, donate: true }],
    confine: { level: confinement, report: false },
    host: { uds: "open", fifo: "open" },
  });
  const memory = new TextEncoder().encode(config);
  native.registerMemory(9, memory);
  native.write(pairs[1]![0], 9, 0, memory.length);
  native.close(pairs[1]![0]);
  const code = native.waitpid(pid, 1);
  for (const fd of [pairs[0]![0], ...pairs.map(([, theirs]) => theirs)]) native.close(fd);
  return verdict(code);
}

describe.each(["native", "native+ns"] as const)(
  "a gofer with --host-uds=open, at level %s (G23-14)",
  (level) => {
    const AF_UNIX = 1;
    const SOCK_STREAM = 1;
    // SC-02: unix sockets that connect, and nothing else.
    test.each(
      named([
        ["socket", [AF_UNIX, SOCK_STREAM, 0], "allowed"],
        ["connect", [3, "\u0001\u0000nobody-listens", 16], "refused"],
        ["socket", [2, SOCK_STREAM, 0], "killed"],
        ["socket", [10, SOCK_STREAM, 0], "killed"],
        ["socket", [16, 3, 0], "killed"],
        ["socket", [AF_UNIX, SOCK_STREAM, 1], "killed"],
        ["socketpair", [AF_UNIX, SOCK_STREAM, 0, 0], "killed"],
        ["bind", [3, "x", 2], "killed"],
        ["listen", [3, 1], "killed"],
        ["execve", ["/bin/sh", 0, 0], "killed"],
      ]),
    )("%s", (_name, probe, expected) => {
      expectVerdict(probeConnecting(probe, level), expected);
    });
  },
);

describe.each(["native", "native+ns"] as const)("a gofer that was taken over, at level %s", (level) => {
  test.each(named(GOFER))("%s", (_name, probe, expected) => {
    expectVerdict(probeGofer(probe, level), expected);
  });

  test("makes memory executable, which its compiler needs, unless it has none", () => {
    const probe: Probe = { call: "mmap", args: [0, 4096, PROT_READ_EXEC, 0x22, -1, 0] };
    expect(probeGofer(probe, level)).toBe("allowed");
    expect(probeGofer(probe, level, true)).toBe("killed");
    expect(probeGofer({ call: "mprotect", args: [0, 0, PROT_READ_EXEC] }, level, true)).toBe("killed");
  });
});

/** The command line with `probe` in front, on a guest that would print a line. */
function probeSentry(probe: Probe): string {
  const cli = withProbe("cli.js", probe);
  const { status, signal } = spawnSync(
    process.execPath,
    [cli, "do", "--session=none", "--", guestFile("hello")],
    {
      cwd: folder,
    },
  );
  return signal === "SIGSYS" ? "killed" : verdict(status!);
}

describe("a sentry that was taken over", () => {
  // The gofer is started by the same command line, but its program is the ordinary one.
  test.each(named(SENTRY))("%s", (_name, probe, expected) => {
    expectVerdict(probeSentry(probe), expected);
  });
});

function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((tid) =>
    readFileSync(`/proc/${pid}/task/${tid}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

/** What /proc says of every thread, each line once. */
function threadsOf(pid: number): string[] {
  const lines = readdirSync(`/proc/${pid}/task`).map((tid) => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, "utf8");
    return ["CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp_filters"]
      .map((name) => `${name} ${new RegExp(`^${name}:\\s*0*(\\S+)`, "m").exec(status)![1]}`)
      .join(", ");
  });
  return [...new Set(lines)];
}

describe.runIf(isRoot)("every thread, by /proc", () => {
  const NONE = "CapEff 0, CapPrm 0, CapInh 0, CapBnd 0, CapAmb 0, NoNewPrivs 1, Seccomp_filters 1";
  // The launcher's, and its own.
  const FIVE = "CapEff 1f, CapPrm 1f, CapInh 0, CapBnd 1f, CapAmb 0, NoNewPrivs 1, Seccomp_filters 2";

  test.each([[[]], [["--confine=native"]], [["--gofer-jitless"]]])("%j", async (flags) => {
    const cli = path.join(BUILD, "cli.js");
    const child = spawn(
      process.execPath,
      [cli, "do", "--session=none", ...flags, "--", guestFile("stdin-copy"), "out"],
      {
        cwd: folder,
        stdio: ["pipe", "ignore", "inherit"],
      },
    );
    const ended = new Promise((resolve) => child.on("close", resolve));
    const sentry = child.pid!;
    await expect.poll(() => threadsOf(sentry), { timeout: 20_000 }).toEqual([NONE]);
    const [launched] = childrenOf(sentry);
    const gofer = flags.includes("--confine=native") ? launched! : childrenOf(launched!)[0]!;
    await expect.poll(() => threadsOf(gofer), { timeout: 20_000 }).toEqual([FIVE]);
    const namespaces = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];
    const same = namespaces.filter((name) => namespaceOf(gofer, name) === namespaceOf(process.pid, name));
    expect(same).toEqual(flags.includes("--confine=native") ? namespaces : []);
    child.stdin.end();
    expect(await ended).toBe(0);
  });

  test("the root directory of a gofer in namespaces has the files of node and ours, and no /proc (G23-21, G23-26)", async () => {
    const served = [{ source: folder, readonly: false, donate: true }];
    const { pid, sockets } = startGofer(native, served, { confinement: "native+ns" });
    const gofer = await untilConfined(pid);
    const mounts = () => readFileSync(`/proc/${gofer}/mountinfo`, "utf8").trim().split("\n");
    const pointsOf = (lines: readonly string[]) => lines.map((line) => line.split(" ")[4]!);
    // The launcher is told that it may go, and takes it away in its own time.
    await expect.poll(() => pointsOf(mounts()), { timeout: 20_000 }).not.toContain("/proc");
    const mountinfo = mounts();
    const points = pointsOf(mountinfo);
    expect(points).toContain("/");
    expect(points).toContain(process.execPath);
    for (const point of points) {
      expect(point).toMatch(
        /^\/$|\/node$|\.so[.0-9]*$|\/ld\.so\.cache$|\/wv\.node$|\/probe\.node$|\/gofer(-server)?\.js$|\/gofer-server\.\S+\.code$|\/package\.json$/,
      );
    }
    for (const line of mountinfo) expect(line.split(" ")[5]).toMatch(/^ro,nosuid,nodev/);
    for (const socket of sockets) native.close(socket);
    expect(native.waitpid(pid, 1)).toBe(0);
  });
});

function namespaceOf(pid: number, name: string): string {
  return readlinkSync(`/proc/${pid}/ns/${name}`);
}

/** The gofer below the launcher, once it has its own filter besides the launcher's. */
async function untilConfined(launcher: number): Promise<number> {
  let gofer = 0;
  const hasFilter = () => {
    gofer = childrenOf(launcher)[0] ?? 0;
    return gofer !== 0 && /^Seccomp_filters:\t2$/m.test(readFileSync(`/proc/${gofer}/status`, "utf8"));
  };
  await expect.poll(hasFilter, { timeout: 20_000 }).toBe(true);
  return gofer;
}

describe("a gofer that its filter kills", () => {
  test.each(["native", "native+ns"] as const)("is told by what it was killed, at level %s", (confinement) => {
    const program = withProbe("gofer.js", { call: "socket", args: [2, 1, 0] });
    const mounts = [{ source: folder, readonly: true, donate: true }];
    const { pid, sockets } = startGofer(native, mounts, { program, confinement });
    const end = reapGofer(native, pid, native.waitpid(pid, 1));
    for (const socket of sockets) native.close(socket);
    expect(end).toBe(
      "was killed by signal 31 (SIGSYS) for a system call that its filter does not allow (--confine-report says which)",
    );
  });

  test("is one line on stderr", () => {
    const installed = path.join(folder, "installed");
    const files = readdirSync(BUILD, { withFileTypes: true }).filter((entry) => entry.isFile());
    mkdirSync(installed);
    for (const { name } of files) cpSync(path.join(BUILD, name), path.join(installed, name));
    cpSync(path.join(BUILD, "native"), path.join(installed, "native"), { recursive: true });
    const program = withProbe("gofer.js", { call: "socket", args: [2, 1, 0] });
    cpSync(program, path.join(installed, "gofer.js"));
    const args = [
      path.join(installed, "cli.js"),
      "do",
      "--session=none",
      "--confine=native",
      "--",
      guestFile("hello"),
    ];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    expect(status).toBe(125);
    expect(stderr).toMatch(
      /^wvisor do: the gofer was killed by signal 31 \(SIGSYS\) for a system call that its filter does not allow \(--confine-report says which\): [^\n]*\n$/,
    );
  });
});

describe("--confine-report", () => {
  test("says on stderr what would have killed, and goes on", () => {
    const cli = withProbe("cli.js", { call: "socket", args: [2, 1, 0] });
    const args = [cli, "do", "--session=none", "--confine-report", "--", guestFile("hello")];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    // The gofer, of which nothing is left to see, may say something of its own.
    expect(stderr).toMatch(/^wvisor: confinement: system call \d+\(0x2, 0x1, 0, \.\.\.\) is not allowed$/m);
    expect(verdict(status!)).toBe("errno 1");
  });
});
