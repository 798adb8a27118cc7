// Changes as an archive: the files as they are now, and in an OCI layer what is gone besides (image-spec, layer.md).

import * as stat from "../../../assembly/abi/stat.ts";
import { type TarEntry, type TarType, tarEnd, tarFile } from "../archive/tar-writer.ts";
import { joinPath, parentPath } from "../trees/tree-path.ts";
import { type Change, type FileState, type Layers, reachState, typeOf } from "./change.ts";
import { sessionError } from "./errors.ts";
import { contentOf } from "./file-content.ts";
import { ESCAPED_MARKS, MARKS } from "./layer-marks.ts";
import { shownPath } from "./shown-path.ts";

const WHITEOUT = ".wh.";
const PERMISSION_BITS = 0o7777;
const NANOSECONDS = 1_000_000_000n;
/** Of a device's number as Linux's new_encode_dev() packs it. */
const MAJOR_SHIFT = 8n;

const TYPES = new Map<number, TarType>([
  [stat.S_IFREG, "file"],
  [stat.S_IFDIR, "directory"],
  [stat.S_IFLNK, "symlink"],
  [stat.S_IFIFO, "fifo"],
  [stat.S_IFCHR, "character"],
  [stat.S_IFBLK, "block"],
]);

/** `whiteouts`: what is gone is in it, as files that say so. `warn` takes what no archive has. Errors: WvisorError, ErrnoError. */
export function* exportTar(
  layers: Layers,
  changes: readonly Change[],
  whiteouts: boolean,
  warn: (text: string) => void,
): Generator<Buffer> {
  const gone = goneWithout(changes);
  if (!whiteouts && gone.length > 0) {
    warn(
      `${gone.length} deleted ${gone.length === 1 ? "path is" : "paths are"} not in a tar archive (--format oci-layer has them)`,
    );
  }
  for (const path of whiteouts ? gone : []) yield* tarFile(whiteoutOf(path), []);
  for (const { after, path } of changes) {
    if (after === undefined || path.length === 0) continue;
    const type = TYPES.get(typeOf(after.attributes));
    if (type === undefined) warn(`${shownPath(path)}: sockets are not in archives`);
    else
      yield* tarFile(
        entryOf(layers, path, after, type),
        type === "file" ? wholeContent(layers, path, after) : [],
      );
  }
  yield tarEnd();
}

/** The paths that are gone, but for those below one that is gone or is no directory any more. */
function goneWithout(changes: readonly Change[]): Buffer[] {
  const paths = changes
    .filter(({ kind }) => kind === "deleted" || kind === "renamed")
    .map(({ path, from }) => from ?? path)
    .sort(Buffer.compare);
  const others = changes.filter(
    ({ kind, after }) => kind === "retyped" && typeOf(after!.attributes) !== stat.S_IFDIR,
  );
  const covered = new Set(others.map(({ path }) => path.toString("latin1")));
  const all = new Set([...paths.map((path) => path.toString("latin1")), ...covered]);
  return paths.filter((path) => !hasParentIn(path, all));
}

function hasParentIn(path: Buffer, all: ReadonlySet<string>): boolean {
  const text = path.toString("latin1");
  for (let slash = text.lastIndexOf("/"); slash > 0; slash = text.lastIndexOf("/", slash - 1)) {
    if (all.has(text.slice(0, slash))) return true;
  }
  return false;
}

function whiteoutOf(path: Buffer): TarEntry {
  const [parent, name] = parentPath(path);
  const hidden = joinPath(parent, Buffer.concat([Buffer.from(WHITEOUT), name]));
  return { path: hidden, type: "file", mode: 0o644, uid: 0, gid: 0, size: 0n, mtimeNs: 0n };
}

function entryOf(layers: Layers, path: Buffer, state: FileState, type: TarType): TarEntry {
  const { mode, uid, gid, size, mtimeSeconds, mtimeNanoseconds, rdev } = state.attributes;
  const [, name] = parentPath(path);
  if (name.subarray(0, WHITEOUT.length).toString("latin1") === WHITEOUT) {
    throw sessionError(
      `${shownPath(path)}: in archives names that begin with "${WHITEOUT}" say that something is gone`,
    );
  }
  const file = reachState(layers, state);
  try {
    return {
      path,
      type,
      mode: mode & PERMISSION_BITS,
      uid,
      gid,
      size: type === "file" ? size : 0n,
      mtimeNs: mtimeSeconds * NANOSECONDS + mtimeNanoseconds,
      ...(type === "symlink" ? { target: file.readlink() } : {}),
      ...(type === "character" || type === "block" ? { device: deviceOf(rdev) } : {}),
      xattrs: type === "file" || type === "directory" ? xattrsOf(file) : new Map(),
    };
  } finally {
    file.close();
  }
}

/** Without the overlay's own; a program's that look like these get their names back. */
function xattrsOf(file: ReturnType<typeof reachState>): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of file.listxattr()) {
    if (name.startsWith(MARKS) && !name.startsWith(ESCAPED_MARKS)) continue;
    const value = file.getxattr(name);
    const shown = name.startsWith(ESCAPED_MARKS) ? MARKS + name.slice(ESCAPED_MARKS.length) : name;
    if (value !== undefined) found.set(shown, value);
  }
  return found;
}

function deviceOf(rdev: bigint): { major: number; minor: number } {
  const major = (rdev >> MAJOR_SHIFT) & 0xfffn;
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n);
  return { major: Number(major), minor: Number(minor) };
}

/** An archive that says another length than it has is none. Errors: WvisorError. */
function* wholeContent(layers: Layers, path: Buffer, state: FileState): Generator<Buffer> {
  let length = 0n;
  for (const piece of contentOf(layers, state)) {
    length += BigInt(piece.length);
    yield piece;
  }
  if (length !== state.attributes.size)
    throw sessionError(`${shownPath(path)}: it became shorter while it was read`);
}
