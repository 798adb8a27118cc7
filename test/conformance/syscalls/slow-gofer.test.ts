// A call that waits for a gofer, on a descriptor that another process of the same table closes meanwhile: the call gets its answer.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EBADF } from "../../../assembly/abi/errno.ts";
import { AT_EMPTY_PATH, F_GETLK, F_SETLKW, F_WRLCK, O_CREAT, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { FIONREAD } from "../../../assembly/abi/ioctl.ts";
import * as nr from "../../../assembly/abi/syscall.ts";
import { serve } from "../../support/gofer-mount.ts";
import { DescriptorCalls, lockBytes } from "../../support/sys/descriptor-calls.ts";
import { KernelThreads } from "../../support/sys/kernel-thread.ts";
import type { Argument } from "../../support/sys/target.ts";
import { kernelModules, makeMachine } from "../../support/wvisor.ts";
import { wait } from "./cases/pty.ts";

const ASLEEP_MS = 30;
const LENGTH = 7;

/** Calls that ask the gofer of a tree that others change too: what makes each, and what it gives. */
const CALLS: Record<string, readonly [(fd: number) => [number, ...Argument[]], number]> = {
  fstat: [(fd) => [nr.SYS_fstat, fd, Buffer.alloc(144)], 0],
  statx: [(fd) => [nr.SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, Buffer.alloc(256)], 0],
  fstatfs: [(fd) => [nr.SYS_fstatfs, fd, Buffer.alloc(120)], 0],
  "fcntl, asking for a lock": [(fd) => [nr.SYS_fcntl, fd, F_GETLK, lockBytes({ type: F_WRLCK })], 0],
  // A process whose descriptor was closed has lost its locks of the file.
  "fcntl, setting a lock": [(fd) => [nr.SYS_fcntl, fd, F_SETLKW, lockBytes({ type: F_WRLCK })], -EBADF],
  ioctl: [(fd) => [nr.SYS_ioctl, fd, FIONREAD, Buffer.alloc(4)], 0],
  lseek: [(fd) => [nr.SYS_lseek, fd, 0, 2], LENGTH],
  fchmod: [(fd) => [nr.SYS_fchmod, fd, 0o600], 0],
  fsetxattr: [(fd) => [nr.SYS_fsetxattr, fd, "trusted.x", "v", 1, 0], 0],
  ftruncate: [(fd) => [nr.SYS_ftruncate, fd, 1], 0],
  read: [(fd) => [nr.SYS_pread64, fd, Buffer.alloc(LENGTH), LENGTH, 0], LENGTH],
  write: [(fd) => [nr.SYS_pwrite64, fd, "abc", 3, 0], 3],
};

describe("a call that waits for a gofer", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "wvisor-slow-gofer-"));
  // Without donated descriptors, so that contents come from the gofer too.
  const gofer = serve({ source: directory, readonly: false, donate: false });
  const machine = makeMachine({ modules: kernelModules("peek", true), sockets: gofer.sockets });
  const threads = new KernelThreads(machine);
  const root = machine.gofer(0, { readonly: false, shared: true, uid: 0 });
  const target = threads.target(machine.namespace(root, false), "wVisor");
  afterAll(() => {
    target.end();
    threads.close();
    gofer.close();
    rmSync(directory, { recursive: true });
  });

  test.each(Object.entries(CALLS))(
    "%s gets its answer although its descriptor is closed",
    (_name, [make, expected]) => {
      const [sleeper, other] = target.sharing();
      const sys = new DescriptorCalls(other);
      const fd = sys.open("/file", O_CREAT | O_RDWR);
      sys.write(fd, "content");
      const objects = machine.kernel.heap_objects();
      process.kill(gofer.pid, "SIGSTOP");
      const call = sleeper.begin(...make(fd));
      wait(ASLEEP_MS);
      expect(call.isDone()).toBe(false);
      const closing = other.begin(nr.SYS_close, fd);
      wait(ASLEEP_MS);
      process.kill(gofer.pid, "SIGCONT");
      expect(call.result()).toBe(expected);
      expect(closing.result()).toBe(0);
      expect(machine.kernel.heap_objects()).toBeLessThan(objects);
      expect(sys.unlink("/file")).toBe(0);
      for (const each of [sleeper, other]) each.end();
    },
  );
});
