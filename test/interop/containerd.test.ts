// containerd's ctr with wVisor behind its shim for runc.

import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { put, runCommand, scratchDirectory } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { needsRoot, WVISOR } from "../support/oci/runtime.ts";
import { Containerd } from "./containerd.ts";
import { install } from "./debian.ts";
import { makeImage } from "./image.ts";

const missing = needsRoot ?? install("containerd", "containerd");
const GUESTS = ["hello", "spin", "cat", "exit-code", "stdin-copy", "echo-args-env", "write"] as const;
const IMAGE = "localhost/guests:1";
const WASI_IMAGE = "localhost/guests:wasi";
const POLL = { timeout: 60_000 };
const top = scratchDirectory();

describe.skipIf(missing !== undefined)(missing === undefined ? "containerd" : `left out: ${missing}`, () => {
  let containerd: Containerd;
  let next = 0;

  const ctr = (...args: string[]) => containerd.run(...args);
  const flags = ["--runc-binary", WVISOR, "--snapshotter", "native"];
  const runImage = (image: string, given: string[], ...args: string[]) =>
    ctr("run", "--rm", ...flags, ...given, image, `r${next++}`, ...args);
  const run = (given: string[], ...args: string[]) => runImage(IMAGE, given, ...args);
  const runDetached = (id: string, ...args: string[]) => ctr("run", "--detach", ...flags, IMAGE, id, ...args);
  const status = (id: string) => new RegExp(`^${id} +\\d+ +(\\w+)`, "m").exec(ctr("tasks", "ls").stdout)?.[1];
  const remove = (id: string) => {
    expect(ctr("tasks", "rm", "--force", id).code).toBe(0);
    expect(ctr("containers", "rm", id).code).toBe(0);
  };

  beforeAll(async () => {
    await buildGuests(GUESTS);
    containerd = new Containerd(mkdtempSync(path.join(tmpdir(), "wv-ctr-")));
    await containerd.started();
    const files = Object.fromEntries(GUESTS.map((name) => [`${name}.wasm`, guestFile(name)]));
    const note = put(top, "note", "of the image\n");
    const content = {
      files: { ...files, "data/note": note },
      directories: ["tmp", "mnt"],
      entrypoint: ["/hello.wasm"],
      env: ["PATH=/", "FROM_IMAGE=yes"],
    };
    containerd.load(makeImage(path.join(top, "image"), { ...content, name: IMAGE }));
    const platform = { platform: "wasi/wasm", user: "1000:2000" };
    containerd.load(makeImage(path.join(top, "wasi"), { ...content, ...platform, name: WASI_IMAGE }));
  });

  afterAll(async () => {
    for (const id of ctr("tasks", "ls", "--quiet").stdout.split("\n").filter(Boolean)) {
      ctr("tasks", "rm", "--force", id);
    }
    for (const id of ctr("containers", "ls", "--quiet").stdout.split("\n").filter(Boolean)) {
      ctr("containers", "rm", id);
    }
    await containerd.stop();
  });

  test("run: the image's entry point", () => {
    expect(run([])).toMatchObject({ code: 0, stdout: "hello from wasm\n", stderr: "" });
  });

  test("run: a program by name on the image's PATH, which has no execute permission", () => {
    expect(run([], "hello.wasm")).toMatchObject({ code: 0, stdout: "hello from wasm\n" });
  });

  test.each([0, 7, 255])("run: exit code %i", (code) => {
    expect(run([], "/exit-code.wasm", String(code)).code).toBe(code);
  });

  test("run: standard input, output and error", async () => {
    const copied = await containerd.talk(
      "some words\n",
      "run",
      "--rm",
      ...flags,
      IMAGE,
      "in1",
      "/stdin-copy.wasm",
    );
    expect(copied).toMatchObject({ code: 0, stdout: "some words\n", stderr: "copied 11 bytes\n" });
  });

  test("run: a megabyte goes through", async () => {
    const text = "0123456789abcde\n".repeat(65_536);
    const { stdout } = await containerd.talk(text, "run", "--rm", ...flags, IMAGE, "in2", "/stdin-copy.wasm");
    expect(stdout === text).toBe(true);
  });

  test("run: a program that is not there, and one that is none", () => {
    const absent = run([], "/nothing");
    expect(absent.code).not.toBe(0);
    expect(absent.stderr).toContain("no such file or directory");
    const text = run([], "/data/note");
    expect(text.code).not.toBe(0);
    expect(text.stderr).toContain("ENOEXEC");
  });

  test("run: arguments and environment, of the image and the command line", () => {
    const { stdout } = run(["--env", "GIVEN=two words"], "/echo-args-env.wasm", "a b", "");
    expect(stdout).toContain("arg 1 3: a b\narg 2 0: \n");
    expect(stdout).toContain("env 14: FROM_IMAGE=yes\n");
    expect(stdout).toContain("env 15: GIVEN=two words\n");
    expect(stdout).not.toMatch(/TTRPC|GOMAXPROCS|NODE/);
  });

  test("run: the working directory", () => {
    expect(run(["--cwd", "/data"], "/cat.wasm", "/proc/self/cwd/note").stdout).toBe("of the image\n");
  });

  test("run: an image of the platform wasi/wasm, and of a user", () => {
    const { stdout } = runImage(WASI_IMAGE, ["--platform", "wasi/wasm"], "/cat.wasm", "/proc/self/status");
    expect(stdout).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
    expect(stdout).toMatch(/^Gid:\t2000\t2000\t2000\t2000$/m);
  });

  test("run: directories of the host, read-only and writable", () => {
    put(top, "shared/note", "of the host\n");
    const mount = (options: string) => [
      "--mount",
      `type=bind,src=${top}/shared,dst=/mnt,options=rbind:${options}`,
    ];
    expect(run(mount("ro"), "/cat.wasm", "/mnt/note").stdout).toBe("of the host\n");
    const refused = run(mount("ro"), "/write.wasm", "/mnt/new", "text");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain("write: /mnt/new: ROFS");
    expect(run(mount("rw"), "/write.wasm", "/mnt/new", "text").code).toBe(0);
    expect(readFileSync(path.join(top, "shared/new"), "utf8")).toBe("text\n");
  });

  test("run: a read-only root directory", () => {
    const refused = run(["--read-only"], "/write.wasm", "/data/new", "text");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("write: /data/new: ROFS");
    expect(run([], "/write.wasm", "/data/new", "text").code).toBe(0);
  });

  test("run: what a container writes is in its snapshot, and in no other container", () => {
    expect(ctr("run", ...flags, IMAGE, "writer", "/write.wasm", "/data/mine", "written").code).toBe(0);
    expect(ctr("snapshots", "--snapshotter", "native", "ls").stdout).toMatch(/^writer .*Active/m);
    expect(run([], "/cat.wasm", "/data/mine").code).toBe(1);
    ctr("tasks", "rm", "writer");
    expect(ctr("containers", "rm", "writer").code).toBe(0);
    expect(ctr("snapshots", "--snapshotter", "native", "ls").stdout).not.toContain("writer");
  });

  test("run --cgroup and --memory-limit are accepted", () => {
    expect(run(["--memory-limit", "268435456"], "/hello.wasm").code).toBe(0);
  });

  describe("a task", () => {
    beforeAll(() => {
      expect(runDetached("t1", "/spin.wasm")).toMatchObject({ code: 0, stderr: "" });
    });

    afterAll(() => remove("t1"));

    test("is listed as running, with the pid of its process", () => {
      expect(status("t1")).toBe("RUNNING");
      const [, pid] = /^t1 +(\d+)/m.exec(ctr("tasks", "ls").stdout)!;
      expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^NSpid:\t\d+\t1$/m);
    });

    test("ps lists it", () => {
      const [, pid] = /^t1 +(\d+)/m.exec(ctr("tasks", "ls").stdout)!;
      expect(ctr("tasks", "ps", "t1").stdout).toMatch(new RegExp(`^${pid}\\b`, "m"));
    });

    test("exec: a second program, with its output and exit code", () => {
      const shown = ctr("tasks", "exec", "--exec-id", "e1", "t1", "/cat.wasm", "/data/note");
      expect(shown).toMatchObject({ code: 0, stdout: "of the image\n" });
      expect(ctr("tasks", "exec", "--exec-id", "e2", "t1", "/exit-code.wasm", "9").code).toBe(9);
    });

    test("exec: standard input, working directory and user", async () => {
      const exec = (...args: string[]) => ["tasks", "exec", "--exec-id", `e${next++}i`, ...args];
      const copied = await containerd.talk("more\n", ...exec("t1", "/stdin-copy.wasm"));
      expect(copied.stdout).toBe("more\n");
      const there = ctr(...exec("--cwd", "/data", "t1", "/cat.wasm", "/proc/self/cwd/note"));
      expect(there.stdout).toBe("of the image\n");
      const { stdout } = ctr(...exec("--user", "5:6", "t1", "/cat.wasm", "/proc/self/status"));
      expect(stdout).toMatch(/^Uid:\t5\t5\t5\t5$/m);
    });

    test("exec: a program that is not there", () => {
      const absent = ctr("tasks", "exec", "--exec-id", "e3", "t1", "/nothing");
      expect(absent.code).not.toBe(0);
      expect(absent.stderr).toContain("no such file or directory");
    });

    test("exec: a process in the background is killed alone", async () => {
      const started = ctr("tasks", "exec", "--exec-id", "e4", "--detach", "t1", "/spin.wasm");
      expect(started.code).toBe(0);
      expect(ctr("tasks", "ps", "t1").stdout.trim().split("\n")).toHaveLength(3);
      expect(ctr("tasks", "kill", "--exec-id", "e4", "--signal", "SIGKILL", "t1").code).toBe(0);
      await expect.poll(() => ctr("tasks", "ps", "t1").stdout.trim().split("\n").length, POLL).toBe(2);
      expect(status("t1")).toBe("RUNNING");
    });

    test("pause and resume", async () => {
      expect(ctr("tasks", "pause", "t1").code).toBe(0);
      expect(status("t1")).toBe("PAUSED");
      expect(ctr("tasks", "exec", "--exec-id", "e5", "t1", "/hello.wasm").code).not.toBe(0);
      expect(ctr("tasks", "resume", "t1").code).toBe(0);
      expect(status("t1")).toBe("RUNNING");
      expect(ctr("tasks", "exec", "--exec-id", "e6", "t1", "/hello.wasm").code).toBe(0);
    });

    test("metrics: the memory that its processes take", () => {
      const [, bytes] = /^memory\.usage_in_bytes +(\d+)/m.exec(ctr("tasks", "metrics", "t1").stdout)!;
      expect(Number(bytes)).toBeGreaterThan(1 << 20);
    });

    test("the same id again is refused, and harms nothing", () => {
      expect(runDetached("t1", "/hello.wasm").code).not.toBe(0);
      expect(status("t1")).toBe("RUNNING");
    });

    test("one that runs is not deleted without force", () => {
      expect(ctr("tasks", "rm", "t1").code).not.toBe(0);
      expect(status("t1")).toBe("RUNNING");
    });
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGKILL", 137],
  ])("kill: %s ends a program that spins, with %i", async (signal, code) => {
    expect(runDetached("k1", "/spin.wasm").code).toBe(0);
    expect(ctr("tasks", "kill", "--signal", signal, "k1").code).toBe(0);
    await expect.poll(() => status("k1"), POLL).toBe("STOPPED");
    expect(ctr("tasks", "rm", "k1").stderr).toContain(`exit with non-zero exit code ${code}`);
    expect(ctr("containers", "rm", "k1").code).toBe(0);
  });

  test("kill --all, and a signal to one that has ended", async () => {
    expect(runDetached("k2", "/spin.wasm").code).toBe(0);
    expect(ctr("tasks", "kill", "--all", "--signal", "SIGKILL", "k2").code).toBe(0);
    await expect.poll(() => status("k2"), POLL).toBe("STOPPED");
    expect(ctr("tasks", "kill", "k2").stderr).toContain("process already finished: not found");
    ctr("tasks", "rm", "k2");
    expect(ctr("containers", "rm", "k2").code).toBe(0);
  });

  test("run --tty: the program's output goes through a terminal", () => {
    const command = containerd.arguments(["run", "--rm", "--tty", ...flags, IMAGE, "tty"]).join(" ");
    // ctr wants a terminal of its own, which script(1) makes.
    const { code, stdout } = runCommand("script", ["-qec", `ctr ${command}`, "/dev/null"]);
    expect(code).toBe(0);
    // What script(1) types at the end of its own input is echoed first.
    expect(stdout).toMatch(/hello from wasm\r+\n$/);
  });

  test("nothing is left: no process, no mount, no container of the runtime's", () => {
    expect(ctr("tasks", "ls", "--quiet").stdout).toBe("");
    expect(runCommand("grep", ["-c", containerd.directory, "/proc/mounts"]).stdout).toBe("0\n");
  });
});
