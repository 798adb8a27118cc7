// How many connections there may be, and what share of the process's descriptors each may hold.
//
// Connections that are known at the start share all of them evenly. Where others may come, one half is shared so, and the other is
// a pool (host-fs/budget.ts), of which one that works hard has what many that are idle leave.

import type { MountConfig } from "./config.ts";
import { DescriptorBudget, type DescriptorPool } from "./host-fs/budget.ts";
import { CLIENTS_MAX } from "./listener.ts";

/** What Node itself, the roots and a moment's extra descriptor need. */
const RESERVE = 64;
/** What control connections need, with what has come over them in messages that are not whole. */
const CONTROL_RESERVE = 64;
/** A connection with fewer could not walk a single deep path. */
const DESCRIPTORS_MIN = 32;
/** What each is sure of where some may be added: idle ones hold fewer, and the pool is there for deep paths. */
const DESCRIPTORS_MIN_DYNAMIC = 8;
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
    const listeners = mounts.filter(({ listen }) => listen).length;
    const known = mounts.length - listeners;
    const least = isDynamic ? DESCRIPTORS_MIN_DYNAMIC : DESCRIPTORS_MIN;
    const mayGrow = isDynamic || listeners > 0;
    // As much again is in the pool.
    const cost = mayGrow ? 2 * least : least;
    // What may grow has equal parts of what those that are known leave.
    const part = (free - known * cost) / Math.max(1, listeners + Number(isDynamic));
    this.attachPoints = isDynamic ? atLeastOne(part / (ATTACH_POINT + cost), ATTACH_POINTS_MAX) : 0;
    this.clients = atLeastOne(part / cost, CLIENTS_MAX);
    this.connections = known + listeners * this.clients + this.attachPoints;
    const held = free - this.attachPoints * ATTACH_POINT;
    const share = Math.floor((mayGrow ? held >> 1 : held) / this.connections);
    this.isEnough = share >= least;
    this.own = Math.max(share, least);
    this.pool = { free: mayGrow ? Math.max(0, held - this.own * this.connections) : 0 };
  }

  /** Of one connection. */
  budget(): DescriptorBudget {
    return new DescriptorBudget(this.own, this.pool);
  }
}

function atLeastOne(count: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor(count)));
}
