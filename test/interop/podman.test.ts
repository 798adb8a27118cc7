// podman with wVisor as its runtime: Debian's, unchanged, with a store of its own.

import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { put, runCommand, scratchDirectory } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { needsRoot, WVISOR } from "../support/oci/runtime.ts";
import { install } from "./debian.ts";

const missing = needsRoot ?? install("podman", "podman") ?? install("conmon", "conmon");
const GUESTS = ["hello", "spin", "cat", "exit-code", "stdin-copy"] as const;
const top = scratchDirectory();
const image = "wvisor-guests";

function podman(...args: string[]) {
  return podmanWith("", ...args);
}

function podmanWith(input: string, ...args: string[]) {
  const store = [
    "--root",
    path.join(top, "store"),
    "--runroot",
    path.join(top, "run"),
    "--storage-driver",
    "vfs",
  ];
  const engine = ["--cgroup-manager", "cgroupfs", "--runtime", WVISOR];
  return runCommand("podman", [...store, ...engine, ...args], { input });
}

const run = (...args: string[]) => podman("run", "--rm", "--network", "none", ...args);

describe.skipIf(missing !== undefined)(missing === undefined ? "podman" : `left out: ${missing}`, () => {
  beforeAll(async () => {
    await buildGuests(GUESTS);
    const files = path.join(top, "files");
    mkdirSync(files);
    for (const name of GUESTS) copyFileSync(guestFile(name), path.join(files, `${name}.wasm`));
    const archive = path.join(top, "image.tar");
    expect(runCommand("tar", ["-C", files, "-cf", archive, "."]).code).toBe(0);
    const imported = podman("import", archive, image);
    expect({ code: imported.code, stderr: imported.code === 0 ? "" : imported.stderr }).toEqual({
      code: 0,
      stderr: "",
    });
  });

  afterAll(() => {
    podman("rm", "--all", "--force");
  });

  test("run: output, input, exit codes", () => {
    expect(run(image, "/hello.wasm")).toMatchObject({ code: 0, stdout: "hello from wasm\n" });
    expect(run(image, "/exit-code.wasm", "7").code).toBe(7);
    expect(run("--read-only", image, "/exit-code.wasm", "0").code).toBe(0);
    const copied = podmanWith("hi\n", "run", "-i", "--rm", "--network", "none", image, "/stdin-copy.wasm");
    expect(copied).toMatchObject({ code: 0, stdout: "hi\n" });
  });

  test("a program that is not there is 127", () => {
    expect(run(image, "/nothing").code).toBe(127);
    expect(run(image, "nothing").code).toBe(127);
  });

  test("volumes", () => {
    put(top, "data/note", "of the host\n");
    const shown = run("-v", `${top}/data:/data:ro`, image, "/cat.wasm", "/data/note");
    expect(shown).toMatchObject({ code: 0, stdout: "of the host\n" });
    const single = run("-v", `${top}/data/note:/single:ro`, image, "/cat.wasm", "/single");
    expect(single.stdout).toBe("of the host\n");
  });

  test("a container in the background: logs, exec, cp, top, stop, rm", () => {
    expect(podman("run", "-d", "--name", "c1", "--network", "none", image, "/spin.wasm").code).toBe(0);
    expect(podman("exec", "c1", "/exit-code.wasm", "5").code).toBe(5);
    expect(podman("logs", "c1").stdout).toBe("spinning\n");

    // In and out of the container; the host's file of that name is another.
    const name = path.join(top, "data/note").slice(1);
    put(top, "copied", "copied in\n");
    expect(podman("cp", path.join(top, "copied"), "c1:/copied").code).toBe(0);
    expect(podman("exec", "c1", "/cat.wasm", "/copied").stdout).toBe("copied in\n");
    expect(podman("cp", "c1:/copied", path.join(top, "back")).code).toBe(0);
    expect(runCommand("cat", [path.join(top, "back")]).stdout).toBe("copied in\n");
    expect(podman("cp", `c1:/${name}`, path.join(top, "stolen")).code).not.toBe(0);

    const listed = podman("top", "c1", "pid", "comm").stdout;
    expect(listed).toMatch(/^1 +wv-anchor$/m);
    expect(listed).not.toMatch(/podman|conmon|vitest/);
    expect(podman("stop", "--time", "20", "c1").code).toBe(0);
    expect(podman("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "c1").stdout).toBe(
      "exited 143\n",
    );
    expect(podman("rm", "c1").code).toBe(0);
  });

  test("kill, wait and rm --force", () => {
    expect(podman("run", "-d", "--name", "c2", "--network", "none", image, "/spin.wasm").code).toBe(0);
    expect(podman("kill", "c2").code).toBe(0);
    expect(podman("wait", "c2").stdout).toBe("137\n");
    expect(podman("rm", "--force", "c2").code).toBe(0);
    expect(podman("run", "-d", "--name", "c3", "--network", "none", image, "/spin.wasm").code).toBe(0);
    expect(podman("rm", "--force", "--time", "0", "c3").code).toBe(0);
    expect(podman("ps", "--all", "--quiet").stdout).toBe("");
  });
});
