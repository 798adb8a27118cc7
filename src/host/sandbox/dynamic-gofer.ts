// A gofer that is told what to serve while it runs, besides what it serves from its start.

import type { Native } from "../../native/index.ts";
import { GoferControl } from "./gofer-control.ts";
import {
  type GoferMount,
  type GoferOptions,
  type GoferProcess,
  openPair,
  sendConfig,
  spawnLauncher,
} from "./gofer-process.ts";

export interface DynamicGofer extends GoferProcess {
  /** Over it the gofer is told. It ends when this is closed and all connections are. */
  readonly control: GoferControl;
}

export interface DynamicGoferOptions extends GoferOptions {
  /**
   * Where attach points may lie, absolute paths of directories: of a gofer that is not in namespaces and has Landlock. All of the
   * host when absent.
   */
  readonly beneath?: readonly string[];
}

/** Starts it, as startGofer() does. Errors: WvisorError; then nothing stays open. */
export function startDynamicGofer(
  native: Native,
  mounts: readonly GoferMount[],
  options: DynamicGoferOptions = {},
): DynamicGofer {
  const ours: number[] = [];
  const theirs: number[] = [];
  try {
    // For each mount, then control connection, configuration, launcher.
    for (let i = 0; i < mounts.length + 3; i++) {
      const [our, their] = openPair(native);
      ours.push(our);
      theirs.push(their);
    }
    const launcherEnd = theirs.at(-1)!;
    const pid = spawnLauncher(native, theirs.slice(0, -1), { ...options, parentRoots: launcherEnd });
    const [control, config, launcher] = ours.slice(-3) as [number, number, number];
    sendConfig(native, config, mounts, { ...options, control: { beneath: options.beneath } });
    native.close(config);
    const sockets = ours.slice(0, -3);
    return {
      pid,
      sockets,
      windows: [],
      map: undefined,
      control: new GoferControl(native, control, launcher),
    };
  } catch (error) {
    for (const fd of ours) native.close(fd);
    throw error;
  } finally {
    for (const fd of theirs) native.close(fd);
  }
}
