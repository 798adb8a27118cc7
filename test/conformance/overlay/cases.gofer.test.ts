import { afterAll } from "vitest";
import { goferTargets } from "../../support/sys/gofer.ts";
import { overlayCases } from "../syscalls/cases/overlay.ts";
import { overlayDataCases } from "../syscalls/cases/overlay-data.ts";

const targets = goferTargets(false);
afterAll(() => targets.close());
overlayCases(() => targets.make());
overlayDataCases(() => targets.make());
