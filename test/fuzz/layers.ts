// The layers that an overlay begins with: the same random trees on both sides, made by the same calls before it is mounted.
//
// The names of the layers are few, so that they hide and merge with each other. The upper layer may have been used before: it
// has whiteouts and opaque directories then, as an upper one of two lower layers has.

import { AT_FDCWD, O_CREAT, O_NONBLOCK, O_WRONLY } from "../../assembly/abi/fcntl.ts";
import { S_IFCHR, S_IFIFO, S_IFSOCK } from "../../assembly/abi/stat.ts";
import * as nr from "../../assembly/abi/syscall.ts";
import type { Call } from "../support/sys/target.ts";
import { type FileType, join } from "./model.ts";
import { Random } from "./random.ts";

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "é", ".i", "j k"] as const;
const MODES = [0o777, 0o755, 0o700, 0o644, 0o600, 0o444, 0, 0o4755, 0o2755, 0o6711] as const;
const DIRECTORY_MODES = [0o777, 0o777, 0o755, 0o1777, 0o2777, 0o700] as const;
const IDS = [0, 1000, 1001, 2000] as const;
const SIZES = [0, 0, 5, 100, 4096, 5000, 70_000] as const;
const XATTRS = ["user.a", "user.b", "trusted.t", "trusted.overlay.overlay.x"] as const;
const FORMS = [
  "redirect_dir=on,index=on",
  "redirect_dir=on,index=off",
  "redirect_dir=off,index=on",
  "",
] as const;
const ENTRIES_MAX = 40;
const DEPTH_MAX = 12;
/** The first descriptor that a process opens. */
const FD = 0;

/** The layers, lower ones first, and the work directory. */
export const LAYERS = ["/l", "/l2", "/u", "/w"] as const;

export const UPPER = "/u";

/** What both sides do in the layers before the test. */
export interface Preparation {
  readonly calls: readonly Call[];
  /** The options of the overlay's mount. */
  readonly options: string;
  /** What may be there afterwards. */
  readonly files: ReadonlyMap<string, FileType>;
}

class Layer {
  readonly #random: Random;
  readonly #root: string;
  readonly #calls: Call[];
  readonly #files: Map<string, FileType>;
  readonly #directories = ["/"];
  readonly #regular: string[] = [];

  constructor(random: Random, root: string, calls: Call[], files: Map<string, FileType>) {
    this.#random = random;
    this.#root = root;
    this.#calls = calls;
    this.#files = files;
  }

  #call(number: number, ...args: Call["args"]): void {
    this.#calls.push({ number, args });
  }

  #fresh(): string {
    return join(this.#random.pick(this.#directories), this.#random.pick(NAMES));
  }

  #real(path: string): string {
    return path === "/" ? this.#root : this.#root + path;
  }

  #own(path: string): void {
    const random = this.#random;
    const real = this.#real(path);
    this.#call(nr.SYS_lchown, real, random.pick(IDS), random.pick(IDS));
    if (random.chance(0.3))
      this.#call(nr.SYS_lsetxattr, real, random.pick(XATTRS), Buffer.from("value"), 5, 0);
  }

  #directory(path: string): void {
    this.#call(nr.SYS_mkdir, this.#real(path), 0o777);
    this.#own(path);
    this.#call(nr.SYS_chmod, this.#real(path), this.#random.pick(DIRECTORY_MODES));
    this.#directories.push(path);
    this.#files.set(path, "d");
  }

  #regularFile(path: string): void {
    const real = this.#real(path);
    const bytes = Buffer.alloc(this.#random.pick(SIZES), `${this.#root}${path}`);
    this.#call(nr.SYS_openat, AT_FDCWD, real, O_CREAT | O_WRONLY | O_NONBLOCK, 0o600);
    this.#call(nr.SYS_pwrite64, FD, bytes, bytes.length, this.#random.pick([0, 0, 0, 10_000]));
    this.#call(nr.SYS_close, FD);
    this.#own(path);
    this.#call(nr.SYS_chmod, real, this.#random.pick(MODES));
    if (this.#random.chance(0.3)) this.#times(real);
    this.#regular.push(path);
    this.#files.set(path, "f");
  }

  #times(real: string): void {
    const times = Buffer.alloc(32);
    times.writeBigInt64LE(1_000_000_001n, 0);
    times.writeBigInt64LE(123_456_789n, 8);
    times.writeBigInt64LE(1_000_000_000n, 16);
    this.#call(nr.SYS_utimensat, AT_FDCWD, real, times, 0);
  }

  #link(path: string): void {
    if (this.#regular.length === 0) return;
    this.#call(nr.SYS_link, this.#real(this.#random.pick(this.#regular)), this.#real(path));
    this.#files.set(path, "f");
  }

  #symlink(path: string): void {
    const target = this.#random.pick([...NAMES, "..", "/", "/a/b", "../c"]);
    this.#call(nr.SYS_symlink, target, this.#real(path));
    this.#own(path);
    this.#files.set(path, "l");
  }

  #node(path: string): void {
    const type = this.#random.pick([S_IFIFO, S_IFSOCK, S_IFCHR]);
    this.#call(nr.SYS_mknod, this.#real(path), type | this.#random.pick(MODES), type === S_IFCHR ? 0x105 : 0);
    this.#files.set(path, "s");
  }

  #branch(path: string): void {
    let at = path;
    for (let depth = this.#random.below(DEPTH_MAX); depth >= 0; depth--) {
      this.#directory(at);
      at = join(at, this.#random.pick(NAMES));
    }
    this.#regularFile(at);
  }

  #whiteout(path: string): void {
    this.#call(nr.SYS_mknod, this.#real(path), S_IFCHR, 0);
    for (const known of [...this.#files.keys()]) {
      if (known === path || known.startsWith(`${path}/`)) this.#files.delete(known);
    }
  }

  #opaque(path: string): void {
    this.#call(nr.SYS_lsetxattr, this.#real(path), "trusted.overlay.opaque", Buffer.from("y"), 1, 0);
  }

  /** `isAbove`: there is a layer below it. */
  fill(isAbove: boolean): void {
    const random = this.#random;
    for (let left = random.below(ENTRIES_MAX); left > 0; left--) {
      const path = this.#fresh();
      random.weighted<() => void>([
        [8, () => this.#directory(path)],
        [10, () => this.#regularFile(path)],
        [4, () => this.#link(path)],
        [3, () => this.#symlink(path)],
        [2, () => this.#node(path)],
        [1, () => this.#branch(path)],
        [isAbove ? 4 : 0, () => this.#whiteout(path)],
        [isAbove ? 2 : 0, () => this.#opaque(random.pick(this.#directories))],
      ])();
    }
  }
}

/** What `seed` says of the layers. */
export function prepareLayers(seed: number): Preparation {
  const random = new Random(seed);
  const calls: Call[] = [];
  const files = new Map<string, FileType>();
  const hasTwo = random.chance(0.5);
  if (hasTwo) new Layer(random, "/l2", calls, files).fill(false);
  new Layer(random, "/l", calls, files).fill(hasTwo);
  if (random.chance(0.3)) new Layer(random, "/u", calls, files).fill(true);
  const form = random.pick(FORMS);
  const layers = `lowerdir=${hasTwo ? "/l:/l2" : "/l"},upperdir=/u,workdir=/w,uuid=off`;
  return { calls, options: form === "" ? layers : `${layers},${form}`, files };
}
