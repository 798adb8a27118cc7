// The file system conformance suite: the same cases over every backend. Linux is one of them, and the oracle: a case is right
// when it passes there.

import { afterEach, beforeEach, describe, test } from "vitest";
import { dataCases } from "./cases/data.ts";
import { directoryCases } from "./cases/directories.ts";
import { linkCases } from "./cases/links.ts";
import { openCases } from "./cases/open.ts";
import { pathCases } from "./cases/paths.ts";
import { permissionCases } from "./cases/permissions.ts";
import { removeCases } from "./cases/remove.ts";
import { renameCases } from "./cases/rename.ts";
import { timeCases } from "./cases/times.ts";
import type { Backend, Capability, Check } from "./fs-under-test.ts";

const TOPICS: Readonly<Record<string, (check: Check) => void>> = {
  paths: pathCases,
  open: openCases,
  data: dataCases,
  directories: directoryCases,
  links: linkCases,
  remove: removeCases,
  rename: renameCases,
  times: timeCases,
  permissions: permissionCases,
};

/** A case that a backend is known to fail, by its topic and name, with the reason. Such a test passes only while the case fails. */
export type KnownFailures = Readonly<Record<string, string>>;

export function fsSuite(
  name: string,
  capabilities: ReadonlySet<Capability>,
  make: () => Backend,
  known: KnownFailures = {},
): void {
  describe(name, () => {
    let backend: Backend;
    beforeEach(() => {
      backend = make();
    });
    afterEach(() => {
      backend.dispose();
    });
    for (const [topic, cases] of Object.entries(TOPICS)) {
      cases((sentence, body, needs = []) => {
        const missing = needs.filter((need) => !capabilities.has(need));
        const title = `${topic}: ${sentence}`;
        const reason = known[title];
        if (missing.length > 0) test.skip(`${title} [needs ${missing.join(", ")}]`);
        else if (reason !== undefined) test.fails(`${title} [${reason}]`, () => body(backend.fs));
        else test(title, () => body(backend.fs));
      });
    }
  });
}
