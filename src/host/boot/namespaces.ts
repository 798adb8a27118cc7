// What a container has of its own in the kernel besides its mounts: its process numbers and the names of its system. It may have
// another container's instead.

import type { SandboxConfig } from "../config/sandbox-config.ts";
import type { Machine, PidsHandle, UtsHandle } from "./machine.ts";

/** Can be posted to a worker. */
export interface NamespaceHandles {
  readonly pids: PidsHandle;
  readonly uts: UtsHandle;
}

export class ContainerNamespaces implements NamespaceHandles {
  readonly pids: PidsHandle;
  readonly uts: UtsHandle;
  readonly #machine: Machine;

  /** `joined`: of containers that have not stopped; they may do so afterwards. Errors: WvisorError. */
  constructor(machine: Machine, { hostname, domainname }: SandboxConfig, joined: JoinedNamespaces) {
    this.#machine = machine;
    this.pids = joined.pids === undefined ? machine.pids() : machine.holdPids(joined.pids);
    this.uts = joined.uts === undefined ? machine.uts() : machine.holdUts(joined.uts);
    if (joined.uts === undefined) machine.setNames(hostname, domainname, this.uts);
  }

  /** Preconditions: no task of the container is left. */
  release(): void {
    this.#machine.releasePids(this.pids);
    this.#machine.releaseUts(this.uts);
  }
}

/** What another container has, borrowed. */
export interface JoinedNamespaces {
  readonly pids?: PidsHandle | undefined;
  readonly uts?: UtsHandle | undefined;
}
