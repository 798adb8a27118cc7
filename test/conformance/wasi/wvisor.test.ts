// The conformance programs on wVisor: over every file system that a guest can meet, and every way to its memory.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Machine, NamespaceHandle } from "../../../src/host/boot/machine.ts";
import type { GuestMemoryProvider } from "../../../src/host/kernel/instance.ts";
import { serve, serveThroughWindows } from "../../support/gofer-mount.ts";
import { memoryNamespace, providers, runInProcess } from "../../support/wvisor.ts";
import { type GuestResult, READ_ONLY_LINKS, READ_ONLY_TREE, type RunGuest, wasiSuite } from "./suite.ts";

/** What is mounted at /scratch. */
type Backend = "tmpfs" | "overlay on tmpfs" | "bind, exclusive" | "bind, shared" | "bind with overlay";

function fillReadOnly(fixed: string): void {
  mkdirSync(fixed);
  for (const [name, content] of Object.entries(READ_ONLY_TREE)) {
    if (content === null) mkdirSync(path.join(fixed, name));
    else writeFileSync(path.join(fixed, name), content);
  }
  for (const [name, text] of Object.entries(READ_ONLY_LINKS)) symlinkSync(text, path.join(fixed, name));
}

function scratchTree(machine: Machine, backend: Backend, connection: number) {
  switch (backend) {
    case "tmpfs":
      return machine.tmpfs("mode=777");
    case "overlay on tmpfs":
      return machine.overlay(machine.tmpfs("mode=777"), [machine.tmpfs("mode=777")]);
    case "bind, exclusive":
      return machine.gofer(connection, { readonly: false, shared: false, uid: 0 });
    case "bind, shared":
      return machine.gofer(connection, { readonly: false, shared: true, uid: 0 });
    case "bind with overlay":
      return machine.overlay(machine.tmpfs("mode=777"), [
        machine.gofer(connection, { readonly: true, shared: false, uid: 0 }),
      ]);
  }
}

function runner(backend: Backend, provider: GuestMemoryProvider): RunGuest {
  return (guest, args, env): GuestResult => {
    const host = mkdtempSync(path.join(tmpdir(), "wvisor-wasi-"));
    const fixed = path.join(host, "fixed");
    const scratch = path.join(host, "scratch");
    fillReadOnly(fixed);
    mkdirSync(scratch);
    const start = backend === "bind, shared" ? serve : serveThroughWindows;
    const gofer = start(
      { source: fixed, readonly: true, donate: true },
      { source: scratch, readonly: backend === "bind with overlay", donate: true },
    );
    try {
      const result = runInProcess(guest as Uint8Array<ArrayBuffer>, {
        args,
        env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
        provider,
        debug: true,
        sockets: gofer.sockets,
        windows: gofer.windows,
        mounts: (machine): NamespaceHandle => {
          const namespace = memoryNamespace(machine);
          machine.mount(
            namespace,
            machine.gofer(0, { readonly: true, shared: false, uid: 0 }),
            "/fixed",
            true,
          );
          machine.mount(namespace, scratchTree(machine, backend, 1), "/scratch", false);
          return namespace;
        },
      });
      const stderr = result.message === undefined ? result.stderr : `${result.stderr}${result.message}`;
      return { exitCode: result.code, stdout: result.stdout, stderr };
    } finally {
      gofer.close();
      rmSync(host, { recursive: true });
    }
  };
}

function suite(backend: Backend, provider: GuestMemoryProvider): void {
  wasiSuite({
    mode: `${backend}, ${provider} memory`,
    run: runner(backend, provider),
    scratch: () => "/scratch",
    readOnly: "/fixed",
  });
}

for (const provider of providers()) suite("tmpfs", provider);
const [best] = providers();
for (const backend of ["overlay on tmpfs", "bind, exclusive", "bind, shared", "bind with overlay"] as const) {
  suite(backend, best!);
}
