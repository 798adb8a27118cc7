import { afterAll } from "vitest";
import { goferTargets } from "../../support/sys/gofer.ts";
import { overlayCases } from "../syscalls/cases/overlay.ts";

const targets = goferTargets(false);
afterAll(() => targets.close());
overlayCases(() => targets.make());
