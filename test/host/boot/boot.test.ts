// `wvisor boot`, the sandbox's process: how it comes up, what it waits for, what it makes of the specification, how it ends
// (rows B18), and what can be asked of it (rows CT).

import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { put, scratchDirectory } from "../../support/cli.ts";
import { buildGuests, guestFile } from "../../support/guests.ts";
import { BootedSandbox } from "../../support/oci/booted.ts";
import { makeBundle } from "../../support/oci/runtime.ts";

const top = scratchDirectory();
const GUESTS = ["spin", "exit-code", "cat", "hello"] as const;
const running: BootedSandbox[] = [];
let next = 0;

beforeAll(() => buildGuests(GUESTS));

afterEach(async () => {
  for (const sandbox of running.splice(0)) await sandbox.kill();
});

type Change = (config: Record<string, unknown>) => void;

function makeSandboxBundle(args: readonly string[], change?: Change): string {
  const files = Object.fromEntries(GUESTS.map((name) => [`bin/${name}`, guestFile(name)]));
  return makeBundle(path.join(top, `bundle-${next++}`), { args, files, ...(change && { change }) });
}

function boot(args: readonly string[], change?: Change, flags: readonly string[] = [], extra: number[] = []) {
  const sandbox = new BootedSandbox(
    path.join(top, `s${next++}`),
    makeSandboxBundle(args, change),
    flags,
    extra,
  );
  running.push(sandbox);
  return sandbox;
}

/** Runs it to its end. */
async function finish(sandbox: BootedSandbox) {
  sandbox.manager("WaitForLoader", null);
  sandbox.manager("StartRoot", sandbox.id());
  return sandbox.exit;
}

describe("phases", () => {
  test("it answers before anything runs, and waits for the start signal (B18-03, B18-15, B18-17)", async () => {
    const file = put(top, "phase", "c");
    const phase = openSync(file, "r+");
    const sandbox = boot(["/bin/hello"], undefined, ["--phase-fd=5"], [phase]);
    closeSync(phase);
    sandbox.manager("WaitForLoader", null);
    const id = sandbox.id();
    expect(sandbox.call("debug.Stacks")).toMatch(
      new RegExp(`^container ${id}: created\nprocess 1 "/bin/hello": not started\nsupervisor: waits for `),
    );
    expect(readFileSync(file, "utf8")).toBe("c");
    expect(() => sandbox.manager("StartRoot", "another")).toThrow('container "another" does not exist');
    sandbox.manager("StartRoot", id);
    expect(readFileSync(file, "utf8")).toBe("r");
    expect(await sandbox.exit).toMatchObject({ code: 0, stdout: "hello from wasm\n", stderr: "" });
  });

  test("--console is understood: what streams are, the kernel sees itself (B18-05)", async () => {
    const sandbox = boot(["/bin/hello"], undefined, ["--console"]);
    expect(await finish(sandbox)).toMatchObject({ code: 0, stdout: "hello from wasm\n", stderr: "" });
  });

  test("the exit status is the program's, as wait(2) has it and as its own (B18-11, B18-19)", async () => {
    const sandbox = boot(["/bin/exit-code", "7"]);
    sandbox.manager("WaitForLoader", null);
    const id = sandbox.id();
    const waiting = sandbox.connect();
    sandbox.manager("StartRoot", id);
    expect(waiting.call("containerManager.Wait", id).result).toBe(7 << 8);
    waiting.close();
    expect(await sandbox.exit).toMatchObject({ code: 7, stderr: "" });
  });

  test("whoever waits for a loader that fails hears why, and then it ends (B18-14, B18-18)", async () => {
    const sandbox = boot(["/bin/nothing"]);
    const why = 'exec: "/bin/nothing": stat /bin/nothing: no such file or directory';
    expect(() => sandbox.manager("WaitForLoader", null)).toThrow(why);
    expect(await sandbox.exit).toMatchObject({ code: 127, stderr: "" });
  });

  test("a loader that fails with nobody waiting says why on stderr (B18-14)", async () => {
    const sandbox = boot(["/bin/no\nthing"]);
    const why = 'exec: "/bin/no thing": stat /bin/no thing: no such file or directory';
    expect(await sandbox.exit).toMatchObject({ code: 127, stderr: `wvisor: ${why}\n` });
  });

  test("the filter of system calls is there before the program runs (B18-18)", async () => {
    const sandbox = boot(["/bin/spin"]);
    sandbox.manager("WaitForLoader", null);
    expect(readFileSync(`/proc/${sandbox.process.pid}/status`, "utf8")).toMatch(/^Seccomp:\t2$/m);
  });

  test("it has no capability, whatever --apply-caps says and the program has (B18-06, B18-13)", () => {
    const all = { effective: ["CAP_SYS_ADMIN", "CAP_CHOWN"] };
    const sandbox = boot(
      ["/bin/spin"],
      ({ process }) => Object.assign(process as object, { capabilities: all }),
      ["--apply-caps"],
    );
    sandbox.manager("WaitForLoader", null);
    const status = readFileSync(`/proc/${sandbox.process.pid}/status`, "utf8");
    for (const set of ["Inh", "Prm", "Eff", "Amb"])
      expect(status).toMatch(new RegExp(`^Cap${set}:\t0+$`, "m"));
  });
});

describe("the specification", () => {
  test("gives the program its credentials, umask and capabilities (B18-13, B18-16)", async () => {
    const sandbox = boot(["/bin/cat", "/proc/self/status"], ({ process }) =>
      Object.assign(process as object, {
        user: { uid: 5, gid: 6, additionalGids: [7, 8], umask: 0o27 },
        capabilities: { effective: ["CAP_CHOWN", "CAP_FOWNER"] },
      }),
    );
    const { stdout } = await finish(sandbox);
    expect(stdout).toMatch(/^Umask:\t0027$/m);
    expect(stdout).toMatch(/^Uid:\t5\t5\t5\t5$/m);
    expect(stdout).toMatch(/^Gid:\t6\t6\t6\t6$/m);
    expect(stdout).toMatch(/^Groups:\t7 8 ?$/m);
    expect(stdout).toMatch(/^CapEff:\t0000000000000009$/m);
  });

  test("has the umask 0022 and no capability where it says nothing (B18-16)", async () => {
    const { stdout } = await finish(boot(["cat", "/proc/self/status"]));
    expect(stdout).toMatch(/^Umask:\t0022$/m);
    expect(stdout).toMatch(/^CapEff:\t0{16}$/m);
  });

  test("has a working directory that is made where it is missing, as runc does (G23-24)", async () => {
    const inside =
      (cwd: string, root: object = {}) =>
      (config: Record<string, unknown>) => {
        Object.assign(config.process as object, { cwd });
        Object.assign(config.root as object, root);
      };
    const sandbox = boot(["/bin/cat", "/a/c/name"], inside("/a/b/../c"));
    sandbox.manager("WaitForLoader", null);
    expect(readdirSync(path.join(sandbox.bundle, "rootfs/a"))).toEqual(["c"]);
    writeFileSync(path.join(sandbox.bundle, "rootfs/a/c/name"), "found\n");
    expect((await finish(sandbox)).stdout).toBe("found\n");
    const readonly = boot(["/bin/hello"], inside("/a/b", { readonly: true }));
    expect(() => readonly.manager("WaitForLoader", null)).toThrow("EROFS: mkdir /a/b");
  });

  test("names the system (B18-15)", async () => {
    const names = ["hostname", "domainname"].map((name) => `/proc/sys/kernel/${name}`);
    const named = (config: Record<string, unknown>) => Object.assign(config, { domainname: "example" });
    expect((await finish(boot(["cat", ...names], named))).stdout).toBe("box\nexample\n");
    expect((await finish(boot(["cat", ...names]))).stdout).toBe("box\n(none)\n");
  });

  test("has sources that begin at the bundle, whatever the current directory is (B18-10, V21-11)", async () => {
    const bundle = makeSandboxBundle(["/tools/cat", "/a/name", "/b"], (config) => {
      config.mounts = [
        { destination: "/a", type: "bind", source: "data" },
        { destination: "/b", source: "./data/../data/name", options: ["bind", "ro"] },
        // The program is looked for when all mounts are there.
        { destination: "/tools", type: "bind", source: "rootfs/bin" },
      ];
    });
    mkdirSync(path.join(bundle, "data"));
    writeFileSync(path.join(bundle, "data/name"), "of the bundle\n");
    const sandbox = new BootedSandbox(path.join(top, `s${next++}`), bundle);
    running.push(sandbox);
    expect((await finish(sandbox)).stdout).toBe("of the bundle\n".repeat(2));
  });
});

describe("what can be asked", () => {
  const methods = [
    ...[
      "WaitForLoader",
      "StartRoot",
      "Wait",
      "WaitPID",
      "Signal",
      "Execute",
      "Processes",
      "Event",
      "Destroy",
    ],
    ...["Mount", "ContainerRuntimeState"],
  ].map((name) => `containerManager.${name}`);

  test("are gVisor's methods, by their names (CT-01, CT-03)", () => {
    const sandbox = boot(["/bin/spin"]);
    sandbox.manager("WaitForLoader", null);
    // Each looks at its argument, which is none.
    for (const method of [...methods.slice(1), "debug.Stacks", "Usage.Collect", "Usage.Reduce"]) {
      expect(() => sandbox.call(method, 5), method).toThrow(/argument/);
    }
  });

  test("are not those of checkpoints and networks, of which there are none (B18-07, CT-01, CT-02)", () => {
    const sandbox = boot(["/bin/spin"]);
    for (const method of [
      "containerManager.Checkpoint",
      "containerManager.Restore",
      "Network.CreateLinksAndRoutes",
    ]) {
      expect(() => sandbox.call(method, {})).toThrow(`unknown method "${method}"`);
    }
  });

  test("the state of a container, while it runs and before (CT-03)", () => {
    const sandbox = boot(["/bin/spin"]);
    sandbox.manager("WaitForLoader", null);
    const id = sandbox.id();
    expect(sandbox.manager("ContainerRuntimeState", id)).toBe(2);
    sandbox.manager("StartRoot", id);
    expect(sandbox.manager("ContainerRuntimeState", id)).toBe(2);
  });

  test("where threads are (CT-01)", async () => {
    const sandbox = boot(["/bin/spin"]);
    sandbox.manager("WaitForLoader", null);
    sandbox.manager("StartRoot", sandbox.id());
    await expect
      .poll(() => sandbox.call("debug.Stacks"), { timeout: 30_000 })
      .toContain('process 1 "/bin/spin": in its own code\n');
  });

  test("how much memory it has, and to give some back (CT-03)", () => {
    const sandbox = boot(["/bin/spin"]);
    sandbox.manager("WaitForLoader", null);
    const usage = sandbox.call("Usage.Collect", { Full: true }) as Record<string, number>;
    expect(usage.System).toBeGreaterThan(0);
    expect(usage.Total).toBe(usage.System! + usage.Unknown!);
    expect(usage.Total).toBeGreaterThan(10 << 20);
    expect(sandbox.call("Usage.Reduce", { Wait: true })).toBe(null);
    expect((sandbox.call("Usage.Collect", {}) as Record<string, number>).System).toBeLessThanOrEqual(
      usage.System!,
    );
  });

  test("to mount one more file system of the kernel's (CT-03)", async () => {
    const sandbox = boot(["/bin/cat", "/late/deep/sys/kernel/ostype"]);
    sandbox.manager("WaitForLoader", null);
    const id = sandbox.id();
    const mount = (change: object) =>
      sandbox.manager("Mount", { ContainerID: id, Destination: "/late/deep", FsType: "proc", ...change });
    expect(() => mount({ FsType: "erofs" })).toThrow('mount: "erofs" is no file system of the kernel\'s own');
    expect(() => mount({ FsType: "bind", Source: "/etc" })).toThrow(
      'mount: "bind" is no file system of the kernel\'s own',
    );
    expect(() => mount({ Destination: "late" })).toThrow("mount: destination: must be an absolute path");
    expect(() => mount({ Destination: "/a\0b" })).toThrow("argument Destination: has a NUL character");
    expect(() => mount({ Options: ["size=1m"] })).toThrow('has no option "size=1m"');
    expect(() => mount({ ContainerID: "other" })).toThrow('container "other" does not exist');
    expect(() => mount({ Destination: "/bin/cat/x" })).toThrow("mount /bin/cat/x: ENOTDIR");
    mount({});
    mount({ Destination: "/late/deep/sys", FsType: "tmpfs", Options: ["ro"] });
    expect((await finish(sandbox)).stderr).toContain("cat: /late/deep/sys/kernel/ostype: NOENT");
  });
});
