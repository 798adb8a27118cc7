// Our file systems as backends of the system call cases. Each makes a fresh tree for a case, on one machine for all of them; when a case
// ends its tree, everything that the kernel made for it must have been given back.

import type { FilesystemHandle, Machine } from "../../../src/host/boot/machine.ts";
import type { KernelModules } from "../../../src/host/kernel/instance.ts";
import { kernelModules, makeMachine } from "../wvisor.ts";
import { kernelTarget } from "./kernel.ts";
import { LAYERED_LACKS, layeredTarget, ONE_LOWER, READ_ONLY, type Shape, THREE_LOWERS } from "./layers.ts";
import type { Capability, Target } from "./target.ts";

export interface Backend {
  readonly name: string;
  make(): Target;
}

interface Options {
  readonly modules?: KernelModules;
  readonly lacks?: ReadonlyMap<Capability, string>;
}

function backend(name: string, root: (machine: Machine) => FilesystemHandle, options: Options = {}): Backend {
  let machine: Machine | undefined;
  return {
    name,
    make() {
      machine ??= makeMachine({ modules: options.modules ?? kernelModules("peek", true) });
      const { kernel } = machine;
      const before = kernel.heap_objects();
      const target = kernelTarget(machine, machine.namespace(root(machine), false), name);
      return {
        ...target,
        lacks: options.lacks ?? new Map(),
        end() {
          target.end();
          const left = kernel.heap_objects() - before;
          if (left !== 0) throw new Error(`${left} objects were not freed`);
        },
      };
    },
  };
}

const tmpfs = (machine: Machine): FilesystemHandle => machine.tmpfs("mode=777");

export const TMPFS = backend("tmpfs", tmpfs);

export const OVERLAY_LACKS: ReadonlyMap<Capability, string> = new Map([
  ["whiteouts", "they would hide names of the layers; Linux refuses them on an overlay, too"],
  ["times of use", "of a FIFO and of copy_file_range(2) nobody tells the layers' files, as on Linux"],
  ["exact lengths of attribute lists", "the names that the overlay hides are counted, as on Linux"],
]);

export const OVERLAY = backend(
  "overlay of two tmpfs",
  (machine) => machine.overlay(tmpfs(machine), [tmpfs(machine)]),
  { lacks: OVERLAY_LACKS },
);

/** Overlays that are mounted by path in a tmpfs, where their layers are. */
function layered(name: string, shape: Shape): Backend {
  const store = backend(name, tmpfs, { lacks: LAYERED_LACKS });
  return { name, make: () => layeredTarget(store.make(), shape) };
}

export const LAYERED: readonly Backend[] = [
  layered("overlay, the tree in a lower layer", ONE_LOWER),
  layered("overlay, the tree in three lower layers", THREE_LOWERS),
];

export const READ_ONLY_OVERLAY = layered("overlay without an upper layer", READ_ONLY);

const PORTABLE_LACKS: ReadonlyMap<Capability, string> = new Map([
  ["sleep", "in a kernel for one thread nobody could end the wait: EAGAIN"],
]);

/** tmpfs in the kernel that is built for one thread. */
export function portable(modules: KernelModules): Backend {
  return backend("tmpfs, portable", tmpfs, { modules, lacks: PORTABLE_LACKS });
}
