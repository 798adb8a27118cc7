import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { checkContainerId, directoryName } from "../../../src/host/container/container-id.ts";
import { Containers, defaultRoot } from "../../../src/host/container/containers.ts";
import { identify, isRunning } from "../../../src/host/container/process-id.ts";
import {
  type ContainerRecord,
  readRecord,
  statusOf,
  writeRecord,
} from "../../../src/host/container/record.ts";
import { loadNative } from "../../../src/native/index.ts";
import { failure, scratchDirectory } from "../scratch.ts";

const native = loadNative()!;
const top = scratchDirectory();
let next = 0;
let root: string;
let containers: Containers;

beforeEach(() => {
  root = path.join(top, `root-${next++}`);
  containers = new Containers(native, root);
});

function record(id: string, change: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id,
    ociVersion: "1.0.2",
    anchor: identify(process.pid)!,
    bundle: "/bundle",
    rootfs: "/bundle/rootfs",
    created: "2026-01-01T00:00:00.000Z",
    owner: "root",
    annotations: {},
    process: { env: [], cwd: "/", uid: 0, gid: 0, groups: [], umask: 0o22, capabilities: "0" },
    ...change,
  };
}

describe("an id", () => {
  test.each(["a", "...", "A._+-9", "x".repeat(1024)])("%s", (id) => {
    expect(checkContainerId(id)).toBe(id);
  });

  test.each(["", ".", "..", "a/b", "/x", "a b", "a\n", "%41", "x".repeat(1025)])("%j is none", (id) => {
    expect(failure(() => checkContainerId(id))).toMatch(/^invalid container id/);
  });

  test("has a directory of its own, however long it is", () => {
    const names = ["x".repeat(200), "x".repeat(201), "x".repeat(1024), `${"x".repeat(1023)}y`].map(
      directoryName,
    );
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name.length).toBeLessThan(250);
  });
});

describe("the directory of all containers", () => {
  test("is the user's alone", () => {
    containers.create("c1").unlock();
    expect(statSync(root).mode & 0o777).toBe(0o700);
    chmodSync(root, 0o777);
    expect(failure(() => containers.create("c2"))).toBe(`${root}: others may write there`);
  });

  test("is no link to another", () => {
    mkdirSync(`${root}-target`);
    symlinkSync(`${root}-target`, root);
    expect(failure(() => containers.create("c1"))).toBe(`${root}: not a directory`);
  });

  test("is XDG_RUNTIME_DIR's for users where that is an absolute path, and never for root", () => {
    expect(defaultRoot({ XDG_RUNTIME_DIR: "/run/user/1" }, 0)).toBe("/run/wvisor");
    expect(defaultRoot({ XDG_RUNTIME_DIR: "/run/user/1" }, 1)).toBe("/run/user/1/wvisor");
    expect(defaultRoot({ XDG_RUNTIME_DIR: "" }, 0)).toBe("/run/wvisor");
    expect(failure(() => defaultRoot({}, 1))).toContain("--root DIR");
  });
});

describe("a container's directory", () => {
  test("is locked by who makes it, and another create does not wait", () => {
    const made = containers.create("c1");
    expect(failure(() => containers.create("c1"))).toContain("already exists");
    made.unlock();
  });

  test("without a record is what a killed create left: there is no such container", () => {
    const made = containers.create("c1");
    writeFileSync(path.join(made.directory, "control"), "");
    made.unlock();
    const again = containers.create("c1");
    expect(readdirSync(again.directory)).toEqual([]);
    again.unlock();
    expect(failure(() => containers.lock("c1"))).toBe("container c1 does not exist");
    expect(existsSync(made.directory)).toBe(false);
  });

  test("that has something else in it, or that others may enter, is none and stays", () => {
    const foreign = path.join(root, "foreign");
    containers.create("c1").unlock();
    mkdirSync(path.join(foreign, "sub"), { recursive: true, mode: 0o700 });
    writeFileSync(path.join(foreign, "control"), "");
    mkdirSync(path.join(root, "empty"), { mode: 0o755 });
    for (const id of ["foreign", "empty"]) {
      expect(failure(() => containers.create(id))).toContain("already exists");
      expect(failure(() => containers.lock(id))).toContain("does not exist");
    }
    expect(readdirSync(foreign).toSorted()).toEqual(["control", "sub"]);
    expect(readdirSync(root)).toContain("empty");
  });

  test("with a record is a container, until it is removed", () => {
    const made = containers.create("c1");
    writeRecord(made.directory, record("c1"));
    made.unlock();
    expect(failure(() => containers.create("c1"))).toContain("already exists");
    const locked = containers.lock("c1");
    locked.remove();
    locked.unlock();
    expect(failure(() => containers.lock("c1"))).toBe("container c1 does not exist");
  });
});

describe("a record", () => {
  test("is read as it was written, whatever is in it", () => {
    const { directory } = containers.create("c1");
    expect(readRecord(directory)).toBeUndefined();
    const own = record("c1", { bundle: "/a\n\nb", annotations: { "\n\n": "\t\u0001" } });
    writeRecord(directory, own);
    expect(readRecord(directory)).toEqual(own);
  });
});

describe("the status of a container", () => {
  test("is that of its anchor, and whether the sentry was told to start", () => {
    const { directory } = containers.create("c1");
    const own = record("c1");
    writeFileSync(path.join(directory, "phase"), "c");
    expect(statusOf(directory, own)).toBe("created");
    writeFileSync(path.join(directory, "phase"), "r");
    expect(statusOf(directory, own)).toBe("running");
  });

  test("is stopped when its pid is another process's by now", () => {
    const { directory } = containers.create("c1");
    const anchor = { pid: process.pid, startTime: "1" };
    expect(isRunning(anchor)).toBe(false);
    expect(statusOf(directory, record("c1", { anchor }))).toBe("stopped");
    expect(statusOf(directory, record("c1", { anchor: { pid: 2 ** 22 + 1, startTime: "1" } }))).toBe(
      "stopped",
    );
  });
});
