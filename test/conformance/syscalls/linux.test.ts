import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { linuxTarget } from "../../support/sys/linux.ts";
import { syscallCases } from "./cases.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wvisor-syscalls-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

syscallCases(() => {
  const top = mkdtempSync(path.join(folder, "case-"));
  chmodSync(top, 0o777);
  return linuxTarget(top);
});
