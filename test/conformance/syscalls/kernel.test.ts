// The cases over our file systems. Cases that a file system cannot pass are skipped by skipWithout(), which tells why.

import { afterAll } from "vitest";
import { OVERLAY, portable, TMPFS } from "../../support/sys/backends.ts";
import { goferTargets } from "../../support/sys/gofer.ts";
import { portableModules } from "../../support/sys/portable.ts";
import { suite } from "./suite.ts";

for (const { name, make } of [TMPFS, OVERLAY, portable(portableModules())]) suite(name, make);

for (const [name, shared] of [
  ["gofer, exclusive", false],
  ["gofer, shared", true],
] as const) {
  const targets = goferTargets(shared);
  afterAll(() => targets.close());
  suite(name, () => targets.make());
}
