// startContainer hooks. They run in the container and are found there: so they are programs of the guest's, and run in its sandbox
// like any other.

import { closeSync, openSync, writeSync } from "node:fs";
import { EINTR } from "../../../assembly/abi/errno.ts";
import { POLLIN } from "../../../assembly/abi/poll.ts";
import type { Native } from "../../native/index.ts";
import { openPair } from "../sandbox/gofer-process.ts";
import type { SpecHook } from "../spec/runtime-spec.ts";
import { callArguments } from "./exec.ts";
import { type HookState, hookFailed, ranPast } from "./hooks.ts";
import type { ContainerRecord } from "./record.ts";
import type { SandboxClient } from "./sandbox-client.ts";

const SESSION_SLOT = 14;
const POLLFD_BYTES = 8;
const NS_PER_SECOND = 1e9;
const FOR_EVER = -1;
const NO_CANCEL = -1;
const NO_HOST_PID = 0;

/** (blocks) One after the other. Errors: WvisorError for the first that fails. */
export function runGuestHooks(
  native: Native,
  client: SandboxClient,
  record: ContainerRecord,
  hooks: readonly SpecHook[],
  state: HookState,
): void {
  hooks.forEach((hook, index) => {
    const session = begin(native, client, record, hook, state);
    try {
      const problem = awaitHook(native, session, hook.timeout ?? undefined);
      if (problem !== undefined) throw hookFailed(index, problem);
    } finally {
      // Its process ends with it.
      native.close(session);
    }
  });
}

function begin(
  native: Native,
  client: SandboxClient,
  record: ContainerRecord,
  { path, args, env }: SpecHook,
  state: HookState,
): number {
  const { id, process } = record;
  const config = {
    ...process,
    capabilities: BigInt(`0x${process.capabilities}`),
    args: [path, ...args.slice(1)],
    env,
  };
  const [ours, theirs] = openPair(native);
  const input = native.memfd();
  const output = openSync("/dev/null", "r+");
  try {
    writeSync(input, JSON.stringify(state), 0);
    client.call("Execute", callArguments(id, config, NO_HOST_PID), [input, output, output, theirs]);
    return ours;
  } catch (error) {
    native.close(ours);
    throw error;
  } finally {
    native.close(theirs);
    native.close(input);
    closeSync(output);
  }
}

/** What went wrong. */
function awaitHook(native: Native, session: number, timeout: number | undefined): string | undefined {
  const memory = new Uint8Array(POLLFD_BYTES);
  const view = new DataView(memory.buffer);
  view.setInt32(0, session, true);
  view.setUint16(4, POLLIN, true);
  native.registerMemory(SESSION_SLOT, memory);
  const wait = timeout === undefined ? FOR_EVER : timeout * NS_PER_SECOND;
  let ready: number;
  do ready = native.poll(SESSION_SLOT, 0, 1, wait, NO_CANCEL);
  while (ready === -EINTR);
  if (ready === 0) return ranPast(timeout!);
  const count = native.read(session, SESSION_SLOT, 0, 1);
  if (count === 1 && memory[0] === 0) return undefined;
  return `error running hook: ${count === 1 ? `exit status ${memory[0]}` : "the sandbox ended"}`;
}
