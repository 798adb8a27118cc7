import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { doCommand } from "../../../src/host/cmd/do.ts";
import { doConfig } from "../../../src/host/cmd/do-config.ts";
import { parseFlags } from "../../../src/host/cmd/flags.ts";
import type { HostFacts } from "../../../src/host/config/host-facts.ts";
import type { SandboxConfig } from "../../../src/host/config/sandbox-config.ts";
import { EMPTY_MODULE, failure, put, scratchDirectory } from "../scratch.ts";

const scratch = scratchDirectory();
const project = join(scratch, "project");
mkdirSync(join(project, "data"), { recursive: true });
mkdirSync(join(scratch, "full/tmp/something"), { recursive: true });
mkdirSync(join(scratch, "with:colon"));
put(scratch, "file.txt", "");

const HOST: HostFacts = {
  cwd: project,
  env: { LANG: "C.UTF-8", SECRET: "s" },
  uid: 1000,
  gid: 1000,
  groups: [1000, 27],
  umask: 0o27,
  ownDirectory: scratch,
};

function configure(args: string[], host: Partial<HostFacts> = {}): SandboxConfig {
  const { flags, operands, problem } = parseFlags(args, doCommand.flags, doCommand.operandsEndFlags);
  expect(problem).toBeUndefined();
  return doConfig(flags, operands, { ...HOST, ...host });
}

const mountsOf = (...args: string[]) =>
  Object.fromEntries(
    configure([...args, "--", "x"]).mounts.map((mount) => [mount.destination, mount.source]),
  );

const BIND = { type: "bind", readonly: false, overlay: false, cache: "exclusive" };
const TMPFS = { type: "tmpfs", readonly: false, mode: 0o1777, uid: 0, gid: 0, sizeBytes: 0 };

describe("without flags", () => {
  test("the program sees the current directory under an overlay, /tmp, and nothing else", () => {
    const { root, mounts, process, limits, runtimes } = configure(["--", "prog", "-a"]);
    expect(root).toEqual({ ...TMPFS, mode: 0o755 });
    expect(mounts).toEqual([
      { destination: "/tmp", source: TMPFS },
      {
        destination: project,
        source: { ...BIND, source: project, overlay: true },
      },
    ]);
    expect(process).toEqual({
      args: ["prog", "-a"],
      env: ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", `PWD=${project}`],
      cwd: project,
      uid: 1000,
      gid: 1000,
      groups: [1000, 27],
      umask: 0o27,
      capabilities: 0n,
    });
    expect(limits).toEqual({ memoryBytes: 0, timeoutMs: 0 });
    expect(runtimes).toEqual([]);
  });

  test("root has the capabilities that the kernel knows of docker's", () => {
    const { capabilities } = configure(["x"], { uid: 0, gid: 0 }).process;
    for (const bit of [0n, 1n, 3n, 4n, 18n, 27n]) expect((capabilities >> bit) & 1n, `bit ${bit}`).toBe(1n);
    for (const bit of [2n, 21n]) expect((capabilities >> bit) & 1n, `bit ${bit}`).toBe(0n);
  });

  test("the host's root directory is never shown by accident", () => {
    expect(() => configure(["x"], { cwd: "/" })).toThrow(/^the current directory is \//);
    expect(configure(["-v", `${project}:/p`, "x"], { cwd: "/" }).process.cwd).toBe("/");
  });

  test("a current directory at /tmp takes the place of the tmpfs", () => {
    expect(configure(["x"], { cwd: "/tmp" }).mounts.map((mount) => mount.source.type)).toEqual(["bind"]);
  });

  test("every sandbox has an id of its own", () => {
    const { id } = configure(["x"]);
    expect(id).toMatch(/^[0-9a-f]{12}$/);
    expect(configure(["x"]).id).not.toBe(id);
  });
});

describe("-v", () => {
  test("is writable and exclusive unless it says otherwise, and hides the current directory", () => {
    expect(mountsOf("-v", "data:/d")).toEqual({
      "/tmp": TMPFS,
      "/d": { ...BIND, source: join(project, "data") },
    });
    expect(configure(["-v", "data:/d", "x"]).process.cwd).toBe("/");
  });

  test("takes docker's and podman's options, the last of ro and rw wins", () => {
    const source = join(project, "data");
    const of = (options: string) => mountsOf("-v", `data:/d:${options}`)["/d"];
    expect(of("ro")).toEqual({ ...BIND, source, readonly: true });
    expect(of("rw")).toEqual({ ...BIND, source });
    expect(of("O")).toEqual({ ...BIND, source, overlay: true });
    expect(of("ro,rw")).toEqual({ ...BIND, source });
    expect(of("rw,ro")).toEqual({ ...BIND, source, readonly: true });
    expect(of("ro,O")).toEqual({ ...BIND, source, readonly: true });
    expect(of("ro,shared")).toEqual({ ...BIND, source, readonly: true, cache: "shared" });
    expect(of("O,shared")).toEqual({ ...BIND, source, overlay: true, cache: "shared" });
  });

  test("may show one file", () => {
    expect(mountsOf("-v", "../file.txt:/etc/f:ro")["/etc/f"]).toMatchObject({
      source: join(scratch, "file.txt"),
    });
  });

  test("is mounted after what lies above it, whatever the order of the flags", () => {
    const { mounts } = configure(["-v", "data:/a/b/c", "-v", "data:/z", "--tmpfs", "/a", "x"]);
    expect(mounts.map((mount) => mount.destination)).toEqual(["/z", "/a", "/tmp", "/a/b/c"]);
  });

  test.each([
    ["data", "-v data: expected SRC:DST[:ro|:rw|:O]"],
    ["a:/b:ro:x", "-v a:/b:ro:x: expected SRC:DST[:ro|:rw|:O]"],
    [":/b", "-v :/b: the source is empty"],
    ["data:b", '-v data:b: the destination must be an absolute path, not "b"'],
    ["data:/", "-v data:/: the root directory is set by --rootfs"],
    ["data:/..", "-v data:/..: the root directory is set by --rootfs"],
    ["data:/b:rx", '-v data:/b:rx: unknown option in "rx" (known: ro, rw, O, exclusive, shared)'],
    ["data:/b:", '-v data:/b:: unknown option in "" (known: ro, rw, O, exclusive, shared)'],
  ])("%s is refused", (value, message) => {
    expect(failure(() => configure(["-v", value, "x"]))).toBe(message);
  });

  test("a source that cannot be mounted is named with Linux's reason", () => {
    expect(failure(() => configure(["-v", "/no/such:/d", "x"]))).toBe(
      "mount source /no/such: no such file or directory",
    );
    expect(failure(() => configure(["-v", "../file.txt/x:/d", "x"]))).toBe(
      `mount source ${scratch}/file.txt/x: not a directory`,
    );
    expect(failure(() => configure(["-v", "/dev/null:/d", "x"]))).toBe(
      "mount source /dev/null: neither a directory nor a regular file",
    );
  });

  test("two mounts at one place are refused", () => {
    expect(failure(() => configure(["-v", "data:/d", "--tmpfs", "/d/", "x"]))).toBe("two mounts at /d");
  });
});

describe("--tmpfs", () => {
  test("has mount(8)'s defaults and takes its options", () => {
    const tmpfs = mountsOf("--tmpfs", "/a", "--tmpfs", "/b:size=64m,mode=700,uid=5,gid=6,ro");
    expect(tmpfs["/a"]).toEqual(TMPFS);
    expect(tmpfs["/b"]).toEqual({
      type: "tmpfs",
      readonly: true,
      mode: 0o700,
      uid: 5,
      gid: 6,
      sizeBytes: 64 << 20,
    });
    expect(tmpfs[project]).toBeDefined();
  });

  test("at /tmp replaces the usual one", () => {
    expect(mountsOf("--tmpfs", "/tmp:size=1m")["/tmp"]).toEqual({ ...TMPFS, sizeBytes: 1 << 20 });
  });

  test.each([
    ["a", '--tmpfs a: the destination must be an absolute path, not "a"'],
    ["/a:size=x", "--tmpfs /a:size=x: size=x: not a size such as 64m"],
    ["/a:mode=9", "--tmpfs /a:mode=9: mode=9: not an octal mode such as 1777"],
    ["/a:uid=-1", "--tmpfs /a:uid=-1: uid=-1: not a user id"],
    ["/a:gid=x", "--tmpfs /a:gid=x: gid=x: not a group id"],
    ["/a:foo", '--tmpfs /a:foo: unknown option "foo" (known: size, mode, uid, gid, ro, rw)'],
  ])("%s is refused", (value, message) => {
    expect(failure(() => configure(["--tmpfs", value, "x"]))).toBe(message);
  });
});

describe("--rootfs", () => {
  const root = (...args: string[]) => configure([...args, "x"]).root;

  test("is writable, and the program starts in its root", () => {
    const config = configure(["--rootfs", "../full", "x"]);
    const source = join(scratch, "full");
    expect(config.root).toEqual({ ...BIND, source, cache: "exclusive" });
    expect(config.process.cwd).toBe("/");
  });

  test("takes the options of -v, and a colon in its name", () => {
    expect(root("--rootfs", "../full:O")).toMatchObject({ overlay: true, readonly: false });
    expect(root("--rootfs", "../full:ro")).toMatchObject({ overlay: false, readonly: true });
    expect(root("--rootfs", "../with:colon")).toMatchObject({ source: join(scratch, "with:colon") });
    expect(root("--rootfs", "../with:colon:ro")).toMatchObject({ source: join(scratch, "with:colon") });
  });

  test("keeps what is in its /tmp, and gets a tmpfs there otherwise (V21-50)", () => {
    expect(configure(["--rootfs", "../full", "x"]).mounts).toEqual([]);
    expect(configure(["--rootfs", "data", "x"]).mounts).toEqual([{ destination: "/tmp", source: TMPFS }]);
  });

  test("becomes read-only by --read-only, with or without a directory", () => {
    expect(root("--read-only")).toMatchObject({ type: "tmpfs", readonly: true });
    expect(root("--read-only", "--rootfs", "../full:O")).toMatchObject({ readonly: true, overlay: false });
  });

  test("that is not there is refused", () => {
    expect(failure(() => root("--rootfs", "/no/such"))).toBe(
      "mount source /no/such: no such file or directory",
    );
    expect(failure(() => root("--rootfs", ""))).toBe("--rootfs : the directory's name is empty");
  });
});

describe("-w and -e", () => {
  test("the working directory is clean, and PWD says it", () => {
    const { process } = configure(["-w", "/a/../b/", "x"]);
    expect(process.cwd).toBe("/b");
    expect(process.env).toContain("PWD=/b");
  });

  test("a relative working directory is refused", () => {
    expect(failure(() => configure(["-w", "data", "x"]))).toBe(
      "-w data: must be an absolute path inside the sandbox",
    );
  });

  test("a variable is set, replaced, emptied, or taken from the host by its name alone", () => {
    const { env } = configure(
      ["-e", "A=1=2", "-e", "A=3", "-e", "E=", "-e", "LANG", "-e", "NOT_THERE", "-e", "PWD=/p", "x"],
      {},
    ).process;
    expect(env).toEqual([
      "PATH=/usr/local/bin:/usr/bin:/bin",
      "HOME=/",
      "PWD=/p",
      "A=3",
      "E=",
      "LANG=C.UTF-8",
    ]);
  });

  test("a variable without a name is refused", () => {
    expect(failure(() => configure(["-e", "=1", "x"]))).toBe("-e =1: the variable has no name");
    expect(failure(() => configure(["-e", "", "x"]))).toBe("-e : the variable has no name");
  });
});

describe("limits", () => {
  test("are bytes and milliseconds", () => {
    expect(configure(["--memory", "256m", "--timeout", "1m", "x"]).limits).toEqual({
      memoryBytes: 256 << 20,
      timeoutMs: 60_000,
    });
  });

  test("that are none are refused", () => {
    expect(failure(() => configure(["--memory", "much", "x"]))).toBe(
      "--memory much: not a size such as 256m",
    );
    expect(failure(() => configure(["--timeout", "soon", "x"]))).toBe(
      "--timeout soon: not a duration such as 10s, 1m or 500ms",
    );
  });
});

describe("PROGRAM", () => {
  test("must be there", () => {
    expect(() => configure([])).toThrow(/^which program\?/);
    expect(failure(() => configure(["--", ""]))).toBe("the program's name is empty");
  });

  test("a runtime is named by --runtime", () => {
    const file = put(scratch, "rt/python.wasm", EMPTY_MODULE);
    const { runtimes } = configure(["--runtime", "python3=../rt/python.wasm", "--", "python3", "x.py"]);
    expect(runtimes).toEqual([{ name: "python3", file, program: true, rewritesArgument: false }]);
  });

  test.each(["python3", "=f.wasm", "python3=", "a/b=f.wasm", "..=f.wasm"])(
    "--runtime %s is refused",
    (value) => {
      expect(failure(() => configure(["--runtime", value, "x"]))).toBe(
        `--runtime ${value}: expected NAME=FILE.wasm`,
      );
    },
  );
});
