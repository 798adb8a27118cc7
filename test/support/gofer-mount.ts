// A gofer for the tests of this process: host directories behind connections that a test machine can mount.

import { readdirSync } from "node:fs";
import { type GoferMount, startGofer } from "../../src/host/sandbox/gofer-process.ts";
import { loadNative } from "../../src/native/index.ts";

export interface TestGofer {
  /** Our ends, in the order of the mounts. */
  readonly sockets: readonly number[];
  readonly pid: number;
  /** How many descriptors the process has open. */
  descriptors(): number;
  /** Ends the gofer: it leaves when its connections are closed. */
  close(): void;
}

export function serve(...mounts: GoferMount[]): TestGofer {
  const native = loadNative();
  if (native === undefined) throw new Error("the native helper is not built");
  // Linux, with which these tests compare, lets root set attributes for which a confined gofer has no capability.
  const { sockets, pid } = startGofer(native, mounts, { confinement: "none" });
  return {
    sockets,
    pid,
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    close() {
      for (const socket of sockets) native.close(socket);
    },
  };
}
