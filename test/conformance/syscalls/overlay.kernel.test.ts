// The cases over overlays of ours whose lower layers have what a case prepares.

import { afterAll, describe } from "vitest";
import { LAYERED, READ_ONLY_OVERLAY } from "../../support/sys/backends.ts";
import { GOFER_OVER_GOFER, goferTargets, MEMORY_OVER_GOFER } from "../../support/sys/gofer.ts";
import { readOnlyCases } from "./cases/read-only.ts";
import { suite } from "./suite.ts";

for (const { name, make } of LAYERED) suite(name, make);

for (const [name, shape] of [
  ["overlay, in memory over a gofer", MEMORY_OVER_GOFER],
  ["overlay, a gofer over a gofer", GOFER_OVER_GOFER],
] as const) {
  const targets = goferTargets(false, { shape });
  afterAll(() => targets.close());
  suite(name, () => targets.make());
}

describe(READ_ONLY_OVERLAY.name, () => readOnlyCases(READ_ONLY_OVERLAY.make));
