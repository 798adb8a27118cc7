// OCI bundles: what `wvisor spec` writes, and what `wvisor run` makes of it and of others.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { PYTHON, put, scratchDirectory, wvisor } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";

const top = scratchDirectory();

beforeAll(async () => {
  await buildGuests(["hello", "echo-args-env", "exit-code"]);
});

interface Config {
  process: { args: string[]; env: string[]; cwd: string; user: object };
  root: { path: string; readonly: boolean };
  mounts: object[];
}

/** A bundle made by `wvisor spec`, whose config.json `change` may edit. */
function bundle(
  name: string,
  file: string,
  args: readonly string[],
  change?: (config: Config) => void,
): string {
  const directory = path.join(top, name);
  const made = wvisor(["spec", "--bundle", directory, file, ...args]);
  expect(made).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  const config = path.join(directory, "config.json");
  const value = JSON.parse(readFileSync(config, "utf8")) as Config;
  change?.(value);
  writeFileSync(config, JSON.stringify(value));
  return directory;
}

const run = (directory: string, ...flags: string[]) =>
  wvisor(["run", ...flags, "--bundle", directory, "test-1"]);

describe("a bundle as `wvisor spec` writes it", () => {
  test("runs in the directory that it stands in, with its arguments and environment", () => {
    const directory = bundle("plain", guestFile("echo-args-env"), ["--flag", "two words"]);
    const { code, stdout, stderr } = wvisor(["run"], { cwd: directory });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(
      "arg 0 33: /usr/local/bin/echo-args-env.wasm\narg 1 6: --flag\narg 2 9: two words\n",
    );
    expect(stdout).toMatch(/^env \d+: PATH=/m);
  });

  test.each([0, 1, 42, 255])("passes the exit code %i through", (code) => {
    const directory = bundle(`exit-${code}`, guestFile("exit-code"), [String(code)]);
    expect(run(directory)).toEqual({ code, signal: null, stdout: "", stderr: "" });
  });

  test("has a read-only root whose mount points need not exist, and nothing is made there (D18-13, V21-13)", () => {
    const code = `
import errno, os
print(sorted(os.listdir("/")), os.listdir("/proc"), os.listdir("/tmp"))
open("/tmp/file", "w").close()
open("/dev/null", "w").write("x")
for path in ("/new", "/proc/new"):
    try:
        open(path, "w")
    except OSError as error:
        print(path, errno.errorcode[error.errno])
`;
    const directory = bundle("read-only", PYTHON, ["-c", code]);
    const { code: exit, stdout, stderr } = run(directory);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout.split("\n").slice(1)).toEqual(["/new EROFS", "/proc/new ENOENT", ""]);
    expect(readdirSync(path.join(directory, "rootfs"))).toEqual([]);
  });

  test("is never written over", () => {
    const directory = bundle("twice", guestFile("hello"), []);
    const again = wvisor(["spec", "--bundle", directory, guestFile("hello")]);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^wvisor spec: [^\n]*config\.json: [^\n]*exists[^\n]*\n$/);
  });
});

describe("a bundle with a writable root", () => {
  const code = `
import os
os.makedirs("/var/made")
with open("/var/made/file", "w") as file:
    file.write("by the guest")
os.unlink("/etc/removed")
with open("/data/deep/shared", "w") as file:
    file.write("shared")
print(sorted(os.listdir("/etc")), os.getcwd(), os.path.isdir("/a/b/c"))
`;

  function writable(name: string): { directory: string; rootfs: string; data: string } {
    const data = path.join(top, `${name}-data`);
    mkdirSync(path.join(data, "deep"), { recursive: true });
    const directory = bundle(name, PYTHON, ["-c", code], (config) => {
      config.root.readonly = false;
      config.mounts.push({ destination: "/data", type: "bind", source: data, options: ["rbind", "rw"] });
      config.mounts.push({ destination: "/a/b/c", type: "tmpfs", source: "tmpfs" });
    });
    const rootfs = path.join(directory, "rootfs");
    put(rootfs, "etc/kept", "");
    put(rootfs, "etc/removed", "");
    return { directory, rootfs, data };
  }

  test("changes the host's directories, and leaves no mount points in them", () => {
    const { directory, rootfs, data } = writable("writable");
    const { stdout, stderr, code: exit } = run(directory);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toBe("['kept'] / True\n");
    expect(readFileSync(path.join(rootfs, "var/made/file"), "utf8")).toBe("by the guest");
    expect(readdirSync(path.join(rootfs, "etc"))).toEqual(["kept"]);
    expect(readdirSync(rootfs).sort()).toEqual(["etc", "var"]);
    expect(readFileSync(path.join(data, "deep/shared"), "utf8")).toBe("shared");
  });

  test("changes nothing with --overlay2=all:memory (D18-12, V21-16, V21-17)", () => {
    const { directory, rootfs, data } = writable("overlaid");
    const { stdout, stderr, code: exit } = run(directory, "--overlay2=all:memory");
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toBe("['kept'] / True\n");
    expect(readdirSync(rootfs, { recursive: true }).sort()).toEqual(["etc", "etc/kept", "etc/removed"]);
    expect(readdirSync(path.join(data, "deep"))).toEqual([]);
  });
});

describe("an overlay with a size", () => {
  test("takes that much, for each tree of its own, and then there is no space (V21-17)", () => {
    const code = `
import errno
for path in ("/big", "/data/big"):
    try:
        with open(path, "wb") as file:
            file.write(bytes(900 << 10))
        print(path, "kept")
        with open(path + "2", "wb") as file:
            file.write(bytes(900 << 10))
    except OSError as error:
        print(path, errno.errorcode[error.errno])
`;
    const data = path.join(top, "sized-data");
    mkdirSync(data);
    const directory = bundle("sized", PYTHON, ["-c", code], (config) => {
      config.root.readonly = false;
      config.mounts.push({ destination: "/data", type: "bind", source: data, options: ["rbind", "rw"] });
    });
    const { stdout, stderr, code: exit } = run(directory, "--overlay2=all:memory,size=1m");
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toBe("/big kept\n/big ENOSPC\n/data/big kept\n/data/big ENOSPC\n");
    expect(readdirSync(data)).toEqual([]);
  });
});

describe("the process of a bundle", () => {
  test("has the user's umask, which new files show", () => {
    const data = path.join(top, "umask-data");
    mkdirSync(data);
    const code = 'import os; open("/data/file", "w").close(); os.mkdir("/data/dir")';
    const directory = bundle("umask", PYTHON, ["-c", code], (config) => {
      config.process.user = { uid: 0, gid: 0, umask: 0o027 };
      config.mounts.push({ destination: "/data", type: "bind", source: data, options: ["bind"] });
    });
    expect(run(directory)).toMatchObject({ code: 0, stderr: "" });
    expect(statSync(path.join(data, "file")).mode & 0o777).toBe(0o640);
    expect(statSync(path.join(data, "dir")).mode & 0o777).toBe(0o750);
  });

  test("is a user without power over the files of another", () => {
    const code = `
import errno
for path in ("/secret", "/public"):
    try:
        print(open(path).read())
    except OSError as error:
        print(errno.errorcode[error.errno])
`;
    const directory = bundle("user", PYTHON, ["-c", code], (config) => {
      config.process.user = { uid: 1234, gid: 1234 };
    });
    const rootfs = path.join(directory, "rootfs");
    writeFileSync(path.join(rootfs, "secret"), "secret", { mode: 0o600 });
    writeFileSync(path.join(rootfs, "public"), "public", { mode: 0o644 });
    expect(run(directory)).toMatchObject({ code: 0, stdout: "EACCES\npublic\n", stderr: "" });
  });

  test("starts in its working directory, which relative paths begin at", () => {
    const code = 'import os; print(open("name").read(), sorted(os.listdir(".")), os.path.exists("/etc"))';
    const directory = bundle("cwd", PYTHON, ["-c", code], (config) => {
      config.process.cwd = "/work/here";
    });
    put(directory, "rootfs/work/here/name", "found");
    put(directory, "rootfs/etc/file", "");
    expect(run(directory)).toMatchObject({ code: 0, stdout: "found ['name'] True\n", stderr: "" });
  });
});
