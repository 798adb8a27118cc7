// The synthetic file systems, on real Linux and on ours. Linux's part mounts them in a mount namespace, and needs root.

import { describe } from "vitest";
import { isRoot } from "../../support/sys/linux.ts";
import { kernelSynthetic, linuxSynthetic } from "../../support/sys/synthetic.ts";
import { deviceCases } from "./cases/devices.ts";
import { mountOptionCases } from "./cases/mount-options.ts";
import { procCases } from "./cases/proc.ts";
import { procDetailCases } from "./cases/proc-details.ts";
import { ptyCases } from "./cases/pty.ts";

describe.runIf(isRoot)("Linux [needs root]", () => {
  procCases(linuxSynthetic);
  ptyCases(linuxSynthetic);
  deviceCases(linuxSynthetic);
  mountOptionCases(linuxSynthetic);
  procDetailCases(linuxSynthetic);
});

describe("wVisor", () => {
  procCases(kernelSynthetic);
  ptyCases(kernelSynthetic);
  deviceCases(kernelSynthetic);
  mountOptionCases(kernelSynthetic);
  procDetailCases(kernelSynthetic);
});
