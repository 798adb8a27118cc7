// A sentry in a process of its own that confines itself before its first guest.
//
//   node confined-sentry.cjs JSON        JSON is a SentryPlan; prints a SentryResult
//
// The guests run on threads that are started under the filter, over the one kernel: one after another, then some at once.
// On newer versions of Node it has to be started by wv-launch, as its event loop turns under the filter.

import { openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { loadKernelModules } from "../../../src/host/boot/files.ts";
import { Machine } from "../../../src/host/boot/machine.ts";
import { makeSharedHost } from "../../../src/host/boot/native-host.ts";
import { GuestThread, loadGuestWorker } from "../../../src/host/guest/guest-thread.ts";
import { compileGuest } from "../../../src/host/guest/runner.ts";
import { confineModule } from "../../../src/host/kernel/guest-module.ts";
import { beginSentryConfinement } from "../../../src/host/sandbox/sentry-confinement.ts";
import { loadNative } from "../../../src/native/index.ts";

export interface SentryPlan {
  readonly guest: string;
  /** One after another. */
  readonly guests: number;
  readonly atOnce: number;
  /** How long the engine is kept busy with garbage, compilation and growing memories afterwards. */
  readonly soakMs: number;
  readonly report: boolean;
}

export interface SentryResult {
  /** Capabilities, NoNewPrivs and the number of filters of each thread, read by the descriptors that were opened before. */
  readonly threads: readonly string[];
  readonly exits: readonly number[];
  readonly rounds: number;
}

const plan = JSON.parse(process.argv[2]!) as SentryPlan;
const STDOUT = 1;
/** The helper's slot for the text of a status. */
const STATUS_SLOT = 14;
const native = loadNative();
if (native === undefined) throw new Error("the native helper is not built");

const machine = new Machine(native, loadKernelModules(), makeSharedHost([], [STDOUT]));
const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
const confined = confineModule(readFileSync(plan.guest) as Uint8Array<ArrayBuffer>);
const program = { guest: compileGuest(confined, plan.guest), guestMemory: confined.memory };
const wasm = readFileSync(plan.guest);
loadGuestWorker();
const finish = beginSentryConfinement(native, plan.report);
const statuses = readdirSync("/proc/self/task").map((tid) => openSync(`/proc/self/task/${tid}/status`, "r"));
finish();

function threads(): string[] {
  return statuses.map((fd) => {
    const text = new Uint8Array(4096);
    native!.registerMemory(STATUS_SLOT, text);
    const length = native!.pread(fd, STATUS_SLOT, 0, text.length, 0);
    const status = new TextDecoder().decode(text.subarray(0, length));
    return ["CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp_filters"]
      .map((name) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1])
      .join(" ");
  });
}

async function runGuest(): Promise<number> {
  const task = machine.task(namespace, { uid: 0, gid: 0, groups: [], umask: 0, capabilities: 0n });
  machine.setArguments(task, ["guest"]);
  machine.setStream(task, 1, STDOUT, 0o010600, 1);
  machine.preopen(task, "/", "/");
  return (await new GuestThread(machine, task, program).exited).code;
}

async function runGuests(): Promise<number[]> {
  const exits: number[] = [];
  for (let i = 0; i < plan.guests; i++) exits.push(await runGuest());
  return exits.concat(await Promise.all(Array.from({ length: plan.atOnce }, runGuest)));
}

/** Collections of all kinds, optimized and discarded code, WebAssembly compiled in the background, memories that grow. */
async function soak(until: number): Promise<number> {
  let rounds = 0;
  let kept: object[] = [];
  while (Date.now() < until) {
    for (let i = 0; i < 200_000; i++) kept.push({ i, text: `${i}` });
    if (kept.length > 1_000_000) kept = [];
    const hot = new Function(
      "n",
      `let s = ${rounds}; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s;`,
    );
    for (let i = 0; i < 200; i++) hot(2000);
    await WebAssembly.compile(wasm);
    new WebAssembly.Memory({ initial: 1, maximum: 2048 }).grow(1000);
    await new Promise((resolve) => setTimeout(resolve, 1));
    rounds++;
  }
  return rounds;
}

async function main(): Promise<void> {
  const exits = await runGuests();
  const rounds = await soak(Date.now() + plan.soakMs);
  const result: SentryResult = { threads: threads(), exits, rounds };
  writeSync(STDOUT, `${JSON.stringify(result)}\n`);
  native!.exit(0);
}

void main();
