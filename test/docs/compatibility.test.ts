import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { ENOSYS } from "../../assembly/abi/errno.ts";
import { numbers, table } from "../../scripts/compatibility.mjs";
import { kernelTarget } from "../support/sys/kernel.ts";
import { makeMachine } from "../support/wvisor.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

test("docs/compatibility.md has the system call table as it is", () => {
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
