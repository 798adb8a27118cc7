// The entry as a process of its own: what only the operating system can tell.

import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { asFunction } from "../../../scripts/bundles.mjs";
import { scratchDirectory } from "../scratch.ts";

const scratch = scratchDirectory();
const cli = join(scratch, "cli.mjs");

beforeAll(async () => {
  const sources = join(import.meta.dirname, "../../../src/host/cmd");
  const common = { bundle: true, platform: "node", logLevel: "error" } as const;
  await build({ ...common, entryPoints: [join(sources, "main.ts")], outfile: cli, format: "esm" });
  const entryPoints = [join(sources, "program.ts")];
  const { outputFiles } = await build({ ...common, entryPoints, format: "cjs", write: false });
  writeFileSync(join(scratch, "program.js"), asFunction(outputFiles[0]!.text));
});

test("a process says what is wrong in one line, without a stack trace, and exits with the documented code", () => {
  const { status, stdout, stderr } = spawnSync(cli, ["do", "--foo"], { encoding: "utf8", env: process.env });
  expect({ status, stdout, stderr }).toEqual({
    status: 125,
    stdout: "",
    stderr: "wvisor do: unknown flag --foo (see 'wvisor do --help')\n",
  });
});

test("a reader that went away is no error", () => {
  const pipe = `"$1" "$2" help | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", pipe, "bash", process.execPath, cli], {
    encoding: "utf8",
  });
  expect([stdout, stderr]).toEqual(["0\n", ""]);
});

test("a stdout that is full or closed is no crash", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, [cli, "help"], {
    encoding: "utf8",
    stdio: ["ignore", full, "pipe"],
  });
  closeSync(full);
  expect([status, stderr]).toEqual([0, ""]);
});

test("a current directory that was removed is one clear line", () => {
  const gone = join(scratch, "gone");
  mkdirSync(gone);
  const script = `cd "$1" && rmdir "$1" && exec "$2" "$3" do -- x`;
  const { status, stderr } = spawnSync("bash", ["-c", script, "bash", gone, process.execPath, cli], {
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([125, "wvisor do: the current directory: no such file or directory\n"]);
});
