// A gofer for the tests of this process: host directories behind connections that a test machine can mount.

import { readdirSync } from "node:fs";
import { EAGAIN } from "../../assembly/abi/errno.ts";
import { disconnectGofer, type GoferMount, startGofer } from "../../src/host/sandbox/gofer-process.ts";
import { loadNative, type Native } from "../../src/native/index.ts";

const END_MS = 30_000;

export interface TestGofer {
  /** Our ends, in the order of the mounts. */
  readonly sockets: readonly number[];
  /** Their windows, when the gofer was started with them. */
  readonly windows: readonly (number | undefined)[];
  readonly pid: number;
  /** How many descriptors the process has open. */
  descriptors(): number;
  /** Ends the gofer: it leaves when its connections are closed. Throws when it ended otherwise, or does not end. */
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
    close() {
      disconnectGofer(native, gofer);
      const status = awaitEnd(native, pid);
      if (status !== 0) throw new Error(`the gofer ended with ${status}`);
    },
  };
}

/** waitpid() for as long as an end may take on a busy machine; EAGAIN then. */
function awaitEnd(native: Native, pid: number): number {
  const until = Date.now() + END_MS;
  let status = native.waitpid(pid, 0);
  while (status === -EAGAIN && Date.now() < until) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    status = native.waitpid(pid, 0);
  }
  return status;
}
