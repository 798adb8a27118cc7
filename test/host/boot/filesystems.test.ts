// What a configuration's mounts become in the kernel.

import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  EBUSY,
  EEXIST,
  ENODATA,
  ENOENT,
  ENOSPC,
  ENOTEMPTY,
  ENXIO,
  EROFS,
} from "../../../assembly/abi/errno.ts";
import { O_CREAT, O_DIRECTORY, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { SYS_dup2, SYS_getdents64 } from "../../../assembly/abi/syscall.ts";
import { SandboxMounts } from "../../../src/host/boot/filesystems.ts";
import type { Machine } from "../../../src/host/boot/machine.ts";
import type {
  KernelFilesystem,
  MountConfig,
  MountSource,
  SandboxConfig,
} from "../../../src/host/config/sandbox-config.ts";
import { MNT_NOEXEC, MNT_NOSUID } from "../../../src/host/kernel/exports.ts";
import { bestProvider } from "../../../src/host/kernel/instance.ts";
import { serve } from "../../support/gofer-mount.ts";
import { Calls } from "../../support/sys/calls.ts";
import { checkInvariants, type KernelProcess, kernelTarget } from "../../support/sys/kernel.ts";
import { linuxTarget } from "../../support/sys/linux.ts";
import { MountCalls } from "../../support/sys/mount-calls.ts";
import { kernelModules, makeMachine } from "../../support/wvisor.ts";
import { scratchDirectory } from "../scratch.ts";

const scratch = scratchDirectory();
const TMPFS = { type: "tmpfs", readonly: false, mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 } as const;

const kernel = (name: KernelFilesystem, options = ""): MountSource => ({
  type: "kernel",
  name,
  options,
  readonly: false,
});

function configOf(mounts: readonly MountConfig[], root: MountSource = TMPFS): SandboxConfig {
  return {
    id: "x",
    hostname: "x",
    root,
    mounts,
    process: { args: ["/x"], env: [], cwd: "/", uid: 0, gid: 0, groups: [], umask: 0o22, capabilities: 0n },
    runtimes: [],
    limits: { memoryBytes: 0, timeoutMs: 0 },
  };
}

function boot(
  mounts: readonly MountConfig[],
  stdout?: number,
  sockets: readonly number[] = [],
  root: MountSource = TMPFS,
): MountCalls {
  const machine = makeMachine({
    modules: kernelModules(bestProvider(), true),
    sockets,
    streams: stdout === undefined ? [] : [stdout],
  });
  machines.push(machine);
  const sandbox = new SandboxMounts(machine, configOf(mounts, root));
  sandbox.mountAll();
  const process = kernelTarget(machine, sandbox.namespace, "wVisor").process() as KernelProcess;
  if (stdout !== undefined) machine.setStream(process.task, 1, stdout, 0o100600, O_RDWR);
  return new MountCalls(process);
}

/** What is listed of a directory, in calls that have room for a few names each. */
function names(sys: MountCalls, directory: string): string[] {
  const fd = sys.open(directory, O_RDONLY | O_DIRECTORY);
  const found: string[] = [];
  const bytes = Buffer.alloc(96);
  for (;;) {
    const used = sys.process.syscall(SYS_getdents64, fd, bytes, bytes.length);
    expect(used).toBeGreaterThanOrEqual(0);
    if (used === 0) break;
    for (let at = 0; at < used; at += bytes.readUInt16LE(at + 16)) {
      const end = at + bytes.readUInt16LE(at + 16);
      found.push(bytes.toString("utf8", at + 19, end).replace(/\0.*$/s, ""));
    }
  }
  sys.close(fd);
  return found;
}

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) checkInvariants(machine);
});

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
    const sys = boot([{ destination: "/proc", source: kernel("proc") }]);
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

  test("gives each file system its own options, which hold and are shown", () => {
    const limited = { ...TMPFS, sizeBytes: 65536, inodes: 3, mode: 0o750, uid: 7, gid: 8 };
    const sys = boot([
      { destination: "/dev/pts", source: kernel("devpts", "newinstance,gid=5,mode=620,ptmxmode=0666") },
      { destination: "/few", source: limited },
      { destination: "/sys/fs/cgroup", source: { ...kernel("cgroup2", "nsdelegate"), readonly: true } },
      { destination: "/dev/mqueue", source: kernel("mqueue") },
    ]);
    const shown = new Map(sys.mountinfo().map(({ at, fsOptions }) => [at, fsOptions]));
    expect(shown.get("/dev/pts")).toBe("rw,gid=5,mode=620,ptmxmode=666");
    expect(shown.get("/few")).toBe("rw,size=64k,nr_inodes=3,mode=750,uid=7,gid=8");
    expect(shown.get("/sys/fs/cgroup")).toBe("rw,nsdelegate");
    expect(shown.get("/dev/mqueue")).toBe("rw");
    expect(shown.get("/dev/shm")).toBe("rw");
    expect(sys.stat("/dev/pts/ptmx")).toMatchObject({ mode: 0o020666 });
    expect(sys.stat("/few")).toMatchObject({ mode: 0o040750, uid: 7, gid: 8 });
    expect([1, 2, 3].map((n) => sys.mkdir(`/few/${n}`))).toEqual([0, 0, -ENOSPC]);
    expect(sys.mkdir("/sys/fs/cgroup/x")).toBe(-EROFS);
  });

  test("says of each mount what it is, as a container on Linux does", () => {
    const sys = boot([
      { destination: "/sys", source: kernel("sysfs"), device: "whatever" },
      { destination: "/few", source: TMPFS },
    ]);
    const shown = sys.mountinfo().map(({ at, type, source }) => `${source} ${at} ${type}`);
    expect(shown.sort()).toEqual([
      "devpts /dev/pts devpts",
      "devtmpfs /dev devtmpfs",
      "shm /dev/shm tmpfs",
      "tmpfs / tmpfs",
      "tmpfs /few tmpfs",
      "whatever /sys sysfs",
    ]);
  });

  test("of the host shows no path of the host, and an overlay of such what it does (D18-04, D18-21, GF-01)", () => {
    const tree = (overlay: boolean): MountSource => ({
      type: "bind",
      source: scratch,
      readonly: true,
      overlay,
      cache: overlay ? "exclusive" : "shared",
    });
    const lower: MountSource = {
      type: "overlay",
      lowers: [scratch],
      upper: undefined,
      readonly: false,
      options: "redirect_dir=off",
      cache: "exclusive",
    };
    const gofer = serve(...[0, 1, 2].map(() => ({ source: scratch, readonly: true, donate: false })));
    const mounts = [
      { destination: "/seen", source: tree(false) },
      { destination: "/over", source: tree(true) },
      { destination: "/merged", source: lower },
    ];
    const sys = boot(mounts, undefined, gofer.sockets);
    const shown = new Map(sys.mountinfo().map(({ at, source, fsOptions }) => [at, `${source} ${fsOptions}`]));
    expect(shown.get("/seen")).toBe("9pfs-/seen ro,trans=fd,aname=/,dcache=8192,cache=remote_revalidating");
    expect(shown.get("/over")).toBe("overlay rw,redirect_dir=on,index=on");
    expect(shown.get("/merged")).toBe("overlay rw,index=on");
    gofer.close();
  });

  test("keeps an overlay's attributes as a user's when told to, out of a program's reach (OV-10, OV-25)", () => {
    const top = mkdtempSync(join(scratch, "layers-"));
    const host = linuxTarget(top);
    const there = new Calls(host.process());
    for (const name of ["low", "low/dir", "up"]) expect(there.mkdir(name)).toBe(0);
    const gofer = serve(
      { source: join(top, "up"), readonly: false, donate: false },
      { source: join(top, "low"), readonly: true, donate: false },
    );
    const source: MountSource = {
      type: "overlay",
      lowers: [join(top, "low")],
      upper: join(top, "up"),
      readonly: false,
      options: "userxattr",
      cache: "exclusive",
    };
    const sys = boot([{ destination: "/o", source }], undefined, gofer.sockets);
    expect(sys.rmdir("/o/dir")).toBe(0);
    expect(sys.mkdir("/o/dir")).toBe(0);
    expect(sys.setxattr("/o/dir", "user.overlay.redirect", "y")).toBe(0);
    expect(sys.listxattr("/o/dir")).toEqual(["user.overlay.redirect"]);
    expect(there.listxattr("up/dir")).toEqual(
      expect.arrayContaining(["user.overlay.opaque", "user.overlay.overlay.redirect"]),
    );
    expect(sys.getxattr("/o/dir", "user.overlay.opaque")).toBe(-ENODATA);
    expect(sys.getxattr("/o/dir", "user.overlay.redirect")).toEqual(Buffer.from("y"));
    expect(sys.removexattr("/o/dir", "user.overlay.redirect")).toBe(0);
    expect(there.listxattr("up/dir")).toEqual(["user.overlay.opaque"]);
    expect(sys.rename("/o/dir", "/o/moved")).toBe(0);
    expect(sys.mountinfo().find(({ at }) => at === "/o")?.fsOptions).toBe(
      "rw,redirect_dir=nofollow,userxattr",
    );
    gofer.close();
    host.end();
  });

  describe("with a root of the host's", () => {
    /** Boots over a tree with links in it; what is made on the host is the test's to look at. */
    function overTree(...destinations: string[]): { sys: MountCalls; top: string } {
      const top = mkdtempSync(join(scratch, "root-"));
      for (const name of ["run", "var", "deep", "deep/er"]) mkdirSync(join(top, name));
      writeFileSync(join(top, "file"), "");
      symlinkSync("/run", join(top, "var/run"));
      symlinkSync("../../../../run", join(top, "deep/er/out"));
      symlinkSync("nowhere", join(top, "dangling"));
      const root: MountSource = {
        type: "bind",
        source: top,
        readonly: false,
        overlay: false,
        cache: "exclusive",
      };
      const gofer = serve({ source: top, readonly: false, donate: false });
      try {
        const mounts = destinations.map((destination) => ({ destination, source: TMPFS }));
        return { sys: boot(mounts, undefined, gofer.sockets, root), top };
      } finally {
        gofers.push(gofer);
      }
    }

    const gofers: { close(): void }[] = [];
    afterEach(() => {
      for (const gofer of gofers.splice(0)) gofer.close();
    });

    test("resolves places through the root's links, and never out of it (D18-17, V21-36)", () => {
      const { sys, top } = overTree("/var/run/under", "/deep/er/out/also", "/var/run");
      const places = sys.mountinfo().map(({ at }) => at);
      expect(places).toEqual(expect.arrayContaining(["/run", "/run/under", "/run/also"]));
      expect(readdirSync(join(top, "run"))).toEqual([]);
    });

    test("makes places that are missing, and none of them on the host (D18-11, D18-18, V21-25, V21-34, V21-35, GF-13)", () => {
      const { sys, top } = overTree("/new/place/deep", "/var/lib/x");
      const before = readdirSync(top).sort();
      expect(before).toEqual(["dangling", "deep", "file", "run", "var"]);
      expect(readdirSync(join(top, "var"))).toEqual(["run"]);
      expect(sys.stat("/new/place")).toMatchObject({ mode: 0o40755 });
      expect(sys.mkdir("/new/place/deep/inner")).toBe(0);
      expect(sys.stat("/dev/null")).toMatchObject({ mode: 0o020666 });
    });

    test("shows such places in listings, and keeps them", () => {
      const { sys, top } = overTree("/new/place/deep", "/another", "/run/under", "/var/lib/x");
      const host = ["dangling", "deep", "file", "run", "var"];
      const kept = ["another", "dev", "new", "proc", "sys"];
      expect(names(sys, "/").toSorted()).toEqual([".", "..", ...host, ...kept].toSorted());
      expect(names(sys, "/new")).toEqual([".", "..", "place"]);
      expect(names(sys, "/var").toSorted()).toEqual([".", "..", "lib", "run"]);
      expect(names(sys, "/run").slice(2)).toEqual(["under"]);
      // What the host has there later is behind it, and no second name.
      mkdirSync(join(top, "another"));
      expect(names(sys, "/").filter((name) => name === "another")).toEqual(["another"]);
      for (const place of ["/new", "/another", "/run/under", "/var/lib"]) {
        expect([place, sys.rmdir(place)]).toEqual([place, -EBUSY]);
        expect([place, sys.rename(place, "/moved")]).toEqual([place, -EBUSY]);
        expect([place, sys.mkdir(place)]).toEqual([place, -EEXIST]);
      }
      expect(sys.rename("/deep", "/new")).toBe(-EBUSY);
      // On the host it is empty.
      expect(sys.rmdir("/run")).toBe(-ENOTEMPTY);
      expect(sys.rename("/deep", "/run")).toBe(-ENOTEMPTY);
      expect(sys.stat("/run/under")).toMatchObject({ mode: 0o40755 });
      // With what is mounted below it a directory moves as ever.
      expect(sys.rename("/run", "/ran")).toBe(0);
      expect(names(sys, "/ran").slice(2)).toEqual(["under"]);
      expect(readdirSync(top)).toContain("ran");
    });

    test("refuses places below a file, and through a link that leads nowhere (D18-09, D18-16)", () => {
      expect(() => overTree("/file/x")).toThrow(/^mount \/file\/x: ENOTDIR/);
      expect(() => overTree("/file")).toThrow(/^mount \/file: ENOTDIR/);
      expect(() => overTree("/dangling/x")).toThrow(/^mount \/dangling\/x: ENOENT/);
    });
  });

  test("opens a standard stream that is a file of the host anew, and does not cut it off", () => {
    const file = join(scratch, "out");
    writeFileSync(file, "before");
    const stdout = openSync(file, "a+");
    const sys = boot([], stdout);
    const fd = sys.open("/dev/stdout", O_WRONLY | O_CREAT | O_TRUNC);
    expect(sys.write(fd, ", after")).toBe(7);
    expect(readFileSync(file, "utf8")).toBe("before, after");
    closeSync(stdout);
  });

  test("has devices that do as Linux's do, and no others (V21-03, V21-04, V21-05, V21-06)", () => {
    const sys = boot([]);
    const open = (name: string) => sys.open(`/dev/${name}`, O_RDWR);
    expect([sys.read(open("null"), 8), sys.write(open("null"), "x")]).toEqual([Buffer.alloc(0), 1]);
    expect([sys.read(open("zero"), 3), sys.write(open("zero"), "x")]).toEqual([Buffer.alloc(3), 1]);
    expect([sys.read(open("full"), 3), sys.write(open("full"), "x")]).toEqual([Buffer.alloc(3), -ENOSPC]);
    for (const name of ["random", "urandom"]) {
      expect(sys.read(open(name), 64)).not.toEqual(Buffer.alloc(64));
      expect(sys.write(open(name), "x")).toBe(1);
    }
    // Nobody has a controlling terminal: Linux's word for that, where gVisor says EIO.
    expect(open("tty")).toBe(-ENXIO);
    expect([open("fuse"), open("net/tun")]).toEqual([-ENOENT, -ENOENT]);
  });

  test("has devices of its own, whatever another container does to its (V21-07)", () => {
    const machine = makeMachine();
    const [first, second] = [1, 2].map(() => {
      const sandbox = new SandboxMounts(machine, configOf([]));
      sandbox.mountAll();
      return new MountCalls(kernelTarget(machine, sandbox.namespace, "wVisor").process());
    });
    expect(first!.unlink("/dev/null")).toBe(0);
    expect(first!.open("/dev/null", O_CREAT | O_WRONLY)).toBeGreaterThanOrEqual(0);
    expect(second!.stat("/dev/null")).toMatchObject({ mode: 0o020666 });
  });

  test("has /dev as containers on Linux have it (V21-08)", () => {
    const sys = boot([]);
    expect(sys.readlink("/dev/fd")).toBe("/proc/self/fd");
    expect(sys.readlink("/dev/stdin")).toBe("/proc/self/fd/0");
    expect(sys.readlink("/dev/stdout")).toBe("/proc/self/fd/1");
    expect(sys.readlink("/dev/stderr")).toBe("/proc/self/fd/2");
    expect(sys.readlink("/dev/ptmx")).toBe("pts/ptmx");
    expect(sys.stat("/dev/shm")).toMatchObject({ mode: 0o041777 });
    expect(sys.mountinfo().find(({ at }) => at === "/dev/shm")).toMatchObject({ type: "tmpfs" });
    expect(sys.stat("/dev/console")).toBe(-ENOENT);
    const fd = sys.open("/file", O_CREAT | O_RDWR);
    expect(sys.process.syscall(SYS_dup2, fd, 1)).toBe(1);
    expect(sys.write(sys.open("/dev/stdout", O_WRONLY | O_CREAT), "through")).toBe(7);
    expect(sys.stat("/file")).toMatchObject({ size: 7 });
  });
});
