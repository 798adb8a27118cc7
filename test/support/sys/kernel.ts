// Our kernel as a Target: one task, on an instance of its own, for each process of the test.

import type {
  Machine,
  NamespaceHandle,
  PidsHandle,
  TaskHandle,
  UtsHandle,
} from "../../../src/host/boot/machine.ts";
import { makeThreadHost } from "../../../src/host/boot/native-host.ts";
import type { DebugKernelExports, KernelExports } from "../../../src/host/kernel/exports.ts";
import { instantiateKernel } from "../../../src/host/kernel/instance.ts";
import { KernelArguments } from "./kernel-arguments.ts";
import type { Argument, Identity, Process, Target } from "./target.ts";

const ALL_CAPABILITIES = (1n << 41n) - 1n;

/** A task of that identity which does not run yet. */
export function makeTestTask(
  machine: Machine,
  namespace: NamespaceHandle,
  identity: Identity,
  others: OtherNamespaces = {},
): TaskHandle {
  const { uid, gid, groups = [] } = identity;
  const capabilities = uid === 0 ? ALL_CAPABILITIES : 0n;
  return machine.task(namespace, { uid, gid, groups, umask: 0, capabilities }, others);
}

/** What a container has of its own besides its mounts; the kernel's first ones when absent. */
export interface OtherNamespaces {
  readonly pids?: PidsHandle;
  readonly uts?: UtsHandle;
}

export class KernelProcess implements Process {
  readonly kernel: KernelExports;
  readonly task: TaskHandle;
  /** What preview1's addresses name, for tests that call it too. */
  readonly guest = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  readonly #arguments: KernelArguments;
  #ended = false;

  constructor(
    machine: Machine,
    namespace: NamespaceHandle,
    identity: Identity,
    others: OtherNamespaces = {},
  ) {
    this.#arguments = new KernelArguments(machine);
    const host = makeThreadHost(machine.native, machine.memory, this.guest, machine.shared, -1);
    this.kernel = instantiateKernel(machine.modules, machine.memory, this.guest, host.functions, host.copies);
    this.task = makeTestTask(machine, namespace, identity, others);
    this.kernel.task_enter(this.task);
  }

  syscall(number: number, ...args: readonly Argument[]): number {
    const values = this.#arguments.place(args);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
    const result = this.kernel.syscall(number, a, b, c, d, e, f);
    this.#arguments.takeBack(args, values);
    return result;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#arguments.free();
    this.kernel.task_finish(this.task, 0);
    this.kernel.task_free(this.task);
  }
}

const BAD_OBJECT_WORD = 2 ** 32;

/** Has the debug kernel look at its whole heap; throws what it finds (assembly/debug/violation.ts). Other kernels cannot. */
export function checkInvariants(machine: Machine): void {
  const found = (machine.kernel as Partial<DebugKernelExports>).check_invariants?.() ?? 0;
  if (found === 0) return;
  const rule = Math.floor(found / BAD_OBJECT_WORD);
  throw new Error(
    `invariant ${rule} does not hold: the object at 0x${(found % BAD_OBJECT_WORD).toString(16)}`,
  );
}

/** The tree of `namespace`, which it releases in the end; the machine is the caller's. */
export function kernelTarget(machine: Machine, namespace: NamespaceHandle, name: string): Target {
  const processes: Process[] = [];
  return {
    name,
    process(identity = { uid: 0, gid: 0 }) {
      const made = new KernelProcess(machine, namespace, identity);
      processes.push(made);
      return made;
    },
    end() {
      checkInvariants(machine);
      for (const each of processes) each.end();
      machine.kernel.namespace_release(namespace);
      checkInvariants(machine);
    },
  };
}
