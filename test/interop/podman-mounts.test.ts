// What podman mounts into a container of wVisor's, and what it copies into it and out of it: into volumes, too, and nowhere else on the
// host.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { put, runCommand, scratchDirectory } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { needsRoot, WVISOR } from "../support/oci/runtime.ts";
import { install } from "./debian.ts";

const missing = needsRoot ?? install("podman", "podman") ?? install("conmon", "conmon");
const GUESTS = ["spin", "cat", "probe-files"] as const;
const top = scratchDirectory();
const image = "wvisor-mounts";

function podman(...args: string[]) {
  const store = ["--root", path.join(top, "store"), "--runroot", path.join(top, "run")];
  const engine = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--runtime", WVISOR];
  return runCommand("podman", [...store, ...engine, ...args]);
}

/** A container in the background. */
function start(name: string, engine: readonly string[], ...flags: string[]): void {
  const begun = podman(
    ...engine,
    "run",
    "-d",
    "--name",
    name,
    "--network",
    "none",
    ...flags,
    image,
    "/spin.wasm",
  );
  expect({ code: begun.code, stderr: begun.code === 0 ? "" : begun.stderr }).toEqual({ code: 0, stderr: "" });
}

/** What the program in the container says of the operations. */
function probe(name: string, ...operations: string[]): string[] {
  const { stdout } = podman("exec", name, "/probe-files.wasm", ...operations);
  const lines = stdout.split("\n");
  return operations.map((operation, index) => lines[index]?.slice(operation.length + 1) ?? "no answer");
}

function volume(name: string, files: Readonly<Record<string, string>> = {}): string {
  const directory = path.join(top, name);
  mkdirSync(directory);
  for (const [file, text] of Object.entries(files)) put(directory, file, text);
  return directory;
}

describe.skipIf(missing !== undefined)(missing === undefined ? "podman" : `left out: ${missing}`, () => {
  beforeAll(async () => {
    await buildGuests(GUESTS);
    const files = path.join(top, "files");
    mkdirSync(files);
    for (const name of GUESTS) copyFileSync(guestFile(name), path.join(files, `${name}.wasm`));
    put(files, "etc/note", "of the image\n");
    const archive = path.join(top, "image.tar");
    expect(runCommand("tar", ["-C", files, "-cf", archive, "."]).code).toBe(0);
    const { code, stderr } = podman("import", archive, image);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    writeFileSync(path.join(top, "new"), "copied in\n");
  });

  afterAll(() => {
    podman("rm", "--all", "--force", "--time", "0");
    podman("volume", "rm", "--all", "--force");
  });

  test("volumes: directories, a single file, one in another, read-only ones", () => {
    const data = volume("data", { note: "of the host" });
    const inner = volume("inner", { note: "inner" });
    const flags = ["-v", `${data}:/data`, "-v", `${inner}:/data/inner:ro`, "-v", `${data}/note:/single:ro`];
    start("volumes", [], ...flags);
    expect(
      probe(
        "volumes",
        "read:/data/note",
        "write:/data/made",
        "read:/data/inner/note",
        "write:/data/inner/x",
        "read:/single",
        "write:/single",
      ),
    ).toEqual(['"of the host"', "ok", '"inner"', "ROFS", '"of the host"', "ROFS"]);
    expect(readFileSync(path.join(data, "made"), "utf8")).toBe("written");
  });

  test("cp into a volume lands in the volume, and out of it comes from there", () => {
    expect(podman("cp", path.join(top, "new"), "volumes:/data/copied").code).toBe(0);
    expect(readFileSync(path.join(top, "data/copied"), "utf8")).toBe("copied in\n");
    expect(probe("volumes", "kind:/data/copied")).toEqual(["file"]);
    expect(podman("cp", "volumes:/data/note", path.join(top, "out")).code).toBe(0);
    expect(readFileSync(path.join(top, "out"), "utf8")).toBe("of the host");
    expect(podman("cp", path.join(top, "new"), "volumes:/data/inner/copied").code).not.toBe(0);
    expect(readdirSync(path.join(top, "inner"))).toEqual(["note"]);
  });

  test("cp into the root is seen by the program, and out of it is the program's", () => {
    expect(podman("cp", path.join(top, "new"), "volumes:/etc/copied").code).toBe(0);
    expect(probe("volumes", "kind:/etc/copied", "write:/etc/mine")).toEqual(["file", "ok"]);
    expect(podman("cp", "volumes:/etc/mine", path.join(top, "mine")).code).toBe(0);
    expect(readFileSync(path.join(top, "mine"), "utf8")).toBe("written");
  });

  test("a named volume is shared by two containers", () => {
    for (const name of ["left", "right"]) start(name, [], "-v", "shared:/shared");
    expect(probe("left", "write:/shared/note")).toEqual(["ok"]);
    expect(probe("right", "read:/shared/note")).toEqual(['"written"']);
    expect(podman("cp", path.join(top, "new"), "right:/shared/copied").code).toBe(0);
    expect(probe("left", "kind:/shared/copied")).toEqual(["file"]);
  });

  test("--tmpfs is the sandbox's: the program has it, cp does not reach it", () => {
    start("memory", [], "--tmpfs", "/scratch:size=64k,mode=700");
    expect(probe("memory", "write:/scratch/x", "list:/scratch")).toEqual(["ok", "x"]);
    expect(podman("cp", path.join(top, "new"), "memory:/scratch/copied").code).not.toBe(0);
    expect(podman("cp", "memory:/scratch/x", path.join(top, "reached")).code).not.toBe(0);
    expect(existsSync(path.join(top, "reached"))).toBe(false);
    expect(probe("memory", "list:/scratch")).toEqual(["x"]);
  });

  test("--read-only: the root takes nothing, from nobody; volumes do", () => {
    const data = volume("taken");
    start("fixed", [], "--read-only", "-v", `${data}:/data`);
    expect(probe("fixed", "write:/etc/x", "write:/data/x")).toEqual(["ROFS", "ok"]);
    expect(podman("cp", path.join(top, "new"), "fixed:/etc/copied").code).not.toBe(0);
    expect(podman("cp", path.join(top, "new"), "fixed:/data/copied").code).toBe(0);
    expect(readdirSync(data).toSorted()).toEqual(["copied", "x"]);
  });

  test("with an overlay in memory cp is refused, and shows nothing of the layer below", () => {
    const data = volume("below", { note: "below" });
    start("overlaid", ["--runtime-flag", "overlay2=all:memory"], "-v", `${data}:/data`);
    expect(probe("overlaid", "write:/etc/note", "write:/data/note")).toEqual(["ok", "ok"]);
    for (const file of ["etc/note", "data/note"]) {
      expect(podman("cp", `overlaid:/${file}`, path.join(top, "lower")).code).not.toBe(0);
      expect(podman("cp", path.join(top, "new"), `overlaid:/${file}`).code).not.toBe(0);
    }
    expect(existsSync(path.join(top, "lower"))).toBe(false);
    expect(readFileSync(path.join(data, "note"), "utf8")).toBe("below");
    expect(probe("overlaid", "read:/etc/note", "read:/data/note")).toEqual(['"written"', '"written"']);
  });
});
