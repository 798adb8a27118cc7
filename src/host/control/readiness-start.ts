// What the two threads of readiness.ts share.

/** The helper's slot for the events. */
export const READINESS_SLOT = 13;

/** States of the gate: the worker waits for descriptors, or for the event loop to have dealt with them. */
export const WAITING = 0;
export const BUSY = 1;

export interface ReadinessStart {
  readonly epollFd: number;
  readonly gate: SharedArrayBuffer;
}
