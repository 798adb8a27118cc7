// An archive of strangers as the changes of a session that has none yet. First all of it is looked at, then it is written.
//
// Its names are taken from the session's directory: none leaves it, none leads through a link, in the archive or in the base.

import { O_EXCL, O_WRONLY } from "../../../assembly/abi/fcntl.ts";
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT } from "../../../assembly/abi/stat.ts";
import { ArchiveError, type ReadAt, type ReadEntry, readTar } from "../archive/tar-reader.ts";
import { removeTree } from "../trees/remove-tree.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { parentPath, splitPath } from "../trees/tree-path.ts";
import type { Layers } from "./change.ts";
import { isWhiteout, MARKS, setOpaque } from "./layer-marks.ts";
import { shownPath } from "./shown-path.ts";

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const NAME_MAX = 255;
const PATH_MAX = 4095;
const DEPTH_MAX = 1024;
const ENTRIES_MAX = 2_000_000;
const PIECE = 1 << 20;

export interface ImportOptions {
  /** Owners are those of the archive: for root. */
  readonly owners: boolean;
}

/** Returns how many entries it took. Errors: ArchiveError before anything is written; ErrnoError. */
export function importTar(layers: Layers, read: ReadAt, end: bigint, options: ImportOptions): number {
  let count = 0;
  for (const entry of readTar(read, end)) {
    checkEntry(entry);
    if (++count > ENTRIES_MAX) throw new ArchiveError(`more than ${ENTRIES_MAX} files`);
  }
  const directories: ReadEntry[] = [];
  for (const entry of readTar(read, end)) {
    place(layers, entry, read, options);
    if (entry.type === "directory") directories.push(entry);
  }
  // What was made in them has changed their times, and may not have been allowed with their modes.
  for (const entry of directories.reverse()) {
    const directory = layers.upper.reach(relativePath(entry.path));
    try {
      finish(directory, entry, options);
    } finally {
      directory.close();
    }
  }
  return count;
}

function refused(path: Buffer, reason: string): ArchiveError {
  return new ArchiveError(`${shownPath(path)}: ${reason}`);
}

function checkEntry({ path, type, target, xattrs }: ReadEntry): void {
  checkName(path, path);
  if (relativePath(path).toString("latin1") === OPAQUE)
    throw refused(path, "the whole directory cannot be hidden");
  if (type === "character" || type === "block") throw refused(path, "devices are not taken");
  if (type === "link") checkName(path, target!);
  if (type === "symlink" && leaves(path, target!))
    throw refused(path, "a link that leads out of the directory");
  for (const name of xattrs?.keys() ?? []) {
    if (name.startsWith(MARKS)) throw refused(path, `the attribute ${name} is the overlay's own`);
  }
}

/** Of an entry, or of what a hard link in it names. */
function checkName(entry: Buffer, path: Buffer): void {
  if (path.length === 0 || path.includes(0)) throw refused(entry, "a name that is none");
  if (path[0] === 0x2f) throw refused(entry, "an absolute name");
  if (path.length > PATH_MAX) throw refused(entry, "its path is too long");
  const names = splitPath(path);
  if (names.length > DEPTH_MAX) throw refused(entry, "too many directories above each other");
  for (const name of names) {
    if (Buffer.from(name).equals(Buffer.from(".."))) throw refused(entry, "a name with ..");
    if (name.length > NAME_MAX) throw refused(entry, "a name that is too long");
  }
}

function leaves(path: Buffer, target: Buffer): boolean {
  if (target.length === 0 || target[0] === 0x2f) return true;
  let depth = splitPath(relativePath(path)).length - 1;
  for (const name of splitPath(target)) {
    const text = Buffer.from(name).toString("latin1");
    if (text === "..") depth--;
    else if (text !== "." && text !== "") depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** Without "." and empty names in it. */
function relativePath(path: Buffer): Buffer {
  const names = splitPath(path).filter((name) => name.length > 0 && !(name.length === 1 && name[0] === 0x2e));
  return Buffer.concat(names.flatMap((name, index) => (index === 0 ? [name] : [Buffer.from("/"), name])));
}

/** A directory of the layer, and the base's that shows through it. */
interface Place {
  readonly upper: TreeFile;
  readonly base: TreeFile | undefined;
}

function place(layers: Layers, entry: ReadEntry, read: ReadAt, options: ImportOptions): void {
  const path = relativePath(entry.path);
  if (path.length === 0) return;
  const [parent, name] = parentPath(path);
  const directory = enterAll(layers, parent, entry.path);
  try {
    const text = name.toString("latin1");
    if (text === OPAQUE) setOpaque(directory.upper);
    else if (text.startsWith(WHITEOUT)) hide(directory, name.subarray(WHITEOUT.length));
    else if (entry.type === "directory") enter(directory, name, entry.path, true).close();
    else placeFile(layers, directory, name, entry, read, options);
  } finally {
    closePlace(directory);
  }
}

/** Makes the directories on the way where the layer has none. */
function enterAll(layers: Layers, path: Buffer, entry: Buffer): Place {
  let at: Place = { upper: layers.upper.walk(), base: layers.base.walk() };
  for (const name of splitPath(path)) {
    const parent = at;
    try {
      const upper = enter(parent, Buffer.from(name), entry, false);
      const shown = parent.base?.find(name);
      if (shown !== undefined && !shown.isDirectory) shown.close();
      at = { upper, base: shown?.isDirectory ? shown : undefined };
    } finally {
      closePlace(parent);
    }
  }
  return at;
}

/** A directory of the layer, made if it is not there. `replaces`: what is no directory goes. */
function enter({ upper, base }: Place, name: Buffer, entry: Buffer, replaces: boolean): TreeFile {
  const there = upper.find(name);
  if (there?.isDirectory) return there;
  const wasHidden = there !== undefined && isWhiteout(upper, name, there.attributes);
  there?.close();
  const shown = there === undefined ? base?.find(name) : undefined;
  shown?.close();
  const isInTheWay = (there !== undefined && !wasHidden) || (shown !== undefined && !shown.isDirectory);
  if (isInTheWay && !replaces) throw refused(entry, "what is above it is no directory");
  if (there !== undefined) removeTree(upper, name);
  const mode = shown?.isDirectory ? shown.attributes.mode & 0o7777 : 0o755;
  upper.mkdir(name, mode);
  const made = upper.walk(name);
  if (wasHidden) setOpaque(made);
  return made;
}

/** A whiteout is for what the base has: what the archive itself has of that name stays. */
function hide({ upper, base }: Place, name: Buffer): void {
  const there = upper.find(name);
  if (there !== undefined) {
    if (there.isDirectory) setOpaque(there);
    there.close();
    return;
  }
  const shown = base?.find(name);
  shown?.close();
  if (shown !== undefined) upper.mknod(name, S_IFCHR);
}

function placeFile(
  layers: Layers,
  { upper }: Place,
  name: Buffer,
  entry: ReadEntry,
  read: ReadAt,
  options: ImportOptions,
): void {
  removeTree(upper, name);
  const { type, target } = entry;
  if (type === "link") {
    linkFile(layers, upper, name, entry);
    return;
  }
  if (type === "symlink") upper.symlink(name, target!);
  else if (type === "fifo") upper.mknod(name, S_IFIFO | 0o600);
  else {
    const file = upper.create(name, 0o600, O_WRONLY | O_EXCL);
    try {
      for (let done = 0n; done < entry.size; ) {
        const left = entry.size - done;
        const piece = read(entry.position + done, left < BigInt(PIECE) ? Number(left) : PIECE);
        if (piece.length === 0) throw refused(entry.path, "the archive became shorter");
        file.writeAll(done, piece);
        done += BigInt(piece.length);
      }
    } finally {
      file.close();
    }
  }
  const made = upper.walk(name);
  try {
    finish(made, entry, options);
  } finally {
    made.close();
  }
}

/** Another name for a file that the archive had before. */
function linkFile({ upper: root }: Layers, upper: TreeFile, name: Buffer, { path, target }: ReadEntry): void {
  let source: TreeFile;
  try {
    source = root.reach(relativePath(target!));
  } catch {
    throw refused(path, `a link to ${shownPath(target!)}, which the archive does not have in front of it`);
  }
  try {
    if ((source.attributes.mode & S_IFMT) === S_IFDIR) throw refused(path, "a hard link to a directory");
    upper.link(name, source);
  } finally {
    source.close();
  }
}

function finish(
  file: TreeFile,
  { type, mode, uid, gid, mtimeNs, xattrs }: ReadEntry,
  { owners }: ImportOptions,
): void {
  if (owners) file.setattr({ uid, gid });
  for (const [name, value] of xattrs ?? []) if (type !== "symlink") file.setxattr(name, value);
  file.setattr({ mtimeNs, ...(type === "symlink" ? {} : { mode }) });
}

function closePlace({ upper, base }: Place): void {
  upper.close();
  base?.close();
}
