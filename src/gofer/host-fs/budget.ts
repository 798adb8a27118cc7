// How many descriptors one connection may hold. Running out is EMFILE for this client; the others do not notice.
//
// The last few are for names alone: a client that has opened all that it may still walks, looks at files and removes them.

const FOR_NAMES = 64;

export class DescriptorBudget {
  used = 0;
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get exhausted(): boolean {
    return this.used >= this.limit;
  }

  /** Whether a file may be opened with `count` more. */
  allowsOpen(count: number): boolean {
    return this.allows(count + Math.min(FOR_NAMES, this.limit >> 4));
  }

  /** Whether `count` more fit. */
  allows(count: number): boolean {
    return this.used + count <= this.limit;
  }
}
