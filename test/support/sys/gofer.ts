// A host directory behind a gofer as a Target: one gofer process for all cases of a file, and a machine for each of them.

import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { FilesystemHandle, Machine } from "../../../src/host/boot/machine.ts";
import { serve, serveThroughWindows } from "../gofer-mount.ts";
import { makeMachine } from "../wvisor.ts";
import { kernelTarget } from "./kernel.ts";
import { LAYERED_LACKS, layeredTarget, type Shape } from "./layers.ts";
import type { Capability, Target } from "./target.ts";

/** What no tree behind a gofer has, and why. */
const LACKS: ReadonlyMap<Capability, string> = new Map([
  ["device nodes", "a device node on the host's file system is a door to the host's drivers"],
  ["whiteouts", "they are device nodes"],
]);

/** A tmpfs of the host that every Linux has. */
export const HOST_TMPFS = "/dev/shm";

/** A place for layers behind the gofer. */
const HOST = "/host";

/** The tree lies behind the gofer and changes are kept in memory, as for a program that may change nothing. */
export const MEMORY_OVER_GOFER: Shape = { places: [HOST, ""] };

/** Changes are kept behind the gofer as well. */
export const GOFER_OVER_GOFER: Shape = { places: [HOST, HOST] };

/** What is in a lower layer behind a gofer lacks the same, until it is copied up. */
const OVERLAY_LACKS: ReadonlyMap<Capability, string> = new Map([...LAYERED_LACKS, ...LACKS]);

export interface GoferTargets {
  /** A target over the emptied directory. There is one at a time. */
  make(): Target;
  /** Ends the gofer and removes the directory. */
  close(): void;
}

export interface GoferOptions {
  /** The targets are overlays whose layers at "/host" are in the directory. */
  readonly shape?: Shape;
  /** Where the directory is made. */
  readonly folder?: string;
  /** Whether the gofer gives its descriptors away. */
  readonly donate?: boolean;
}

/** `shared`: with the cache policy for trees that others change too. */
export function goferTargets(shared: boolean, options: GoferOptions = {}): GoferTargets {
  const { shape, folder = tmpdir(), donate = true } = options;
  const directory = mkdtempSync(path.join(folder, "wvisor-syscalls-gofer-"));
  // The policy does not know how messages travel: one suite for both.
  const gofer = (shared ? serve : serveThroughWindows)({ source: directory, readonly: false, donate });
  return {
    make() {
      for (const entry of readdirSync(directory)) rmSync(path.join(directory, entry), { recursive: true });
      chmodSync(directory, 0o777);
      const machine = makeMachine(gofer);
      const root = machine.gofer(0, { readonly: false, shared, uid: 0 });
      const name = shared ? "gofer, shared" : "gofer, exclusive";
      if (shape !== undefined) return overlayOf(machine, root, shape);
      return { ...kernelTarget(machine, machine.namespace(root, false), name), lacks: LACKS };
    },
    close() {
      gofer.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function overlayOf(machine: Machine, host: FilesystemHandle, shape: Shape): Target {
  const namespace = machine.namespace(machine.tmpfs("mode=777"), false);
  machine.mount(namespace, host, HOST, false);
  const store = { ...kernelTarget(machine, namespace, "overlay of a gofer"), lacks: OVERLAY_LACKS };
  return layeredTarget(store, shape);
}
