// The options of an overlay as mount(2) takes them (Linux: fs/overlayfs/params.c): "lowerdir=a:b,upperdir=u,workdir=w,...".
//
// A backslash takes the meaning of a comma or a colon away. What is not given is as a kernel has it whose configuration turns
// nothing on: redirects are followed but not made, no index. Layers are directories of the task that mounts, looked up in order.

import { EINVAL, ELOOP, ENOTDIR } from "../../abi/errno.ts";
import { PATH_MAX } from "../../abi/limits.ts";

import { free } from "../../lib/ref-counted.ts";
import { errorOf, isError } from "../../lib/result.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { PathWalk, WALK_FOLLOW } from "../../vfs/path-walk.ts";
import { LOWERS_MAX, OVL_USERXATTR, OverlayFilesystem } from "./filesystem.ts";
import { is, withOption } from "./flags.ts";
import { mountOverlay } from "./overlay.ts";
import { ShownLayers } from "./shown-layers.ts";

const COMMA: u8 = 0x2c;
const COLON: u8 = 0x3a;
const EQUALS: u8 = 0x3d;
const BACKSLASH: u8 = 0x5c;

/** Where paths of the task that mounts begin. */
export abstract class PathStart {
  /** Begins a walk at the task's working directory. */
  abstract begin(): PathWalk;
}

@final
class OverlayOptions {
  upper: Dentry | null = null;
  workdir: Dentry | null = null;
  /** u32 addresses of dentries. */
  readonly lowers: usize = heap.alloc((<usize>LOWERS_MAX) << 2);
  count: u32 = 0;
  flags: u32 = 0;
  readonly shown: ShownLayers = new ShownLayers();
  /** lowerdir= came: a list that lowerdir+= cannot add to. */
  private hasWholeList: bool = false;

  constructor(private readonly start: PathStart) {}

  destroy(): void {
    this.setUpper(null);
    this.setWorkdir(null);
    this.dropLowers();
    heap.free(this.lowers);
    this.shown.destroy();
    free(this);
  }

  private setUpper(dentry: Dentry | null): void {
    const before = this.upper;
    if (before !== null) before.decRef();
    this.upper = dentry;
  }

  private setWorkdir(dentry: Dentry | null): void {
    const before = this.workdir;
    if (before !== null) before.decRef();
    this.workdir = dentry;
  }

  private dropLowers(): void {
    for (let i: u32 = 0; i < this.count; i++) this.lower(i).decRef();
    this.count = 0;
  }

  private lower(index: u32): Dentry {
    return changetype<Dentry>(<usize>load<u32>(this.lowers + ((<usize>index) << 2)));
  }

  /** All options of a text. */
  parse(text: usize, length: u32): i32 {
    let at = text;
    const end = text + length;
    let result = 0;
    while (at < end && result == 0) {
      const stop = endOf(at, end, COMMA);
      if (stop > at) result = this.parseOne(at, stop);
      at = stop + 1;
    }
    return result;
  }

  private parseOne(at: usize, end: usize): i32 {
    let equals = at;
    while (equals < end && load<u8>(equals) != EQUALS) equals++;
    const value = equals < end ? equals + 1 : end;
    const key = <u32>(equals - at);
    const length = <u32>(end - value);
    if (is(at, key, "lowerdir")) return this.parseLowers(value, end);
    if (is(at, key, "lowerdir+")) return this.addToLowers(value, end);
    if (is(at, key, "upperdir")) return this.takeUpper(value, end);
    if (is(at, key, "workdir")) return this.takeWorkdir(value, end);
    const flags = withOption(this.flags, at, key, value, length);
    if (flags < 0) return flags;
    this.flags = <u32>flags;
    return 0;
  }

  private takeUpper(at: usize, end: usize): i32 {
    const found = this.find(at, end, true);
    if (isError(found)) return <i32>found;
    this.setUpper(changetype<Dentry>(found));
    this.shown.setUpper(at, end);
    return 0;
  }

  private takeWorkdir(at: usize, end: usize): i32 {
    const found = this.find(at, end, true);
    if (isError(found)) return <i32>found;
    this.setWorkdir(changetype<Dentry>(found));
    this.shown.setWorkdir(at, end);
    return 0;
  }

  private parseLowers(from: usize, end: usize): i32 {
    this.dropLowers();
    this.hasWholeList = true;
    this.shown.setLowers(from, end);
    let at = from;
    while (true) {
      const stop = endOf(at, end, COLON);
      // An empty name, or the two colons in front of a layer of data alone, which serve metacopy.
      if (stop == at) return -EINVAL;
      const result = this.addLower(at, stop, true);
      if (result < 0 || stop == end) return result;
      at = stop + 1;
    }
  }

  /** One layer whose name is taken as it is. Errors: EINVAL behind a whole list, and addLower()'s. */
  private addToLowers(at: usize, end: usize): i32 {
    if (this.hasWholeList) return -EINVAL;
    this.shown.addLower(at, end);
    return this.addLower(at, end, false);
  }

  private addLower(at: usize, end: usize, escaped: bool): i32 {
    if (this.count == LOWERS_MAX) return -EINVAL;
    const found = this.find(at, end, escaped);
    if (isError(found)) return <i32>found;
    store<u32>(this.lowers + ((<usize>this.count) << 2), <u32>found);
    this.count++;
    return 0;
  }

  /** The directory of a path, with a reference; or an error. `escaped`: a backslash stands for what follows it. */
  private find(at: usize, end: usize, escaped: bool): usize {
    const walk = this.start.begin();
    let length: u32 = 0;
    for (let from = at; from < end && length < <u32>PATH_MAX - 1; from++) {
      if (escaped && load<u8>(from) == BACKSLASH && from + 1 < end) from++;
      store<u8>(walk.path + length, load<u8>(from));
      length++;
    }
    const result = walk.run(length, WALK_FOLLOW);
    let found = errorOf(result);
    if (result == 0) {
      const dentry = walk.result;
      if (!dentry.file.isDirectory) {
        found = errorOf(-ENOTDIR);
      } else {
        dentry.incRef();
        found = changetype<usize>(dentry);
      }
    }
    walk.release();
    return found;
  }

  /** Linux: ovl_fs_params_verify(), ovl_fill_super(). Layers that have a path here always have trusted attributes. */
  check(): i32 {
    if (this.flags & OVL_USERXATTR) return -EINVAL;
    if (this.count == 0) return -EINVAL;
    if (this.upper === null) return this.count < 2 ? -EINVAL : this.checkOverlap();
    return this.workdir === null ? -EINVAL : this.checkOverlap();
  }

  /** Layers inside of each other would show themselves in themselves (Linux: ovl_check_overlapping_layers()). */
  private checkOverlap(): i32 {
    const upper = this.upper;
    const workdir = this.workdir;
    for (let i: u32 = 0; i < this.count; i++) {
      const lower = this.lower(i);
      if (upper !== null && overlap(upper, lower)) return -ELOOP;
      if (upper !== null && workdir !== null && overlap(workdir, lower)) return -ELOOP;
      for (let k: u32 = 0; k < i; k++) if (overlap(this.lower(k), lower)) return -ELOOP;
    }
    return 0;
  }
}

function overlap(a: Dentry, b: Dentry): bool {
  return a.isBelow(b) || b.isBelow(a);
}

/** The first `separator` in [at, end) without a backslash in front, or `end`. */
function endOf(at: usize, end: usize, separator: u8): usize {
  let from = at;
  while (from < end && load<u8>(from) != separator) from += load<u8>(from) == BACKSLASH ? 2 : 1;
  return min(from, end);
}

/** An overlay by its options: the root dentry with one reference, or an error. Errors: EINVAL, ELOOP, ENOTDIR, the paths' and mountOverlay()'s. */
export function mountByOptions(start: PathStart, text: usize, length: u32): usize {
  const options = new OverlayOptions(start);
  let result = options.parse(text, length);
  if (result == 0) result = options.check();
  const root =
    result < 0
      ? errorOf(result)
      : mountOverlay(options.upper, options.workdir, options.lowers, options.count, options.flags);
  if (!isError(root)) options.shown.giveTo(changetype<OverlayFilesystem>(changetype<Dentry>(root).fs));
  options.destroy();
  return root;
}
