// What the processes of a container have of whoever called the runtime: its descriptors and its environment. An engine that forgot to
// close a directory of the host, at a low number or at a high one, must not have given it to a sandbox.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { put, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { buildMonitor, Monitored, makeBundle, needsRoot, Runtime } from "../../support/oci/runtime.ts";
import { childrenOf, commandLine } from "../../support/processes.ts";

const title = needsRoot === undefined ? "descriptors and environments" : `left out: ${needsRoot}`;
const top = scratchDirectory();
const runtime = new Runtime(path.join(top, "root"));
const ID = "c1";

/** What the descriptors of a process are; nothing of one that is gone. */
function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

/** The same without the numbers of sockets and pipes, and wherever /dev is mounted. */
function kindsOf(pid: number): string[] {
  return descriptorsOf(pid)
    .map((name) => name.replace(/:\[\d+\]$/, "").replace(/^\/(dev\/)?null$/, "null"))
    .toSorted();
}

function tree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(tree)];
}

async function monitored(
  name: string,
  [command, ...args]: readonly string[],
): Promise<[Monitored, pid: number]> {
  const pidFile = path.join(top, name);
  const monitor = new Monitored(runtime, pidFile, [command!, "--pid-file", pidFile, ...args]);
  const { code, pid } = await monitor.started();
  expect({ code, errors: monitor.errors }).toEqual({ code: 0, errors: "" });
  return [monitor, pid];
}

const NAMES = ["anchor", "session", "launcher", "gofer", "sentry"] as const;

describe.skipIf(needsRoot !== undefined)(title, () => {
  /** By what each is. */
  const processes = new Map<string, number>();
  const monitors: Monitored[] = [];

  beforeAll(async () => {
    buildMonitor();
    await buildGuests(["spin"]);
    const bundle = makeBundle(path.join(top, "bundle"), {
      args: ["/bin/spin"],
      files: { "bin/spin": guestFile("spin") },
    });
    const [first, anchor] = await monitored("anchor", ["run", "--detach", "--bundle", bundle, ID]);
    const process = put(top, "process.json", JSON.stringify({ args: ["/bin/spin"], cwd: "/" }));
    const [second, session] = await monitored("session", ["exec", "--detach", "--process", process, ID]);
    monitors.push(first, second);
    const others = tree(anchor).slice(1);
    const named = (text: string) => others.filter((pid) => commandLine(pid).includes(text));
    const [launcher, gofer] = named("gofer.js");
    for (const [name, pid] of Object.entries({
      anchor,
      session,
      launcher,
      gofer,
      sentry: named("cli.js boot")[0],
    }))
      processes.set(name, pid!);
    expect(new Set(processes.values()).size).toBe(5);
    expect(tree(anchor).length).toBe(4);
  });

  afterAll(() => {
    runtime.code("delete", "--force", ID);
  });

  test.each(NAMES)("%s: no environment", (name) => {
    expect(readFileSync(`/proc/${processes.get(name)}/environ`, "utf8")).toBe("");
  });

  test.each(NAMES)("%s: no file of the engine's", (name) => {
    expect(descriptorsOf(processes.get(name)!)).not.toContain("/etc/passwd");
  });

  test("who only waits has what it waits for", () => {
    const kinds = (name: string) => kindsOf(processes.get(name)!);
    for (const name of ["anchor", "session"]) {
      expect(kinds(name)).toEqual(["anon_inode:[signalfd]", "null", "null", "null", "socket"]);
    }
    expect(kinds("launcher")).toEqual([]);
  });

  test("of files the sentry has the one that says whether it was started", () => {
    const files = kindsOf(processes.get("sentry")!).filter((kind) => kind.startsWith("/"));
    expect(files).toEqual([path.join(runtime.root, ID, "phase")]);
  });

  test("the gofer has files of the container's only, and Linux's own", () => {
    const files = kindsOf(processes.get("gofer")!).filter((kind) => kind.startsWith("/"));
    expect([...new Set(files)].filter((file) => !/^\/(bin(\/spin)?|proc(\/\d+\/fd)?)?$/.test(file))).toEqual(
      [],
    );
  });

  test("no pipe and no socket is anybody else's, but for the streams that were given", () => {
    // The gofer says on stderr what is wrong with it.
    const streamed: readonly string[] = ["sentry", "gofer"];
    const inside = new Set(processes.values());
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const outside = new Set(
      pids
        .map(Number)
        .filter((pid) => !inside.has(pid))
        .flatMap(descriptorsOf),
    );
    const given = new Set(monitors.flatMap(({ process }) => descriptorsOf(process.pid!)));
    expect(given.size).toBeGreaterThan(4);
    for (const name of NAMES) {
      const shared = descriptorsOf(processes.get(name)!).filter(
        (each) => /^(pipe|socket):/.test(each) && outside.has(each),
      );
      expect({ name, shared: shared.filter((each) => !streamed.includes(name) || !given.has(each)) }).toEqual(
        {
          name,
          shared: [],
        },
      );
    }
  });
});
