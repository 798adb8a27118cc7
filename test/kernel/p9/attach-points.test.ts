// A kernel that mounts trees which its gofer was given while it ran.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EIO } from "../../../assembly/abi/errno.ts";
import { O_CREAT, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { type DynamicGofer, startDynamicGofer } from "../../../src/host/sandbox/dynamic-gofer.ts";
import type { GoferMount } from "../../../src/host/sandbox/gofer-process.ts";
import { requireNative } from "../../support/gofer.ts";
import { Calls } from "../../support/sys/calls.ts";
import { kernelTarget } from "../../support/sys/kernel.ts";
import type { Target } from "../../support/sys/target.ts";
import { makeMachine } from "../../support/wvisor.ts";

const native = requireNative();
let top: string;
let gofer: DynamicGofer;
let target: Target;
let sys: Calls;
let sockets: number[];

const host = (...parts: string[]): string => path.join(top, ...parts);

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), "wvisor-attach-"));
  for (const tree of ["first", "second"]) {
    mkdirSync(host(tree, "dir"), { recursive: true });
    writeFileSync(host(tree, "dir", "file"), tree);
  }
});

afterEach(() => {
  target.end();
  for (const socket of sockets) native.close(socket);
  gofer.control.close();
  expect(native.waitpid(gofer.pid, 1)).toBe(0);
  rmSync(top, { recursive: true });
});

describe.each(["native", "native+ns"] as const)("at level %s", (confinement) => {
  test.each([true, false])(
    "two kernels' file systems live and end apart; donated descriptors: %s",
    (donate) => {
      const first: GoferMount = { source: host("first"), readonly: false, donate };
      gofer = startDynamicGofer(native, [first], { confinement });
      const added = gofer.control.addAttachPoint(host("second"), { name: "second", readonly: false, donate });
      sockets = [...gofer.sockets, added];
      const machine = makeMachine({ sockets });
      const options = { readonly: false, shared: true, uid: 0 };
      const namespace = machine.namespace(machine.gofer(0, options), false);
      machine.mount(namespace, machine.gofer(1, options), "/dir", false);
      target = kernelTarget(machine, namespace, "gofer");
      sys = new Calls(target.process());

      const fd = sys.open("/dir/dir/file", O_RDWR);
      expect(`${sys.pread(fd, 100, 0)}`).toBe("second");
      const made = sys.open("/dir/made", O_RDWR | O_CREAT, 0o644);
      expect(sys.write(made, "by the kernel")).toBe(13);
      expect(readFileSync(host("second", "made"), "utf8")).toBe("by the kernel");
      expect(sys.rename("/dir/made", "/dir/dir/moved")).toBe(0);
      expect(readFileSync(host("second", "dir", "moved"), "utf8")).toBe("by the kernel");

      gofer.control.removeAttachPoint("second");
      expect(sys.stat("/dir/dir/file")).toBe(-EIO);
      expect(sys.mkdir("/beside", 0o755)).toBe(0);
      expect(sys.stat("/beside")).toMatchObject({ mode: 0o040755 });
    },
  );
});
