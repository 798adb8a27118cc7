// The journal of an apply or an undo: what is to be done, written before anything is, and how far it has come.
//
// Lines of JSON, of which each begins with a digest of itself and the one before: a line that was being written when the machine or
// the process stopped is told from a whole one, and so is one that somebody edited. It is read as a stranger's.
//
//   begin      whose files the temporary ones are
//   operation  one for each, in their order; then planned: nothing was done before this line
//   staged     numbers of operations whose new files are ready beside their places, with their inode numbers
//   done       numbers of operations that are done, with what is there now
//   finished   the session shows none of these changes any more

import { createHash } from "node:crypto";
import { O_RDWR } from "../../../assembly/abi/fcntl.ts";
import { sessionError } from "../session/errors.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { OPERATION_KINDS, type Operation, type OperationKind, type Source } from "./operation.ts";
import type { Seen } from "./seen.ts";

export const JOURNAL = Buffer.from("journal");
const VERSION = 1;
const DIGEST_LENGTH = 16;
/** Two million operations with long paths. */
const JOURNAL_MAX = 1n << 30n;
const LINES_AT_ONCE = 1000;
const CREATE_MODE = 0o600;
const MODE_MAX = 0o177777;
const ID_MAX = 0xffff_ffff;

export interface Progress {
  readonly id: string;
  /** The session has no other changes than these. */
  readonly isWhole: boolean;
  readonly operations: readonly Operation[];
  /** Inode numbers of what was made for them, by the operations' numbers. */
  readonly staged: Map<number, bigint>;
  /** What they have left; null for nothing. */
  readonly done: Map<number, Seen | null>;
  isFinished: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

export class Journal {
  readonly progress: Progress;
  readonly #file: TreeFile;
  #end: number;
  #digest: string;

  private constructor(file: TreeFile, progress: Progress, end: number, digest: string) {
    this.#file = file;
    this.progress = progress;
    this.#end = end;
    this.#digest = digest;
  }

  /** Writes a plan to a directory that has no journal. Errors: ErrnoError. */
  static create(
    directory: TreeFile,
    id: string,
    isWhole: boolean,
    operations: readonly Operation[],
  ): Journal {
    const file = directory.create(JOURNAL, CREATE_MODE, O_RDWR);
    const progress = { id, isWhole, operations, staged: new Map(), done: new Map(), isFinished: false };
    const journal = new Journal(file, progress, 0, "");
    const lines = operations.map((operation) => ({ operation: encodeOperation(operation) }));
    journal.#append([{ begin: { version: VERSION, id, isWhole } }, ...lines, { planned: operations.length }]);
    file.fsync();
    return journal;
  }

  /** Undefined when nothing was begun: there is none, or not a whole plan. Errors: WvisorError for one that is none of ours. */
  static open(directory: TreeFile, name: string): Journal | undefined {
    const found = directory.find(JOURNAL);
    if (found === undefined) return undefined;
    const file = found.open(O_RDWR);
    if (file.attributes.size > JOURNAL_MAX) throw wrong(name, "is too long");
    const text = Buffer.concat([...file.pieces(file.attributes.size)]);
    const { lines, end, digest } = wholeLines(text);
    const progress = readProgress(lines, name);
    if (progress === undefined) {
      if (end < text.length && text.subarray(end).includes(0x0a)) throw wrong(name, "was edited");
      file.close();
      return undefined;
    }
    if (text.subarray(end).includes(0x0a)) throw wrong(name, "was edited");
    file.setattr({ size: BigInt(end) });
    return new Journal(file, progress, end, digest);
  }

  staged(made: ReadonlyMap<number, bigint>): void {
    for (const [number, ino] of made) this.progress.staged.set(number, ino);
    this.#append([{ staged: [...made].map(([number, ino]) => [number, String(ino)]) }]);
    this.#file.fsync();
  }

  done(left: ReadonlyMap<number, Seen | null>): void {
    if (left.size === 0) return;
    for (const [number, seen] of left) this.progress.done.set(number, seen);
    this.#append([{ done: [...left].map(([number, seen]) => [number, seen && encodeSeen(seen)]) }]);
  }

  finished(): void {
    this.progress.isFinished = true;
    this.#append([{ finished: true }]);
    this.#file.fsync();
  }

  close(): void {
    this.#file.close();
  }

  #append(records: readonly Fields[]): void {
    for (let at = 0; at < records.length; at += LINES_AT_ONCE) {
      const lines = records.slice(at, at + LINES_AT_ONCE).map((record) => this.#line(record));
      const bytes = Buffer.from(lines.join(""), "latin1");
      this.#file.writeAll(this.#end, bytes);
      this.#end += bytes.length;
    }
  }

  #line(record: Fields): string {
    const text = JSON.stringify(record);
    this.#digest = digestOf(this.#digest, text);
    return `${this.#digest} ${text}\n`;
  }
}

function digestOf(before: string, text: string): string {
  return createHash("sha256").update(before).update(text, "latin1").digest("hex").slice(0, DIGEST_LENGTH);
}

/** The lines up to the first that is not whole. Paths may have any bytes, which JSON has as characters below 256. */
export function wholeLines(text: Buffer): { lines: unknown[]; end: number; digest: string } {
  const lines: unknown[] = [];
  let digest = "";
  let at = 0;
  for (;;) {
    const stop = text.indexOf(0x0a, at);
    if (stop < 0) break;
    const line = text.toString("latin1", at, stop);
    const body = line.slice(DIGEST_LENGTH + 1);
    const next = digestOf(digest, body);
    if (line[DIGEST_LENGTH] !== " " || line.slice(0, DIGEST_LENGTH) !== next) break;
    lines.push(JSON.parse(body));
    digest = next;
    at = stop + 1;
  }
  return { lines, end: at, digest };
}

/** Undefined without a whole plan. */
function readProgress(lines: readonly unknown[], name: string): Progress | undefined {
  const at = lines.findIndex((line) => has(line, "planned"));
  if (at < 0) return undefined;
  const begin = has(lines[0], "begin") ? (lines[0] as Fields).begin : undefined;
  if (!isFields(begin) || begin.version !== VERSION) throw wrong(name, "is of another version");
  const { id, isWhole } = begin;
  if (typeof id !== "string" || !/^[0-9a-f]{8}$/.test(id) || typeof isWhole !== "boolean")
    throw wrong(name, "has a wrong beginning");
  const read = new Reader(name);
  const operations = lines.slice(1, at).map((line) => read.operation((line as Fields).operation));
  const progress: Progress = {
    id,
    isWhole,
    operations,
    staged: new Map(),
    done: new Map(),
    isFinished: false,
  };
  for (const line of lines.slice(at + 1) as Fields[]) {
    if (line.finished === true) progress.isFinished = true;
    for (const [number, ino] of read.pairs(line.staged, operations.length))
      progress.staged.set(number, read.integer(ino));
    for (const [number, seen] of read.pairs(line.done, operations.length))
      progress.done.set(number, seen === null ? null : read.seen(seen));
  }
  return progress;
}

class Reader {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  operation(value: unknown): Operation {
    const fields = this.#fields(value);
    const kind = OPERATION_KINDS.find((known): known is OperationKind => known === fields.kind);
    if (kind === undefined) throw this.#wrong();
    const optional = <T>(field: unknown, read: (given: unknown) => T, key: string) =>
      field === undefined ? {} : { [key]: read(field) };
    return {
      kind,
      path: this.#path(fields.path),
      ...optional(fields.source, (given) => this.#source(given), "source"),
      ...optional(fields.mode, (given) => this.#number(given, MODE_MAX), "mode"),
      ...optional(fields.from, (given) => this.#path(given), "from"),
      ...optional(fields.before, (given) => this.seen(given), "before"),
      ...optional(fields.linkOf, (given) => this.#number(given, ID_MAX), "linkOf"),
      ...optional(fields.mtimeNs, (given) => this.integer(given), "mtimeNs"),
    };
  }

  seen(value: unknown): Seen {
    const { mode, uid, gid, links, ino, size, mtimeNs, ctimeNs } = this.#fields(value);
    return {
      mode: this.#number(mode, MODE_MAX),
      uid: this.#number(uid, ID_MAX),
      gid: this.#number(gid, ID_MAX),
      links: this.#number(links, ID_MAX),
      ino: this.integer(ino),
      size: this.integer(size),
      mtimeNs: this.integer(mtimeNs),
      ctimeNs: this.integer(ctimeNs),
    };
  }

  *pairs(value: unknown, count: number): Generator<[number, unknown]> {
    if (value === undefined) return;
    if (!Array.isArray(value)) throw this.#wrong();
    for (const pair of value) {
      if (!Array.isArray(pair)) throw this.#wrong();
      yield [this.#number(pair[0], count - 1), pair[1]];
    }
  }

  integer(value: unknown): bigint {
    if (typeof value !== "string" || !/^-?\d{1,30}$/.test(value)) throw this.#wrong();
    return BigInt(value);
  }

  #source(value: unknown): Source {
    const { tree, path } = this.#fields(value);
    if (tree !== "session" && tree !== "base") throw this.#wrong();
    return { tree, path: this.#path(path) };
  }

  /** Names that lead elsewhere are refused where files are reached. */
  #path(value: unknown): Buffer {
    if (typeof value !== "string") throw this.#wrong();
    return Buffer.from(value, "latin1");
  }

  #number(value: unknown, most: number): number {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most)
      throw this.#wrong();
    return value;
  }

  #fields(value: unknown): Fields {
    if (!isFields(value)) throw this.#wrong();
    return value;
  }

  #wrong(): Error {
    return wrong(this.#name, "has a line that means nothing");
  }
}

function encodeOperation({ path, source, from, before, mtimeNs, ...rest }: Operation): Fields {
  return {
    ...rest,
    path: path.toString("latin1"),
    source: source && { tree: source.tree, path: source.path.toString("latin1") },
    from: from?.toString("latin1"),
    before: before && encodeSeen(before),
    mtimeNs: mtimeNs === undefined ? undefined : String(mtimeNs),
  };
}

function encodeSeen({ ino, size, mtimeNs, ctimeNs, ...rest }: Seen): Fields {
  const numbers = {
    ino: String(ino),
    size: String(size),
    mtimeNs: String(mtimeNs),
    ctimeNs: String(ctimeNs),
  };
  return { ...rest, ...numbers };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function has(line: unknown, key: string): boolean {
  return isFields(line) && line[key] !== undefined;
}

function wrong(name: string, what: string): Error {
  return sessionError(
    `session ${name}: its journal ${what}; what it was about can be read in it by a person only`,
  );
}
