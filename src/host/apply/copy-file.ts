// One file as it is, made again in another tree: its type, bytes, permissions, owner as far as that is allowed, extended attributes
// and the time when it was changed.

import { EOPNOTSUPP, EPERM } from "../../../assembly/abi/errno.ts";
import { O_RDONLY, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../../assembly/abi/stat.ts";
import { ErrnoError } from "../../common/errors.ts";
import { ESCAPED_MARKS, MARKS } from "../session/layer-marks.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { seenOf } from "./seen.ts";

const PERMISSION_BITS = 0o7777;
/** Nobody else reads or runs what is not whole. */
const DRAFT_MODE = 0o600;
const DRAFT_DIRECTORY_MODE = 0o700;

export interface CopyOptions {
  /** The file is of the session's layer, whose marks stay there. */
  readonly isLayer: boolean;
  /** Its bytes are on the disk when this is done. */
  readonly sync: boolean;
}

/** Makes `name`, which is free, in `directory`. On failure nothing of it stays. Errors: ErrnoError. */
export function copyFile(from: TreeFile, directory: TreeFile, name: Buffer, options: CopyOptions): void {
  const type = from.attributes.mode & S_IFMT;
  if (type === S_IFDIR) directory.mkdir(name, DRAFT_DIRECTORY_MODE);
  else if (type === S_IFLNK) directory.symlink(name, from.readlink());
  else if (type !== S_IFREG) directory.mknod(name, type | DRAFT_MODE);
  try {
    if (type === S_IFREG) copyData(from, directory, name, options);
    const made = directory.walk(name);
    try {
      if (type !== S_IFDIR) copyAttributes(from, made, options.isLayer);
    } finally {
      made.close();
    }
  } catch (error) {
    removeDraft(directory, name, type === S_IFDIR);
    throw error;
  }
}

/** Errors are those of what went before: it may be that nothing was made. */
function removeDraft(directory: TreeFile, name: Buffer, isDirectory: boolean): void {
  try {
    directory.unlink(name, isDirectory);
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
  }
}

function copyData(
  from: TreeFile,
  directory: TreeFile,
  name: Buffer,
  { sync }: Pick<CopyOptions, "sync">,
): void {
  const source = from.walk();
  try {
    source.open(O_RDONLY);
    const target = directory.create(name, DRAFT_MODE, O_WRONLY);
    try {
      let at = 0n;
      let end = 0n;
      for (const piece of source.pieces(from.attributes.size)) {
        // Holes stay holes.
        if (!isZero(piece)) {
          target.writeAll(at, piece);
          end = at + BigInt(piece.length);
        }
        at += BigInt(piece.length);
      }
      if (end < at) target.setattr({ size: at });
      if (sync) target.fsync();
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}

function isZero(piece: Buffer): boolean {
  return piece[0] === 0 && piece.subarray(1).equals(piece.subarray(0, -1));
}

/** All but the bytes. A directory's time is none that would stay: whoever makes entries in it sets it. */
export function copyAttributes(from: TreeFile, to: TreeFile, isLayer: boolean): void {
  const { mode, uid, gid } = from.attributes;
  const isOwners = to.attributes.uid === uid && to.attributes.gid === gid;
  // An ordinary user's files are the user's.
  if (!isOwners) allowRefusal(() => to.setattr({ uid, gid }));
  if ((mode & S_IFMT) !== S_IFLNK) {
    copyXattrs(from, to, isLayer);
    to.setattr({ mode: mode & PERMISSION_BITS });
  }
  to.setattr({ mtimeNs: seenOf(from.attributes).mtimeNs });
}

function copyXattrs(from: TreeFile, to: TreeFile, isLayer: boolean): void {
  const wanted = new Map<string, string>();
  for (const name of from.listxattr()) {
    const shown = isLayer ? shownName(name) : name;
    if (shown !== undefined) wanted.set(shown, name);
  }
  for (const name of to.listxattr()) {
    // What a directory gives its new files, as a list of those who may read them.
    if (!wanted.has(name)) allowRefusal(() => to.removexattr(name), isPrivileged(name));
  }
  for (const [name, source] of wanted) {
    const value = from.getxattr(source);
    if (value !== undefined) allowRefusal(() => to.setxattr(name, value), isPrivileged(name));
  }
}

/** What an attribute of the layer is called in the session; undefined for one that the session does not show. */
function shownName(name: string): string | undefined {
  if (name.startsWith(ESCAPED_MARKS)) return `${MARKS}${name.slice(ESCAPED_MARKS.length)}`;
  return name.startsWith(MARKS) ? undefined : name;
}

function isPrivileged(name: string): boolean {
  return !name.startsWith("user.");
}

/** What only root may do is left out for others. */
function allowRefusal(run: () => void, isAllowed = true): void {
  try {
    run();
  } catch (error) {
    const isRefusal = error instanceof ErrnoError && [EPERM, EOPNOTSUPP].includes(error.value);
    if (!isRefusal || !isAllowed) throw error;
  }
}
