// A gofer with a control socket that a test speaks to without the client library, to say what that would not.

import type { Confinement } from "../../src/common/confinement.ts";
import {
  type ControlOptions,
  openPair,
  sendConfig,
  spawnLauncher,
} from "../../src/host/sandbox/gofer-process.ts";
import { requireNative } from "./gofer.ts";

const native = requireNative();

/** Starts it on `controlEnd`, which is closed here. Returns its pid. */
export function startControlled(
  controlEnd: number,
  confinement: Confinement,
  control: ControlOptions = {},
): number {
  const [config, theirs] = openPair(native);
  const pid = spawnLauncher(native, [controlEnd, theirs], { confinement });
  native.close(controlEnd);
  native.close(theirs);
  sendConfig(native, config, [], { confinement, control });
  native.close(config);
  return pid;
}
