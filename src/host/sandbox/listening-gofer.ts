// A gofer that serves whoever connects, and lives as long as this process.

import type { Native } from "../../native/index.ts";
import { type GoferOptions, openPair, sendConfig, spawnLauncher } from "./gofer-process.ts";

export interface ListeningGofer {
  readonly pid: number;
  /** A socket that comes to its end when the gofer does. The caller's. */
  readonly alive: number;
}

/** Starts it on a socket that listens, of which it gets a copy. Errors: WvisorError; then nothing stays open. */
export function startListeningGofer(
  native: Native,
  socket: { readonly fd: number },
  mount: { readonly source: string; readonly readonly: boolean; readonly name: string },
  options: GoferOptions = {},
): ListeningGofer {
  const ours: number[] = [];
  const theirs: number[] = [];
  try {
    // The gofer never looks at its end of the first one.
    for (let i = 0; i < 2; i++) {
      const [our, their] = openPair(native);
      ours.push(our);
      theirs.push(their);
    }
    const pid = spawnLauncher(native, [socket.fd, ...theirs], options);
    const [alive, config] = ours as [number, number];
    sendConfig(native, config, [{ ...mount, donate: false, listen: true }], options);
    native.close(config);
    return { pid, alive };
  } catch (error) {
    for (const fd of ours) native.close(fd);
    throw error;
  } finally {
    for (const fd of theirs) native.close(fd);
  }
}
