// How the upper layer of a session says what of the base it hides: overlayfs's marks, as Linux has them with "userxattr"
// (assembly/fs/overlay/own-xattrs.ts writes them).

import { S_IFCHR, S_IFMT, S_IFREG } from "../../../assembly/abi/stat.ts";
import type { Attributes } from "../../p9/messages.ts";
import type { TreeFile } from "../trees/tree-file.ts";

export const MARKS = "user.overlay.";
/** A program's own attribute "user.overlay.x" is in the layer as this and "x". */
export const ESCAPED_MARKS = "user.overlay.overlay.";
const OPAQUE = `${MARKS}opaque`;
const REDIRECT = `${MARKS}redirect`;
const ORIGIN = `${MARKS}origin`;
const WHITEOUT = `${MARKS}whiteout`;
/** Files that the kernel makes before their place is free; one that is left was never seen (assembly/fs/overlay/work.ts). */
const WORK_NAME = /^\.wvisor-[0-9a-f]{16}$/;

export function isWorkName(name: Buffer): boolean {
  return WORK_NAME.test(name.toString("latin1"));
}

/** Whether an entry of an upper directory says that the base's of the same name is gone. */
export function isWhiteout(directory: TreeFile, name: Buffer, { mode, rdev, size }: Attributes): boolean {
  const type = mode & S_IFMT;
  if (type === S_IFCHR) return rdev === 0n;
  if (type !== S_IFREG || size !== 0n) return false;
  return withFile(directory, name, (file) => file.getxattr(WHITEOUT) !== undefined);
}

/** Whether an upper directory hides all that the base has in it. */
export function isOpaque(directory: TreeFile): boolean {
  return directory.getxattr(OPAQUE)?.toString("latin1") === "y";
}

export function setOpaque(directory: TreeFile): void {
  directory.setxattr(OPAQUE, Buffer.from("y"));
}

/** Where the base has what an upper directory shows: a name beside it, or a path from the root that begins with "/". */
export function redirectOf(directory: TreeFile): Buffer | undefined {
  const redirect = directory.getxattr(REDIRECT);
  return redirect === undefined || redirect.length === 0 ? undefined : redirect;
}

/** Of a handle as assembly/fs/overlay/origin.ts makes them: version, magic, length, flags, type, uuid[16], inode number. */
const HANDLE_MAGIC = 0xfb;
const HANDLE_INO = 21;
const HANDLE_LENGTH = 33;
/** The rest of a gofer's number tells devices apart, which another gofer may count otherwise. */
const INO_BITS = 0xffff_ffff_ffffn;

/** The inode number of the base's file that a file of the layer was copied from. */
export function originOf(file: TreeFile): bigint | undefined {
  const handle = file.getxattr(ORIGIN);
  if (handle === undefined || handle.length < HANDLE_LENGTH || handle[1] !== HANDLE_MAGIC) return undefined;
  return handle.readBigUInt64LE(HANDLE_INO) & INO_BITS;
}

export function inodeNumber({ qid }: Attributes): bigint {
  return qid.path & INO_BITS;
}

function withFile<T>(directory: TreeFile, name: Buffer, use: (file: TreeFile) => T): T {
  const file = directory.walk(name);
  try {
    return use(file);
  } finally {
    file.close();
  }
}
