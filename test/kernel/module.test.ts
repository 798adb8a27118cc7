// What kernel.wasm must be for several instances to share one memory: no start function, no state in globals or static data.

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { KERNEL_MEMORY_BASE, ROOT_PAGE_MAP } from "../../assembly/abi/kernel-layout.ts";
import type { Machine } from "../../src/host/boot/machine.ts";
import { makeThreadHost } from "../../src/host/boot/native-host.ts";
import { PREVIEW1_FUNCTIONS } from "../../src/host/guest/runner.ts";
import { instantiateKernel } from "../../src/host/kernel/instance.ts";
import { KernelFs } from "../support/kernel-fs.ts";
import { Preview1Driver } from "../support/preview1-driver.ts";
import { wasmSections } from "../support/wasm-sections.ts";
import { kernelModules, makeMachine, makeTask, memoryNamespace, providers } from "../support/wvisor.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FILES = ["kernel.wasm", "kernel-merged.wasm", "kernel-debug.wasm"] as const;

function read(file: string): Uint8Array {
  return readFileSync(path.join(ROOT, "build", file));
}

/** The functions that a source of the kernel declares as imports. */
function declared(source: string): string[] {
  const text = readFileSync(path.join(ROOT, "assembly", source), "utf8");
  return [...text.matchAll(/^export declare function (\w+)/gm)].map(([, name]) => name!);
}

/** Of the kernel's memory, a copy. */
function snapshot(machine: Machine): Buffer {
  return Buffer.from(new Uint8Array(machine.memory.buffer));
}

function makeInstance(machine: Machine): void {
  const guest = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const host = makeThreadHost(machine.native, machine.memory, guest, machine.shared, -1);
  instantiateKernel(machine.modules, machine.memory, guest, host.functions);
}

describe.each(FILES)("%s", (file) => {
  const sections = wasmSections(read(file));

  test("has no start function", () => {
    expect(sections.hasStart).toBe(false);
  });

  test("has three mutable globals: the current thread, the size of its guest's memory, and the compiler's own", () => {
    const mutable = sections.globals.filter((global) => global.mutable);
    expect(mutable.length).toBe(3);
    if (file === "kernel-debug.wasm") {
      expect(mutable.map(({ name }) => name).sort()).toEqual([
        "assembly/mm/usercopy/seenSize",
        "assembly/sched/thread/current",
        "~argumentsLength",
      ]);
    }
  });

  test("imports only its memory, abort, and what host.ts and guest.ts declare", () => {
    const merged = file === "kernel-merged.wasm";
    const allowed = new Set([
      "env.memory",
      "env.abort",
      ...declared("host.ts").map((name) => `host.${name}`),
    ]);
    if (merged) allowed.add("guest-memory.memory");
    else for (const name of declared("mm/guest.ts")) allowed.add(`guest.${name}`);
    const names = sections.imports.map(({ module, name }) => `${module}.${name}`);
    expect(names.filter((name) => !allowed.has(name))).toEqual([]);
    expect(sections.imports.filter(({ kind }) => kind === "memory").length).toBe(merged ? 2 : 1);
  });

  test("writes its data to fixed addresses above the root structure", () => {
    expect(sections.data.length).toBeGreaterThan(0);
    for (const { address, bytes } of sections.data) {
      expect(address).toBeGreaterThanOrEqual(KERNEL_MEMORY_BASE);
      expect(address! + bytes.length).toBeLessThan(2 ** 21);
    }
  });
});

test("the kernel exports preview1 and what the control side's interface names, and nothing else", () => {
  const exports = WebAssembly.Module.exports(kernelModules("javascript").kernel).map(({ name }) => name);
  const source = readFileSync(path.join(ROOT, "src/host/kernel/exports.ts"), "utf8");
  const [own, ofDebug] = source.split("export interface DebugKernelExports") as [string, string];
  const methods = (text: string): string[] => [...text.matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => name!);
  const control = methods(own);
  // The debug kernel may stand in for this one while somebody works on it.
  const debug = new Set(methods(ofDebug));
  const names = exports.filter((name) => !debug.has(name));
  // The stack probe is what the build merged in, and stays exported.
  expect(names.sort()).toEqual(["memory", "probe", ...PREVIEW1_FUNCTIONS, ...control].sort());
});

describe.each(providers())("instances over one memory, guest memory by %s", (provider) => {
  const modules = kernelModules(provider);

  test("a file that was written through one is read through the other", () => {
    const machine = makeMachine({ modules });
    const namespace = memoryNamespace(machine);
    const writer = new KernelFs(machine, new Preview1Driver(machine), namespace);
    const reader = new KernelFs(machine, new Preview1Driver(machine), namespace);
    const file = writer.open("shared", { write: true, create: true });
    file.write(Buffer.from("through one"));
    const other = reader.open("shared", { read: true });
    expect(Buffer.from(other.read(100)).toString()).toBe("through one");
    file.write(Buffer.from(" and the other"));
    expect(Buffer.from(other.read(100)).toString()).toBe(" and the other");
    writer.rename("shared", "moved");
    expect(reader.readdir(".").map(([name]) => name)).toContain("moved");
    file.close();
    other.close();
  });

  test("a further instance changes nothing in the memory", () => {
    const machine = makeMachine({ modules });
    makeTask(machine, memoryNamespace(machine), {}, []);
    const before = snapshot(machine);
    makeInstance(machine);
    expect(Buffer.compare(snapshot(machine), before)).toBe(0);
  });
});

test("static data is what the file says, whatever was called", () => {
  const machine = makeMachine({ modules: kernelModules("javascript") });
  const namespace = memoryNamespace(
    machine,
    machine.overlay(machine.tmpfs("mode=777"), [machine.tmpfs("mode=777")]),
  );
  const driver = new Preview1Driver(machine);
  const fs = new KernelFs(machine, driver, namespace);
  fs.mkdir("d");
  fs.symlink("d/f", "l");
  const file = fs.open("l", { read: true, write: true, create: true });
  file.write(new Uint8Array(100_000).fill(1));
  file.truncate(10);
  file.sync();
  fs.link("d/f", "g");
  fs.rename("g", "d/g");
  fs.utimes("d/g", 1, 2);
  fs.readdir("d");
  fs.open("dev/urandom", { read: true }).read(100);
  fs.unlink("d/g");
  fs.as(1000, 0o077, () => expect(() => fs.rmdir("d")).toThrow());
  for (const name of PREVIEW1_FUNCTIONS) {
    if (name !== "proc_exit") driver.errno(name, ...zeros(driver.kernel[name] as CallableFunction, name));
  }

  const bytes = new Uint8Array(machine.memory.buffer);
  const end = new DataView(machine.memory.buffer).getUint32(ROOT_PAGE_MAP, true);
  const expected = new Uint8Array(end - KERNEL_MEMORY_BASE);
  for (const segment of wasmSections(read("kernel.wasm")).data) {
    expected.set(segment.bytes, segment.address! - KERNEL_MEMORY_BASE);
  }
  expect(Buffer.compare(bytes.slice(KERNEL_MEMORY_BASE, end), expected)).toBe(0);
});

/** Zeros for every parameter; those that are 64 bits wide are bigints. */
function zeros(call: CallableFunction, name: string): (number | bigint)[] {
  return Array.from({ length: call.length }, (_, index) => (WIDE[name]?.includes(index) ? 0n : 0));
}

const WIDE: Readonly<Record<string, readonly number[]>> = {
  clock_time_get: [1],
  fd_advise: [1, 2],
  fd_allocate: [1, 2],
  fd_fdstat_set_rights: [1, 2],
  fd_filestat_set_size: [1],
  fd_filestat_set_times: [1, 2],
  fd_pread: [3],
  fd_pwrite: [3],
  fd_readdir: [3],
  fd_seek: [1],
  path_filestat_set_times: [4, 5],
  path_open: [5, 6],
};
