import { describe } from "vitest";
import { isRoot, linuxMountTarget } from "../../support/sys/linux.ts";
import { overlayCases } from "../syscalls/cases/overlay.ts";
import { overlayDataCases } from "../syscalls/cases/overlay-data.ts";
import { overlayNameCases } from "../syscalls/cases/overlay-names.ts";

describe.runIf(isRoot)("Linux [needs root]", () => {
  overlayCases(() => linuxMountTarget("Linux"));
  overlayDataCases(() => linuxMountTarget("Linux"));
  overlayNameCases(() => linuxMountTarget("Linux"));
});
