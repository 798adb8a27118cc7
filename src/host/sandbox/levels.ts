// Which level of confinement a command asks for by itself.

import type { Confinement } from "../../common/confinement.ts";

/** What `run` must reach unless it is told otherwise: as root, which a container's gofer must not be on the host. */
export function containerConfinement(uid: number): Confinement | undefined {
  return uid === 0 ? "native+ns" : undefined;
}
