// Makes the changes of a journal, in batches: new files are made beside their places under names of ours, the journal says so, and each
// takes its place by a rename. What was there is kept first, if it is to be undone.
//
// Whatever stops this (a signal, the disk's end, somebody else's change), each path is as before or as it is to be, and the
// journal with what is on the disk says which: resume() finds out, and execute() goes on.
//
// Somebody else may change the base at any time. A file that is replaced or removed is taken out of its place first, in the very step
// that puts the new one there, and looked at: if it is not the one that the plan is about it goes back.

import { EEXIST, EINVAL, EMLINK, ENOENT, ENOTEMPTY, EPERM } from "../../../assembly/abi/errno.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from "../../../assembly/abi/fcntl.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Attributes } from "../../p9/messages.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { joinPath, parentPath } from "../trees/tree-path.ts";
import { copyAttributes, copyFile } from "./copy-file.ts";
import { about, ConflictError } from "./failure.ts";
import type { Journal } from "./journal.ts";
import { keyOf, orNothing, reachOrNothing } from "./lookup.ts";
import type { Operation, Source } from "./operation.ts";
import { isDirectory, isSame, type Seen, seenOf } from "./seen.ts";

const BATCH_OPERATIONS = 256;
const BATCH_BYTES = 64n << 20n;
const CHANGED = "changed while this ran";
const TAKEN = "somebody else has made it meanwhile";

export interface Execution {
  readonly session: TreeFile;
  readonly base: TreeFile;
  readonly journal: Journal;
  /** Where files are kept that are replaced; absent when they are not. */
  readonly kept: TreeFile | undefined;
  /** New files reach the disk before they take their places. */
  readonly sync: boolean;
  /** Told after each batch. */
  readonly progress: (done: number, all: number) => void;
}

export class Executor {
  readonly #run: Execution;
  readonly #operations: readonly Operation[];
  /** Which operation changes a path first. */
  readonly #touched = new Map<string, number>();

  constructor(run: Execution) {
    this.#run = run;
    this.#operations = run.journal.progress.operations;
    for (const [number, { kind, path }] of this.#operations.entries()) {
      const key = keyOf(path);
      if (kind !== "times" && !this.#touched.has(key)) this.#touched.set(key, number);
    }
  }

  /** Finds out how far an earlier process came, and removes what it has left beside its work. Errors: WvisorError. */
  resume(): void {
    const { staged, done } = this.#run.journal.progress;
    const settled = new Map<number, Seen | null>();
    let next = 0;
    for (const [number, operation] of this.#operations.entries()) {
      if (done.has(number)) next = number + 1;
      else if (staged.has(number)) {
        const isDone = about(operation.path, () => this.#settle(number, operation, staged.get(number)!));
        if (isDone) settled.set(number, this.#left(operation));
        next = number + 1;
      }
    }
    this.#run.journal.done(settled);
    for (let number = 0; number < Math.min(next + BATCH_OPERATIONS, this.#operations.length); number++) {
      if (!done.has(number) && !staged.has(number)) this.#removeDraft(number);
    }
  }

  /** Does what is not done yet. Errors: WvisorError; then nothing of ours is left beside the files. */
  execute(): void {
    const { journal, progress } = this.#run;
    const count = this.#operations.length;
    for (let at = 0; at < count; ) {
      const batch = this.#batchFrom(at);
      at = batch.next;
      const numbers = batch.numbers.filter((number) => !journal.progress.done.has(number));
      if (numbers.length > 0) this.#doBatch(numbers);
      progress(at, count);
    }
    for (const operation of this.#operations) if (operation.kind === "times") this.#setTimes(operation);
  }

  /** Up to a bound of files and bytes; and nothing whose directory the batch makes. */
  #batchFrom(start: number): { numbers: number[]; next: number } {
    const numbers: number[] = [];
    const made = new Set<string>();
    let bytes = 0n;
    let at = start;
    for (; at < this.#operations.length; at++) {
      const { kind, path, before } = this.#operations[at]!;
      if (numbers.length === BATCH_OPERATIONS || bytes > BATCH_BYTES) break;
      if (made.has(keyOf(parentPath(path)[0])) || made.has(keyOf(path))) break;
      if (kind === "times") continue;
      if (kind === "mkdir") made.add(keyOf(path));
      bytes += before?.size ?? 0n;
      numbers.push(at);
    }
    return { numbers, next: at };
  }

  #doBatch(numbers: readonly number[]): void {
    const { journal } = this.#run;
    const staged = new Map<number, bigint>();
    const done = new Map<number, Seen | null>();
    try {
      for (const number of numbers) {
        const operation = this.#operations[number]!;
        staged.set(
          number,
          about(operation.path, () => this.#stage(number, operation)),
        );
      }
      journal.staged(staged);
      for (const number of numbers) {
        const operation = this.#operations[number]!;
        about(operation.path, () => this.#commit(number, operation));
        done.set(number, this.#left(operation));
      }
      journal.done(done);
    } catch (error) {
      for (const number of numbers) if (!done.has(number)) this.#removeDraft(number);
      tryTo(() => journal.done(done));
      throw error;
    }
  }

  // ---- before the change
  /** Keeps what is replaced, and makes the new file under a name of ours: its inode number, or 0 when there is none. */
  #stage(number: number, operation: Operation): bigint {
    const { kind, path, before, source } = operation;
    const at = kind === "move" ? operation.from! : path;
    if (before !== undefined) this.#checkBefore(at, before);
    if (before !== undefined && kind !== "move") this.#keep(number, path, before);
    if (kind !== "put" && kind !== "mkdir") return 0n;
    return this.#in(path, (directory) => {
      const draft = this.#draftName(number);
      const isLinked = operation.linkOf !== undefined && this.#linkDraft(operation.linkOf, directory, draft);
      if (!isLinked) {
        const given = this.#source(number, source!);
        try {
          copyFile(given.file, directory, draft, { isLayer: given.isLayer, sync: this.#run.sync });
        } finally {
          given.file.close();
        }
      }
      return seenOf(attributesIn(directory, draft)!).ino;
    });
  }

  #checkBefore(path: Buffer, before: Seen): void {
    const there = reachOrNothing(this.#run.base, path);
    if (there === undefined || !isSame(before, seenOf(there))) throw new ConflictError(path, CHANGED);
  }

  /** Also when an earlier process was stopped while it did. What is staged was kept whole. */
  #keep(number: number, path: Buffer, before: Seen): void {
    const { kept, base, journal } = this.#run;
    if (kept === undefined || journal.progress.staged.has(number)) return;
    const name = keptName(number);
    removeAny(kept, name);
    const file = base.reach(path);
    try {
      const twin = before.links > 1 ? this.#twins.get(before.ino) : undefined;
      if (twin === undefined) copyKept(file, kept, name);
      else linkTo(kept, twin, kept, name);
      if (before.links > 1) this.#twins.set(before.ino, name);
      if (!isSame(before, seenOf(file.getattr()))) throw new ConflictError(path, CHANGED);
    } finally {
      file.close();
    }
  }

  /** Kept files by the inode numbers of those with several names. */
  readonly #twins = new Map<bigint, Buffer>();

  /** Another name of an earlier operation's file; false when it cannot be. */
  #linkDraft(linkOf: number, directory: TreeFile, draft: Buffer): boolean {
    const { staged, done } = this.#run.journal.progress;
    const { path } = this.#operations[linkOf]!;
    const [parent, name] = parentPath(path);
    const at = joinPath(parent, done.has(linkOf) ? name : this.#draftName(linkOf));
    const file = orNothing(() => this.#run.base.reach(at));
    if (file === undefined) return false;
    try {
      const expected = staged.get(linkOf);
      if (expected !== undefined && seenOf(file.attributes).ino !== expected) return false;
      directory.link(draft, file);
      return true;
    } catch (error) {
      if (error instanceof ErrnoError && [EPERM, EMLINK].includes(error.value)) return false;
      throw error;
    } finally {
      file.close();
    }
  }

  /** A file of the base that an earlier operation has replaced is read where it was kept. */
  #source(number: number, { tree, path }: Source): { file: TreeFile; isLayer: boolean } {
    const { session, base, kept } = this.#run;
    if (tree === "session") return { file: session.reach(path), isLayer: isLayerPath(path) };
    const touching = this.#touched.get(keyOf(path));
    const file =
      touching !== undefined && touching < number && kept !== undefined
        ? kept.walk(keptName(touching))
        : base.reach(path);
    return { file, isLayer: false };
  }

  // ---- the change
  #commit(number: number, operation: Operation): void {
    const { kind, path, before } = operation;
    if (kind === "attributes") this.#setAttributes(number, operation);
    else if (kind === "move") this.#move(operation);
    else if (kind === "rmdir") this.#removeDirectory(path);
    else
      this.#in(path, (directory, name) => {
        const draft = this.#draftName(number);
        if (kind === "remove") this.#takeOut(directory, name, draft, path, before!);
        else if (before === undefined) place(directory, draft, name, path);
        else replace(directory, draft, name, path, before);
      });
  }

  #setAttributes(number: number, { path, source }: Operation): void {
    const given = this.#source(number, source!);
    const file = this.#run.base.reach(path);
    try {
      copyAttributes(given.file, file, given.isLayer);
    } finally {
      file.close();
      given.file.close();
    }
  }

  #move({ path, from, before }: Operation): void {
    this.#in(path, (directory, name) =>
      this.#in(from!, (source, oldName) => {
        renameFree(source, oldName, directory, name, path);
        if (isSame(before!, seenOf(attributesIn(directory, name)!), true)) return;
        renameFree(directory, name, source, oldName, from!);
        throw new ConflictError(from!, CHANGED);
      }),
    );
  }

  #removeDirectory(path: Buffer): void {
    this.#in(path, (directory, name) => {
      try {
        directory.unlink(name, true);
      } catch (error) {
        if (error instanceof ErrnoError && [ENOTEMPTY, EEXIST].includes(error.value))
          throw new ConflictError(path, "something else is in it");
        throw error;
      }
    });
  }

  #takeOut(directory: TreeFile, name: Buffer, draft: Buffer, path: Buffer, before: Seen): void {
    renameFree(directory, name, directory, draft, path);
    if (isSame(before, seenOf(attributesIn(directory, draft)!), true)) directory.unlink(draft);
    else {
      renameFree(directory, draft, directory, name, path);
      throw new ConflictError(path, CHANGED);
    }
  }

  #setTimes({ path, mtimeNs }: Operation): void {
    if (mtimeNs === undefined) return;
    const file = orNothing(() => this.#run.base.reach(path));
    if (file === undefined) return;
    about(path, () => {
      try {
        if (seenOf(file.attributes).mtimeNs !== mtimeNs) file.setattr({ mtimeNs });
      } finally {
        file.close();
      }
    });
  }

  /** What is there after the operation. */
  #left({ kind, path }: Operation): Seen | null {
    if (kind === "remove" || kind === "rmdir") return null;
    const there = reachOrNothing(this.#run.base, path);
    return there === undefined ? null : seenOf(there);
  }

  // ---- after a process that was stopped
  /** Whether an operation whose file was staged is done; if not, its file is gone. */
  #settle(number: number, { kind, path, from, before }: Operation, ino: bigint): boolean {
    const { base } = this.#run;
    const there = reachOrNothing(base, path);
    if (kind === "attributes") return false;
    if (kind === "rmdir") return there === undefined;
    if (kind === "move")
      return (
        there !== undefined && seenOf(there).ino === before!.ino && reachOrNothing(base, from!) === undefined
      );
    return (
      orNothing(() =>
        this.#in(path, (directory, name) => {
          const draft = this.#draftName(number);
          const left = attributesIn(directory, draft);
          if (kind === "remove") {
            if (left === undefined) return there === undefined;
            return settleRemoved(directory, name, draft, left, path, before!);
          }
          const isPlaced = there !== undefined && seenOf(there).ino === ino;
          if (left === undefined) return isPlaced;
          return settleReplaced(directory, name, draft, left, isPlaced, before);
        }),
      ) ?? false
    );
  }

  #removeDraft(number: number): void {
    const { path, kind } = this.#operations[number]!;
    if (!["put", "mkdir"].includes(kind)) return;
    tryTo(() => this.#in(path, (directory) => removeAny(directory, this.#draftName(number))));
  }

  /** A name of ours in the base: the same pattern as the layer's work files, which no listing of changes shows. */
  #draftName(number: number): Buffer {
    const { id } = this.#run.journal.progress;
    return Buffer.from(`.wvisor-${id}${number.toString(16).padStart(8, "0")}`);
  }

  #in<T>(path: Buffer, use: (directory: TreeFile, name: Buffer) => T): T {
    const [directory, name] = parentPath(path);
    const parent = this.#run.base.reach(directory);
    try {
      return use(parent, name);
    } finally {
      parent.close();
    }
  }
}

/** What was kept of the file that an operation changed. */
export function keptName(number: number): Buffer {
  return Buffer.from(String(number));
}

const UPPER = Buffer.from("upper");

function isLayerPath(path: Buffer): boolean {
  return path.subarray(0, UPPER.length).equals(UPPER);
}

function copyKept(file: TreeFile, kept: TreeFile, name: Buffer): void {
  copyFile(file, kept, name, { isLayer: false, sync: false });
  if (!isDirectory(file.attributes)) return;
  const made = kept.walk(name);
  try {
    copyAttributes(file, made, false);
  } finally {
    made.close();
  }
}

function linkTo(from: TreeFile, twin: Buffer, to: TreeFile, name: Buffer): void {
  const file = from.walk(twin);
  try {
    to.link(name, file);
  } finally {
    file.close();
  }
}

function attributesIn(directory: TreeFile, name: Buffer): Attributes | undefined {
  return orNothing(() => {
    const file = directory.walk(name);
    file.close();
    return file.attributes;
  });
}

function place(directory: TreeFile, draft: Buffer, name: Buffer, path: Buffer): void {
  renameFree(directory, draft, directory, name, path);
}

/** Errors: ConflictError when the new name is taken, or the old one is gone. */
function renameFree(from: TreeFile, name: Buffer, to: TreeFile, newName: Buffer, path: Buffer): void {
  try {
    from.rename(name, to, newName, RENAME_NOREPLACE);
  } catch (error) {
    if (error instanceof ErrnoError && error.value === EEXIST) throw new ConflictError(path, TAKEN);
    if (error instanceof ErrnoError && error.value === ENOENT) throw new ConflictError(path, CHANGED);
    throw error;
  }
}

function replace(directory: TreeFile, draft: Buffer, name: Buffer, path: Buffer, before: Seen): void {
  const there = attributesIn(directory, name);
  if (there === undefined || !isSame(before, seenOf(there))) throw new ConflictError(path, CHANGED);
  try {
    directory.rename(draft, directory, name, RENAME_EXCHANGE);
  } catch (error) {
    // A file system that cannot exchange two names; what was looked at above is all that there is to know.
    if (!(error instanceof ErrnoError) || error.value !== EINVAL) throw error;
    directory.rename(draft, directory, name);
    return;
  }
  const old = attributesIn(directory, draft);
  if (old !== undefined && isSame(before, seenOf(old), true) && isUnlinked(directory, draft, old)) return;
  directory.rename(draft, directory, name, RENAME_EXCHANGE);
  throw new ConflictError(path, CHANGED);
}

/** False for a directory with something in it. */
function isUnlinked(directory: TreeFile, name: Buffer, attributes: Attributes): boolean {
  try {
    directory.unlink(name, isDirectory(attributes));
    return true;
  } catch (error) {
    if (error instanceof ErrnoError && [ENOTEMPTY, EEXIST].includes(error.value)) return false;
    throw error;
  }
}

/** A file that was taken out: whether it may go. */
function settleRemoved(
  directory: TreeFile,
  name: Buffer,
  draft: Buffer,
  left: Attributes,
  path: Buffer,
  before: Seen,
): boolean {
  if (isSame(before, seenOf(left), true)) {
    directory.unlink(draft);
    return true;
  }
  renameFree(directory, draft, directory, name, path);
  return false;
}

/** Beside the place is the old file if the new one is in it, else the new one. */
function settleReplaced(
  directory: TreeFile,
  name: Buffer,
  draft: Buffer,
  left: Attributes,
  isPlaced: boolean,
  before: Seen | undefined,
): boolean {
  if (!isPlaced) {
    removeAny(directory, draft);
    return false;
  }
  const isOld = before !== undefined && isSame(before, seenOf(left), true);
  if (isOld && isUnlinked(directory, draft, left)) return true;
  directory.rename(draft, directory, name, RENAME_EXCHANGE);
  removeAny(directory, draft);
  return false;
}

/** A file or an empty directory, or nothing. */
function removeAny(directory: TreeFile, name: Buffer): void {
  const there = attributesIn(directory, name);
  if (there !== undefined) orNothing(() => directory.unlink(name, isDirectory(there)));
}

/** While an error is on its way that says more. */
function tryTo(run: () => void): void {
  try {
    run();
  } catch {
    // The next apply or undo looks again.
  }
}
