// A gofer for the tests of this process: host directories behind connections that a test machine can mount.

import { readdirSync } from "node:fs";
import { disconnectGofer, type GoferMount, startGofer } from "../../src/host/sandbox/gofer-process.ts";
import { loadNative } from "../../src/native/index.ts";

export interface TestGofer {
  /** Our ends, in the order of the mounts. */
  readonly sockets: readonly number[];
  /** Their windows, when the gofer was started with them. */
  readonly windows: readonly (number | undefined)[];
  readonly pid: number;
  /** How many descriptors the process has open. */
  descriptors(): number;
  /** Ends the gofer: it leaves when its connections are closed. */
  close(): void;
}

export function serve(...mounts: GoferMount[]): TestGofer {
  return start(mounts, false);
}

/** The same through windows of shared memory. */
export function serveThroughWindows(...mounts: GoferMount[]): TestGofer {
  return start(mounts, true);
}

function start(mounts: readonly GoferMount[], withWindows: boolean): TestGofer {
  const native = loadNative();
  if (native === undefined) throw new Error("the native helper is not built");
  // Linux, with which these tests compare, lets root set attributes for which a confined gofer has no capability.
  const options = { confinement: "none", windows: withWindows } as const;
  const gofer = startGofer(native, mounts, options);
  const { sockets, windows, pid } = gofer;
  if (withWindows && windows.length !== mounts.length) throw new Error("the gofer has no windows");
  return {
    sockets,
    windows,
    pid,
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    close: () => disconnectGofer(native, gofer),
  };
}
