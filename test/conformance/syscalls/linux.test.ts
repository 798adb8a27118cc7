import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { linuxTarget } from "../../support/sys/linux.ts";
import { syscallCases } from "./cases.ts";

// A tmpfs where there is one: it is what most of ours are to be like.
const folder = mkdtempSync(path.join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "wvisor-syscalls-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

syscallCases(() => {
  const top = mkdtempSync(path.join(folder, "case-"));
  chmodSync(top, 0o777);
  return linuxTarget(top);
});
