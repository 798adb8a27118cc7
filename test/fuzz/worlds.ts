// The two sides of a comparison: a tree on real Linux and one of ours, both fresh.

import { EEXIST, ENOTDIR, ENOTEMPTY } from "../../assembly/abi/errno.ts";
import { O_DIRECTORY, O_RDONLY } from "../../assembly/abi/fcntl.ts";
import * as nr from "../../assembly/abi/syscall.ts";
import type { Machine } from "../../src/host/boot/machine.ts";
import { serve, type TestGofer } from "../support/gofer-mount.ts";
import { checkInvariants, kernelTarget } from "../support/sys/kernel.ts";
import { LINUX_TMPFS, type LinuxProcess, type LinuxTarget, linuxMountTarget } from "../support/sys/linux.ts";
import type { Call, Identity, Process, Target } from "../support/sys/target.ts";
import { kernelModules, makeMachine } from "../support/wvisor.ts";
import { HostTree } from "./host-tree.ts";
import { LAYERS, type Preparation, prepareLayers, UPPER } from "./layers.ts";
import type { Step } from "./step.ts";

const MNT_DETACH = 2;
const SET_IDS = 0o6000;

/** "gofer" is a tree of the host that nobody else changes; "gofer-shared" one that others may change. */
export type FsType = "tmpfs" | "overlay" | "gofer" | "gofer-shared";

/** The processes of a run. The first user is in the second one's group. */
export const IDENTITIES: readonly Identity[] = [
  { uid: 0, gid: 0 },
  { uid: 1000, gid: 1000, groups: [1000, 2000] },
  { uid: 1001, gid: 1001, groups: [1000] },
];

/** Processes that see a layer which no other does, below `top`. */
export interface LayerObserver {
  readonly ours: Process;
  readonly linux: LinuxProcess;
  readonly top: string;
}

export interface World {
  readonly ours: Target;
  readonly linux: LinuxTarget;
  /** The upper layer of an overlay. */
  readonly layer?: LayerObserver;
  /** Has our kernel look at its whole heap; throws what it finds. */
  check(): void;
  /** Ends both; throws when our kernel has something wrong or left. */
  end(): void;
}

/** What a tree need not have although Linux's own trees of memory do. */
export type Lack = "device nodes" | "seals" | "RWF_NOAPPEND";

export interface Worlds {
  /** What is not asked for on this tree, with the reason. */
  readonly lacks: ReadonlyMap<Lack, string>;
  /** What is comparable: see ViewContext. */
  readonly inodes: boolean;
  readonly blocks: boolean;
  readonly directoryLinks: boolean;
  /** Whether Linux's result is of its own making: the episode ends there. */
  readonly isArtefact?: (step: Step, linux: number, ours: string) => boolean;
  /** Whether ours cannot but do otherwise with a call, which `process` is about to make: it is left out. */
  readonly leavesOut?: (process: Process, call: Call) => boolean;
  /** What a seed puts into the tree before the first call. */
  prepare(seed: number): Preparation;
  make(preparation: Preparation): World;
  close(): void;
}

const EMPTY: Preparation = { calls: [], options: "", files: new Map() };
const empty = (): Preparation => EMPTY;

function world(
  machine: Machine,
  root: () => number,
  linux: LinuxTarget,
  name: string,
  prepare?: (keeper: Process) => void,
): World {
  const before = machine.kernel.heap_objects();
  const namespace = machine.namespace(root() as never, false);
  const ours = kernelTarget(machine, namespace, name);
  prepare?.(ours.process());
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
    inodes: true,
    blocks: true,
    directoryLinks: true,
    prepare: empty,
    make: () => world(machine, () => machine.tmpfs("mode=777"), linuxMountTarget("tmpfs"), "tmpfs"),
    close() {},
  };
}

function makeLayers(keeper: Process, { calls }: Preparation): void {
  keeper.syscall(nr.SYS_umask, 0);
  for (const name of LAYERS) keeper.syscall(nr.SYS_mkdir, name, 0o777);
  for (const { number, args } of calls) keeper.syscall(number, ...args);
}

/** Remembers the root directory, which the overlay is to become; returns what brings the process back to it. */
function rememberRoot(keeper: Process): () => void {
  const root = keeper.syscall(nr.SYS_open, "/", O_RDONLY | O_DIRECTORY, 0);
  return () => {
    const results = [
      keeper.syscall(nr.SYS_fchdir, root),
      keeper.syscall(nr.SYS_chroot, "."),
      keeper.syscall(nr.SYS_close, root),
    ];
    if (results.some((result) => result !== 0)) throw new Error(`going back to the layers: ${results}`);
  };
}

function linuxOverlay(preparation: Preparation): { target: LinuxTarget; keeper: LinuxProcess } {
  let found: LinuxProcess | undefined;
  let goBack = (): void => {};
  const target = linuxMountTarget("overlay", LINUX_TMPFS, (keeper) => {
    makeLayers(keeper, preparation);
    found = keeper;
    goBack = rememberRoot(keeper);
    return { type: "overlay", options: preparation.options };
  });
  goBack();
  return { target, keeper: found! };
}

/** Mounts the overlay of ours as linuxMountTarget() mounts that of Linux. */
function enterOverlay(keeper: Process, preparation: Preparation): void {
  makeLayers(keeper, preparation);
  const goBack = rememberRoot(keeper);
  keeper.syscall(nr.SYS_mkdir, "/merged", 0o755);
  const results = [
    keeper.syscall(nr.SYS_mount, "overlay", "/merged", "overlay", 0, preparation.options),
    keeper.syscall(nr.SYS_chdir, "/merged"),
    keeper.syscall(nr.SYS_pivot_root, ".", "."),
    keeper.syscall(nr.SYS_umount2, ".", MNT_DETACH),
  ];
  if (results.some((result) => result !== 0)) throw new Error(`making the overlay: ${results}`);
  goBack();
}

/** Calls that change attributes, and so copy a file up by whatever descriptor. */
const ATTRIBUTE_CHANGES: ReadonlySet<number> = new Set([
  nr.SYS_chmod,
  nr.SYS_fchmod,
  nr.SYS_fchmodat,
  nr.SYS_fchmodat2,
  nr.SYS_chown,
  nr.SYS_fchown,
  nr.SYS_fchownat,
  nr.SYS_utime,
  nr.SYS_utimes,
  nr.SYS_futimesat,
  nr.SYS_utimensat,
  nr.SYS_setxattr,
  nr.SYS_fsetxattr,
  nr.SYS_removexattr,
  nr.SYS_fremovexattr,
]);

/**
 * Linux copies a file of a lower layer up to its name even when that is gone. A regular file's copy meets its whiteout there, and is
 * refused, as here; that of a directory or of another type takes the place of whatever has the name now, which is then lost.
 */
function isCopyOverAnother({ number }: Step, linux: number, ours: string): boolean {
  const isRefused = ours === `${-EEXIST}` || ours === `${-ENOTDIR}`;
  return ATTRIBUTE_CHANGES.has(number) && isRefused && (linux === 0 || linux === -ENOTEMPTY);
}

const OVERLAY_LACKS: ReadonlyMap<Lack, string> = new Map([
  [
    "RWF_NOAPPEND",
    "Linux's overlay does not pass it on to the layer, where the file then appends all the same",
  ],
]);

function overlayWorlds(): Worlds {
  const machine = makeMachine({ modules: kernelModules("peek", true) });
  return {
    lacks: OVERLAY_LACKS,
    inodes: true,
    blocks: true,
    directoryLinks: true,
    isArtefact: isCopyOverAnother,
    prepare: prepareLayers,
    make(preparation) {
      const { target, keeper } = linuxOverlay(preparation);
      let observer: Process | undefined;
      const root = () => machine.tmpfs("mode=777");
      const made = world(machine, root, target, "overlay", (process) => {
        observer = process;
        enterOverlay(process, preparation);
      });
      return { ...made, layer: { ours: observer!, linux: keeper, top: UPPER } };
    },
    close() {},
  };
}

const GOFER_LACKS: ReadonlyMap<Lack, string> = new Map([
  [
    "device nodes",
    "a device node on the host's file system is a door to the host's drivers: only 0:0, a whiteout",
  ],
  ["seals", "they are tmpfs's own, and a tree of the host is of any type: EINVAL as on ext4"],
]);

/**
 * truncate(2) to the size that a file has takes its set-id bits away and leaves ctime as it was, by an accident of Linux: fs/attr.c
 * adds the mode to a change whose times are not set. The host of a gofer is told of the mode by chmod(2), which sets ctime.
 */
function keepsChangeTime(process: Process, { number, args }: Call): boolean {
  if (number !== nr.SYS_truncate) return false;
  const stat = Buffer.alloc(144);
  if (process.syscall(nr.SYS_stat, args[0]!, stat) !== 0) return false;
  return stat.readBigInt64LE(48) === BigInt(args[1] as number) && (stat.readUInt32LE(24) & SET_IDS) !== 0;
}

interface Served {
  readonly gofer: TestGofer;
  readonly machine: Machine;
  /** Mounts the tree and unmounts it again: how many descriptors the gofer has when nobody knows but the root. */
  readonly idle: () => number;
  readonly idleAtFirst: number;
}

function goferWorlds(isShared: boolean): Worlds {
  const host = new HostTree();
  let served: Served | undefined;
  const mount = (machine: Machine) => machine.gofer(0, { readonly: false, shared: isShared, uid: 0 });
  const serveAnew = () => {
    const gofer = serve({ source: host.source, readonly: false, donate: true });
    const machine = makeMachine({ modules: kernelModules("peek", true), sockets: gofer.sockets });
    const idle = () => {
      machine.kernel.namespace_release(machine.namespace(mount(machine), false));
      return gofer.descriptors();
    };
    return { gofer, machine, idle, idleAtFirst: idle() };
  };
  return {
    lacks: GOFER_LACKS,
    leavesOut: keepsChangeTime,
    inodes: false,
    blocks: false,
    directoryLinks: false,
    prepare: empty,
    make() {
      host.clear();
      // One gofer and one machine for all: a mount of the same connection begins by Tversion, which ends what was before.
      served ??= serveAnew();
      const { gofer, machine, idle, idleAtFirst } = served;
      const made = world(machine, () => mount(machine), linuxMountTarget("tmpfs"), "gofer");
      return {
        ...made,
        end() {
          try {
            made.end();
            const left = idle() - idleAtFirst;
            if (left !== 0) throw new Error(`${left} descriptors of the gofer were not closed`);
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
