// What a session says of itself: session.json in its directory. It is read as a stranger's: users edit files.

import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DocumentError, parseDocument, readFileText } from "../spec/json-document.ts";

const FILE = "session.json";
const VERSION = 1;
/** Starts of programs that are kept; the oldest are forgotten first. */
export const RUNS_MAX = 1000;

export interface SessionRecord {
  /** The directory that the changes are of. */
  readonly base: { readonly path: string; readonly dev: string; readonly ino: string };
  /** When it was made, as in ISO 8601. */
  readonly created: string;
  /** Of the wVisor that made it. */
  readonly wvisor: string;
  /** When programs were started in it, in nanoseconds since 1970, ascending. */
  readonly runs: readonly string[];
}

/** Errors: DocumentError, which does not name the file. */
export function readSessionRecord(directory: string): SessionRecord {
  const value = parseDocument(readFileText(join(directory, FILE)));
  const document = asObject(value, "");
  if (document.version !== VERSION) {
    throw new DocumentError(
      `version ${JSON.stringify(document.version)}, where this wVisor knows ${VERSION}`,
    );
  }
  const base = asObject(document.base, "base: ");
  const runs = document.runs;
  if (!Array.isArray(runs) || runs.length > RUNS_MAX) throw new DocumentError("runs: not a list of times");
  const path = asText(base.path, "base.path");
  if (!path.startsWith("/")) throw new DocumentError("base.path: not an absolute path");
  return {
    base: { path, dev: asNumber(base.dev, "base.dev"), ino: asNumber(base.ino, "base.ino") },
    created: asText(document.created, "created"),
    wvisor: asText(document.wvisor, "wvisor"),
    runs: runs.map((run, index) => asNumber(run, `runs[${index}]`)),
  };
}

/** Whole or not at all. Errors: those of node:fs. */
export function writeSessionRecord(directory: string, record: SessionRecord): void {
  const file = join(directory, FILE);
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify({ version: VERSION, ...record }, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

function asObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new DocumentError(`${where}not an object`);
}

function asText(value: unknown, where: string): string {
  if (typeof value === "string" && value.length > 0) return value;
  throw new DocumentError(`${where}: not a text`);
}

function asNumber(value: unknown, where: string): string {
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return value;
  throw new DocumentError(`${where}: not a number in a text`);
}
