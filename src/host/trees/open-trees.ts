// A gofer for a command that looks at trees of the host, or changes them.

import type { Native } from "../../native/index.ts";
import {
  type ConfineOptions,
  disconnectGofer,
  type GoferMount,
  type SpawnedGofer,
  startGofer,
} from "../sandbox/gofer-process.ts";
import { TreeConnection } from "./tree-connection.ts";
import type { TreeFile } from "./tree-file.ts";

export interface OpenTrees {
  /** In the order of what was asked for. */
  readonly roots: readonly TreeFile[];
  /** Ends the gofer. */
  close(): void;
}

export interface TreeSource {
  /** An absolute path of the host. */
  readonly source: string;
  readonly readonly: boolean;
}

/** Errors: WvisorError; then nothing stays open. */
export function openTrees(
  native: Native,
  sources: readonly TreeSource[],
  options: ConfineOptions & { readonly gofer?: SpawnedGofer | undefined } = {},
): OpenTrees {
  const mounts = sources.map((source): GoferMount => ({ ...source, donate: false }));
  const gofer = startGofer(native, mounts, { windows: true, ...options, ahead: options.gofer });
  const close = (): void => {
    disconnectGofer(native, gofer);
    native.waitpid(gofer.pid, 1);
  };
  try {
    const roots = gofer.sockets.map((socket, index) => {
      return new TreeConnection(native, { socket, window: gofer.windows[index] }).root;
    });
    return { roots, close };
  } catch (error) {
    close();
    throw error;
  }
}
