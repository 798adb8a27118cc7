// podman with wVisor as its runtime: Debian's, unchanged, with a store of its own.

import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PYTHON, put, ROOT, runCommand, scratchDirectory } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { compileC, needsRoot, WVISOR } from "../support/oci/runtime.ts";
import { install } from "./debian.ts";
import { makeImage } from "./image.ts";

const missing = needsRoot ?? install("podman", "podman") ?? install("conmon", "conmon");
const GUESTS = ["hello", "spin", "cat", "exit-code", "stdin-copy", "echo-args-env", "write"] as const;
const IMAGE = "localhost/tools:1";
const WASI_IMAGE = "localhost/tools:wasi";
const PYTHON_IMAGE = "localhost/python:1";
const top = scratchDirectory();

/** Its directories, and wVisor by a name that is none of podman's own. */
const store = [
  "--root",
  path.join(top, "store"),
  "--runroot",
  path.join(top, "run"),
  "--storage-driver",
  "vfs",
];
const engine = [...store, "--cgroup-manager", "cgroupfs", "--runtime", WVISOR];

const podman = (...args: string[]) => runCommand("podman", [...engine, ...args]);
const run = (...args: string[]) => podman("run", "--rm", "--network", "none", ...args);
const talk = (input: string, ...args: string[]) => runCommand("podman", [...engine, ...args], { input });
const inspect = (name: string, format: string) => podman("inspect", "--format", format, name).stdout.trim();

/** A container in the background, which runs until it is told not to. */
function background(name: string, ...flags: string[]): void {
  const started = podman("run", "-d", "--name", name, "--network", "none", ...flags, IMAGE, "/spin.wasm");
  if (started.code !== 0) throw new Error(started.stderr);
}

describe.skipIf(missing !== undefined)(missing === undefined ? "podman" : `left out: ${missing}`, () => {
  beforeAll(async () => {
    await buildGuests(GUESTS);
    const files = Object.fromEntries(GUESTS.map((name) => [`${name}.wasm`, guestFile(name)]));
    const note = put(top, "note", "of the image\n");
    const content = {
      files: { ...files, "data/note": note },
      directories: ["tmp", "mnt"],
      command: ["/hello.wasm"],
      env: ["PATH=/", "FROM_IMAGE=yes"],
    };
    const load = (directory: string, options: Parameters<typeof makeImage>[1], ...flags: string[]) => {
      const archive = makeImage(path.join(top, directory), options);
      const pulled = podman("pull", "--quiet", ...flags, `oci-archive:${archive}`);
      expect({ code: pulled.code, stderr: pulled.code === 0 ? "" : pulled.stderr }).toEqual({
        code: 0,
        stderr: "",
      });
    };
    load("image", { ...content, name: IMAGE });
    const annotations = { "module.wasm.image/variant": "compat", "run.oci.handler": "wasm" };
    load(
      "wasi",
      { ...content, name: WASI_IMAGE, platform: "wasi/wasm", annotations },
      "--platform",
      "wasi/wasm",
    );
    load("python", {
      name: PYTHON_IMAGE,
      files: { "bin/python3": PYTHON },
      directories: ["tmp"],
      entrypoint: ["python3"],
      env: ["PATH=/bin"],
    });
  });

  afterAll(() => {
    podman("rm", "--all", "--force", "--time", "0");
    podman("volume", "rm", "--all", "--force");
  });

  describe("run", () => {
    test("the image's command", () => {
      expect(run(IMAGE)).toMatchObject({ code: 0, stdout: "hello from wasm\n" });
    });

    test("a program by name on the image's PATH, which has no execute permission", () => {
      expect(run(IMAGE, "hello.wasm")).toMatchObject({ code: 0, stdout: "hello from wasm\n" });
    });

    test.each([0, 7, 255])("exit code %i", (code) => {
      expect(run(IMAGE, "/exit-code.wasm", String(code)).code).toBe(code);
    });

    test("standard input, output and error", () => {
      const copied = talk("hi\n", "run", "-i", "--rm", "--network", "none", IMAGE, "/stdin-copy.wasm");
      expect(copied).toMatchObject({ code: 0, stdout: "hi\n", stderr: "copied 3 bytes\n" });
    });

    test("a program that is not there is 127, one that is none 126", () => {
      expect(run(IMAGE, "/nothing").code).toBe(127);
      expect(run(IMAGE, "nothing").code).toBe(127);
      expect(run(IMAGE, "/data/note").code).toBeGreaterThanOrEqual(125);
    });

    test("arguments, -e and --env-file; nothing of the caller's environment", () => {
      const file = put(top, "variables", "FROM_FILE=also\n");
      const { stdout } = run(
        "-e",
        "GIVEN=two words",
        "--env-file",
        file,
        IMAGE,
        "/echo-args-env.wasm",
        "a b",
        "",
      );
      expect(stdout).toContain("arg 1 3: a b\narg 2 0: \n");
      for (const variable of ["GIVEN=two words", "FROM_FILE=also", "FROM_IMAGE=yes", "container=podman"]) {
        expect(stdout).toContain(`env ${variable.length}: ${variable}\n`);
      }
      expect(stdout).not.toMatch(/CONMON|_OCI_|NODE_|XDG_/);
    });

    test("-w", () => {
      expect(run("-w", "/data", IMAGE, "/cat.wasm", "/proc/self/cwd/note").stdout).toBe("of the image\n");
    });

    test("-u and --group-add", () => {
      const { stdout } = run(
        "-u",
        "1000:2000",
        "--group-add",
        "3000",
        IMAGE,
        "/cat.wasm",
        "/proc/self/status",
      );
      expect(stdout).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
      expect(stdout).toMatch(/^Gid:\t2000\t2000\t2000\t2000$/m);
      expect(stdout).toMatch(/^Groups:.*\b3000\b/m);
    });

    test("--hostname", () => {
      expect(run("--hostname", "box", IMAGE, "/cat.wasm", "/proc/sys/kernel/hostname").stdout).toBe("box\n");
      expect(run("--hostname", "box", IMAGE, "/cat.wasm", "/etc/hostname").stdout).toBe("box");
    });

    test("--read-only, and what may be written to nevertheless", () => {
      const refused = run("--read-only", IMAGE, "/write.wasm", "/data/new", "text");
      expect(refused).toMatchObject({ code: 1, stderr: "write: /data/new: ROFS\n" });
      expect(run("--read-only", IMAGE, "/write.wasm", "/tmp/new", "text").code).toBe(0);
      expect(run(IMAGE, "/write.wasm", "/data/new", "text").code).toBe(0);
    });

    test("--tmpfs", () => {
      expect(run("--tmpfs", "/data:size=4k", IMAGE, "/cat.wasm", "/data/note").code).toBe(1);
      expect(run("--tmpfs", "/data", "--read-only", IMAGE, "/write.wasm", "/data/new", "text").code).toBe(0);
    });

    test("-v: read-only, writable, and a single file", () => {
      const note = put(top, "volume/note", "of the host\n");
      const directory = path.dirname(note);
      expect(run("-v", `${directory}:/mnt:ro`, IMAGE, "/cat.wasm", "/mnt/note").stdout).toBe("of the host\n");
      const refused = run("-v", `${directory}:/mnt:ro`, IMAGE, "/write.wasm", "/mnt/note", "x");
      expect(refused).toMatchObject({ code: 1, stderr: "write: /mnt/note: ROFS\n" });
      expect(run("-v", `${directory}:/mnt`, IMAGE, "/write.wasm", "/mnt/new", "text").code).toBe(0);
      expect(readFileSync(path.join(directory, "new"), "utf8")).toBe("text\n");
      expect(run("-v", `${note}:/single:ro`, IMAGE, "/cat.wasm", "/single").stdout).toBe("of the host\n");
    });

    test("a named volume is shared by the containers that have it", () => {
      expect(podman("volume", "create", "shared").code).toBe(0);
      expect(run("-v", "shared:/mnt", IMAGE, "/write.wasm", "/mnt/note", "kept").code).toBe(0);
      expect(run("-v", "shared:/mnt", IMAGE, "/cat.wasm", "/mnt/note").stdout).toBe("kept\n");
    });

    test("--entrypoint", () => {
      expect(run("--entrypoint", "/exit-code.wasm", IMAGE, "3").code).toBe(3);
    });

    test("--label and --annotation arrive where they belong", () => {
      expect(run("--label", "a=b", "--annotation", "run.oci.handler=wasm", IMAGE).code).toBe(0);
    });

    test("an image of the platform wasi/wasm, with the annotations of other runtimes", () => {
      const { code, stdout } = run("--platform", "wasi/wasm", WASI_IMAGE);
      expect({ code, stdout }).toEqual({ code: 0, stdout: "hello from wasm\n" });
    });

    test("--memory, --pids-limit and --ulimit", () => {
      const limits = ["--memory", "256m", "--pids-limit", "100", "--ulimit", "nofile=64:64"];
      expect(run(...limits, IMAGE).stdout).toBe("hello from wasm\n");
    });

    test("a mount point of the image that leads out of it", () => {
      const files = path.join(top, "hostile");
      put(files, "hello.wasm", readFileSync(guestFile("hello")));
      symlinkSync("/etc", path.join(files, "out"));
      const archive = path.join(top, "hostile.tar");
      expect(runCommand("tar", ["-C", files, "-cf", archive, "."]).code).toBe(0);
      expect(podman("import", "--quiet", archive, "localhost/hostile:1").code).toBe(0);
      const before = runCommand("ls", ["/etc"]).stdout;
      run("--tmpfs", "/out/made-by-a-test", "localhost/hostile:1", "/hello.wasm");
      expect(runCommand("ls", ["/etc"]).stdout).toBe(before);
    });

    test("-t: the program's output goes through a terminal", () => {
      expect(run("-t", IMAGE)).toMatchObject({ code: 0, stdout: "hello from wasm\r\n" });
    });

    test("--init is refused: an init is a Linux program", () => {
      const init = compileC(path.join(ROOT, "test/support/oci/pause.c"), path.join(top, "init"));
      const refused = run("--init", "--init-path", init, IMAGE);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain("it is a Linux ELF program");
    });

    test("--rm leaves nothing, and a container without it is there", () => {
      expect(podman("run", "--name", "kept", "--network", "none", IMAGE).code).toBe(0);
      expect(podman("ps", "--all", "--format", "{{.Names}} {{.Status}}").stdout).toMatch(
        /^kept Exited \(0\)/,
      );
      expect(podman("rm", "kept").code).toBe(0);
      expect(podman("ps", "--all", "--quiet").stdout).toBe("");
    });
  });

  describe("CPython", () => {
    const python = (code: string, ...flags: string[]) => run(...flags, PYTHON_IMAGE, "-c", code);

    test("runs, with its arguments and its exit code", () => {
      const shown = run(
        PYTHON_IMAGE,
        "-c",
        "import sys; print(sys.argv[1:], sys.platform); sys.exit(4)",
        "x",
        "y z",
      );
      expect(shown).toMatchObject({ code: 4, stdout: "['x', 'y z'] wasi\n" });
    });

    test("reads a volume and writes to it", () => {
      const file = put(top, "python/in", "1\n2\n3\n");
      const code = "open('/mnt/out', 'w').write(str(sum(map(int, open('/mnt/in')))))";
      expect(python(code, "-v", `${path.dirname(file)}:/mnt`)).toMatchObject({ code: 0, stderr: "" });
      expect(readFileSync(path.join(top, "python/out"), "utf8")).toBe("6");
    });
  });

  describe("a container in the background", () => {
    beforeAll(() => background("c1", "--label", "made=by a test"));

    afterAll(() => {
      expect(podman("rm", "--force", "--time", "0", "c1").code).toBe(0);
    });

    test("runs, and is inspected", () => {
      expect(inspect("c1", "{{.State.Status}} {{.Config.Labels.made}}")).toBe("running by a test");
      const pid = inspect("c1", "{{.State.Pid}}");
      expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^NSpid:\t\d+\t1$/m);
    });

    test("logs", async () => {
      await expect.poll(() => podman("logs", "c1").stdout, { timeout: 60_000 }).toBe("spinning\n");
    });

    test("top shows the container's program, and no process of the host's", () => {
      const listed = podman("top", "c1", "pid", "comm", "args").stdout;
      expect(listed).toMatch(/^1 +spin\.wasm +\/spin\.wasm *$/m);
      expect(listed).not.toMatch(/podman|conmon|vitest/);
    });

    test("exec: output, exit code, input, -e, -w and -u", () => {
      expect(podman("exec", "c1", "/cat.wasm", "/data/note").stdout).toBe("of the image\n");
      expect(podman("exec", "c1", "/exit-code.wasm", "5").code).toBe(5);
      expect(talk("in\n", "exec", "-i", "c1", "/stdin-copy.wasm").stdout).toBe("in\n");
      expect(podman("exec", "-e", "GIVEN=x", "c1", "/echo-args-env.wasm").stdout).toContain(
        "env 7: GIVEN=x\n",
      );
      expect(podman("exec", "-w", "/data", "c1", "/cat.wasm", "/proc/self/cwd/note").stdout).toBe(
        "of the image\n",
      );
      const { stdout } = podman("exec", "-u", "5:6", "c1", "/cat.wasm", "/proc/self/status");
      expect(stdout).toMatch(/^Uid:\t5\t5\t5\t5$/m);
    });

    test("exec -t", () => {
      const { code, stdout } = podman("exec", "-t", "c1", "/hello.wasm");
      expect({ code, stdout }).toEqual({ code: 0, stdout: "hello from wasm\r\n" });
    });

    test("exec: a program that is not there is 127", () => {
      expect(podman("exec", "c1", "/nothing").code).toBe(127);
    });

    test("exec -d, and it is listed", () => {
      expect(podman("exec", "-d", "c1", "/spin.wasm", "again").code).toBe(0);
      expect(podman("exec", "c1", "/cat.wasm", "/proc/1/comm").stdout).toBe("spin.wasm\n");
    });

    test("cp in and out, and never the host's files", () => {
      const secret = put(top, "secret", "of the host\n");
      const file = put(top, "copied", "copied in\n");
      expect(podman("cp", file, "c1:/copied").code).toBe(0);
      expect(podman("exec", "c1", "/cat.wasm", "/copied").stdout).toBe("copied in\n");
      expect(podman("cp", "c1:/copied", path.join(top, "back")).code).toBe(0);
      expect(readFileSync(path.join(top, "back"), "utf8")).toBe("copied in\n");
      expect(podman("cp", `c1:${secret}`, path.join(top, "stolen")).code).not.toBe(0);
      // What the guest writes comes out.
      expect(podman("exec", "c1", "/write.wasm", "/data/written", "by a guest").code).toBe(0);
      expect(podman("cp", "c1:/data/written", path.join(top, "written")).code).toBe(0);
      expect(readFileSync(path.join(top, "written"), "utf8")).toBe("by a guest\n");
    });

    test("diff, commit and export have what was written", () => {
      expect(podman("exec", "c1", "/write.wasm", "/data/more", "text").code).toBe(0);
      expect(podman("diff", "c1").stdout).toContain("A /data/more\n");
      expect(podman("commit", "--quiet", "c1", "localhost/committed:1").code).toBe(0);
      expect(run("localhost/committed:1", "/cat.wasm", "/data/more").stdout).toBe("text\n");
      const archive = path.join(top, "exported.tar");
      expect(podman("export", "--output", archive, "c1").code).toBe(0);
      expect(runCommand("tar", ["-xOf", archive, "data/more"]).stdout).toBe("text\n");
    });

    test("pause and unpause", () => {
      expect(podman("pause", "c1").code).toBe(0);
      expect(inspect("c1", "{{.State.Status}}")).toBe("paused");
      expect(podman("exec", "c1", "/hello.wasm").code).not.toBe(0);
      expect(podman("unpause", "c1").code).toBe(0);
      expect(podman("exec", "c1", "/hello.wasm").stdout).toBe("hello from wasm\n");
    });

    test("its name is its own, until it is renamed", () => {
      expect(podman("run", "-d", "--name", "c1", "--network", "none", IMAGE, "/spin.wasm").code).not.toBe(0);
      expect(podman("rename", "c1", "renamed").code).toBe(0);
      expect(podman("exec", "renamed", "/hello.wasm").code).toBe(0);
      expect(podman("rename", "renamed", "c1").code).toBe(0);
    });

    test("rm without --force is refused", () => {
      expect(podman("rm", "c1").code).not.toBe(0);
      expect(inspect("c1", "{{.State.Status}}")).toBe("running");
    });
  });

  test("stop ends a program that spins, by SIGTERM", () => {
    background("s1");
    expect(podman("stop", "--time", "100", "s1").code).toBe(0);
    expect(inspect("s1", "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 143");
    expect(podman("rm", "s1").code).toBe(0);
  });

  test.each([
    [[], 137],
    [["--signal", "USR1"], 138],
  ])("kill %j, and wait: %i", (flags, code) => {
    background("k1");
    expect(podman("kill", ...flags, "k1").code).toBe(0);
    expect(podman("wait", "k1").stdout).toBe(`${code}\n`);
    expect(podman("rm", "k1").code).toBe(0);
  });

  test("a signal that ends nobody", () => {
    background("k2");
    expect(podman("kill", "--signal", "WINCH", "k2").code).toBe(0);
    expect(inspect("k2", "{{.State.Status}}")).toBe("running");
    expect(podman("rm", "--force", "--time", "0", "k2").code).toBe(0);
  });

  test("create, start, stop, start and restart", () => {
    const create = [
      "create",
      "--name",
      "again",
      "--network",
      "none",
      "--stop-signal",
      "KILL",
      IMAGE,
      "/spin.wasm",
    ];
    expect(podman(...create).code).toBe(0);
    for (let cycle = 0; cycle < 2; cycle++) {
      expect(podman("start", "again").code).toBe(0);
      expect(podman("exec", "again", "/hello.wasm").code).toBe(0);
      expect(podman("stop", "again").code).toBe(0);
    }
    expect(inspect("again", "{{.State.ExitCode}}")).toBe("137");
    expect(podman("restart", "again").code).toBe(0);
    expect(inspect("again", "{{.State.Status}}")).toBe("running");
    expect(podman("rm", "--force", "--time", "0", "again").code).toBe(0);
    expect(podman("ps", "--all", "--quiet").stdout).toBe("");
  });

  test("a health check is an exec", () => {
    background("h1", "--health-cmd", '["/cat.wasm","/data/note"]', "--health-interval", "disable");
    expect(podman("healthcheck", "run", "h1").code).toBe(0);
    expect(inspect("h1", "{{.State.Health.Status}}")).toBe("healthy");
    expect(podman("rm", "--force", "--time", "0", "h1").code).toBe(0);
  });

  // podman looks a runtime's name up in a list for this; docs/podman.md has the file.
  test("--cgroups disabled, where containers.conf says that the runtime can", () => {
    const file = path.join(top, "containers.conf");
    writeFileSync(
      file,
      `[engine]\nruntime = "wvisor"\nruntime_supports_nocgroup = ["wvisor"]\nruntime_supports_json = ["wvisor"]\n` +
        `[engine.runtimes]\nwvisor = ["${WVISOR}"]\n`,
    );
    const args = [...store, "--cgroup-manager", "cgroupfs", "run", "--rm", "--network", "none"];
    const env = { ...process.env, CONTAINERS_CONF: file };
    const shown = runCommand("podman", [...args, "--cgroups", "disabled", IMAGE], { env });
    expect(shown).toMatchObject({ code: 0, stdout: "hello from wasm\n" });
    expect(runCommand("podman", [...args, IMAGE, "/exit-code.wasm", "6"], { env }).code).toBe(6);
    expect(runCommand("podman", [...args, IMAGE, "/nothing"], { env }).code).toBe(127);
  });

  test("build: a Containerfile with nothing to run", () => {
    const context = path.join(top, "context");
    put(context, "app.wasm", readFileSync(guestFile("hello")));
    put(context, "Containerfile", 'FROM scratch\nCOPY app.wasm /\nENTRYPOINT ["/app.wasm"]\n');
    expect(podman("build", "--quiet", "--tag", "localhost/built:1", context).code).toBe(0);
    expect(run("localhost/built:1").stdout).toBe("hello from wasm\n");
  });

  test("nothing is left in the host's mounts", () => {
    expect(podman("ps", "--all", "--quiet").stdout).toBe("");
    expect(runCommand("grep", ["-c", `${top}/run.*/wvisor`, "/proc/mounts"]).stdout).toBe("0\n");
  });
});
