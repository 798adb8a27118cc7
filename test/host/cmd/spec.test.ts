import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadBundle } from "../../../src/host/spec/bundle.ts";
import { EMPTY_MODULE, put, scratchDirectory } from "../scratch.ts";
import { wvisor } from "./harness.ts";

const scratch = scratchDirectory();
const module = put(scratch, "app.wasm", EMPTY_MODULE);

test("spec writes a bundle that run accepts", async () => {
  const bundle = join(scratch, "new/bundle");
  expect(await wvisor("spec", "--bundle", bundle, module, "-v", "--", "two words")).toEqual({
    code: 0,
    out: "",
    err: "",
  });
  expect(readdirSync(bundle).sort()).toEqual(["config.json", "rootfs"]);
  const config = loadBundle({
    id: "x",
    bundle,
    overlay: "none",
    warn: (text) => {
      throw new Error(text);
    },
  });
  expect(config.process.args).toEqual(["/usr/local/bin/app.wasm", "-v", "--", "two words"]);
  expect(config.root).toMatchObject({ source: join(bundle, "rootfs"), readonly: true });
  expect(config.mounts.map(({ destination, source }) => [destination, source.type])).toEqual([
    ["/proc", "kernel"],
    ["/dev", "kernel"],
    ["/tmp", "tmpfs"],
    ["/usr/local/bin/app.wasm", "bind"],
  ]);
  expect(config.mounts[3]!.source).toMatchObject({ source: module, readonly: true });
});

test("spec never replaces a config.json", async () => {
  const file = put(scratch, "old/config.json", "mine");
  expect(await wvisor("spec", "-b", join(scratch, "old"), module)).toEqual({
    code: 1,
    out: "",
    err: `wvisor spec: ${file}: file already exists\n`,
  });
  expect(readFileSync(file, "utf8")).toBe("mine");
  expect(existsSync(join(scratch, "old/rootfs"))).toBe(false);
});

test("spec refuses what is no module, and writes nothing", async () => {
  const bundle = join(scratch, "none");
  const script = put(scratch, "script.py", "print()");
  const missing = await wvisor("spec", "-b", bundle, join(scratch, "no.wasm"));
  expect(missing).toMatchObject({
    code: 1,
    err: `wvisor spec: ${scratch}/no.wasm: no such file or directory\n`,
  });
  const wrong = await wvisor("spec", "-b", bundle, script);
  expect(wrong).toMatchObject({ code: 1, err: `wvisor spec: ${script}: not a WebAssembly module\n` });
  expect(existsSync(bundle)).toBe(false);
});
