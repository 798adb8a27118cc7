// The bytes of a file on one of the two sides: those of a regular file, and the target of a symbolic link.

import { S_IFLNK, S_IFREG } from "../../../assembly/abi/stat.ts";
import { type FileState, type Layers, reachState, typeOf } from "./change.ts";

/** In pieces. Nothing of files of other types. Errors: ErrnoError. */
export function* contentOf(layers: Layers, state: FileState): Generator<Buffer> {
  const type = typeOf(state.attributes);
  if (type !== S_IFREG && type !== S_IFLNK) return;
  const file = reachState(layers, state);
  try {
    if (type === S_IFLNK) yield file.readlink();
    else yield* file.open().pieces(state.attributes.size);
  } finally {
    file.close();
  }
}

/** Whether two files of the same type have the same bytes; of others, whether they are the same device. Errors: ErrnoError. */
export function hasSameContent(layers: Layers, a: FileState, b: FileState): boolean {
  if (a.layer === b.layer && a.path.equals(b.path)) return true;
  const type = typeOf(a.attributes);
  if (type !== S_IFREG && type !== S_IFLNK) return a.attributes.rdev === b.attributes.rdev;
  if (a.attributes.size !== b.attributes.size) return false;
  const [left, right] = [contentOf(layers, a), contentOf(layers, b)];
  try {
    return hasSamePieces(left, right);
  } finally {
    left.return(undefined);
    right.return(undefined);
  }
}

/** Pieces of one server may be shorter than those of the other. */
function hasSamePieces(left: Iterator<Buffer>, right: Iterator<Buffer>): boolean {
  let a = next(left);
  let b = next(right);
  while (a !== undefined && b !== undefined) {
    const length = Math.min(a.length, b.length);
    if (!a.subarray(0, length).equals(b.subarray(0, length))) return false;
    a = a.length > length ? a.subarray(length) : next(left);
    b = b.length > length ? b.subarray(length) : next(right);
  }
  return a === b;
}

function next(pieces: Iterator<Buffer>): Buffer | undefined {
  const { value, done } = pieces.next();
  return done === true ? undefined : value;
}
