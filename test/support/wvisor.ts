// Runs a guest on a kernel of its own, in this process: for tests of the kernel and of preview1.
//
// The guest's standard streams are files in a scratch directory, read when it has ended.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadKernelModules } from "../../src/host/boot/files.ts";
import {
  type FilesystemHandle,
  Machine,
  type NamespaceHandle,
  type TaskHandle,
} from "../../src/host/boot/machine.ts";
import { makeSharedHost } from "../../src/host/boot/native-host.ts";
import { type GuestExit, runGuest } from "../../src/host/guest/runner.ts";
import {
  bestProvider,
  type GuestMemoryProvider,
  type KernelModules,
} from "../../src/host/kernel/instance.ts";
import { loadNative } from "../../src/native/index.ts";

const modules = new Map<string, KernelModules>();

/** The kernel for a provider, compiled once per test file. `debug` has assertions; it exists without the merged memory. */
export function kernelModules(provider: GuestMemoryProvider = bestProvider(), debug = false): KernelModules {
  const key = `${provider} ${debug}`;
  let found = modules.get(key);
  if (found === undefined) {
    found = loadKernelModules(provider, debug);
    modules.set(key, found);
  }
  return found;
}

/** The providers that this engine can run. */
export function providers(): GuestMemoryProvider[] {
  return bestProvider() === "merged" ? ["merged", "peek", "javascript"] : ["peek", "javascript"];
}

export interface TestMachineOptions {
  readonly modules?: KernelModules;
  /** Our ends of gofer connections. */
  readonly sockets?: readonly number[];
  readonly windows?: readonly (number | undefined)[];
  /** Host descriptors that tasks may have as streams. */
  readonly streams?: readonly number[];
}

export function makeMachine(options: TestMachineOptions = {}): Machine {
  const native = loadNative();
  if (native === undefined) throw new Error("the native helper is not built");
  const shared = makeSharedHost(options.sockets ?? [], options.streams ?? [], options.windows);
  return new Machine(native, options.modules ?? kernelModules(), shared);
}

export interface GuestOptions {
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly stdin?: string | Uint8Array;
  readonly uid?: number;
  readonly gid?: number;
  readonly umask?: number;
  readonly capabilities?: bigint;
  readonly provider?: GuestMemoryProvider;
  readonly debug?: boolean;
  readonly preopens?: readonly (readonly [path: string, name: string])[];
  readonly sockets?: readonly number[];
  readonly windows?: readonly (number | undefined)[];
  /** Makes the mount namespace; a tmpfs root with /dev and /tmp when absent. */
  readonly mounts?: (machine: Machine) => NamespaceHandle;
}

export interface GuestResult extends GuestExit {
  readonly stdout: string;
  readonly stderr: string;
}

export function memoryNamespace(machine: Machine, root?: FilesystemHandle): NamespaceHandle {
  const namespace = machine.namespace(root ?? machine.tmpfs("mode=777"), false);
  machine.mount(namespace, machine.kernelFilesystem("devtmpfs"), "/dev", false);
  machine.mount(namespace, machine.tmpfs("mode=1777"), "/tmp", false);
  return namespace;
}

/** Makes a task with its streams on `streams` and "/" preopened. */
export function makeTask(
  machine: Machine,
  namespace: NamespaceHandle,
  options: GuestOptions,
  streams: readonly number[],
): TaskHandle {
  const task = machine.task(namespace, {
    uid: options.uid ?? 0,
    gid: options.gid ?? 0,
    groups: [],
    umask: options.umask ?? 0o022,
    capabilities: options.capabilities ?? 0n,
  });
  machine.setArguments(task, options.args ?? ["guest"]);
  machine.setEnvironment(task, options.env ?? []);
  streams.forEach((fd, index) => {
    machine.setStream(task, index, fd, 0o010600, 2);
  });
  for (const [at, name] of options.preopens ?? [["/", "/"]]) machine.preopen(task, at, name);
  return task;
}

export function runInProcess(wasm: Uint8Array<ArrayBuffer>, options: GuestOptions = {}): GuestResult {
  const scratch = mkdtempSync(path.join(tmpdir(), "wvisor-guest-"));
  const file = (name: string): string => path.join(scratch, name);
  writeFileSync(file("stdin"), options.stdin ?? "");
  const streams = [
    openSync(file("stdin"), "r"),
    openSync(file("stdout"), "w+"),
    openSync(file("stderr"), "w+"),
  ];
  try {
    const machine = makeMachine({
      modules: kernelModules(options.provider ?? bestProvider(), options.debug ?? false),
      sockets: options.sockets ?? [],
      windows: options.windows ?? [],
      streams,
    });
    const namespace = options.mounts?.(machine) ?? memoryNamespace(machine);
    const task = makeTask(machine, namespace, options, streams);
    const guest = machine.programs.compile(wasm, "guest");
    const exit = runGuest(machine.native, {
      modules: machine.modules,
      memory: machine.memory,
      shared: machine.shared,
      task,
      cancelFd: -1,
      guest: guest.module,
      guestMemory: guest.memory,
      memoryBytes: 0,
    });
    return {
      ...exit,
      stdout: readFileSync(file("stdout"), "utf8"),
      stderr: readFileSync(file("stderr"), "utf8"),
    };
  } finally {
    for (const fd of streams) closeSync(fd);
    rmSync(scratch, { recursive: true });
  }
}
