// A gofer for the tests of this process: host directories behind connections that a test machine can mount.

import { type GoferMount, startGofer } from "../../src/host/sandbox/gofer-process.ts";
import { loadNative } from "../../src/native/index.ts";

export interface TestGofer {
  /** Our ends, in the order of the mounts. */
  readonly sockets: readonly number[];
  /** Ends the gofer: it leaves when its connections are closed. */
  close(): void;
}

export function serve(...mounts: GoferMount[]): TestGofer {
  const native = loadNative();
  if (native === undefined) throw new Error("the native helper is not built");
  const { sockets } = startGofer(native, mounts);
  return {
    sockets,
    close() {
      for (const socket of sockets) native.close(socket);
    },
  };
}
