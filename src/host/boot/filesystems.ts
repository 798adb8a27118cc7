// From a SandboxConfig to file systems: which host trees the gofer serves, and what is mounted where.

import { WvisorError } from "../../common/errors.ts";
import type { MountConfig, MountSource, RuntimeConfig, SandboxConfig } from "../config/sandbox-config.ts";
import { depthOf } from "../config/sandbox-path.ts";
import { MNT_NODEV, MNT_NOEXEC, MNT_NOSUID, MNT_READONLY, MNT_RELATIME } from "../kernel/exports.ts";
import type { GoferMount } from "../sandbox/gofer-process.ts";
import type { FilesystemHandle, Machine, NamespaceHandle } from "./machine.ts";

/** What the gofer serves, in the order in which build() consumes connections: root first, then mounts, then runtimes. */
export function goferMounts(config: SandboxConfig): GoferMount[] {
  const served: GoferMount[] = [];
  const add = (source: string, readonly: boolean): void => {
    served.push({ source, readonly, donate: true });
  };
  for (const source of [config.root, ...config.mounts.map((mount) => mount.source)]) {
    if (source.type === "bind") add(source.source, source.readonly || source.overlay);
    if (source.type === "overlay") {
      if (source.upper !== undefined) add(source.upper, source.readonly);
      for (const lower of source.lowers) add(lower, true);
    }
  }
  for (const runtime of config.runtimes) add(runtime.file, true);
  return served;
}

/** Hands out the gofer's connections in order. */
class Connections {
  #next = 0;

  take(): number {
    return this.#next++;
  }
}

export interface MountedSandbox {
  readonly namespace: NamespaceHandle;
  /** Mounts a runtime of the configuration at /usr/local/bin/NAME; returns that path. */
  mountRuntime(runtime: RuntimeConfig): string;
}

export function mountAll(machine: Machine, config: SandboxConfig): MountedSandbox {
  const connections = new Connections();
  const build = (source: MountSource): FilesystemHandle =>
    makeFilesystem(machine, source, connections, config);
  // Before the first that waits for the gofer.
  const mandatory = mandatoryMounts(machine, config.mounts);
  const root = build(config.root);
  const roots = config.mounts.map((mount) => ({ mount, root: build(mount.source) }));
  const runtimeRoots = config.runtimes.map(() => connections.take());
  const namespace = machine.namespace(root, isReadonly(config.root));
  for (const { mount, root: tree } of parentsFirst([...mandatory, ...roots])) {
    try {
      machine.mount(namespace, tree, mount.destination, flagsOf(mount));
    } catch (cause) {
      throw new WvisorError(
        "ERR_WVISOR_MOUNT",
        `mount ${mount.destination}: ${(cause as Error).message}`,
        125,
        { cause },
      );
    }
  }
  return {
    namespace,
    mountRuntime(runtime) {
      const index = config.runtimes.indexOf(runtime);
      const tree = machine.gofer(runtimeRoots[index]!, { readonly: true, shared: false, uid: 0 });
      const destination = `/usr/local/bin/${runtime.name}`;
      machine.mount(namespace, tree, destination, true);
      return destination;
    },
  };
}

interface Tree {
  readonly mount: MountConfig;
  readonly root: FilesystemHandle;
}

/** What every sandbox has, as far as the kernel has it (V21-26, CM-01). */
const MANDATORY: readonly { readonly destination: string; readonly type: string; readonly flags: number }[] =
  [
    { destination: "/proc", type: "proc", flags: MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_RELATIME },
    { destination: "/sys", type: "sysfs", flags: MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_RELATIME },
    { destination: "/dev", type: "devtmpfs", flags: MNT_NOSUID | MNT_NOEXEC | MNT_RELATIME },
    { destination: "/dev/pts", type: "devpts", flags: MNT_NOSUID | MNT_NOEXEC | MNT_RELATIME },
  ];

/** The mandatory mounts that the configuration lacks and the kernel has. */
function mandatoryMounts(machine: Machine, configured: readonly MountConfig[]): Tree[] {
  const given = new Set(configured.map(({ destination }) => destination));
  const added: Tree[] = [];
  for (const { destination, type, flags } of MANDATORY) {
    const root = given.has(destination) ? undefined : machine.tryKernelFilesystem(type);
    if (root !== undefined) {
      added.push({ mount: { destination, source: { type: "placeholder", name: type }, flags }, root });
    }
  }
  return added;
}

/** Parents before what lies below them (V21-24; there by the length of the text, here by depth); those of one depth as they are. */
function parentsFirst(trees: readonly Tree[]): readonly Tree[] {
  return trees.toSorted((a, b) => depthOf(a.mount.destination) - depthOf(b.mount.destination));
}

function flagsOf({ source, flags = MNT_RELATIME }: MountConfig): number {
  return isReadonly(source) ? flags | MNT_READONLY : flags;
}

function isReadonly(source: MountSource): boolean {
  // One that stands for what the kernel does not have is a directory that nobody may write to.
  if (source.type === "placeholder") return false;
  return source.type === "devtmpfs" ? false : source.readonly && !(source.type === "bind" && source.overlay);
}

function makeFilesystem(
  machine: Machine,
  source: MountSource,
  connections: Connections,
  config: SandboxConfig,
): FilesystemHandle {
  const { uid } = config.process;
  switch (source.type) {
    case "tmpfs":
      return machine.tmpfs(source.sizeBytes, source.mode, source.uid, source.gid);
    case "devtmpfs":
      return machine.devtmpfs();
    case "placeholder":
      return machine.tryKernelFilesystem(source.name) ?? machine.tmpfs(4096, 0o555, 0, 0);
    case "bind": {
      const tree = machine.gofer(connections.take(), {
        readonly: source.readonly || source.overlay,
        shared: source.cache === "shared",
        uid,
      });
      return source.overlay ? machine.overlay(memoryUpper(machine), [tree]) : tree;
    }
    case "overlay": {
      const shared = source.cache === "shared";
      const upper =
        source.upper === undefined
          ? memoryUpper(machine)
          : machine.gofer(connections.take(), { readonly: source.readonly, shared, uid });
      const lowers = source.lowers.map(() =>
        machine.gofer(connections.take(), { readonly: true, shared, uid }),
      );
      return machine.overlay(upper, lowers);
    }
  }
}

/** The layer that takes the changes and goes with the sandbox. */
function memoryUpper(machine: Machine): FilesystemHandle {
  return machine.tmpfs(0, 0o755, 0, 0);
}
