import { afterAll } from "vitest";
import { goferTargets } from "../../support/sys/gofer.ts";
import { overlayCases } from "../syscalls/cases/overlay.ts";
import { overlayDataCases } from "../syscalls/cases/overlay-data.ts";
import { overlayNameCases } from "../syscalls/cases/overlay-names.ts";

const targets = goferTargets(false);
afterAll(() => targets.close());
overlayCases(() => targets.make());
overlayDataCases(() => targets.make());
overlayNameCases(() => targets.make(), false);
