// What a configuration's mounts become in the kernel.

import { describe, expect, test } from "vitest";
import { SandboxMounts } from "../../../src/host/boot/filesystems.ts";
import type { MountConfig, SandboxConfig } from "../../../src/host/config/sandbox-config.ts";
import { MNT_NOEXEC, MNT_NOSUID } from "../../../src/host/kernel/exports.ts";
import { kernelTarget } from "../../support/sys/kernel.ts";
import { MountCalls } from "../../support/sys/mount-calls.ts";
import { makeMachine } from "../../support/wvisor.ts";

const TMPFS = { type: "tmpfs", readonly: false, mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 } as const;

function boot(mounts: readonly MountConfig[]): MountCalls {
  const machine = makeMachine();
  const config: SandboxConfig = {
    id: "x",
    hostname: "x",
    root: TMPFS,
    mounts,
    process: { args: ["/x"], env: [], cwd: "/", uid: 0, gid: 0, groups: [], umask: 0o22, capabilities: 0n },
    runtimes: [],
    limits: { memoryBytes: 0, timeoutMs: 0 },
  };
  const sandbox = new SandboxMounts(machine, config);
  sandbox.mountAll();
  return new MountCalls(kernelTarget(machine, sandbox.namespace, "wVisor").process());
}

const listed = (sys: MountCalls) => sys.mountinfo().map(({ at, type }) => `${at} ${type}`);

describe("a sandbox", () => {
  test("has /proc, /dev and what else is mandatory, as far as the kernel has it (CM-01)", () => {
    const sys = boot([]);
    expect(listed(sys)).toContain("/ tmpfs");
    const places = sys.mountinfo().map(({ at }) => at);
    expect(places).toEqual(expect.arrayContaining(["/dev", "/dev/pts"]));
    const proc = sys.open("/proc/self/mountinfo");
    expect(proc).toBeGreaterThanOrEqual(0);
    expect(sys.stat("/dev/null")).toMatchObject({ mode: 0o020666 });
  });

  test("has mandatory mounts once, whoever asked for them (D18-07)", () => {
    const sys = boot([{ destination: "/proc", source: { type: "placeholder", name: "proc" } }]);
    const places = sys.mountinfo().map(({ at }) => at);
    expect(new Set(places).size).toBe(places.length);
  });

  test("mounts parents before what lies below them (V21-24)", () => {
    const sys = boot([
      { destination: "/a/b/c", source: TMPFS },
      { destination: "/long-name", source: TMPFS },
      { destination: "/a", source: TMPFS },
    ]);
    const order = sys.mountinfo().map(({ at }) => at);
    expect(order.indexOf("/a")).toBeLessThan(order.indexOf("/a/b/c"));
    expect(sys.mountinfo().find(({ at }) => at === "/a/b/c")?.on).toBe("/a");
  });

  test("gives each mount the flags that were asked for (V21-27)", () => {
    const readonly = { ...TMPFS, readonly: true };
    const sys = boot([
      { destination: "/a", source: readonly, flags: MNT_NOSUID | MNT_NOEXEC },
      { destination: "/b", source: TMPFS },
    ]);
    const options = new Map(sys.mountinfo().map(({ at, options: text }) => [at, text]));
    expect(options.get("/a")).toBe("ro,nosuid,noexec");
    expect(options.get("/b")).toBe("rw,relatime");
  });

  test("has file systems that the kernel lacks as empty directories", () => {
    const sys = boot([{ destination: "/x", source: { type: "placeholder", name: "nosuchfs" } }]);
    expect(sys.stat("/x")).toMatchObject({ mode: 0o040555 });
  });
});
