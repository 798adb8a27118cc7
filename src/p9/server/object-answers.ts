// What served files answer, checked: they are other people's code.

import { ERANGE } from "../../../assembly/abi/errno.ts";
import { NAME_MAX } from "../../../assembly/abi/limits.ts";
import { S_IFMT } from "../../../assembly/abi/stat.ts";
import { XATTR_SIZE_MAX } from "../../../assembly/abi/xattr.ts";
import type { Awaitable, FileSystemStatus, ServedEntry, ServedFile } from "../served-file.ts";
import { refusal } from "./refusal.ts";

const U32_END = 2 ** 32;

/** Of an extended attribute, or a list of their names. */
export function checkValue(value: Uint8Array): Uint8Array {
  if (value.length > XATTR_SIZE_MAX) throw refusal(ERANGE);
  return value;
}

/** Throws for what no file system can say. */
export function checkStatus(status: FileSystemStatus): FileSystemStatus {
  const { type = 0, bsize, blocks, bfree, files = 0, ffree = 0 } = status;
  const is32 = [type, bsize].every((value) => Number.isInteger(value) && value >= 0 && value < U32_END);
  if (!is32 || ![blocks, bfree, files, ffree].every((count) => Number.isSafeInteger(count) && count >= 0))
    throw new Error("a served file has an impossible file system");
  return status;
}

/** What entries() gave, when all of it is there. */
export function listOf(
  entries: NonNullable<ReturnType<NonNullable<ServedFile["entries"]>>>,
): Awaitable<Iterable<ServedEntry>> {
  return Symbol.asyncIterator in entries ? collect(entries) : entries;
}

async function collect(entries: AsyncIterable<ServedEntry>): Promise<ServedEntry[]> {
  const all: ServedEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

/** Throws for an entry that no directory has. */
export function checkEntry(entry: ServedEntry): ServedEntry {
  const name = Buffer.from(entry.name as string);
  const isName = name.length > 0 && name.length <= NAME_MAX && !name.includes(0) && !name.includes("/");
  if (!isName || (entry.type & ~S_IFMT) !== 0) throw new Error("an entry has no name, or no type");
  return { name, ino: BigInt(entry.ino), type: entry.type };
}

/** A count that an object gave, no larger than what was asked for. */
export function bounded(count: number, limit: number): number {
  if (!Number.isInteger(count) || count < 0 || count > limit)
    throw new Error(`read or wrote ${count} of ${limit} bytes`);
  return count;
}
