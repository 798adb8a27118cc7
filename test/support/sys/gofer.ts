// A host directory behind a gofer as a Target: one gofer process for all cases of a file, and a machine for each of them.

import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { serve } from "../gofer-mount.ts";
import { makeMachine } from "../wvisor.ts";
import { kernelTarget } from "./kernel.ts";
import type { Capability, Target } from "./target.ts";

/** What no tree behind a gofer has, and why. */
const LACKS: ReadonlyMap<Capability, string> = new Map([
  ["device nodes", "a device node on the host's file system is a door to the host's drivers"],
  ["whiteouts", "they are device nodes"],
  [
    "access control lists",
    "9P2000.L tells mode bits only, by which the client checks (as Linux's client without posixacl)",
  ],
  [
    "set-id bits that a privileged write keeps",
    "a host file must not stay privileged by a mistake about who wrote it",
  ],
]);

export interface GoferTargets {
  /** A target over the emptied directory. There is one at a time. */
  make(): Target;
  /** Ends the gofer and removes the directory. */
  close(): void;
}

/** `shared`: with the cache policy for trees that others change too. */
export function goferTargets(shared: boolean): GoferTargets {
  const directory = mkdtempSync(path.join(tmpdir(), "wvisor-syscalls-gofer-"));
  const gofer = serve({ source: directory, readonly: false, donate: true });
  return {
    make() {
      for (const entry of readdirSync(directory)) rmSync(path.join(directory, entry), { recursive: true });
      chmodSync(directory, 0o777);
      const machine = makeMachine({ sockets: gofer.sockets });
      const root = machine.gofer(0, { readonly: false, shared, uid: 0 });
      const name = shared ? "gofer, shared" : "gofer, exclusive";
      return { ...kernelTarget(machine, machine.namespace(root, false), name), lacks: LACKS };
    },
    close() {
      gofer.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
