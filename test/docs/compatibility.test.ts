import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ENOSYS } from "../../assembly/abi/errno.ts";
import { numbers, options, table, types } from "../../scripts/compatibility.mjs";
import { kernelTarget } from "../support/sys/kernel.ts";
import { makeMachine } from "../support/wvisor.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

test("docs/compatibility.md has the calls and the file systems as they are", () => {
  const script = path.join(ROOT, "scripts/compatibility.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});

test("the calls that the document lists are the ones that the kernel knows", () => {
  const machine = makeMachine();
  const target = kernelTarget(machine, machine.namespace(machine.tmpfs("mode=777"), false), "tmpfs");
  const listed = new Set(table().flatMap(({ rows }) => rows.flatMap(({ calls }) => calls)));
  for (const [name, number] of numbers()) {
    // Arguments that no call can use: what matters is whether there is a call.
    const result = target.process().syscall(number, -1, -1, -1, -1, -1, -1);
    expect(result !== -ENOSYS, name).toBe(listed.has(name));
  }
  target.end();
});

function outcome(make: () => void): string {
  try {
    make();
    return "made";
  } catch (error) {
    return (error as Error).message;
  }
}

test("every call says what it fails with", () => {
  for (const { calls, text } of table().flatMap(({ rows }) => rows)) expect(text, calls.join()).not.toBe("");
});

test("every flag that a call is said to take is given in a conformance case", () => {
  // With the helpers that name them for the cases.
  const folders = ["test/conformance/syscalls/cases", "test/support/sys"].map((name) =>
    path.join(ROOT, name),
  );
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)));
  const cases = files.map((file) => readFileSync(file, "utf8"));
  const given = new Set(cases.flatMap((text) => text.match(/\b[A-Z][A-Z_]+_?[A-Z0-9_]+\b/g) ?? []));
  const flags = new Set(table().flatMap(({ rows }) => rows.flatMap((row) => row.flags)));
  expect([...flags].filter((flag) => !given.has(flag))).toEqual([]);
});

test("every file system takes the options that it is said to take, and no others", () => {
  const machine = makeMachine();
  const words: Readonly<Record<string, string>> = {
    "size=": "64k",
    "mode=": "700",
    "huge=": "never",
    "mpol=": "default",
    "ptmxmode=": "600",
    "hidepid=": "2",
    "subset=": "pid",
    "index=": "off",
    "redirect_dir=": "off",
    "metacopy=": "off",
    "nfs_export=": "off",
    "xino=": "off",
    "uuid=": "null",
    "fsync=": "volatile",
  };
  const make = (type: string, option: string): void => {
    if (type !== "overlay") machine.kernelFilesystem(type, option);
    else machine.overlay(machine.tmpfs(), [machine.tmpfs()], option);
  };
  for (const type of types()) {
    for (const option of options().get(type) ?? []) {
      if (/^(?:lower|upper|work)dir=$/.test(option)) continue;
      const text = option.endsWith("=") ? `${option}${words[option] ?? 5}` : option;
      // Hierarchies of cgroups may not overlap: EBUSY says that the option was understood.
      expect(
        outcome(() => make(type, text)),
        `${type} ${text}`,
      ).toMatch(/^(?:made|EBUSY)/);
    }
    expect(
      outcome(() => make(type, "fast")),
      type,
    ).toMatch(/^EINVAL/);
  }
});

test("every function of preview1 is in the document, and no other", () => {
  const source = readFileSync(path.join(ROOT, "docs/compatibility.md"), "utf8");
  const first = source.slice(source.indexOf("| function | notes |"), source.indexOf("### Paths"));
  const named = [...first.matchAll(/^\|([^|]*)\|/gm)].flatMap(
    ([, cell]) => cell!.match(/(?<=`)\w+(?=`)/g) ?? [],
  );
  const guests = readFileSync(path.join(ROOT, "test/guests/lib/wasi_snapshot_preview1.ts"), "utf8");
  const functions = [...guests.matchAll(/export declare function (\w+)/g)].map(([, name]) => name!);
  expect(named.sort()).toEqual(functions.sort());
});
