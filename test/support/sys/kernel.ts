// Our kernel as a Target: one task, on an instance of its own, for each process of the test.

import type { Machine, NamespaceHandle, TaskHandle } from "../../../src/host/boot/machine.ts";
import { makeThreadHost } from "../../../src/host/boot/native-host.ts";
import type { KernelExports } from "../../../src/host/kernel/exports.ts";
import { instantiateKernel } from "../../../src/host/kernel/instance.ts";
import type { Argument, Identity, Process, Target } from "./target.ts";

const ALL_CAPABILITIES = (1n << 41n) - 1n;
const IOVEC = 16;
/** Where arguments lie: each at an address of eight. */
const ALIGN = 8;

export class KernelProcess implements Process {
  readonly kernel: KernelExports;
  readonly task: TaskHandle;
  /** What preview1's addresses name, for tests that call it too. */
  readonly guest = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  readonly #machine: Machine;
  #buffer = 0;
  #capacity = 0;

  constructor(machine: Machine, namespace: NamespaceHandle, { uid, gid, groups = [] }: Identity) {
    this.#machine = machine;
    const host = makeThreadHost(machine.native, machine.memory, this.guest, machine.shared, -1);
    this.kernel = instantiateKernel(machine.modules, machine.memory, this.guest, host.functions, host.copies);
    const capabilities = uid === 0 ? ALL_CAPABILITIES : 0n;
    this.task = machine.task(namespace, { uid, gid, groups, umask: 0, capabilities });
    this.kernel.task_enter(this.task);
  }

  syscall(number: number, ...args: readonly Argument[]): number {
    this.#reserve(args.reduce<number>((sum, argument) => sum + room(argument), 0));
    let at = this.#buffer;
    const memory = new Uint8Array(this.#machine.memory.buffer);
    const values = args.map((argument) => {
      if (typeof argument === "number") return argument;
      if (argument === null) return 0;
      const place = at;
      at += room(argument);
      put(memory, place, argument);
      return place;
    });
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
    const result = this.kernel.syscall(number, a, b, c, d, e, f);
    const after = new Uint8Array(this.#machine.memory.buffer);
    for (const [index, argument] of args.entries()) take(after, values[index]!, argument);
    return result;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#capacity) return;
    const kernel = this.#machine.kernel;
    if (this.#buffer !== 0) kernel.buffer_free(this.#buffer);
    this.#capacity = Math.max(bytes, 1 << 16);
    this.#buffer = kernel.buffer_alloc(this.#capacity);
  }

  end(): void {
    if (this.#buffer !== 0) this.#machine.kernel.buffer_free(this.#buffer);
    this.#buffer = 0;
    this.kernel.task_finish(this.task, 0);
    this.kernel.task_free(this.task);
  }
}

function aligned(length: number): number {
  return (length + ALIGN - 1) & -ALIGN;
}

/** Bytes that an argument takes in kernel memory. */
function room(argument: Argument): number {
  if (typeof argument === "number" || argument === null) return 0;
  if (typeof argument === "string") return aligned(Buffer.byteLength(argument) + 1);
  if (argument instanceof Uint8Array) return Math.max(aligned(argument.length), ALIGN);
  return argument.reduce((sum, span) => sum + IOVEC + aligned(span.length), ALIGN);
}

function put(memory: Uint8Array, at: number, argument: Exclude<Argument, number | null>): void {
  if (typeof argument === "string") {
    const bytes = Buffer.from(argument);
    memory.set(bytes, at);
    memory[at + bytes.length] = 0;
    return;
  }
  if (argument instanceof Uint8Array) {
    memory.set(argument, at);
    return;
  }
  const view = new DataView(memory.buffer);
  eachSpan(argument, at, (span, place, index) => {
    view.setBigUint64(at + index * IOVEC, BigInt(place), true);
    view.setBigUint64(at + index * IOVEC + 8, BigInt(span.length), true);
    memory.set(span, place);
  });
}

/** Copies what the call left back into the caller's bytes. */
function take(memory: Uint8Array, at: number, argument: Argument): void {
  if (argument instanceof Uint8Array) argument.set(memory.subarray(at, at + argument.length));
  if (!Array.isArray(argument)) return;
  eachSpan(argument, at, (span, place) => span.set(memory.subarray(place, place + span.length)));
}

/** The spans lie behind the array of struct iovec. */
function eachSpan(
  spans: readonly Uint8Array[],
  at: number,
  visit: (span: Uint8Array, place: number, index: number) => void,
): void {
  let place = at + spans.length * IOVEC;
  for (const [index, span] of spans.entries()) {
    visit(span, place, index);
    place += aligned(span.length);
  }
}

const BAD_OBJECT_WORD = 2 ** 32;

/** Has the debug kernel look at its whole heap; throws what it finds (assembly/debug/violation.ts). Other kernels cannot. */
export function checkInvariants(machine: Machine): void {
  const found = machine.kernel.check_invariants?.() ?? 0;
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
