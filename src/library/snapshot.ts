// A copy of a sandbox: its files in memory, its mounts, and the descriptors that its owner has open. Programs are not in it.

import type { SandboxPlan } from "./options.ts";
import type { KernelImage } from "./protocol.ts";

const images = new WeakMap<Snapshot, SnapshotContents>();

interface SnapshotContents {
  readonly image: KernelImage;
  readonly plan: SandboxPlan;
}

export class Snapshot {
  /** The sandbox that it is of. */
  readonly sandbox: string;
  /** SHA-256 of the kernel that can go on from it, in hexadecimal digits. */
  readonly kernel: string;
  /** Bytes of memory that it takes. */
  readonly size: number;

  /** Made by Sandbox.snapshot(). */
  constructor(contents: SnapshotContents, kernel: string) {
    this.sandbox = contents.plan.config.id;
    this.kernel = kernel;
    this.size = contents.image.bytes.byteLength;
    images.set(this, contents);
  }
}

/** Undefined for what is no snapshot. */
export function contentsOf(snapshot: unknown): SnapshotContents | undefined {
  return snapshot instanceof Snapshot ? images.get(snapshot) : undefined;
}
