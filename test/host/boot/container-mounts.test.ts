// What the mounts of containers become in the kernel: covered paths, working directories, volumes that several containers share.

import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ENOENT, EROFS } from "../../../assembly/abi/errno.ts";
import { O_CREAT, O_RDWR, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { SandboxMounts } from "../../../src/host/boot/filesystems.ts";
import type { Machine } from "../../../src/host/boot/machine.ts";
import { SharedVolumes } from "../../../src/host/boot/shared-volumes.ts";
import type {
  BindSource,
  MountConfig,
  MountSource,
  SandboxConfig,
} from "../../../src/host/config/sandbox-config.ts";
import { serve } from "../../support/gofer-mount.ts";
import { checkInvariants, KernelProcess } from "../../support/sys/kernel.ts";
import { MountCalls } from "../../support/sys/mount-calls.ts";
import { makeMachine } from "../../support/wvisor.ts";
import { failure, scratchDirectory } from "../scratch.ts";

const scratch = scratchDirectory();
const TMPFS = { type: "tmpfs", readonly: false, mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 } as const;
const CONFIG: SandboxConfig = {
  id: "x",
  hostname: "x",
  root: TMPFS,
  mounts: [],
  process: { args: ["/x"], env: [], cwd: "/", uid: 0, gid: 0, groups: [], umask: 0o22, capabilities: 0n },
  runtimes: [],
  limits: { memoryBytes: 0, timeoutMs: 0 },
};

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Booted {
  readonly sys: MountCalls;
  readonly task: KernelProcess["task"];
}

function boot(machine: Machine, change: Partial<SandboxConfig>, volumes?: SharedVolumes): Booted {
  const sandbox = new SandboxMounts(machine, { ...CONFIG, ...change }, { volumes });
  sandbox.mountAll();
  const process = new KernelProcess(machine, sandbox.namespace, { uid: 0, gid: 0 });
  ends.push(() => {
    process.end();
    machine.kernel.namespace_release(sandbox.namespace);
  });
  return { sys: new MountCalls(process), task: process.task };
}

function serveTree(source: string, readonly = false): { machine: Machine; root: BindSource } {
  const gofer = serve({ source, readonly, donate: true });
  ends.push(() => gofer.close());
  const root = { type: "bind", source, readonly, overlay: false, cache: "exclusive" } as const;
  return { machine: makeMachine({ sockets: gofer.sockets, streams: [] }), root };
}

describe("covered paths", () => {
  test("show nothing, or change in nothing, and need not be there", () => {
    const mounts: MountConfig[] = [{ destination: "/kept/below", source: TMPFS }];
    const { sys } = boot(makeMachine({ sockets: [], streams: [] }), {
      mounts,
      maskedPaths: ["/proc/version", "/sys", "/gone", "/proc/self/fd/nothing"],
      readonlyPaths: ["/proc/sys", "/kept", "/gone/too"],
    });
    expect(sys.read(sys.open("/proc/version"), 10)).toEqual(Buffer.alloc(0));
    expect(sys.write(sys.open("/proc/version", O_WRONLY), "swallowed")).toBe(9);
    expect(sys.stat("/sys/kernel")).toBe(-ENOENT);
    expect(sys.mkdir("/sys/x")).toBe(-EROFS);
    expect(sys.mkdir("/kept/x")).toBe(-EROFS);
    expect(sys.mkdir("/kept/below/x")).toBe(-EROFS);
    expect(sys.open("/proc/sys/kernel/hostname", O_WRONLY)).toBe(-EROFS);
    expect(sys.mkdir("/fine")).toBe(0);
    expect(sys.stat("/gone")).toBe(-ENOENT);
  });

  test("are followed to where their links lead, in the container's own root", () => {
    const top = mkdtempSync(join(scratch, "root-"));
    for (const name of ["secret", "plain"]) mkdirSync(join(top, name));
    writeFileSync(join(top, "secret/key"), "the key");
    const { machine, root } = serveTree(top);
    const { sys } = boot(machine, { root, maskedPaths: ["/plain/../secret", "/secret/key"] });
    expect(sys.stat("/secret/key")).toBe(-ENOENT);
    expect(sys.open("/plain/new", O_CREAT | O_RDWR)).toBeGreaterThanOrEqual(0);
  });

  test("whose parent is a file are no error", () => {
    const top = mkdtempSync(join(scratch, "root-"));
    writeFileSync(join(top, "file"), "");
    const { machine, root } = serveTree(top);
    expect(() => boot(machine, { root, maskedPaths: ["/file/x"], readonlyPaths: ["/file/y"] })).toThrow(
      /ENOTDIR/,
    );
  });
});

describe("an overlay in memory", () => {
  const overlay = (source: BindSource): MountSource => ({ ...source, overlay: true });

  test("over a directory has its owner and mode (V21-18, V21-21)", () => {
    const top = mkdtempSync(join(scratch, "root-"));
    mkdirSync(join(top, "low"), { mode: 0o750 });
    const { machine, root } = serveTree(join(top, "low"), true);
    const { sys } = boot(machine, { mounts: [{ destination: "/o", source: overlay(root) }] });
    expect(sys.stat("/o")).toMatchObject({ mode: 0o40750, uid: process.getuid?.() });
    expect(sys.mkdir("/o/x")).toBe(0);
    expect(existsSync(join(top, "low/x"))).toBe(false);
  });

  test("over a regular file has its content and takes its changes (V21-19, V21-20)", () => {
    const top = mkdtempSync(join(scratch, "root-"));
    writeFileSync(join(top, "file"), "from below", { mode: 0o640 });
    const { machine, root } = serveTree(join(top, "file"), true);
    const { sys } = boot(machine, { mounts: [{ destination: "/etc/file", source: overlay(root) }] });
    expect(sys.stat("/etc/file")).toMatchObject({ mode: 0o100640, size: 10 });
    const fd = sys.open("/etc/file", O_RDWR);
    expect(sys.write(fd, "FROM")).toBe(4);
    expect(sys.read(sys.open("/etc/file"), 20)).toEqual(Buffer.from("FROM below"));
  });
});

describe("a volume that containers of a sandbox share", () => {
  const shared = { name: "shm", source: "/pod/shm" };

  test("is one file system, with flags of each container's own (V21-31, V21-32, MH-05)", () => {
    const machine = makeMachine({ sockets: [], streams: [] });
    const volumes = new SharedVolumes(machine);
    const first = boot(machine, { mounts: [{ destination: "/a", source: TMPFS, shared }] }, volumes);
    const readonly = { ...TMPFS, readonly: true };
    const mounts = [{ destination: "/b/c", source: readonly, shared }];
    const second = boot(machine, { mounts }, volumes);
    const other = boot(machine, { mounts: [{ destination: "/a", source: TMPFS }] }, volumes);
    expect(first.sys.write(first.sys.open("/a/note", O_CREAT | O_WRONLY), "hello")).toBe(5);
    expect(second.sys.read(second.sys.open("/b/c/note"), 9)).toEqual(Buffer.from("hello"));
    expect(second.sys.mkdir("/b/c/x")).toBe(-EROFS);
    expect(other.sys.stat("/a/note")).toBe(-ENOENT);
    checkInvariants(machine);
  });

  test("leaves nothing wrong in the kernel when its containers end", () => {
    const machine = makeMachine({ sockets: [], streams: [] });
    const volumes = new SharedVolumes(machine);
    const mounts = [{ destination: "/a", source: TMPFS, shared }];
    for (let i = 0; i < 2; i++) expect(boot(machine, { mounts }, volumes).sys.mkdir(`/a/${i}`)).toBe(0);
    for (const end of ends.splice(0)) end();
    checkInvariants(machine);
  });

  test("outlives the containers that have it (V21-33)", () => {
    const machine = makeMachine({ sockets: [], streams: [] });
    const volumes = new SharedVolumes(machine);
    const mounts = [{ destination: "/a", source: TMPFS, shared }];
    expect(boot(machine, { mounts }, volumes).sys.mkdir("/a/kept")).toBe(0);
    for (const end of ends.splice(0)) end();
    expect(boot(machine, { mounts }, volumes).sys.stat("/a/kept")).toMatchObject({ mode: 0o40755 });
  });

  test("has one source and one set of options (MH-03, MH-06)", () => {
    const machine = makeMachine({ sockets: [], streams: [] });
    const volumes = new SharedVolumes(machine);
    const take = (mount: Partial<MountConfig>) =>
      volumes.take({ destination: "/a", source: TMPFS, shared, ...mount });
    take({});
    const problem = /the shared volume shm is \/pod\/shm with mode=755,uid=0,gid=0 already/;
    expect(failure(() => take({ shared: { ...shared, source: "/else" } }))).toMatch(problem);
    expect(failure(() => take({ source: { ...TMPFS, mode: 0o700 } }))).toMatch(problem);
    expect(
      failure(() => {
        for (let i = 0; i < 1025; i++) take({ shared: { name: `v${i}`, source: `/v${i}` } });
      }),
    ).toMatch(/more than 1024 shared volumes/);
  });
});
