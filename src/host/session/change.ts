// What a session's changes are told as, by all commands: one Change for each path that is other than in the base.

import { S_IFMT } from "../../../assembly/abi/stat.ts";
import type { Attributes } from "../../p9/messages.ts";
import type { TreeFile } from "../trees/tree-file.ts";

/**
 * added     there is nothing of this path in the base
 * modified  a file of the same type: other content, or other attributes
 * deleted   nothing of this path is shown any more; each file below a deleted directory has a change of its own
 * renamed   added, and `from` is deleted and the same file, or one with the same content
 * retyped   another type: a file for a link, a directory for a file
 */
export type ChangeKind = "added" | "modified" | "deleted" | "renamed" | "retyped";

export type Layer = "base" | "upper";

/** A file on one of the two sides, and where it can be read. */
export interface FileState {
  readonly layer: Layer;
  /** From the layer's root, without a slash in front; empty for the root itself. */
  readonly path: Buffer;
  readonly attributes: Attributes;
}

export interface Change {
  readonly kind: ChangeKind;
  /** As FileState.path. */
  readonly path: Buffer;
  /** Of what was renamed: its path in the base. */
  readonly from?: Buffer;
  /** In the base: at `from` where that is given, else at `path`. Absent for what is added. */
  readonly before?: FileState;
  /** As programs in the session see it: in the upper layer, or below a renamed directory still in the base. Absent for what is deleted. */
  readonly after?: FileState;
  /** The bytes of the file, or the target of the link, differ between the two. */
  readonly content: boolean;
}

/** The two trees that changes are about. */
export interface Layers {
  readonly base: TreeFile;
  readonly upper: TreeFile;
}

/** S_IF*. */
export function typeOf({ mode }: Attributes): number {
  return mode & S_IFMT;
}

/** The file of a state, which the caller closes. Errors: ErrnoError. */
export function reachState(layers: Layers, { layer, path }: FileState): TreeFile {
  return layers[layer].reach(path);
}
