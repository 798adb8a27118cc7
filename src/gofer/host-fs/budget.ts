// How many descriptors one connection may hold. Running out is EMFILE for this client; the others do not notice.
//
// Each connection is sure of a number. Where connections come and go there is a pool besides, of which one may have as much as it
// leaves over: a client alone gets half of it, the second of two greedy ones half of the rest, and so on. So whoever comes always
// finds something, and nothing has to be taken back from anybody. (Dynamic thresholds, as switches share their buffers.)
//
// The last few are for names alone: a client that has opened all that it may still walks, looks at files and removes them.

const FOR_NAMES = 64;

/** What is left of the descriptors that nobody is sure of. */
export interface DescriptorPool {
  free: number;
}

export class DescriptorBudget {
  private used = 0;
  private readonly own: number;
  private readonly pool: DescriptorPool;

  /** `own`: what it is sure of. */
  constructor(own: number, pool: DescriptorPool = { free: 0 }) {
    this.own = own;
    this.pool = pool;
  }

  /** One more is held. */
  take(): void {
    if (++this.used > this.own) this.pool.free--;
  }

  /** One that was taken is closed. */
  release(): void {
    if (this.used-- > this.own) this.pool.free++;
  }

  get exhausted(): boolean {
    return !this.allows(1);
  }

  /** Whether a file may be opened with `count` more. */
  allowsOpen(count: number): boolean {
    return this.allows(count + Math.min(FOR_NAMES, this.limit >> 4));
  }

  /** Whether `count` more fit. */
  allows(count: number): boolean {
    return this.used + count <= this.own || this.used + count <= this.limit;
  }

  private get limit(): number {
    const fromPool = Math.max(0, this.used - this.own);
    return this.own + ((this.pool.free + fromPool) >> 1);
  }
}
