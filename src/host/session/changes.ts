// What is changed in a session: what programs see in it, directory by directory, against the base.
//
// Both trees are hostile input: programs wrote the layer, and the base is whatever it is. Nothing follows a symbolic link, no
// recursion is as deep as a tree, and there is a bound on how many changes are told.

import { S_IFDIR, S_IFLNK } from "../../../assembly/abi/stat.ts";
import { ErrnoError } from "../../common/errors.ts";
import type { Attributes } from "../../p9/messages.ts";
import type { TreeFile } from "../trees/tree-file.ts";
import { joinPath, normalPath } from "../trees/tree-path.ts";
import { walkTree } from "../trees/walk-tree.ts";
import type { Change, FileState, Layers } from "./change.ts";
import { typeOf } from "./change.ts";
import { sessionError } from "./errors.ts";
import { hasSameContent } from "./file-content.ts";
import { isOpaque, isWhiteout, isWorkName, redirectOf } from "./layer-marks.ts";
import { type Added, pairRenames } from "./renames.ts";
import { shownPath } from "./shown-path.ts";

/** More than this are refused: they would not fit into memory. */
const CHANGES_MAX = 2_000_000;
const PERMISSION_BITS = 0o7777;
const ROOT = Buffer.alloc(0);
const SLASH = 0x2f;

export interface ChangesOptions {
  /** Whether owners count: an ordinary user's copy is the user's, whoever has the base's file. */
  readonly owners: boolean;
}

/** All changes, in the order of their paths' bytes. Errors: WvisorError. */
export function findChanges(layers: Layers, options: ChangesOptions): Change[] {
  const search = new Search(layers, options);
  try {
    search.run();
    const changes = [...search.changed, ...pairRenames(layers, search.added, search.deleted)];
    return changes.sort((a, b) => Buffer.compare(a.path, b.path) || order(a) - order(b));
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    const where = search.reading.length === 0 ? "." : shownPath(search.reading);
    throw sessionError(`${where}: ${error.code}: it cannot be read, or somebody is changing it`, error);
  }
}

/** What goes comes before what takes its place. */
function order({ kind }: Change): number {
  return kind === "deleted" ? 0 : 1;
}

/** A directory as the session shows it, and what the base has at its path. */
interface Directory {
  readonly path: Buffer;
  /** The layer's; without one it is the base's `source` alone. */
  readonly upper: TreeFile | undefined;
  /** The base's directory that shows through; at its own path unless the directory was renamed. */
  readonly source: TreeFile | undefined;
  readonly sourcePath: Buffer;
  /** The base's at `path`, which may be the same as `source`. */
  readonly there: TreeFile | undefined;
  /** Its directories that are yet to be read. */
  readonly children: Child[];
}

interface Child {
  readonly name: Buffer;
  /** In the layer; else it is the source's. */
  readonly isUpper: boolean;
  readonly attributes: Attributes;
  readonly source: Attributes | undefined;
  readonly there: Attributes | undefined;
}

class Search {
  readonly added: Added[] = [];
  readonly deleted: FileState[] = [];
  readonly changed: Change[] = [];
  /** The directory that was begun last. */
  reading: Buffer = ROOT;
  readonly #layers: Layers;
  readonly #options: ChangesOptions;

  constructor(layers: Layers, options: ChangesOptions) {
    this.#layers = layers;
    this.#options = options;
  }

  run(): void {
    const { upper, base } = this.#layers;
    this.#pair(
      { layer: "base", path: ROOT, attributes: base.attributes },
      { layer: "upper", path: ROOT, attributes: upper.attributes },
    );
    const source = base.walk();
    const open: Directory[] = [
      { path: ROOT, upper: upper.walk(), source, sourcePath: ROOT, there: source, children: [] },
    ];
    this.#read(open[0]!);
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const child = top.children.pop();
      if (child === undefined) {
        closeDirectory(top);
        open.pop();
      } else {
        const entered = this.#enter(top, child);
        this.#read(entered);
        open.push(entered);
      }
    }
  }

  /** All entries of a directory but its directories, which it notes. */
  #read({ path, upper, source, sourcePath, there, children }: Directory): void {
    const names = upper?.names().filter((name) => !isWorkName(name)) ?? [];
    const inSource = attributesOf(source, names);
    const onDisk = source === there ? inSource : attributesOf(there, names);
    for (const { name, attributes } of upper?.lookUp(names) ?? []) {
      // Gone since it was listed.
      if (attributes === undefined) continue;
      const key = keyOf(name);
      const at = joinPath(path, name);
      const was = onDisk.get(key);
      const isGone = isWhiteout(upper!, name, attributes);
      const isDirectory = !isGone && typeOf(attributes) === S_IFDIR;
      if (was !== undefined && isGone) this.#delete(there!, name, at, was);
      else if (was !== undefined) this.#deleteReplaced(there!, name, at, was, attributes);
      if (isDirectory) {
        children.push({ name, isUpper: true, attributes, source: inSource.get(key), there: was });
      } else if (!isGone) {
        const covered = inSource.get(key);
        const from = covered && {
          layer: "base" as const,
          path: joinPath(sourcePath, name),
          attributes: covered,
        };
        this.#show({ layer: "upper", path: at, attributes }, at, from, was);
      }
    }
    if (source !== there)
      this.#readBase({ path, upper, source, sourcePath, there, children }, new Set(names.map(keyOf)));
  }

  /** What a directory that was renamed, or hides its place, shows of the base besides the layer's `names`, and what it hides. */
  #readBase({ path, source, sourcePath, there, children }: Directory, names: ReadonlySet<string>): void {
    const isOther = (name: Buffer): boolean => !names.has(keyOf(name));
    const shown = source?.names().filter(isOther) ?? [];
    const others = there?.names().filter(isOther) ?? [];
    const onDisk = attributesOf(there, others);
    for (const { name, attributes } of source?.lookUp(shown) ?? []) {
      if (attributes === undefined) continue;
      const at = joinPath(path, name);
      const was = onDisk.get(keyOf(name));
      onDisk.delete(keyOf(name));
      if (was !== undefined) this.#deleteReplaced(there!, name, at, was, attributes);
      if (typeOf(attributes) === S_IFDIR) {
        children.push({ name, isUpper: false, attributes, source: attributes, there: was });
      } else {
        const state: FileState = { layer: "base", path: joinPath(sourcePath, name), attributes };
        this.#show(state, at, state, was);
      }
    }
    for (const [key, was] of onDisk) {
      const name = Buffer.from(key, "latin1");
      this.#delete(there!, name, joinPath(path, name), was);
    }
  }

  /** Opens a directory in another, and compares it with what is at its place. */
  #enter(parent: Directory, { name, isUpper, attributes, source: covered, there: was }: Child): Directory {
    const path = joinPath(parent.path, name);
    this.reading = path;
    const upper = isUpper ? parent.upper!.walk(name) : undefined;
    const redirect = upper && redirectOf(upper);
    let sourcePath = joinPath(parent.sourcePath, name);
    let source: TreeFile | undefined;
    if (upper !== undefined && isOpaque(upper)) {
      source = undefined;
    } else if (redirect?.[0] === SLASH) {
      sourcePath = normalPath(redirect);
      source = reachDirectory(this.#layers.base, sourcePath);
    } else if (redirect !== undefined) {
      sourcePath = joinPath(parent.sourcePath, redirect);
      source = parent.source && reachDirectory(parent.source, redirect);
    } else if (covered !== undefined && typeOf(covered) === S_IFDIR) {
      source = parent.source!.walk(name);
    }
    const isDirectory = was !== undefined && typeOf(was) === S_IFDIR;
    const isInPlace = source !== undefined && sourcePath.equals(path);
    const there = !isDirectory ? undefined : isInPlace ? source : parent.there!.walk(name);
    const state: FileState = isUpper
      ? { layer: "upper", path, attributes }
      : { layer: "base", path: sourcePath, attributes };
    const from = source && { layer: "base" as const, path: sourcePath, attributes: source.attributes };
    this.#show(state, path, from, was);
    return { path, upper, source, sourcePath, there, children: [] };
  }

  /** A file that is shown at a path. `from`: the base's that it comes from; `was`: what the base has there. */
  #show(after: FileState, path: Buffer, from: FileState | undefined, was: Attributes | undefined): void {
    if (was !== undefined) this.#pair({ layer: "base", path, attributes: was }, after);
    else this.added.push({ path, after, from });
    this.#bound();
  }

  /** A path that is on both sides. */
  #pair(before: FileState, after: FileState): void {
    const { path } = before;
    const isRetyped = typeOf(before.attributes) !== typeOf(after.attributes);
    const content = isRetyped || !hasSameContent(this.#layers, before, after);
    if (!content && this.#hasSameAttributes(before.attributes, after.attributes)) return;
    this.changed.push({ kind: isRetyped ? "retyped" : "modified", path, before, after, content });
  }

  #hasSameAttributes(a: Attributes, b: Attributes): boolean {
    // A link's mode says nothing.
    if (typeOf(a) !== S_IFLNK && (a.mode & PERMISSION_BITS) !== (b.mode & PERMISSION_BITS)) return false;
    return !this.#options.owners || (a.uid === b.uid && a.gid === b.gid);
  }

  /** A tree of the base that is shown no more. `parent`: the base's directory. */
  #delete(parent: TreeFile, name: Buffer, path: Buffer, was: Attributes): void {
    this.deleted.push({ layer: "base", path, attributes: was });
    this.#bound();
    if (typeOf(was) === S_IFDIR) this.#deleteBelow(parent, name, path);
  }

  /** What was in a directory whose place something else has taken. */
  #deleteReplaced(parent: TreeFile, name: Buffer, path: Buffer, was: Attributes, by: Attributes): void {
    if (typeOf(was) === S_IFDIR && typeOf(by) !== S_IFDIR) this.#deleteBelow(parent, name, path);
  }

  #deleteBelow(parent: TreeFile, name: Buffer, path: Buffer): void {
    for (const { path: below, attributes } of walkTree(parent, name)) {
      this.deleted.push({ layer: "base", path: joinPath(path, below), attributes });
      this.#bound();
    }
  }

  #bound(): void {
    if (this.added.length + this.deleted.length + this.changed.length < CHANGES_MAX) return;
    throw sessionError(`there are more than ${CHANGES_MAX} changes`);
  }
}

function closeDirectory({ upper, source, there }: Directory): void {
  upper?.close();
  source?.close();
  if (there !== source) there?.close();
}

/** Of the names that a directory has, by keyOf(). */
function attributesOf(directory: TreeFile | undefined, names: readonly Buffer[]): Map<string, Attributes> {
  const found = new Map<string, Attributes>();
  for (const { name, attributes } of directory?.lookUp(names) ?? []) {
    if (attributes !== undefined) found.set(keyOf(name), attributes);
  }
  return found;
}

/** The directory that a redirect leads to; undefined when there is none any more: the kernel shows the layer's alone then. */
function reachDirectory(from: TreeFile, path: Buffer): TreeFile | undefined {
  let file: TreeFile;
  try {
    file = from.reach(path);
  } catch (error) {
    if (error instanceof ErrnoError) return undefined;
    throw error;
  }
  if (file.isDirectory) return file;
  file.close();
  return undefined;
}

/** A string for each name of bytes. */
function keyOf(name: Buffer): string {
  return name.toString("latin1");
}
