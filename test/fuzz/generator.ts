// What the entries of the grammar make their arguments from.

import { AT_FDCWD } from "../../assembly/abi/fcntl.ts";
import { FD_MAX } from "../../assembly/abi/limits.ts";
import { type FileType, join, type KnownFd, Model } from "./model.ts";
import type { Random } from "./random.ts";
import type { Out, Step, StepArgument } from "./step.ts";
import type { ViewName } from "./view.ts";
import type { Lack } from "./worlds.ts";

const LONG = "n".repeat(255);
const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "é", ".i", "j k"] as const;
const MODES = [0, 0o777, 0o755, 0o700, 0o644, 0o600, 0o070, 0o007, 0o444, 0o222, 0o111] as const;
const SPECIAL = [0o4755, 0o2755, 0o1777, 0o6755, 0o2775, 0o2644, 0o4644, 0o7777] as const;
const OFFSETS = [0, 1, 7, 100, 4095, 4096, 4097, 8192, 65535, 65536, 70000, 131072, 1 << 20] as const;
const FAR = [2 ** 31, 2 ** 32, 2 ** 33 + 5, 2 ** 40, 2 ** 61, 2 ** 63 - 1024, -1, -4096] as const;
const IDS = [0, 1000, 1001, 2000, 1002, -1] as const;

/** A path as an *at() call takes it, and what it names as far as is known. */
export interface Place {
  readonly dir: StepArgument;
  readonly path: string;
  readonly absolute: string;
}

/** Makes a call of the current process on our side, at once; returns what it returned. */
export type Perform = (step: Step) => number;

export class Generator {
  readonly random: Random;
  readonly model: Model;
  process = 0;
  kind = "";
  #id = 0;
  readonly lacks: ReadonlyMap<Lack, string>;
  readonly #perform: Perform;

  constructor(random: Random, processes: number, lacks: ReadonlyMap<Lack, string>, perform: Perform) {
    this.random = random;
    this.lacks = lacks;
    this.model = new Model(processes);
    this.#perform = perform;
  }

  /** Makes a call; its step's id comes by lastId. */
  call(number: number, args: readonly StepArgument[], view: ViewName = "result"): number {
    const step = { id: ++this.#id, kind: this.kind, process: this.process, number, args, view };
    return this.#perform(step);
  }

  get lastId(): number {
    return this.#id;
  }

  get cwd(): string {
    return this.model.cwds[this.process]!;
  }
  set cwd(path: string) {
    this.model.cwds[this.process] = path;
  }
  get fds(): KnownFd[] {
    return this.model.fds[this.process]!;
  }

  // ---- names

  name(): string {
    return this.random.weighted([
      [60, this.random.pick(NAMES)],
      [2, LONG],
      [1, `${LONG}o`],
      [2, "."],
      [2, ".."],
    ]);
  }

  /** A path from the root: of something that is there, or of what could be. */
  absolute(type?: FileType): string {
    const { random, model } = this;
    const known = model.paths(random.chance(0.8) ? type : undefined);
    const file = known.length > 0 ? random.pick(known) : "/";
    return random.weighted<() => string>([
      [60, () => file],
      [20, () => this.fresh()],
      [8, () => join(file, this.name())],
      [4, () => join(join(file, this.name()), this.name())],
      [4, () => this.decorated(file)],
    ])();
  }

  /** A name in a directory that is there, most likely not taken. */
  fresh(): string {
    return join(this.random.pick(this.model.paths("d")), this.name());
  }

  private decorated(path: string): string {
    return this.random.weighted([
      [6, `${path}/`],
      [2, `${path}//`],
      [3, `${path}/.`],
      [3, `${path}/..`],
      [2, `/.//${path}`],
      [2, path.replaceAll("/", "//")],
      [2, `${path}/../${path.split("/").at(-1)}`],
      [1, `${path}/${"x/../".repeat(40)}`],
      [1, `/${"./".repeat(2045)}${"a".repeat(this.random.below(8))}`],
    ]);
  }

  /** How `absolute` is written for a call that takes a directory descriptor. */
  placed(absolute: string): Place {
    const { random } = this;
    if (random.chance(0.01)) return { dir: this.anyFd(), path: "", absolute: "/?" };
    const cwd = this.cwd;
    if (random.chance(0.5) && cwd !== "/" && absolute.startsWith(`${cwd}/`)) {
      return { dir: AT_FDCWD, path: absolute.slice(cwd.length + 1), absolute };
    }
    const above = this.fds.filter(
      ({ path, type }) => type === "d" && (path === "/" || absolute.startsWith(`${path}/`)),
    );
    if (above.length > 0 && random.chance(0.6)) {
      const { ref, path } = random.pick(above);
      return { dir: ref, path: absolute.slice(path === "/" ? 1 : path.length + 1) || ".", absolute };
    }
    if (random.chance(0.05)) return { dir: this.anyFd(), path: absolute.slice(1), absolute: "/?" };
    return { dir: AT_FDCWD, path: absolute, absolute };
  }

  place(type?: FileType): Place {
    return this.placed(this.absolute(type));
  }

  freshPlace(): Place {
    return this.placed(this.random.chance(0.8) ? this.fresh() : this.absolute());
  }

  /** How `absolute` is written for a call without a directory descriptor. */
  plain(absolute: string): string {
    const { cwd, random } = this;
    if (random.chance(0.005)) return "";
    return random.chance(0.5) && cwd !== "/" && absolute.startsWith(`${cwd}/`)
      ? absolute.slice(cwd.length + 1)
      : absolute;
  }

  // ---- descriptors

  fd(type?: FileType): StepArgument {
    const fits = this.fds.filter((fd) => type === undefined || fd.type === type);
    if (fits.length === 0 || this.random.chance(0.03)) return this.anyFd();
    return this.random.pick(fits).ref;
  }

  anyFd(): StepArgument {
    if (this.fds.length > 0 && this.random.chance(0.8)) return this.random.pick(this.fds).ref;
    return this.random.pick([-1, 99, FD_MAX]);
  }

  /** Notes what the last call opened. */
  opened(result: number, path: string, type: FileType, slot?: number): void {
    if (result < 0) return;
    const ref = slot === undefined ? { fd: this.lastId } : { fd: this.lastId, slot };
    this.fds.push({ ref, path, type });
  }

  closed(ref: StepArgument): void {
    const at = this.fds.findIndex((fd) => fd.ref === ref);
    if (at >= 0) this.fds.splice(at, 1);
  }

  knownFd(ref: StepArgument): KnownFd | undefined {
    return this.fds.find((fd) => fd.ref === ref);
  }

  // ---- numbers

  mode(): number {
    return this.random.weighted([
      [8, this.random.pick(MODES)],
      [3, this.random.pick(SPECIAL)],
      [1, this.random.below(0o10000)],
    ]);
  }

  /** The mode of a new directory: such that there is something to do in it. */
  directoryMode(): number {
    return this.random.chance(0.7) ? this.random.pick([0o777, 0o755, 0o1777, 0o2777]) : this.mode();
  }

  offset(): number {
    return this.random.weighted([
      [12, this.random.pick(OFFSETS)],
      [6, this.random.below(10000)],
      [1, this.random.pick(FAR)],
    ]);
  }

  /** A size that a file may take without costing much. */
  length(): number {
    return this.random.weighted([
      [8, this.random.below(100)],
      [3, this.random.below(9000)],
      [1, this.random.pick([0, 1, 4096, 65536, 70000])],
    ]);
  }

  id(): number {
    return this.random.pick(IDS);
  }

  // ---- bytes

  data(): Uint8Array {
    return Buffer.alloc(this.length(), this.random.pick(["x", "y", "0123456789", "abc"]));
  }

  out(least = 0): Out {
    return { out: Math.max(least, this.length()) };
  }

  /** Two struct timespec, of times that no clock shows now. */
  times(): Uint8Array | null {
    if (this.random.chance(0.15)) return null;
    const bytes = Buffer.alloc(32);
    for (const at of [0, 16]) {
      const seconds = this.random.pick([0, 1, 86400, 1_000_000_000, 1_000_000_001, 4_000_000_000, -1]);
      const rest = this.random.weighted([
        [8, this.random.below(1_000_000_000)],
        [2, 0x3fffffff],
        [2, 0x3ffffffe],
        [1, 1_000_000_000],
      ]);
      bytes.writeBigInt64LE(BigInt(seconds), at);
      bytes.writeBigInt64LE(BigInt(rest), at + 8);
    }
    return bytes;
  }
}

/** An entry of the grammar. */
export interface Rule {
  readonly name: string;
  /** What is asked of our table to know whether it has the call. */
  readonly number: number;
  readonly weight: number;
  run(g: Generator): void;
}
