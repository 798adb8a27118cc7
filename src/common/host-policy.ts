// What of the host besides files and directories a gofer may let its client reach, as the command and the gofer name it.

/**
 * Unix sockets of the host with a name in the served trees
 *   none     shown, nothing more
 *   open     the client may connect to them
 */
export const HOST_UDS = ["none", "open"] as const;
export type HostUds = (typeof HOST_UDS)[number];

/** FIFOs of the host: shown, or opened too. */
export const HOST_FIFO = ["none", "open"] as const;
export type HostFifo = (typeof HOST_FIFO)[number];

export interface HostPolicy {
  readonly uds: HostUds;
  readonly fifo: HostFifo;
}

export const FILES_ONLY: HostPolicy = { uds: "none", fifo: "none" };
