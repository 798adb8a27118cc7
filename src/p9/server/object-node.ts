// A served object as fids refer to it.

import { S_IFMT } from "../../../assembly/abi/stat.ts";
import type { ServedFile } from "../served-file.ts";
import type { Described } from "./object-attributes.ts";
import { TreeNode } from "./tree-node.ts";

export class ObjectNode extends TreeNode {
  readonly file: ServedFile;
  readonly ino: bigint;

  private readonly onError: (error: unknown) => void;

  /** `onError` is told what the file throws when it is let go of, which nobody else can be. */
  constructor(
    file: ServedFile,
    attributes: Described,
    parent: ObjectNode | null,
    name: Uint8Array,
    onError: (error: unknown) => void,
  ) {
    super(attributes.mode & S_IFMT, parent, name);
    this.onError = onError;
    this.file = file;
    this.ino = attributes.ino;
    file.acquire?.();
  }

  get identity(): string {
    return String(this.ino);
  }

  isSameFile(other: ObjectNode): boolean {
    return other.ino === this.ino;
  }

  protected dispose(): void {
    try {
      this.file.release?.();
    } catch (error) {
      this.onError(error);
    }
  }
}
