// How many connections there may be, and what share of the process's descriptors each may hold.
//
// Connections that are known at the start share all of them evenly. Where others may come, one half is shared so, and the other is
// a pool (host-fs/budget.ts).

import type { MountConfig } from "./config.ts";
import { DescriptorBudget, type DescriptorPool } from "./host-fs/budget.ts";
import { CLIENTS_MAX } from "./listener.ts";

/** What Node itself, the roots and a moment's extra descriptor need. */
const RESERVE = 64;
/** What control connections need, with what has come over them in messages that are not whole. */
const CONTROL_RESERVE = 64;
/** A connection with fewer could not walk a single deep path. */
const DESCRIPTORS_MIN = 32;
/** An attach point has a socket and a root besides. */
const ATTACH_POINT = 2;
/** More attach points than a pod's containers have mounts. Each costs the addresses of an input (arena.ts). */
const ATTACH_POINTS_MAX = 1024;

export class Capacity {
  /** Of each socket that listens. */
  readonly clients: number;
  /** That can be added at a time. */
  readonly attachPoints: number;
  /** Of all kinds together. */
  readonly connections: number;
  /** Each has descriptors enough to work with. */
  readonly isEnough: boolean;
  private readonly own: number;
  private readonly pool: DescriptorPool;

  /** `descriptors`: what the process may have. */
  constructor(descriptors: number, mounts: readonly MountConfig[], isDynamic: boolean) {
    const free = descriptors - RESERVE - mounts.length - (isDynamic ? CONTROL_RESERVE : 0);
    const most = Math.floor(free / (2 * (ATTACH_POINT + DESCRIPTORS_MIN)));
    this.attachPoints = isDynamic ? Math.max(1, Math.min(ATTACH_POINTS_MAX, most)) : 0;
    const held = free - this.attachPoints * ATTACH_POINT;
    const mayGrow = isDynamic || mounts.some(({ listen }) => listen);
    const even = mayGrow ? held >> 1 : held;
    this.clients = Math.max(1, Math.min(CLIENTS_MAX, Math.floor(even / DESCRIPTORS_MIN)));
    const known = mounts.reduce((sum, { listen }) => sum + (listen ? this.clients : 1), 0);
    this.connections = known + this.attachPoints;
    const share = Math.floor(even / this.connections);
    this.isEnough = share >= DESCRIPTORS_MIN;
    this.own = Math.max(share, DESCRIPTORS_MIN);
    this.pool = { free: mayGrow ? Math.max(0, held - this.own * this.connections) : 0 };
  }

  /** Of one connection. */
  budget(): DescriptorBudget {
    return new DescriptorBudget(this.own, this.pool);
  }
}
