// What a container has of its own in the kernel besides its mounts: its process numbers and the names of its system. It may have
// another container's instead.

import type { SandboxConfig } from "../config/sandbox-config.ts";
import type { Machine, PidsHandle, UtsHandle } from "./machine.ts";

export class ContainerNamespaces {
  readonly pids: PidsHandle;
  readonly uts: UtsHandle;
  readonly #machine: Machine;
  readonly #joined: JoinedNamespaces;

  /** `joined`: of containers that have not stopped; their namespaces stay as long as a task made here does. Errors: WvisorError. */
  constructor(machine: Machine, { hostname, domainname }: SandboxConfig, joined: JoinedNamespaces) {
    this.#machine = machine;
    this.#joined = joined;
    this.pids = joined.pids ?? machine.pids();
    this.uts = joined.uts ?? machine.uts();
    if (joined.uts === undefined) machine.setNames(hostname, domainname, this.uts);
  }

  /** Preconditions: no task of the container is left. */
  release(): void {
    if (this.#joined.pids === undefined) this.#machine.releasePids(this.pids);
    if (this.#joined.uts === undefined) this.#machine.releaseUts(this.uts);
  }
}

/** What another container has, borrowed. */
export interface JoinedNamespaces {
  readonly pids?: PidsHandle | undefined;
  readonly uts?: UtsHandle | undefined;
}
