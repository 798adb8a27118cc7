// Which file of the sandbox becomes its program: by PATH and the working directory, as execvp(3) does it (V21-60).

import { beforeEach, describe, expect, test } from "vitest";
import { O_CREAT, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { SandboxMounts } from "../../../src/host/boot/filesystems.ts";
import type { Machine } from "../../../src/host/boot/machine.ts";
import { findProgram } from "../../../src/host/boot/program.ts";
import type { ProcessConfig, SandboxConfig } from "../../../src/host/config/sandbox-config.ts";
import { Calls } from "../../support/sys/calls.ts";
import { type KernelProcess, kernelTarget } from "../../support/sys/kernel.ts";
import { makeMachine } from "../../support/wvisor.ts";

const MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const USER = 1000;
let machine: Machine;
let mounts: SandboxMounts;
let root: Calls;

beforeEach(() => {
  machine = makeMachine();
  mounts = new SandboxMounts(machine, configOf({}));
  mounts.mountAll();
  root = new Calls(kernelTarget(machine, mounts.namespace, "wVisor").process());
  for (const directory of ["/a", "/b", "/c", "/work", "/work/bin"]) root.mkdir(directory);
});

function configOf(process: Partial<ProcessConfig>): SandboxConfig {
  return {
    id: "x",
    hostname: "x",
    root: { type: "tmpfs", readonly: false, mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 },
    mounts: [],
    process: {
      ...{
        args: ["prog"],
        env: [],
        cwd: "/",
        uid: USER,
        gid: USER,
        groups: [],
        umask: 0o22,
        capabilities: 0n,
      },
      ...process,
    },
    runtimes: [],
    limits: { memoryBytes: 0, timeoutMs: 0 },
  };
}

function put(path: string, content: string | Uint8Array = MODULE, mode = 0o644): void {
  const fd = root.open(path, O_CREAT | O_WRONLY, mode);
  root.write(fd, content);
  root.close(fd);
}

/** The path of the program, or why there is none. */
function find(args: readonly string[], path?: string, cwd = "/"): string {
  const config = configOf({ args, env: path === undefined ? [] : [`PATH=${path}`], cwd });
  const user = kernelTarget(machine, mounts.namespace, "wVisor").process({
    uid: USER,
    gid: USER,
  }) as KernelProcess;
  machine.chdir(user.task, cwd);
  try {
    return findProgram(machine, user.task, config, mounts).path;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("a name (V21-60)", () => {
  test("is looked for in the directories of PATH, in their order", () => {
    put("/b/prog");
    put("/c/prog");
    expect(find(["prog"], "/a:/b:/c")).toBe("/b/prog");
    expect(find(["prog"], "/c:/b")).toBe("/c/prog");
    expect(find(["prog"], "/a")).toBe("prog: not found");
    expect(find(["prog"], "")).toBe("prog: not found");
  });

  test("is not found by directories that are none", () => {
    put("/file");
    put("/c/prog");
    root.symlink("/loop", "/loop");
    expect(find(["prog"], "/no/such:/file:/c")).toBe("/c/prog");
    // Linux: ELOOP is none of the errors that execvp(3) passes over.
    expect(find(["prog"], "/loop:/c")).toBe("/loop/prog: ELOOP");
  });

  test("that may not be executed is passed over, and the answer where there is no other", () => {
    put("/a/prog", "#!/c/prog\n", 0o644);
    root.mkdir("/b/prog");
    put("/c/prog");
    expect(find(["prog"], "/a:/b:/c")).toBe("/c/prog");
    expect(find(["prog"], "/a:/b")).toBe("/a/prog: EACCES: it has no execute permission for this user");
    expect(find(["prog"], "/b")).toBe("/b/prog: EISDIR: it is a directory");
  });

  test("below a directory that may not be searched is passed over, too", () => {
    root.mkdir("/secret", 0o700);
    put("/secret/prog");
    put("/c/prog");
    expect(find(["prog"], "/secret:/c")).toBe("/c/prog");
    expect(find(["prog"], "/secret")).toBe("/secret/prog: EACCES: it may not be read");
  });

  test("needs no execute permission if it is a module's", () => {
    put("/a/prog", MODULE, 0o444);
    expect(find(["prog"], "/a")).toBe("/a/prog");
    put("/b/other", MODULE, 0o000);
    expect(find(["other"], "/b")).toBe("/b/other: EACCES: it may not be read");
  });

  test("in a relative directory of PATH is found from the working directory", () => {
    put("/work/bin/prog");
    expect(find(["prog"], "bin", "/work")).toBe("bin/prog");
    expect(find(["prog"], "bin", "/")).toBe("prog: not found");
  });

  test("is looked for at the usual places without PATH", () => {
    root.mkdir("/usr");
    root.mkdir("/usr/bin");
    put("/usr/bin/prog");
    expect(find(["prog"])).toBe("/usr/bin/prog");
  });
});

describe("a path (V21-60)", () => {
  test("is not looked for", () => {
    put("/a/prog");
    put("/c/prog");
    expect(find(["/a/prog"], "/c")).toBe("/a/prog");
    expect(find(["/b/prog"], "/c")).toBe("/b/prog: not found");
  });

  test("begins at the working directory if it has no slash in front", () => {
    put("/work/bin/prog");
    expect(find(["bin/prog"], "/c", "/work")).toBe("bin/prog");
    expect(find(["./bin/../bin/prog"], "/c", "/work")).toBe("./bin/../bin/prog");
    expect(find(["bin/prog"], "/c", "/")).toBe("bin/prog: not found");
  });

  test("never leads out of the root", () => {
    put("/c/prog");
    root.symlink("../../../../../c", "/a/up");
    expect(find(["/../../c/prog"])).toBe("/../../c/prog");
    expect(find(["/a/up/prog"])).toBe("/a/up/prog");
  });

  test("of 40 links is followed, of more is not (B18-16)", () => {
    put("/c/prog");
    root.symlink("/c/prog", "/a/l1");
    for (let count = 2; count <= 41; count++) root.symlink(`/a/l${count - 1}`, `/a/l${count}`);
    expect(find(["/a/l40"])).toBe("/a/l40");
    expect(find(["/a/l41"])).toBe("/a/l41: ELOOP");
  });
});
