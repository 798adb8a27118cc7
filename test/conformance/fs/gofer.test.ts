// The suite over host directories behind a gofer: exclusive, shared, and as the lower layer of an overlay.
//
// Two of them are reached through windows of shared memory, one by its socket. One gofer serves each, and every test mounts its connection anew; between tests the directory is emptied on the host.

import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import type { FilesystemHandle, Machine } from "../../../src/host/boot/machine.ts";
import { serve, serveThroughWindows } from "../../support/gofer-mount.ts";
import { KERNEL_CAPABILITIES, kernelBackends } from "../../support/kernel-fs.ts";
import { makeMachine } from "../../support/wvisor.ts";
import { fsSuite, type KnownFailures } from "./suite.ts";

type Root = (machine: Machine) => FilesystemHandle;

function goferSuite(
  name: string,
  readonly: boolean,
  root: Root,
  start = serveThroughWindows,
  known: KnownFailures = {},
): void {
  const directory = mkdtempSync(path.join(tmpdir(), "wvisor-fs-"));
  chmodSync(directory, 0o755);
  const gofer = start({ source: directory, readonly, donate: true });
  afterAll(() => {
    gofer.close();
    rmSync(directory, { recursive: true });
  });
  const clean = (): void => {
    for (const entry of readdirSync(directory)) rmSync(path.join(directory, entry), { recursive: true });
  };
  const machine = (): Machine => makeMachine(gofer);
  fsSuite(name, KERNEL_CAPABILITIES, kernelBackends(machine, root, clean), known);
}

goferSuite("gofer, exclusive", false, (machine) =>
  machine.gofer(0, { readonly: false, shared: false, uid: 0 }),
);

goferSuite(
  "gofer, shared",
  false,
  (machine) => machine.gofer(0, { readonly: false, shared: true, uid: 0 }),
  serve,
);

goferSuite("overlay over gofer", true, (machine) =>
  machine.overlay(machine.tmpfs("mode=755"), [machine.gofer(0, { readonly: true, shared: false, uid: 0 })]),
);
