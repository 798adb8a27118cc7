// Changes as a JSON document, version 1: docs/copy-on-write.md describes it. Fields may be added in this version, none change.

import * as stat from "../../../assembly/abi/stat.ts";
import { type Change, type FileState, typeOf } from "./change.ts";
import { textOf } from "./shown-path.ts";

const VERSION = 1;
const PERMISSION_BITS = 0o7777;
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

const TYPES = new Map<number, string>([
  [stat.S_IFREG, "file"],
  [stat.S_IFDIR, "directory"],
  [stat.S_IFLNK, "symlink"],
  [stat.S_IFIFO, "fifo"],
  [stat.S_IFSOCK, "socket"],
  [stat.S_IFCHR, "character device"],
  [stat.S_IFBLK, "block device"],
]);

/** In pieces of text: there may be millions of changes. */
export function* formatChanges(session: string, base: string, changes: readonly Change[]): Generator<string> {
  const head = JSON.stringify({ version: VERSION, session, base });
  yield `${head.slice(0, -1)},"changes":[`;
  for (const [index, change] of changes.entries()) {
    yield `${index === 0 ? "\n" : ",\n"}${JSON.stringify(describe(change))}`;
  }
  yield "\n]}\n";
}

function describe({ kind, path, from, before, after, content }: Change): object {
  return {
    kind,
    ...named("path", path),
    ...(from === undefined ? {} : named("from", from)),
    type: TYPES.get(typeOf((after ?? before)!.attributes)),
    content,
    before: before === undefined ? null : attributesOf(before),
    after: after === undefined ? null : attributesOf(after),
  };
}

/** Bytes that are no UTF-8 come in base64 besides. */
function named(key: string, path: Buffer): Record<string, string> {
  const text = textOf(path);
  if (text !== undefined) return { [key]: text === "" ? "." : text };
  return { [key]: path.toString("utf8"), [`${key}Bytes`]: path.toString("base64") };
}

function attributesOf({ attributes }: FileState): object {
  const { mode, uid, gid, size, mtimeSeconds, mtimeNanoseconds } = attributes;
  const mtime = mtimeSeconds * 1_000_000_000n + mtimeNanoseconds;
  return {
    type: TYPES.get(typeOf(attributes)),
    mode: (mode & PERMISSION_BITS).toString(8).padStart(4, "0"),
    uid,
    gid,
    size: Number(size),
    mtimeMs: Number(mtime / NANOSECONDS_PER_MILLISECOND),
  };
}
