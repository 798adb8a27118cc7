// What of a session's changes git's patches can say: files and links, with their bytes and whether they can be executed.

import { S_IFDIR, S_IFLNK, S_IFREG } from "../../../assembly/abi/stat.ts";
import { type Change, type FileState, type Layers, typeOf } from "./change.ts";
import { sessionError } from "./errors.ts";
import { contentOf } from "./file-content.ts";
import { diffLines, type LineEdit, splitLines } from "./line-diff.ts";
import { shownPath } from "./shown-path.ts";

/** A patch has all of a file in it, and all of it is in memory while it is written. */
const FILE_MAX = 256n << 20n;
/** Larger ones are told as binary ones. */
const TEXT_MAX = 16 << 20;
/** As far as git looks for a zero byte. */
const PROBE_BYTES = 8000;
const EXECUTE = 0o100;
const PERMISSION_BITS = 0o7777;
const NOTHING = Buffer.alloc(0);

/** One side of a file in a patch. */
export interface PatchSide {
  readonly path: Buffer;
  /** git's: "100644", "100755", "120000". */
  readonly mode: string;
  readonly content: Buffer;
}

/** A file that was changed, made (no `before`), removed (no `after`) or renamed (their paths differ). */
export interface PatchFile {
  readonly before: PatchSide | undefined;
  readonly after: PatchSide | undefined;
  readonly isBinary: boolean;
  /** Of text: how the one becomes the other. */
  readonly edits: readonly LineEdit[];
}

/** What a patch has of a change: two files where the type is another one; none of directories and devices. Errors: WvisorError. */
export function* patchFilesOf(layers: Layers, change: Change): Generator<PatchFile> {
  const { kind, path, from, before, after } = change;
  const old = before && sideOf(layers, from ?? path, before);
  const now = after && sideOf(layers, path, after);
  if (kind === "retyped" || (old === undefined) !== (now === undefined)) {
    if (old !== undefined) yield compare(old, undefined);
    if (now !== undefined) yield compare(undefined, now);
  } else if (old !== undefined && now !== undefined) {
    const isSame = kind === "modified" && old.mode === now.mode && old.content.equals(now.content);
    if (!isSame) yield compare(old, now);
  }
}

function sideOf(layers: Layers, path: Buffer, state: FileState): PatchSide | undefined {
  const mode = gitMode(state);
  if (mode === undefined) return undefined;
  if (state.attributes.size > FILE_MAX) {
    const most = `${FILE_MAX >> 20n} MiB, and larger than a file in a patch may be`;
    throw sessionError(`${shownPath(path)}: more than ${most} ('wvisor export --format tar' takes it)`);
  }
  return { path, mode, content: Buffer.concat([...contentOf(layers, state)]) };
}

function gitMode({ attributes }: FileState): string | undefined {
  const type = typeOf(attributes);
  if (type === S_IFLNK) return "120000";
  if (type !== S_IFREG) return undefined;
  return attributes.mode & EXECUTE ? "100755" : "100644";
}

function compare(before: PatchSide | undefined, after: PatchSide | undefined): PatchFile {
  const [old, now] = [before?.content ?? NOTHING, after?.content ?? NOTHING];
  const isBinary = isBinaryContent(old) || isBinaryContent(now);
  const edits = isBinary || old.equals(now) ? [] : diffLines(splitLines(old), splitLines(now));
  return { before, after, isBinary, edits };
}

function isBinaryContent(content: Buffer): boolean {
  return content.length > TEXT_MAX || content.subarray(0, PROBE_BYTES).includes(0);
}

/** What of the changes no patch can say, in words for a warning; undefined when there is nothing. */
export function lostInPatch(changes: readonly Change[]): string | undefined {
  const withFiles = new Set(changes.flatMap(parentsOfFile));
  let [directories, devices, modes] = [0, 0, 0];
  for (const { path, before, after } of changes) {
    const state = (after ?? before)!;
    const type = typeOf(state.attributes);
    const isPair = before !== undefined && after !== undefined && typeOf(before.attributes) === type;
    if (type === S_IFDIR) {
      if (isPair ? !hasSameBits(before, after) : !withFiles.has(path.toString("latin1"))) directories++;
    } else if (gitMode(state) === undefined) devices++;
    else if (isPair && type === S_IFREG && !hasSameBits(before, after) && gitMode(before) === gitMode(after))
      modes++;
  }
  const parts = [
    count(directories, "directory alone", "directories alone"),
    count(devices, "special file", "special files"),
    count(modes, "permission besides that to execute", "permissions besides that to execute"),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : `a patch cannot say all of it: ${parts.join(", ")}`;
}

function hasSameBits(before: FileState, after: FileState): boolean {
  return (before.attributes.mode & PERMISSION_BITS) === (after.attributes.mode & PERMISSION_BITS);
}

/** The directories that a patch makes or removes with the file. */
function parentsOfFile({ path, from, before, after }: Change): string[] {
  const parents: string[] = [];
  for (const [at, state] of [
    [path, after],
    [from ?? path, before],
  ] as const) {
    if (state === undefined || gitMode(state) === undefined) continue;
    const text = at.toString("latin1");
    for (let slash = text.lastIndexOf("/"); slash > 0; slash = text.lastIndexOf("/", slash - 1)) {
      parents.push(text.slice(0, slash));
    }
  }
  return parents;
}

function count(number: number, one: string, many: string): string | undefined {
  if (number === 0) return undefined;
  return number === 1 ? `1 ${one}` : `${number} ${many}`;
}
