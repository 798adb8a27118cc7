// What statfs(2) answers, as node:fs shows it.

type Value = number | bigint;

export class StatFs {
  readonly type: Value;
  readonly bsize: Value;
  readonly blocks: Value;
  readonly bfree: Value;
  readonly bavail: Value;
  readonly files: Value;
  readonly ffree: Value;

  /** In the order of the fields. */
  constructor(words: readonly Value[]) {
    [this.type, this.bsize, this.blocks, this.bfree, this.bavail, this.files, this.ffree] = words as [
      Value,
      Value,
      Value,
      Value,
      Value,
      Value,
      Value,
    ];
  }
}
