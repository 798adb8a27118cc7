// Offsets that no double holds: on a tmpfs of Linux, whose files may have them, on our own file systems, and over a gofer that serves
// Linux's, with the host's descriptors and without.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, describe } from "vitest";
import { OVERLAY, TMPFS } from "../../support/sys/backends.ts";
import { goferTargets, HOST_TMPFS } from "../../support/sys/gofer.ts";
import { linuxTarget } from "../../support/sys/linux.ts";
import { farCases } from "./cases/far.ts";

describe("Linux, tmpfs", () => {
  const folder = mkdtempSync(path.join(HOST_TMPFS, "wvisor-far-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  farCases(() => {
    const top = mkdtempSync(path.join(folder, "case-"));
    chmodSync(top, 0o777);
    return linuxTarget(top);
  });
});

for (const { name, make } of [TMPFS, OVERLAY]) describe(name, () => farCases(make));

for (const shared of [false, true]) {
  for (const donate of [true, false]) {
    const policy = shared ? "shared" : "exclusive";
    describe(`gofer, ${policy}, ${donate ? "with" : "without"} descriptors`, () => {
      const targets = goferTargets(shared, { folder: HOST_TMPFS, donate });
      afterAll(() => targets.close());
      farCases(() => targets.make());
    });
  }
}
