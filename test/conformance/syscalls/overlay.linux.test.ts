// The cases over overlays of Linux's: they decide what an overlay shows. Needs root.

import { describe } from "vitest";
import {
  LAYERED_LACKS,
  layeredTarget,
  ONE_LOWER,
  READ_ONLY,
  type Shape,
  THREE_LOWERS,
} from "../../support/sys/layers.ts";
import { isRoot, linuxMountTarget } from "../../support/sys/linux.ts";
import type { Capability, Target } from "../../support/sys/target.ts";
import { readOnlyCases } from "./cases/read-only.ts";
import { suite } from "./suite.ts";

/** What Linux's overlay gets wrong, and ours does not. */
const LINUX_LACKS: ReadonlyMap<Capability, string> = new Map([
  ...LAYERED_LACKS,
  ["writes that do not append", "Linux passes RWF_NOAPPEND on to a file that appends"],
]);

function make(shape: Shape): Target {
  const store = { ...linuxMountTarget("Linux"), lacks: LINUX_LACKS };
  return layeredTarget(store, shape);
}

describe.runIf(isRoot)("Linux [needs root]", () => {
  suite("Linux, overlay, the tree in a lower layer", () => make(ONE_LOWER));
  suite("Linux, overlay, the tree in three lower layers", () => make(THREE_LOWERS));
  describe("without an upper layer", () => readOnlyCases(() => make(READ_ONLY)));
});
