// From a SandboxConfig to file systems: which host trees the gofer serves, and what is mounted where.

import { WvisorError } from "../../common/errors.ts";
import { DEFAULT_TMPFS } from "../config/defaults.ts";
import type {
  KernelFilesystem,
  KernelSource,
  MountConfig,
  MountSource,
  RuntimeConfig,
  SandboxConfig,
} from "../config/sandbox-config.ts";
import { depthOf } from "../config/sandbox-path.ts";
import { MNT_NODEV, MNT_NOEXEC, MNT_NOSUID, MNT_READONLY, MNT_RELATIME } from "../kernel/exports.ts";
import type { GoferMount } from "../sandbox/gofer-process.ts";
import type { FilesystemHandle, Machine, NamespaceHandle, PidsHandle, UtsHandle } from "./machine.ts";
import type { NamespaceHandles } from "./namespaces.ts";
import { SharedVolumes, tmpfsOptions } from "./shared-volumes.ts";

/** What the gofer serves, in the order of its connections: the root's trees, then the mounts', then the runtimes. */
export function goferMounts(config: SandboxConfig): GoferMount[] {
  const sources = [config.root, ...config.mounts.map((mount) => mount.source)];
  return [...sources.flatMap(servedFor), ...config.runtimes.map(({ file }) => serve(file, true))];
}

/** The host's trees that a source consists of: an overlay's upper layer first, then the lower ones from top to bottom. */
function servedFor(source: MountSource): GoferMount[] {
  if (source.type === "bind") return [serve(source.source, source.readonly || source.overlay)];
  if (source.type !== "overlay") return [];
  const upper = source.upper === undefined ? [] : [serve(source.upper, source.readonly)];
  return [...upper, ...source.lowers.map((lower) => serve(lower, true))];
}

function serve(source: string, readonly: boolean): GoferMount {
  return { source, readonly, donate: true };
}

/** Hands out the gofer's connections in the order of goferMounts(). */
class ConnectionCounter {
  #next: number;

  constructor(first: number) {
    this.#next = first;
  }

  /** The first of as many as the source has trees of the host. */
  takeFor(source: MountSource): number {
    return this.take(servedFor(source).length);
  }

  take(count = 1): number {
    const first = this.#next;
    this.#next += count;
    return first;
  }
}

const NO_CONNECTION = -1;

interface PlannedMount {
  readonly mount: MountConfig;
  /** The first of its connections. */
  readonly connection: number;
}

/** Of a container among others. */
export interface MountsPlace {
  /** The number of the first connection; 0 when absent. */
  readonly connection?: number;
  /** Those of the sandbox. */
  readonly volumes?: SharedVolumes | undefined;
  /** The kernel's first ones when absent. */
  readonly namespaces?: NamespaceHandles;
  /** What mountAll() has filled already; made, with its root, when absent. */
  readonly namespace?: NamespaceHandle | undefined;
  /**
   * Has trees of the host served that nobody knew of at the start, and tells the number of the first of their connections; nothing of
   * the host is mounted later when absent.
   */
  readonly connect?: (served: readonly GoferMount[]) => number;
}

/** The mount namespace of a sandbox, with its root from the start and the rest by mountAll(). */
export class SandboxMounts {
  readonly namespace: NamespaceHandle;
  /** What a task that sees these mounts is in besides. */
  readonly others: { readonly pids?: PidsHandle; readonly uts?: UtsHandle };
  readonly #machine: Machine;
  readonly #uid: number;
  readonly #planned: readonly PlannedMount[];
  /** The connections of the files that are to be mounted as runtimes, by these. */
  readonly #runtimes: Map<string, number>;
  readonly #connect: ((served: readonly GoferMount[]) => number) | undefined;
  readonly #mountedRuntimes = new Set<string>();
  readonly #config: SandboxConfig;
  readonly #volumes: SharedVolumes;

  constructor(machine: Machine, config: SandboxConfig, place: MountsPlace = {}) {
    const { connection = 0, volumes = new SharedVolumes(machine), namespaces, connect } = place;
    const connections = new ConnectionCounter(connection);
    this.others = namespaces ?? {};
    const { root, mounts, runtimes } = config;
    this.#config = config;
    this.#volumes = volumes;
    this.#machine = machine;
    this.#uid = config.process.uid;
    const connectionOfRoot = connections.takeFor(root);
    this.namespace = place.namespace ?? this.#makeNamespace(root, connectionOfRoot);
    this.#planned = [...mandatoryMounts(mounts), ...mounts].map((mount) => ({
      mount,
      connection: connections.takeFor(mount.source),
    }));
    this.#runtimes = new Map(runtimes.map((runtime) => [keyOf(runtime), connections.take()]));
    this.#connect = connect;
  }

  #makeNamespace(root: MountSource, connection: number): NamespaceHandle {
    const tree = this.#make(root, connection);
    return this.#machine.namespace(tree, isReadonly(root), deviceOf(root, "/"));
  }

  /** Makes each file system when its turn to be mounted has come: those before the first of the host's wait for no gofer. */
  mountAll(): void {
    for (const { mount, connection } of parentsFirst(this.#planned)) this.#mount(mount, connection);
    const { maskedPaths = [], readonlyPaths = [] } = this.#config;
    for (const path of readonlyPaths) this.#machine.protect(this.namespace, path);
    for (const path of maskedPaths) this.#machine.mask(this.namespace, path);
  }

  /** One more. Errors: WvisorError; also for trees of the host where there is no connect(). */
  mount(mount: MountConfig): void {
    const served = servedFor(mount.source);
    this.#mount(mount, served.length === 0 ? NO_CONNECTION : this.#serve(served, mount.destination));
  }

  #serveRuntimes(offered: readonly RuntimeConfig[], destination: string): void {
    const missing = offered.filter((runtime) => !this.#runtimes.has(keyOf(runtime)));
    const first = this.#serve(
      missing.map(({ file }) => serve(file, true)),
      destination,
    );
    for (const [index, runtime] of missing.entries()) this.#runtimes.set(keyOf(runtime), first + index);
  }

  #serve(served: readonly GoferMount[], destination: string): number {
    if (this.#connect !== undefined) return this.#connect(served);
    throw new WvisorError("ERR_WVISOR_MOUNT", `mount ${destination}: no host directories can be added`);
  }

  #mount(mount: MountConfig, connection: number): void {
    const { destination, source } = mount;
    try {
      const tree = this.#volumes.take(mount) ?? this.#make(source, connection);
      const device = mount.device ?? deviceOf(source, destination);
      this.#machine.mount(this.namespace, tree, destination, flagsOf(mount), device);
    } catch (cause) {
      const message = `mount ${destination}: ${(cause as Error).message}`;
      throw new WvisorError("ERR_WVISOR_MOUNT", message, 125, { cause });
    }
  }

  /** No task is left that sees it: all is unmounted, and what nobody else has mounted is given back. */
  release(): void {
    this.#machine.releaseNamespace(this.namespace);
  }

  /**
   * Mounts a runtime at /usr/local/bin/NAME, unless it is there; returns that path. `offered`: those that may be asked for next, which
   * are then served already. Errors: WvisorError.
   */
  mountRuntime(runtime: RuntimeConfig, offered: readonly RuntimeConfig[] = [runtime]): string {
    const destination = `/usr/local/bin/${runtime.name}`;
    const key = keyOf(runtime);
    if (this.#mountedRuntimes.has(key)) return destination;
    if (!this.#runtimes.has(key)) this.#serveRuntimes(offered, destination);
    const connection = this.#runtimes.get(key)!;
    const tree = this.#machine.gofer(connection, { readonly: true, shared: false, uid: 0 });
    this.#machine.mount(
      this.namespace,
      tree,
      destination,
      MNT_READONLY | MNT_RELATIME,
      goferDevice(destination),
    );
    this.#mountedRuntimes.add(key);
    return destination;
  }

  #make(source: MountSource, connection: number): FilesystemHandle {
    if (source.type === "kernel") {
      return this.#machine.kernelFilesystem(source.name, source.options, this.others.pids);
    }
    return makeFilesystem(this.#machine, source, connection, this.#uid);
  }
}

/** The same name may come to mean another file. */
function keyOf({ name, file }: RuntimeConfig): string {
  return `${name}\0${file}`;
}

/** What every sandbox has: OCI's default file systems (config-linux.md; V21-26, CM-01). */
const MANDATORY: readonly MountConfig[] = [
  {
    destination: "/proc",
    source: kernelSource("proc"),
    flags: MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_RELATIME,
  },
  {
    destination: "/sys",
    source: kernelSource("sysfs"),
    flags: MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_RELATIME,
  },
  { destination: "/dev", source: kernelSource("devtmpfs"), flags: MNT_NOSUID | MNT_NOEXEC | MNT_RELATIME },
  {
    destination: "/dev/pts",
    source: kernelSource("devpts", "newinstance,gid=5,mode=620,ptmxmode=666"),
    flags: MNT_NOSUID | MNT_NOEXEC | MNT_RELATIME,
  },
  {
    destination: "/dev/shm",
    source: DEFAULT_TMPFS,
    device: "shm",
    flags: MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_RELATIME,
  },
];

function kernelSource(name: KernelFilesystem, options = ""): KernelSource {
  return { type: "kernel", name, options, readonly: false };
}

/** The mandatory mounts that the configuration lacks. */
function mandatoryMounts(configured: readonly MountConfig[]): MountConfig[] {
  const given = new Set(configured.map(({ destination }) => destination));
  return MANDATORY.filter(({ destination }) => !given.has(destination));
}

/** Parents before what lies below them (V21-24; there by the length of the text, here by depth); those of one depth as they are. */
function parentsFirst(planned: readonly PlannedMount[]): readonly PlannedMount[] {
  return planned.toSorted((a, b) => depthOf(a.mount.destination) - depthOf(b.mount.destination));
}

function flagsOf({ source, flags = MNT_RELATIME }: MountConfig): number {
  return isReadonly(source) ? flags | MNT_READONLY : flags;
}

function isReadonly(source: MountSource): boolean {
  return source.readonly && !(source.type === "bind" && source.overlay);
}

/** What listings show as mounted there: not where it is on the host, which is none of the program's business. */
function deviceOf(source: MountSource, destination: string): string {
  if (source.type === "kernel") return source.name;
  if (source.type !== "bind") return source.type;
  return source.overlay ? "overlay" : goferDevice(destination);
}

/** gVisor's name for what a connection serves (D18-21). */
function goferDevice(destination: string): string {
  return `9pfs-${destination}`;
}

/** `connection`: the first of those that serve its trees of the host, where it has any. */
function makeFilesystem(
  machine: Machine,
  source: Exclude<MountSource, KernelSource>,
  connection: number,
  uid: number,
): FilesystemHandle {
  switch (source.type) {
    case "tmpfs":
      return machine.tmpfs(tmpfsOptions(source));
    case "bind": {
      const tree = machine.gofer(connection, {
        readonly: source.readonly || source.overlay,
        shared: source.cache === "shared",
        uid,
      });
      return source.overlay ? machine.overlay(memoryUpper(machine, source.overlayBytes), [tree]) : tree;
    }
    case "overlay": {
      const shared = source.cache === "shared";
      const hasUpper = source.upper !== undefined;
      const upper = hasUpper
        ? machine.gofer(connection, { readonly: source.readonly, shared, uid })
        : memoryUpper(machine);
      const firstLower = connection + Number(hasUpper);
      const lowers = source.lowers.map((_lower, index) =>
        machine.gofer(firstLower + index, { readonly: true, shared, uid }),
      );
      return machine.overlay(upper, lowers, source.options);
    }
  }
}

/** The layer that takes the changes and goes with the sandbox. `bytes`: what its files may have; the kernel's own limit when absent. */
export function memoryUpper(machine: Machine, bytes?: number): FilesystemHandle {
  return machine.tmpfs(bytes === undefined ? "mode=755" : `size=${bytes},mode=755`);
}
