// `wvisor doctor` in four situations; whatever it says, `wvisor do` and `wvisor run` then find to be so, and /proc.

import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Examination } from "../../../src/host/sandbox/examination.ts";
import { put } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";

const BUILD = path.resolve(import.meta.dirname, "../../../build");
const FILES = [
  "cli.js",
  "program.js",
  "gofer.js",
  "gofer-server.js",
  "package.json",
  "kernel.wasm",
  "kernel-merged.wasm",
  "guest-peek.wasm",
];
const REMEDY = "a package of wVisor for this system, or in its sources: npm run build:native";
const isRoot = process.getuid?.() === 0;
/** Where everybody may read: a checkout may be its owner's alone. */
const folder = mkdtempSync(path.join(tmpdir(), "wvisor-doctor-"));
const complete = path.join(folder, "complete");
const bare = path.join(folder, "bare");
const bundle = path.join(folder, "bundle");

const ORDINARY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
/** In a user namespace in which there may be no other, without the rights of its root. */
const NO_NAMESPACES = [
  "unshare",
  "--user",
  "--map-root-user",
  "sh",
  "-c",
  'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"',
  "sh",
];

beforeAll(async () => {
  await buildGuests(["hello", "stdin-copy"]);
  for (const target of [complete, bare]) {
    mkdirSync(target);
    for (const file of FILES) cpSync(path.join(BUILD, file), path.join(target, file));
  }
  cpSync(path.join(BUILD, "native"), path.join(complete, "native"), { recursive: true });
  cpSync(guestFile("hello"), path.join(folder, "hello.wasm"));
  cpSync(guestFile("stdin-copy"), path.join(folder, "stdin-copy.wasm"));
  expect(wvisor([], complete, "spec", "--bundle", bundle, "stdin-copy.wasm")).toMatchObject({
    status: 0,
    stderr: "",
  });
  chmodSync(folder, 0o755);
});

afterAll(() => rmSync(folder, { recursive: true }));

function wvisor(launcher: readonly string[], installed: string, ...args: string[]): SpawnSyncReturns<string> {
  const [command, ...rest] = [...launcher, process.execPath, path.join(installed, "cli.js"), ...args];
  return spawnSync(command!, rest, { cwd: folder, encoding: "utf8" });
}

function examined(
  launcher: readonly string[],
  installed: string,
): Examination & { readonly status: number | null } {
  const { status, stdout, stderr } = wvisor(launcher, installed, "doctor", "--json");
  expect(stderr).toBe("");
  return { status, ...(JSON.parse(stdout) as Examination) };
}

const runs = (launcher: readonly string[], ...flags: string[]) =>
  wvisor(launcher, complete, "do", "--session=none", ...flags, "--", "./hello.wasm");
const GREETING = { status: 0, stdout: "hello from wasm\n", stderr: "" };

function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

const filtersOf = (pid: number) =>
  Number(/^Seccomp_filters:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
const NAMESPACES = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];

/** How `wvisor run` came to hold its gofer, as /proc tells while the program waits for its input. */
async function levelOfRun(launcher: readonly string[], ...flags: string[]): Promise<string> {
  const cli = [process.execPath, path.join(complete, "cli.js")];
  const [command, ...args] = [...launcher, ...cli, "run", ...flags, "--bundle", bundle, "examined"];
  const child = spawn(command!, args, { cwd: folder, stdio: ["pipe", "ignore", "pipe"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  const pid = child.pid!;
  let gofer: number | undefined;
  // The launcher's filter and its own.
  const findGofer = () => {
    gofer = descendants(pid).find((descendant) => filtersOf(descendant) === 2);
    return gofer !== undefined && filtersOf(pid) === 1;
  };
  await expect.poll(findGofer, { timeout: 20_000 }).toBe(true);
  const namespaceOf = (process: number, name: string) => readlinkSync(`/proc/${process}/ns/${name}`);
  const own = NAMESPACES.filter((name) => namespaceOf(gofer!, name) !== namespaceOf(pid, name));
  child.stdin!.end();
  expect(await ended).toBe(0);
  if (own.length === 0) return "native";
  expect(own).toEqual(NAMESPACES);
  return "native+ns";
}

describe.runIf(isRoot)("doctor tells the truth", () => {
  test.each([
    ["to root", []],
    ["to an ordinary user", ORDINARY],
  ])("%s, who may make namespaces", async (_who, launcher) => {
    const { status, level, findings } = examined(launcher, complete);
    expect({ status, level }).toEqual({ status: 0, level: "native+ns" });
    expect(findings.map(({ name, ok, remedy }) => [name, ok, remedy])).toEqual(
      ["native helper", "Landlock", "gofer", "namespaces"].map((name) => [name, true, undefined]),
    );
    expect(runs(launcher, "--confine=native+ns")).toMatchObject(GREETING);
    expect(runs(launcher)).toMatchObject(GREETING);
    expect(await levelOfRun(launcher)).toBe(level);
  });

  test("where there are no user namespaces", async () => {
    const { status, level, findings } = examined(NO_NAMESPACES, complete);
    expect({ status, level }).toEqual({ status: 0, level: "native" });
    expect(findings.at(-1)).toMatchObject({
      name: "namespaces",
      ok: false,
      detail: expect.stringMatching(/^clone3: /),
      remedy: "sysctl user.max_user_namespaces=10000",
    });
    expect(runs(NO_NAMESPACES)).toMatchObject(GREETING);
    const { status: code, stderr } = runs(NO_NAMESPACES, "--confine=native+ns");
    expect(code).toBe(125);
    expect(stderr).toMatch(/^wv-launch: namespaces: clone3: .*\n/);
    expect(stderr).toMatch(/; --confine=native does without namespaces\n$/);
    expect(await levelOfRun(NO_NAMESPACES, "--confine=native")).toBe(level);
    // Who is root there, or thinks so, is told that it is less than `run` asks for.
    const refused = wvisor(NO_NAMESPACES, complete, "run", "--bundle", bundle, "examined");
    expect(refused.status).toBe(125);
    expect(refused.stderr).toMatch(/; --confine=native does without namespaces\n$/);
  });

  test("without the native helper", () => {
    const { status, level, findings } = examined([], bare);
    expect({ status, level }).toEqual({ status: 1, level: null });
    expect(findings).toEqual([
      {
        name: "native helper",
        ok: false,
        detail: `${path.join(bare, "native/wv.node")} is missing`,
        remedy: REMEDY,
      },
    ]);
    const { status: code, stderr } = wvisor([], bare, "do", "--session=none", "--", "./hello.wasm");
    expect(code).toBe(125);
    expect(stderr).toMatch(/^wvisor do: no native helper, without .*wv\.node is missing; needed: a package/);
    const run = wvisor([], bare, "run", "--bundle", bundle, "examined");
    expect(run.status).toBe(125);
    expect(run.stderr).toMatch(
      /^wvisor run: no native helper, without .*wv\.node is missing; needed: a package/,
    );
  });
});

test("a helper that is another system's, or none at all, is one that is missing", () => {
  const foreign = path.join(folder, "foreign");
  cpSync(bare, foreign, { recursive: true });
  put(foreign, "native/wv.node", "no library\n");
  const { status, level, findings } = examined([], foreign);
  expect({ status, level }).toEqual({ status: 1, level: null });
  expect(findings[0]!.detail).toMatch(/^it does not load on this linux-\w+: .*wv\.node: /);
  expect(wvisor([], foreign, "--version")).toMatchObject({ status: 0, stderr: "" });
  const refused = wvisor([], foreign, "do", "--", "./hello.wasm");
  expect(refused.status).toBe(125);
  expect(refused.stderr).toMatch(/^wvisor do: no native helper, .*it does not load on this [^\n]*\n$/);
});

test("doctor in words", () => {
  const { status, stdout } = wvisor([], bare, "doctor");
  expect(status).toBe(1);
  expect(stdout).toBe(
    "confinement: none, no sandbox can be started\n" +
      `  no  native helper  ${path.join(bare, "native/wv.node")} is missing\n` +
      `                     needs ${REMEDY}\n`,
  );
});
