// The rehearsal is made to be forgotten: what it leaves would be every sandbox's.

import { expect, test } from "vitest";
import { rehearse } from "../../../src/host/boot/rehearsal.ts";
import { setUpAhead } from "../../../src/host/guest/setup.ts";
import { makeMachine } from "../../support/wvisor.ts";

test("a rehearsal runs on the sandbox's own task and leaves nothing behind", () => {
  const machine = makeMachine();
  const { native, modules, memory, shared } = machine;
  const ahead = setUpAhead(native, { modules, memory, shared, cancelFd: -1, memoryBytes: 0 });
  const namespace = machine.namespace(machine.tmpfs("mode=755"), false);
  const task = machine.task(namespace, { uid: 0, gid: 0, groups: [], umask: 0o22, capabilities: 0n });
  const before = machine.kernel.heap_objects();
  rehearse(machine, task, ahead);
  expect(machine.kernel.heap_objects()).toBe(before);
  expect(machine.list(task, "/")).toEqual([]);
  // It is the first task of the sandbox and stays it: nothing else took a number.
  machine.mount(namespace, machine.kernelFilesystem("proc"), "/proc", false);
  const names = machine.list(task, "/proc").map(({ name }) => name);
  expect(names.filter((name) => /^[0-9]+$/.test(name))).toEqual(["1"]);
});
