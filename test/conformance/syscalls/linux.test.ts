// The cases on real Linux, which decides what is right: on this machine's disk, and as root on a tmpfs of their own.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe } from "vitest";
import { isRoot, linuxMountTarget, linuxTarget } from "../../support/sys/linux.ts";
import type { Capability } from "../../support/sys/target.ts";
import { suite } from "./suite.ts";

const DISK_LACKS: ReadonlyMap<Capability, string> = new Map([
  ["places of entries that JavaScript can hold", "a disk's places may be hashes of 63 bits"],
]);

const folder = mkdtempSync(path.join(tmpdir(), "wvisor-syscalls-"));
// A directory for each case: a busy disk takes its time.
afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000);

suite("Linux, disk", () => {
  const top = mkdtempSync(path.join(folder, "case-"));
  chmodSync(top, 0o777);
  return { ...linuxTarget(top), lacks: DISK_LACKS };
});

describe.runIf(isRoot)("tmpfs [needs root]", () => {
  suite("Linux, tmpfs", () => linuxMountTarget("Linux, tmpfs"));
});
