// The cases on real Linux, which decides what is right: on this machine's disk, and as root on a tmpfs of their own.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe } from "vitest";
import { isRoot, linuxMountTarget, linuxTarget } from "../../support/sys/linux.ts";
import { syscallCases } from "./cases.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wvisor-syscalls-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("disk", () => {
  syscallCases(() => {
    const top = mkdtempSync(path.join(folder, "case-"));
    chmodSync(top, 0o777);
    return linuxTarget(top);
  });
});

describe.runIf(isRoot)("tmpfs [needs root]", () => {
  syscallCases(() => linuxMountTarget("Linux, tmpfs"));
});
