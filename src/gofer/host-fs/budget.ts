// How many descriptors one connection may hold. Running out is EMFILE for this client; the others do not notice.

export class DescriptorBudget {
  used = 0;
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get exhausted(): boolean {
    return this.used >= this.limit;
  }

  /** Whether `count` more fit. */
  allows(count: number): boolean {
    return this.used + count <= this.limit;
  }
}
