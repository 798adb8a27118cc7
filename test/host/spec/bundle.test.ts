import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { WvisorError } from "../../../src/common/errors.ts";
import { DEFAULT_TMPFS } from "../../../src/host/config/defaults.ts";
import type { SandboxConfig } from "../../../src/host/config/sandbox-config.ts";
import {
  MNT_NOATIME,
  MNT_NODEV,
  MNT_NODIRATIME,
  MNT_NOEXEC,
  MNT_NOSUID,
  MNT_NOSYMFOLLOW,
  MNT_RELATIME,
} from "../../../src/host/kernel/exports.ts";
import { type BundleOptions, loadBundle } from "../../../src/host/spec/bundle.ts";
import { failure, put, scratchDirectory } from "../scratch.ts";

const scratch = scratchDirectory();
const bundle = join(scratch, "bundle");
for (const name of ["rootfs", "data", "a", "b:c", "up"]) mkdirSync(join(bundle, name), { recursive: true });

interface Loaded {
  readonly config: SandboxConfig;
  readonly warnings: readonly string[];
}

const MINIMAL = { ociVersion: "1.0.2", root: { path: "rootfs" }, process: { args: ["/app"], cwd: "/" } };

function loadText(text: string, overlay: BundleOptions["overlay"] = "none"): Loaded {
  put(bundle, "config.json", text);
  const warnings: string[] = [];
  const config = loadBundle({ id: "c1", bundle, overlay, warn: (line) => warnings.push(line) });
  return { config, warnings };
}

const load = (spec: object, overlay?: BundleOptions["overlay"]) => loadText(JSON.stringify(spec), overlay);
const loadProcess = (fields: object) => load({ ...MINIMAL, process: { ...MINIMAL.process, ...fields } });
const loadMount = (mount: object, overlay?: BundleOptions["overlay"]) =>
  load({ ...MINIMAL, mounts: [mount] }, overlay);
const sourceOf = (mount: object, overlay?: BundleOptions["overlay"]) =>
  loadMount(mount, overlay).config.mounts[0]?.source;

describe("a bundle", () => {
  test("needs little, and has OCI's defaults", () => {
    expect(load(MINIMAL)).toEqual({
      warnings: [],
      config: {
        id: "c1",
        hostname: "wvisor",
        root: {
          type: "bind",
          source: join(bundle, "rootfs"),
          readonly: false,
          overlay: false,
          cache: "exclusive",
        },
        mounts: [{ destination: "/tmp", source: DEFAULT_TMPFS }],
        process: {
          args: ["/app"],
          env: [],
          cwd: "/",
          uid: 0,
          gid: 0,
          groups: [],
          umask: 0o22,
          capabilities: 0n,
        },
        makesCwd: true,
        maskedPaths: [],
        readonlyPaths: [],
        runtimes: [],
        limits: { memoryBytes: 0, timeoutMs: 0 },
      },
    });
  });

  test("says who the process is", () => {
    const { config } = loadProcess({
      args: ["a", "", "b c"],
      env: ["A=1=2", "B="],
      cwd: "/x/../y/",
      user: { uid: 1000, gid: 4294967294, additionalGids: [5, 6], umask: 0o77 },
      capabilities: { effective: ["CAP_CHOWN", "CAP_MKNOD"], bounding: ["CAP_SYS_ADMIN"] },
    });
    expect(config.process).toEqual({
      args: ["a", "", "b c"],
      env: ["A=1=2", "B="],
      cwd: "/y",
      uid: 1000,
      gid: 4294967294,
      groups: [5, 6],
      umask: 0o77,
      capabilities: (1n << 0n) | (1n << 27n),
    });
  });

  test("is read whatever else engines write into it", () => {
    const { config, warnings } = load({
      ...MINIMAL,
      ociVersion: "1.3.0",
      hostname: "box",
      annotations: { a: "b" },
      hooks: { prestart: [] },
      linux: { namespaces: [{ type: "pid" }], resources: { memory: { limit: 1048576, swap: -1 }, cpu: {} } },
    });
    expect(config.hostname).toBe("box");
    expect(config.limits.memoryBytes).toBe(1048576);
    expect(warnings).toEqual([]);
    expect(load({ ...MINIMAL, linux: null }).config.limits.memoryBytes).toBe(0);
    const unlimited = { resources: { memory: { limit: -1 } } };
    expect(load({ ...MINIMAL, linux: unlimited }).config.limits.memoryBytes).toBe(0);
  });

  test("is told what it asks for in vain", () => {
    expect(load({ ...MINIMAL, hooks: { poststop: [{ path: "/x" }] } }).warnings).toEqual([
      "hooks: ignoring them, only containers (create, run --detach) have any",
    ]);
    expect(loadProcess({ capabilities: { effective: ["CAP_FLY", "CHOWN"] } }).warnings).toEqual([
      'process.capabilities.effective: ignoring unknown capability "CAP_FLY"',
      'process.capabilities.effective: ignoring unknown capability "CHOWN"',
    ]);
  });

  test("gets an overlay in memory where it may write, as far as asked", () => {
    const spec = { ...MINIMAL, mounts: [{ destination: "/d", type: "bind", source: "data" }] };
    const overlays = (overlay: BundleOptions["overlay"]) => {
      const { config } = load(spec, overlay);
      return [config.root, config.mounts[0]!.source].map(
        (source) => source.type === "bind" && source.overlay,
      );
    };
    expect(overlays("none")).toEqual([false, false]);
    expect(overlays("root")).toEqual([true, false]);
    expect(overlays("all")).toEqual([true, true]);
    const readonly = load({ ...MINIMAL, root: { path: "rootfs", readonly: true } }, "all").config.root;
    expect(readonly).toMatchObject({ readonly: true, overlay: false });
  });

  test("may have its root anywhere", () => {
    expect(load({ ...MINIMAL, root: { path: scratch } }).config.root).toMatchObject({ source: scratch });
    expect(failure(() => load({ ...MINIMAL, root: { path: "gone" } }))).toBe(
      `mount source ${bundle}/gone: no such file or directory`,
    );
  });
});

describe("config.json", () => {
  const process = MINIMAL.process;
  const withMount = (mount: unknown) => ({
    ...MINIMAL,
    mounts: [{ destination: "/ok", type: "proc" }, mount],
  });
  test.each<[string, unknown]>([
    ["must be an object", null],
    ["must be an object", "x"],
    ["root: is missing", []],
    ["ociVersion: must be 1.x", { ...MINIMAL, ociVersion: "2.0.0" }],
    ["ociVersion: must be a string", { ...MINIMAL, ociVersion: 1 }],
    ["root: is missing", { process }],
    ["root.path: is missing", { ...MINIMAL, root: {} }],
    ["root.path: must not be empty", { ...MINIMAL, root: { path: "" } }],
    ["root.path: must not contain a NUL character", { ...MINIMAL, root: { path: "a\0b" } }],
    ["root.readonly: must be true or false", { ...MINIMAL, root: { path: "r", readonly: 1 } }],
    ["process: is missing", { root: MINIMAL.root }],
    ["process: must be an object", { ...MINIMAL, process: "x" }],
    ["process.args: is missing", { ...MINIMAL, process: { cwd: "/" } }],
    ["process.args: must be an array", { ...MINIMAL, process: { ...process, args: "x" } }],
    ["process.args: must not be empty", { ...MINIMAL, process: { ...process, args: [] } }],
    ["process.args[0]: must not be empty", { ...MINIMAL, process: { ...process, args: [""] } }],
    ["process.args[1]: must be a string", { ...MINIMAL, process: { ...process, args: ["x", 1] } }],
    [
      "process.env[1]: must have the form NAME=value",
      { ...MINIMAL, process: { ...process, env: ["A=1", "B"] } },
    ],
    ["process.cwd: is missing", { ...MINIMAL, process: { args: ["x"] } }],
    ["process.cwd: must be an absolute path", { ...MINIMAL, process: { ...process, cwd: "x" } }],
    ["process.user.uid: must be at least 0", { ...MINIMAL, process: { ...process, user: { uid: -1 } } }],
    [
      "process.user.gid: must be at most 4294967294",
      { ...MINIMAL, process: { ...process, user: { gid: 2 ** 32 } } },
    ],
    ["process.user.uid: must be a number", { ...MINIMAL, process: { ...process, user: { uid: "0" } } }],
    [
      "process.user.additionalGids[0]: must be a whole number",
      { ...MINIMAL, process: { ...process, user: { additionalGids: [1.5] } } },
    ],
    [
      "process.user.umask: must be at most 511",
      { ...MINIMAL, process: { ...process, user: { umask: 512 } } },
    ],
    [
      "process.capabilities.effective: must be an array",
      { ...MINIMAL, process: { ...process, capabilities: { effective: "ALL" } } },
    ],
    ["hostname: must have at most 64 bytes", { ...MINIMAL, hostname: "h".repeat(65) }],
    ["hostname: must have at most 64 bytes", { ...MINIMAL, hostname: "é".repeat(33) }],
    ["domainname: must have at most 64 bytes", { ...MINIMAL, domainname: "d".repeat(65) }],
    [
      "linux.namespaces[0].path: must be an absolute path",
      { ...MINIMAL, linux: { namespaces: [{ type: "pid", path: "proc/1/ns/pid" }] } },
    ],
    [
      "linux.resources.memory.limit: must be a number",
      { ...MINIMAL, linux: { resources: { memory: { limit: "1g" } } } },
    ],
    ["mounts: must be an array", { ...MINIMAL, mounts: {} }],
    ["mounts[1].destination: is missing", withMount({ type: "proc" })],
    [
      "mounts[1].destination: must be a path of at most 4095 bytes",
      withMount({ destination: "x".repeat(4096), type: "proc" }),
    ],
    [
      "mounts[1].destination: must not be /, which root sets",
      withMount({ destination: "/x/..", type: "proc" }),
    ],
    ["mounts[1].source: must not be empty", withMount({ destination: "/x", type: "bind" })],
    [
      "mounts[1].options: size=x: not a size such as 64m",
      withMount({ destination: "/x", type: "tmpfs", options: ["size=x"] }),
    ],
    [
      "mounts[1].options: an overlay needs lowerdir=DIR[:DIR...]",
      withMount({ destination: "/x", type: "overlay" }),
    ],
    [
      "mounts[1].options: an overlay needs lowerdir=DIR[:DIR...]",
      withMount({ destination: "/x", type: "overlay", options: ["lowerdir=a::b"] }),
    ],
    [
      "mounts[1].options: upperdir is empty",
      withMount({ destination: "/x", type: "overlay", options: ["lowerdir=a", "upperdir="] }),
    ],
    ["mounts[1].options[0]: must be a string", withMount({ destination: "/x", type: "tmpfs", options: [1] })],
  ])("%s", (problem, value) => {
    expect(failure(() => load(value as object))).toBe(`loading bundle: config.json: ${problem}`);
  });

  test("that is not JSON says so", () => {
    expect(failure(() => loadText('{ "a": '))).toMatch(/^loading bundle: config\.json: not JSON: /);
    expect(failure(() => loadText(""))).toMatch(/^loading bundle: config\.json: not JSON: /);
  });

  test("that is a FIFO or a directory is not waited for", () => {
    const other = join(scratch, "fifo");
    mkdirSync(join(other, "dir/config.json"), { recursive: true });
    execFileSync("mkfifo", [join(other, "config.json")]);
    const options = { id: "x", overlay: "none" as const, warn: () => {} };
    for (const directory of [other, join(other, "dir")]) {
      expect(failure(() => loadBundle({ ...options, bundle: directory }))).toBe(
        `loading bundle: ${directory}/config.json: not a regular file`,
      );
    }
  });

  test("that is wrong is wVisor's own error", () => {
    expect(() => load({})).toThrow(WvisorError);
  });
});

describe("a mount", () => {
  const BIND = {
    type: "bind",
    source: join(bundle, "data"),
    readonly: false,
    overlay: false,
    cache: "exclusive",
  };
  const DATA = { destination: "/d", source: "data" };

  test("of the host is a bind by its type or by its options", () => {
    expect(sourceOf({ ...DATA, type: "bind" })).toEqual(BIND);
    expect(sourceOf({ ...DATA, type: "none", options: ["rbind", "nosuid", "rprivate"] })).toEqual(BIND);
    expect(sourceOf({ ...DATA, options: ["bind"] })).toEqual(BIND);
    expect(sourceOf({ ...DATA, type: "tmpfs", options: ["bind"] })).toEqual(BIND);
    expect(sourceOf({ ...DATA, source: join(bundle, "data"), type: "bind" })).toEqual(BIND);
  });

  test("is read-only by the last of ro and rw (D18-27)", () => {
    expect(sourceOf({ ...DATA, type: "bind", options: ["rw", "ro"] })).toEqual({ ...BIND, readonly: true });
    expect(sourceOf({ ...DATA, type: "bind", options: ["ro", "rw"] })).toEqual(BIND);
    expect(sourceOf({ ...DATA, type: "bind", options: ["ro"] }, "all")).toEqual({ ...BIND, readonly: true });
  });

  test("with an overlay is cached as exclusive", () => {
    expect(sourceOf({ ...DATA, type: "bind" }, "all")).toEqual({
      ...BIND,
      overlay: true,
      cache: "exclusive",
    });
  });

  test("of a source that does not exist is refused", () => {
    expect(failure(() => loadMount({ destination: "/d", type: "bind", source: "gone" }))).toBe(
      `mount source ${bundle}/gone: no such file or directory`,
    );
  });

  test("has a clean destination that cannot leave the root", () => {
    const { config } = loadMount({ ...DATA, destination: "/../x//y/", type: "bind" });
    expect(config.mounts[0]!.destination).toBe("/x/y");
  });

  test("of tmpfs takes its options", () => {
    const tmpfs = { type: "tmpfs", readonly: false, mode: 0o1777, uid: 0, gid: 0, sizeBytes: 0 };
    expect(sourceOf({ destination: "/t", type: "tmpfs" })).toEqual(tmpfs);
    const options = ["nosuid", "size=65536k", "mode=755", "uid=1", "gid=2", "nr_inodes=5", "ro"];
    expect(sourceOf({ destination: "/t", type: "tmpfs", options })).toEqual({
      type: "tmpfs",
      readonly: true,
      mode: 0o755,
      uid: 1,
      gid: 2,
      sizeBytes: 64 << 20,
      inodes: 5,
    });
  });

  test("at /dev becomes the kernel's own devices", () => {
    const engines = { destination: "/dev/", type: "tmpfs", options: ["mode=755", "size=65536k"] };
    expect(sourceOf(engines)).toEqual({
      type: "kernel",
      name: "devtmpfs",
      options: "mode=755,size=65536k",
      readonly: false,
    });
    expect(sourceOf({ destination: "/dev/shm", type: "tmpfs" })).toMatchObject({ type: "tmpfs" });
  });

  test("of overlay names its layers relative to the bundle, with colons escaped", () => {
    const options = ["lowerdir=a:b\\:c", "upperdir=up", "workdir=gone", "ro"];
    expect(sourceOf({ destination: "/o", type: "overlay", options })).toEqual({
      type: "overlay",
      lowers: [join(bundle, "a"), join(bundle, "b:c")],
      upper: join(bundle, "up"),
      readonly: true,
      cache: "exclusive",
    });
    const inMemory = { destination: "/o", type: "overlay", options: [`lowerdir=${bundle}/a`] };
    expect(sourceOf(inMemory)).toMatchObject({
      lowers: [join(bundle, "a")],
      upper: undefined,
      readonly: false,
    });
  });

  test("of overlay has its other options, as far as they can be had (OV-10)", () => {
    const options = ["lowerdir=a", "redirect_dir=off", "nodev", "workdir=w", "xino=on"];
    expect(sourceOf({ destination: "/o", type: "overlay", options })).toMatchObject({
      options: "redirect_dir=off,xino=on",
    });
    const indexed = ["lowerdir=a", "upperdir=up", "workdir=w", "index=on"];
    expect(failure(() => loadMount({ destination: "/o", type: "overlay", options: indexed }))).toBe(
      "loading bundle: config.json: mounts[0].options: index=on needs an upper layer in memory",
    );
    for (const unknown of ["ordered", "fast"]) {
      const wrong = ["lowerdir=a", unknown];
      expect(failure(() => loadMount({ destination: "/o", type: "overlay", options: wrong }))).toMatch(
        new RegExp(`has no option "${unknown}" \\(EINVAL\\)$`),
      );
    }
  });

  test("of a kernel's file system keeps the name that the bundle gives it, and no path of the host", () => {
    const device = (mount: object) => loadMount(mount).config.mounts[0]?.device;
    expect(device({ destination: "/dev/shm", type: "tmpfs", source: "shm" })).toBe("shm");
    expect(device({ destination: "/proc", type: "proc", source: "proc" })).toBe("proc");
    expect(device({ destination: "/x", type: "tmpfs" })).toBeUndefined();
    expect(device({ destination: "/x", type: "bind", source: bundle })).toBeUndefined();
  });

  test("of overlay over a file or a missing directory is refused", () => {
    put(bundle, "file", "");
    const overlay = (option: string) => loadMount({ destination: "/o", type: "overlay", options: [option] });
    expect(failure(() => overlay("lowerdir=file"))).toBe(`mount source ${bundle}/file: not a directory`);
    expect(failure(() => overlay("lowerdir=a:gone"))).toMatch(/gone: no such file or directory$/);
  });

  test("has the flags that its options name, the last of a kind (CM-03, V21-27)", () => {
    const flagsOf = (...options: string[]) =>
      loadMount({ destination: "/x", type: "proc", options }).config.mounts[0]!.flags;
    expect(flagsOf()).toBe(undefined);
    expect(flagsOf("nosuid", "nodev", "noexec")).toBe(MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_RELATIME);
    expect(flagsOf("noatime")).toBe(MNT_NOATIME);
    expect(flagsOf("noatime", "relatime")).toBe(undefined);
    expect(flagsOf("strictatime", "nodiratime")).toBe(MNT_NODIRATIME);
    expect(flagsOf("nosuid", "suid", "noexec", "exec")).toBe(undefined);
    expect(flagsOf("rnosuid", "rnoexec")).toBe(MNT_NOSUID | MNT_NOEXEC | MNT_RELATIME);
    expect(flagsOf("nosymfollow")).toBe(MNT_NOSYMFOLLOW | MNT_RELATIME);
    expect(flagsOf("rprivate", "rshared", "sync", "defaults")).toBe(undefined);
  });

  test("is read-only by rro as well", () => {
    expect(sourceOf({ ...DATA, type: "bind", options: ["rbind", "rro"] })).toEqual({
      ...BIND,
      readonly: true,
    });
  });

  test("with an option that nothing has is refused, by name and place (CM-03, D18-19)", () => {
    expect(failure(() => loadMount({ destination: "/x", type: "proc", options: ["nosuid", "fast"] }))).toBe(
      'loading bundle: config.json: mounts[0].options: the mount at /x has no option "fast" (EINVAL)',
    );
    expect(failure(() => loadMount({ ...DATA, type: "bind", options: ["size=1"] }))).toMatch(
      /no option "size=1"/,
    );
    expect(failure(() => loadMount({ destination: "/t", type: "tmpfs", options: ["color=1"] }))).toMatch(
      /at \/t has no option "color=1"/,
    );
  });

  test("that remounts changes the newest of its place", () => {
    const { config } = load({
      ...MINIMAL,
      mounts: [
        { ...DATA, type: "bind" },
        { destination: "/d/", options: ["remount", "bind", "ro", "noexec"] },
      ],
    });
    expect(config.mounts.slice(0, -1)).toEqual([
      { destination: "/d", source: { ...BIND, readonly: true }, flags: MNT_NOEXEC | MNT_RELATIME },
    ]);
    expect(failure(() => loadMount({ destination: "/no", options: ["remount", "ro"] }))).toBe(
      "loading bundle: config.json: mounts[0].options: remount: nothing is mounted at /no (EINVAL)",
    );
  });

  test("of a tmpfs at /tmp is added where the root has nothing there (D18-08, V21-50)", () => {
    const root = join(scratch, "roots");
    const places = (name: string, mounts: object[] = []) =>
      load({ ...MINIMAL, root: { path: join(root, name) }, mounts }).config.mounts.map(
        ({ destination }) => destination,
      );
    for (const name of ["none", "empty/tmp", "full/tmp/x"]) mkdirSync(join(root, name), { recursive: true });
    mkdirSync(join(root, "file"));
    put(join(root, "file"), "tmp", "");
    expect(places("none")).toEqual(["/tmp"]);
    expect(places("empty")).toEqual(["/tmp"]);
    expect(places("full")).toEqual([]);
    expect(places("file")).toEqual([]);
    expect(places("none", [{ destination: "/tmp", type: "proc" }])).toEqual(["/tmp"]);
    expect(places("none", [{ destination: "/tmp/x", type: "proc" }])).toEqual(["/tmp/x"]);
  });

  test("of a file system of the kernel's own is told by its name", () => {
    for (const name of ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs"]) {
      const source = { type: "kernel", name, options: "", readonly: false };
      expect(sourceOf({ destination: "/x", type: name, options: ["nosuid"] })).toEqual(source);
      const readonly = { ...source, readonly: true };
      expect(sourceOf({ destination: "/x", type: name, options: ["rw", "ro"] })).toEqual(readonly);
    }
  });

  test("of a file system of the kernel's own hands its options on", () => {
    const options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];
    expect(sourceOf({ destination: "/dev/pts", type: "devpts", source: "devpts", options })).toEqual({
      type: "kernel",
      name: "devpts",
      options: "newinstance,ptmxmode=0666,mode=0620,gid=5",
      readonly: false,
    });
    expect(sourceOf({ destination: "/x", type: "cgroup", options: ["cpu", "memory"] })).toMatchObject({
      options: "cpu,memory",
    });
  });

  test("of an unknown type is left out with a warning (D18-15, V21-26)", () => {
    const { config, warnings } = load({
      ...MINIMAL,
      mounts: [
        { destination: "/z", type: "zfs", options: ["compress=on"] },
        { destination: "/n", source: "x" },
        { destination: "/p", type: "proc" },
      ],
    });
    expect(config.mounts.map(({ destination }) => destination)).toEqual(["/p", "/tmp"]);
    expect(warnings).toEqual([
      'mounts[0].type: ignoring unknown filesystem type "zfs"',
      'mounts[1].type: ignoring unknown filesystem type ""',
    ]);
  });

  test("of a relative destination begins at the root, and a relative source in the bundle", () => {
    expect(loadMount({ ...DATA, destination: "x/../y", type: "bind" }).config.mounts[0]).toMatchObject({
      destination: "/y",
      source: { source: join(bundle, "data") },
    });
  });

  test("and the root are accessed as they are told to be", () => {
    put(bundle, "config.json", JSON.stringify({ ...MINIMAL, mounts: [{ ...DATA, type: "bind" }] }));
    const options = { id: "c1", bundle, overlay: "none", cache: "exclusive", warn: () => {} } as const;
    const caches = (mountCache?: "exclusive" | "shared") => {
      const { root, mounts } = loadBundle({ ...options, ...(mountCache && { mountCache }) });
      return [root, mounts[0]!.source].map((source) => source.type === "bind" && source.cache);
    };
    expect(caches()).toEqual(["exclusive", "exclusive"]);
    expect(caches("shared")).toEqual(["exclusive", "shared"]);
  });

  test("is kept in the order of the bundle", () => {
    const mounts = ["/a/b", "/z", "/a"].map((destination) => ({ destination, type: "proc" }));
    const { config } = load({ ...MINIMAL, mounts });
    expect(config.mounts.map((mount) => mount.destination)).toEqual(["/a/b", "/z", "/a", "/tmp"]);
  });
});

describe("linux.maskedPaths and readonlyPaths", () => {
  test("are made clean", () => {
    const linux = { maskedPaths: ["/proc/../x/"], readonlyPaths: ["/y//z"], rootfsPropagation: "rslave" };
    expect(load({ ...MINIMAL, linux }).config).toMatchObject({
      maskedPaths: ["/x"],
      readonlyPaths: ["/y/z"],
    });
  });

  test.each([
    [{ maskedPaths: ["/ok", "x"] }, "linux.maskedPaths[1]: must be an absolute path"],
    [{ readonlyPaths: ["/"] }, "linux.readonlyPaths[0]: must be an absolute path"],
    [{ readonlyPaths: [""] }, "linux.readonlyPaths[0]: must not be empty"],
    [{ rootfsPropagation: "often" }, "linux.rootfsPropagation: often is not supported"],
  ])("%j is refused", (linux, problem) => {
    expect(failure(() => load({ ...MINIMAL, linux }))).toBe(`loading bundle: config.json: ${problem}`);
  });
});
