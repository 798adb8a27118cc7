// File systems in memory that the containers of a sandbox share: each is made once, for the first container that names it, and lives
// as long as the sandbox. Every container has a mount of its own, with flags of its own (V21-31, V21-32).

import { WvisorError } from "../../common/errors.ts";
import type { MountConfig, TmpfsSource } from "../config/sandbox-config.ts";
import type { FilesystemHandle, Machine, VolumeHandle } from "./machine.ts";

/** Each keeps its files until the sandbox ends. */
const VOLUMES_MAX = 1024;

export interface KeptVolume {
  readonly source: string;
  readonly options: string;
  readonly volume: VolumeHandle;
}

/** By its name. Can be posted to a worker. */
export type KnownVolume = readonly [name: string, volume: KeptVolume];

export class SharedVolumes {
  readonly #machine: Machine;
  readonly #kept: Map<string, KeptVolume>;

  /** `known`: what the sandbox has already. */
  constructor(machine: Machine, known: readonly KnownVolume[] = []) {
    this.#machine = machine;
    this.#kept = new Map(known);
  }

  /** All of them, for another thread that mounts them from now on. */
  known(): KnownVolume[] {
    return [...this.#kept];
  }

  /**
   * The file system of a mount that is shared, to be mounted; undefined for any other. Errors: WvisorError for a volume that others have
   * with another source or other options (MH-06).
   */
  take({ shared, source }: MountConfig): FilesystemHandle | undefined {
    if (shared === undefined || source.type !== "tmpfs") return undefined;
    const options = tmpfsOptions(source);
    const kept = this.#kept.get(shared.name);
    if (kept === undefined) return this.#keep(shared.name, shared.source, options);
    if (kept.source !== shared.source || kept.options !== options) {
      throw failed(`the shared volume ${shared.name} is ${kept.source} with ${kept.options} already`);
    }
    return this.#machine.volumeRoot(kept.volume);
  }

  #keep(name: string, source: string, options: string): FilesystemHandle {
    if (this.#kept.size >= VOLUMES_MAX) throw failed(`more than ${VOLUMES_MAX} shared volumes`);
    const volume = this.#machine.volume(this.#machine.tmpfs(options));
    this.#kept.set(name, { source, options, volume });
    return this.#machine.volumeRoot(volume);
  }
}

/** The options of a tmpfs as mount(2) takes them. */
export function tmpfsOptions({ sizeBytes, mode, uid, gid, inodes }: TmpfsSource): string {
  const size = sizeBytes === 0 ? "" : `size=${sizeBytes},`;
  const files = inodes === undefined ? "" : `nr_inodes=${inodes},`;
  return `${size}${files}mode=${mode.toString(8)},uid=${uid},gid=${gid}`;
}

function failed(message: string): WvisorError {
  return new WvisorError("ERR_WVISOR_MOUNT", message, 125);
}
