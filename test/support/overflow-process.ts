// A process whose guests use up their stack: on its main thread, which a test runner cannot lend, or in workers.
//
//   node [V8 FLAGS] overflow-process.cjs JSON        JSON is an OverflowPlan; prints an OverflowResult
//
// After each death a guest that means well runs over the same kernel. The first thing that is not as it should be ends the
// process with a message.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadKernelModules } from "../../src/host/boot/files.ts";
import { type FilesystemHandle, Machine, type NamespaceHandle } from "../../src/host/boot/machine.ts";
import { makeSharedHost } from "../../src/host/boot/native-host.ts";
import { GuestThread } from "../../src/host/guest/guest-thread.ts";
import { compileGuest, EXIT_TRAPPED, type GuestExit, runGuest } from "../../src/host/guest/runner.ts";
import { THREAD_GONE } from "../../src/host/kernel/exports.ts";
import { confineModule, type MemoryLimits } from "../../src/host/kernel/guest-module.ts";
import type { GuestMemoryProvider } from "../../src/host/kernel/instance.ts";
import { startGofer } from "../../src/host/sandbox/gofer-process.ts";
import { loadNative } from "../../src/native/index.ts";

export interface OverflowPlan {
  readonly where: "main" | "worker";
  readonly provider: GuestMemoryProvider;
  readonly debug: boolean;
  /** The root: a directory of the host behind a gofer, the same below an overlay, or a tmpfs. */
  readonly root: "tmpfs" | "gofer" | "overlay";
  readonly donate: boolean;
  /** Modules of the guests. */
  readonly overflow: string;
  readonly hello: string;
  readonly calls: readonly string[];
  readonly pads: readonly number[];
  /** The call is made from so many frames before the last depth that allows one; -1: from the first frame on. */
  readonly lead: number;
}

export interface OverflowResult {
  readonly runs: number;
  /** The last depth at which a call still succeeds. */
  readonly limit: number;
}

interface Program {
  readonly guest: WebAssembly.Module;
  readonly guestMemory: MemoryLimits | undefined;
}

/** More frames than any stack here has. */
const DEPTH_MAX = 1 << 18;
const HELLO = "hello from wasm\n";

const plan = JSON.parse(process.argv[2]!) as OverflowPlan;
const native = loadNative();
if (native === undefined) throw new Error("the native helper is not built");
const scratch = mkdtempSync(path.join(tmpdir(), "wvisor-overflow-"));
const input = openSync("/dev/zero", "r");
const output = openSync(path.join(scratch, "output"), "w+");

function load(file: string): Program {
  const module = confineModule(readFileSync(file) as Uint8Array<ArrayBuffer>);
  return { guest: compileGuest(module, file), guestMemory: module.memory };
}

function makeRoot(): { machine: Machine; root: FilesystemHandle } {
  const connections: number[] = [];
  if (plan.root !== "tmpfs") {
    const folder = mkdtempSync(path.join(scratch, "root-"));
    writeFileSync(path.join(folder, "file"), "some bytes for the guest to read\n");
    connections.push(
      ...startGofer(native!, [{ source: folder, readonly: false, donate: plan.donate }]).sockets,
    );
  }
  const shared = makeSharedHost(connections, [input, output]);
  const machine = new Machine(native!, loadKernelModules(plan.provider, plan.debug), shared);
  const tmpfs = (): FilesystemHandle => machine.tmpfs("mode=777");
  if (plan.root === "tmpfs") return { machine, root: tmpfs() };
  const gofer = machine.gofer(0, { readonly: false, shared: true, uid: process.getuid!() });
  return { machine, root: plan.root === "gofer" ? gofer : machine.overlay(tmpfs(), [gofer]) };
}

const { machine, root } = makeRoot();
const namespace: NamespaceHandle = machine.namespace(root, false);
const overflow = load(plan.overflow);
const hello = load(plan.hello);

async function run(program: Program, args: readonly string[]): Promise<GuestExit> {
  const task = machine.task(namespace, {
    uid: 0,
    gid: 0,
    groups: [],
    umask: 0,
    capabilities: -1n & 0xffffffffffffffffn,
  });
  machine.setArguments(task, args);
  machine.setStream(task, 0, input, 0o20666, 0);
  machine.setStream(task, 1, output, 0o100644, 1);
  machine.setStream(task, 2, output, 0o100644, 1);
  machine.preopen(task, "/", "/");
  if (plan.where === "worker") return new GuestThread(machine, task, program).exited;
  const { modules, memory, shared } = machine;
  const exit = runGuest(native!, { modules, memory, shared, task, cancelFd: -1, memoryBytes: 0, ...program });
  if (machine.kernel.task_state(task) !== THREAD_GONE) throw new Error("the task has not left the kernel");
  machine.kernel.task_free(task);
  return exit;
}

async function runOther(after: string): Promise<void> {
  const before = readFileSync(path.join(scratch, "output"), "utf8").length;
  const exit = await run(hello, ["hello"]);
  const said = readFileSync(path.join(scratch, "output"), "utf8").slice(before);
  if (exit.code !== 0 || said !== HELLO) {
    throw new Error(
      `after ${after} another guest ended with ${exit.code} ${exit.message ?? ""} and said ${said}`,
    );
  }
}

/** proc_exit ends the guest well at every depth where the probe lets it in. */
async function findLimit(): Promise<number> {
  let good = 0;
  let bad = DEPTH_MAX;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if ((await run(overflow, ["overflow", "proc_exit", `${middle}`])).code === 0) good = middle;
    else bad = middle;
  }
  return good;
}

async function main(): Promise<OverflowResult> {
  const limit = await findLimit();
  if (limit === 0) throw new Error("no depth allows a call");
  await runOther("warming up");
  const { kernel } = machine;
  kernel.namespace_shrink(namespace);
  const before = kernel.heap_objects();
  let runs = 0;
  for (const call of plan.calls) {
    for (const pad of plan.pads) {
      const start = plan.lead < 0 ? 0 : limit - plan.lead;
      const what = `${call} from depth ${start} of ${limit}, ${pad} more frames`;
      const exit = await run(overflow, ["overflow", call, `${start}`, `${pad}`]);
      const overflowed = exit.code === EXIT_TRAPPED && /stack/.test(exit.message ?? "");
      if (!overflowed && !(call === "proc_exit" && exit.code === 0)) {
        throw new Error(`${what}: ended with ${exit.code}: ${exit.message}`);
      }
      await runOther(what);
      runs++;
    }
  }
  kernel.namespace_shrink(namespace);
  const after = kernel.heap_objects();
  if (after !== before && plan.root === "tmpfs")
    throw new Error(`${after} kernel objects instead of ${before}`);
  return { runs, limit };
}

main()
  .then((result) => {
    console.log(JSON.stringify(result));
  })
  .catch((error: Error) => {
    console.error(error.stack, (error.cause as Error | undefined)?.stack);
    process.exitCode = 1;
  })
  .finally(() => {
    closeSync(input);
    closeSync(output);
    rmSync(scratch, { recursive: true });
    process.exit();
  });
