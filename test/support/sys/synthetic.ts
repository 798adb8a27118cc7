// Trees with the synthetic file systems mounted, each an instance of the test's own: on Linux in a mount namespace, and in ours.

import * as nr from "../../../assembly/abi/syscall.ts";
import type { Machine, NamespaceHandle } from "../../../src/host/boot/machine.ts";
import { makeMachine } from "../wvisor.ts";
import { kernelTarget } from "./kernel.ts";
import { type LinuxTarget, linuxMountTarget } from "./linux.ts";
import type { Target } from "./target.ts";

interface Place {
  readonly path: string;
  readonly type: string;
  readonly options: string | null;
}

const PLACES: readonly Place[] = [
  { path: "/proc", type: "proc", options: null },
  { path: "/pts", type: "devpts", options: "newinstance,mode=620,ptmxmode=666,gid=5" },
  { path: "/sys", type: "sysfs", options: null },
  { path: "/mqueue", type: "mqueue", options: null },
  { path: "/cgroup", type: "cgroup2", options: null },
];

export function linuxSynthetic(): LinuxTarget {
  const target = linuxMountTarget("Linux");
  const keeper = target.process();
  for (const { path, type, options } of PLACES) {
    keeper.syscall(nr.SYS_mkdir, path, 0o755);
    const result = keeper.syscall(nr.SYS_mount, type, path, type, 0, options);
    if (result < 0) throw new Error(`mounting ${type}: errno ${-result}`);
  }
  return target;
}

export function kernelSynthetic(): Target {
  const machine = makeMachine();
  return kernelTarget(machine, syntheticNamespace(machine), "wVisor");
}

export function syntheticNamespace(machine: Machine): NamespaceHandle {
  const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
  for (const { path, type, options } of PLACES) {
    machine.mount(namespace, machine.kernelFilesystem(type, options ?? ""), path, false);
  }
  return namespace;
}
