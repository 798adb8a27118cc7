// What is about to be changed cannot be made read-only: a call that sleeps between its look at the mount and its change holds the mount
// for writing, on real Linux and on ours.
//
// On Linux it is a lease that a truncation waits for; in ours a gofer that does not answer.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EBUSY } from "../../../assembly/abi/errno.ts";
import { F_UNLCK, O_CREAT, O_RDONLY, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { MS_BIND, MS_RDONLY, MS_REMOUNT } from "../../../assembly/abi/mount.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { serve } from "../../support/gofer-mount.ts";
import { DescriptorCalls } from "../../support/sys/descriptor-calls.ts";
import { KernelThreads } from "../../support/sys/kernel-thread.ts";
import { isRoot, linuxMountTarget } from "../../support/sys/linux.ts";
import type { ConcurrentTarget, PendingCall } from "../../support/sys/target.ts";
import { kernelModules, makeMachine } from "../../support/wvisor.ts";
import { wait } from "./cases/pty.ts";

const ASLEEP_MS = 30;
const F_SETSIG = 10;
const F_SETLEASE = 1024;
const F_RDLCK = 0;
/** A signal that is nothing to who does not ask for it. */
const SIGURG = 23;

interface Sleep {
  readonly call: PendingCall;
  wake(): void;
}

/** A process that truncates /file, which is there, and waits. */
type Truncate = (target: ConcurrentTarget) => Sleep;

function truncateIn(target: ConcurrentTarget): PendingCall {
  const call = target.process().begin(nr.SYS_truncate, "/file", 1);
  wait(ASLEEP_MS);
  expect(call.isDone()).toBe(false);
  return call;
}

const awaitingLease: Truncate = (target) => {
  const holder = new DescriptorCalls(target.process());
  const fd = holder.open("/file", O_RDONLY);
  expect(holder.fcntl(fd, F_SETSIG, SIGURG)).toBe(0);
  expect(holder.fcntl(fd, F_SETLEASE, F_RDLCK)).toBe(0);
  return { call: truncateIn(target), wake: () => holder.fcntl(fd, F_SETLEASE, F_UNLCK) };
};

function writerCases(make: () => ConcurrentTarget, truncate: Truncate): void {
  test.each([
    ["a mount", MS_REMOUNT | MS_BIND | MS_RDONLY],
    ["a file system", MS_REMOUNT | MS_RDONLY],
  ] as const)("%s in which a truncation sleeps is not made read-only", (_what, flags) => {
    const target = make();
    const sys = new DescriptorCalls(target.process());
    const fd = sys.open("/file", O_CREAT | O_RDWR);
    sys.write(fd, "content");
    sys.close(fd);
    sys.stat("/file");
    const remount = () => sys.process.syscall(nr.SYS_mount, "none", "/", null, flags, null);
    const { call, wake } = truncate(target);
    expect(remount()).toBe(-EBUSY);
    wake();
    expect(call.result()).toBe(0);
    expect(remount()).toBe(0);
    target.end();
  });
}

describe.runIf(isRoot)("Linux [needs root]", () => {
  writerCases(() => linuxMountTarget("Linux"), awaitingLease);
});

describe("wVisor", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "wvisor-writers-"));
  const gofer = serve({ source: directory, readonly: false, donate: true });
  const machine = makeMachine({ modules: kernelModules("peek", true), sockets: gofer.sockets });
  const threads = new KernelThreads(machine);
  afterAll(() => {
    threads.close();
    gofer.close();
    rmSync(directory, { recursive: true });
  });
  writerCases(
    () => {
      const root = machine.gofer(0, { readonly: false, shared: false, uid: 0 });
      return threads.target(machine.namespace(root, false), "wVisor");
    },
    (target) => {
      process.kill(gofer.pid, "SIGSTOP");
      return { call: truncateIn(target), wake: () => process.kill(gofer.pid, "SIGCONT") };
    },
  );
});
