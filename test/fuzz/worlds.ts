// The two sides of a comparison: a tree on real Linux and one of ours, both fresh.

import { SYS_mkdir, SYS_umask } from "../../assembly/abi/syscall.ts";
import type { Machine } from "../../src/host/boot/machine.ts";
import { serve, type TestGofer } from "../support/gofer-mount.ts";
import { checkInvariants, kernelTarget } from "../support/sys/kernel.ts";
import { LINUX_TMPFS, type LinuxTarget, linuxMountTarget } from "../support/sys/linux.ts";
import type { Identity, Target } from "../support/sys/target.ts";
import { kernelModules, makeMachine } from "../support/wvisor.ts";
import { HostTree } from "./host-tree.ts";

/** "gofer" is a tree of the host that nobody else changes; "gofer-shared" one that others may change. */
export type FsType = "tmpfs" | "overlay" | "gofer" | "gofer-shared";

/** The processes of a run. The first user is in the second one's group. */
export const IDENTITIES: readonly Identity[] = [
  { uid: 0, gid: 0 },
  { uid: 1000, gid: 1000, groups: [1000, 2000] },
  { uid: 1001, gid: 1001, groups: [1000] },
];

export interface World {
  readonly ours: Target;
  readonly linux: LinuxTarget;
  /** Has our kernel look at its whole heap; throws what it finds. */
  check(): void;
  /** Ends both; throws when our kernel has something wrong or left. */
  end(): void;
}

/** What a tree need not have although Linux's own trees of memory do. */
export type Lack = "device nodes" | "seals" | "offsets from 2^53 on";

export interface Worlds {
  /** What is not asked for on this tree, with the reason. */
  readonly lacks: ReadonlyMap<Lack, string>;
  /** What is comparable: see ViewContext. */
  readonly blocks: boolean;
  readonly directoryLinks: boolean;
  make(): World;
  close(): void;
}

function world(machine: Machine, root: () => number, linux: LinuxTarget, name: string): World {
  const before = machine.kernel.heap_objects();
  const namespace = machine.namespace(root() as never, false);
  const ours = kernelTarget(machine, namespace, name);
  return {
    ours,
    linux,
    check: () => checkInvariants(machine),
    end() {
      linux.end();
      ours.end();
      const left = machine.kernel.heap_objects() - before;
      if (left !== 0) throw new Error(`${left} objects were not freed`);
    },
  };
}

function tmpfsWorlds(): Worlds {
  const machine = makeMachine({ modules: kernelModules("peek", true) });
  return {
    lacks: new Map(),
    blocks: true,
    directoryLinks: true,
    make: () => world(machine, () => machine.tmpfs(0, 0o777, 0, 0), linuxMountTarget("tmpfs"), "tmpfs"),
    close() {},
  };
}

const OVERLAY = { type: "overlay", options: "lowerdir=/lower,upperdir=/upper,workdir=/work" } as const;

function linuxOverlay(): LinuxTarget {
  return linuxMountTarget("overlay", LINUX_TMPFS, (keeper) => {
    keeper.syscall(SYS_umask, 0);
    for (const name of ["/lower", "/upper", "/work"]) keeper.syscall(SYS_mkdir, name, 0o777);
    return OVERLAY;
  });
}

function overlayWorlds(): Worlds {
  const machine = makeMachine({ modules: kernelModules("peek", true) });
  const layer = () => machine.tmpfs(0, 0o777, 0, 0);
  return {
    lacks: new Map(),
    blocks: false,
    directoryLinks: false,
    make: () => world(machine, () => machine.overlay(layer(), [layer()]), linuxOverlay(), "overlay"),
    close() {},
  };
}

const GOFER_LACKS: ReadonlyMap<Lack, string> = new Map([
  [
    "device nodes",
    "a device node on the host's file system is a door to the host's drivers: only 0:0, a whiteout",
  ],
  ["offsets from 2^53 on", "the helper takes numbers of JavaScript: larger files are EFBIG"],
  ["seals", "they are tmpfs's own, and a tree of the host is of any type: EINVAL as on ext4"],
]);

function goferWorlds(isShared: boolean): Worlds {
  const host = new HostTree();
  let served: { readonly gofer: TestGofer; readonly machine: Machine } | undefined;
  const serveAnew = () => {
    const gofer = serve({ source: host.source, readonly: false, donate: true });
    return { gofer, machine: makeMachine({ modules: kernelModules("peek", true), sockets: gofer.sockets }) };
  };
  return {
    lacks: GOFER_LACKS,
    blocks: false,
    directoryLinks: false,
    make() {
      host.clear();
      // One gofer and one machine for all: a mount of the same connection begins by Tversion, which ends what was before.
      served ??= serveAnew();
      const { gofer, machine } = served;
      const root = () => machine.gofer(0, { readonly: false, shared: isShared, uid: 0 });
      const made = world(machine, root, linuxMountTarget("tmpfs"), "gofer");
      return {
        ...made,
        end() {
          try {
            made.end();
          } catch (error) {
            // Neither is to be relied on any more.
            gofer.close();
            served = undefined;
            throw error;
          }
        },
      };
    },
    close() {
      served?.gofer.close();
      host.remove();
    },
  };
}

export function makeWorlds(type: FsType): Worlds {
  if (type === "overlay") return overlayWorlds();
  return type === "tmpfs" ? tmpfsWorlds() : goferWorlds(type === "gofer-shared");
}
