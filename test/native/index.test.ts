import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { buildNative } from "../../scripts/build-native.mjs";
import { launcherPath } from "../../src/native/index.ts";
import { ADDON, inThread, native, scratch } from "./support.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A folder as build/ is: a bundle, and native/ beside it. */
async function bundle(withHelper: boolean): Promise<string> {
  const folder = scratch();
  await build({
    stdin: {
      contents: `import { loadNative, launcherPath } from "./src/native/index.ts";
        console.log(JSON.stringify([loadNative()?.fcntlGetFlags(0) !== undefined, launcherPath()]));`,
      resolveDir: ROOT,
      loader: "ts",
    },
    bundle: true,
    format: "esm",
    platform: "node",
    outfile: path.join(folder, "cli.mjs"),
  });
  if (withHelper) {
    mkdirSync(path.join(folder, "native"));
    cpSync(ADDON, path.join(folder, "native/wv.node"));
  }
  return folder;
}

function runBundle(folder: string): unknown {
  const ended = spawnSync(process.execPath, [path.join(folder, "cli.mjs")], { encoding: "utf8", env: {} });
  expect(ended.stderr).toBe("");
  return JSON.parse(ended.stdout);
}

describe("the door", () => {
  test("finds the launcher that belongs to the sources", () => {
    expect(launcherPath()).toBe(path.join(ROOT, "build/native/wv-launch"));
    expect(existsSync(launcherPath())).toBe(true);
  });

  test("finds the helper beside a bundle, and says undefined when there is none", async () => {
    const folder = await bundle(true);
    expect(runBundle(folder)).toEqual([true, path.join(folder, "native/wv-launch")]);
    const bare = await bundle(false);
    expect(runBundle(bare)).toEqual([false, path.join(bare, "native/wv-launch")]);
  });

  test("the helper has the functions of the interface and no other, in every thread", async () => {
    const source = readFileSync(path.join(ROOT, "src/native/interface.ts"), "utf8");
    const declared = [...source.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1]).sort();
    expect(Object.keys(native).sort()).toEqual(declared);
    expect(await inThread("parentPort.postMessage(Object.keys(n).sort());", null)).toEqual(declared);
  });
});

describe("the build", () => {
  test("does nothing when nothing changed", () => {
    buildNative();
    expect(buildNative()).toEqual([]);
  });

  test("says in one line that there is no compiler", () => {
    const copy = scratch();
    cpSync(path.join(ROOT, "scripts/build-native.mjs"), path.join(copy, "scripts/build-native.mjs"));
    cpSync(path.join(ROOT, "src/native"), path.join(copy, "src/native"), { recursive: true });
    const ended = spawnSync(process.execPath, [path.join(copy, "scripts/build-native.mjs")], {
      encoding: "utf8",
      env: { CC: "no-such-cc" },
    });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toBe("build-native: no C compiler: no-such-cc: ENOENT (install one, or set CC)\n");
  });
});
