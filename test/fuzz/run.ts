// Steps on both sides: ours at once, Linux's in batches; and what differs.

import { ENOENT, ENOSYS } from "../../assembly/abi/errno.ts";
import { IN_ACCESS } from "../../assembly/abi/inotify.ts";
import { S_IFDIR, S_IFIFO, S_IFMT } from "../../assembly/abi/stat.ts";
import {
  SYS_creat,
  SYS_fstat,
  SYS_inotify_add_watch,
  SYS_lseek,
  SYS_sendfile,
  SYS_stat,
} from "../../assembly/abi/syscall.ts";
import type { LinuxProcess } from "../support/sys/linux.ts";
import type { Argument, Call, Process } from "../support/sys/target.ts";
import { Epochs } from "./epochs.ts";
import type { Preparation } from "./layers.ts";
import { callOf, freshCall, type Results, type Step } from "./step.ts";
import { type Execute, type TreeOptions, treeOf } from "./tree.ts";
import { buffersOf, InodeNames, VIEWS, type ViewName } from "./view.ts";
import { IDENTITIES, type World, type Worlds } from "./worlds.ts";

export const TICK = "tick";
const BATCH = 100;
const BATCH_BYTES = 2 << 20;

export interface Difference {
  /** The step, or undefined for one that the comparison of trees or the end found. */
  readonly step: Step | undefined;
  readonly linux: string;
  readonly ours: string;
}

interface Pending {
  readonly step: Step;
  readonly view: ViewName;
  readonly call: Call;
  readonly ours: string;
}

/** What is thrown when our kernel itself fails: an assertion, or a trap. */
function failure(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What our table has of the calls that looking at a tree takes. */
export interface Abilities {
  readonly xattrs: boolean;
  readonly trees: boolean;
}

export class Run {
  readonly steps: Step[] = [];
  difference: Difference | undefined;
  /** What follows is not comparable any more. */
  hasEnded = false;
  readonly #world: World;
  readonly #oursContext: TreeOptions;
  readonly #linuxContext: TreeOptions;
  readonly #ours: (Process | undefined)[] = [];
  readonly #linux: (LinuxProcess | undefined)[] = [];
  readonly #results: Results = new Map();
  readonly #trees: boolean;
  readonly #isArtefact: NonNullable<Worlds["isArtefact"]>;
  readonly #leavesOut: NonNullable<Worlds["leavesOut"]>;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #observer: { ours: Process; linux: LinuxProcess } | undefined;

  constructor(worlds: Worlds, preparation: Preparation, { xattrs, trees }: Abilities) {
    this.#world = worlds.make(preparation);
    const { blocks, directoryLinks } = worlds;
    this.#trees = trees;
    this.#isArtefact = worlds.isArtefact ?? (() => false);
    this.#leavesOut = worlds.leavesOut ?? (() => false);
    // Without an index Linux's overlay goes on to list what became a file of its own by the old number, while a listing is open.
    const listedInodes = worlds.inodes && !/lowerdir=(?!.*index=on)/.test(preparation.options);
    const context = { epochs: new Epochs(), blocks, directoryLinks, listedInodes, xattrs };
    const names = () => (worlds.inodes ? new InodeNames() : undefined);
    this.#oursContext = { ...context, inodes: names() };
    this.#linuxContext = { ...context, inodes: names() };
  }

  /** Makes a step on our side, at once, and notes it for Linux; returns our result. */
  perform(step: Step): number {
    if (this.difference !== undefined || this.hasEnded) return -ENOSYS;
    this.steps.push(step);
    if (step.kind === TICK) {
      this.flush();
      this.#oursContext.epochs.tick();
      return 0;
    }
    if (this.#pending.length > 0 && this.#pending[0]!.step.process !== step.process) this.flush();
    const call = callOf(step, this.#results);
    let result: number;
    let { view } = step;
    try {
      this.#ours[step.process] ??= this.#world.ours.process(IDENTITIES[step.process]!);
      const process = this.#ours[step.process]!;
      if (isUndefined(process, call) || this.#leavesOut(process, call)) {
        this.steps.pop();
        return -ENOSYS;
      }
      if (view === "bytes" && isInotify(process, call.args[0]!)) view = "events";
      result = process.syscall(call.number, ...call.args);
    } catch (error) {
      this.flush();
      this.difference ??= { step, linux: "", ours: failure(error) };
      return -ENOSYS;
    }
    const buffers = buffersOf(call);
    const words = step.view === "out" ? wordsOf(buffers[0]) : [];
    this.#results.set(step.id, { result, words });
    const ours = VIEWS[view](call, result, this.#oursContext);
    const theirs = freshCall(step, call);
    this.#pending.push({ step, view, call: theirs, ours });
    this.#pendingBytes += buffers.reduce((sum, bytes) => sum + bytes.length, 0);
    if (this.#pending.length >= BATCH || this.#pendingBytes > BATCH_BYTES) this.flush();
    return result;
  }

  /** Makes the noted steps on Linux and compares. */
  flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const first = pending[0];
    if (first === undefined || this.difference !== undefined || this.hasEnded) return;
    const process = first.step.process;
    this.#linux[process] ??= this.#world.linux.process(IDENTITIES[process]!);
    const results = this.#linux[process]!.batch(pending.map(({ call }) => call));
    for (const [index, { step, view, call, ours }] of pending.entries()) {
      const linux = VIEWS[view](call, results[index]!, this.#linuxContext);
      if (linux === ours) continue;
      if (this.#isArtefact(step, results[index]!, ours)) {
        this.hasEnded = true;
        return;
      }
      this.difference = { step, linux, ours };
      return;
    }
  }

  /** Compares the trees, and has our kernel look at its heap. */
  compareTrees(): void {
    this.flush();
    if (this.difference !== undefined || this.hasEnded || !this.#trees) return;
    this.#observer ??= { ours: this.#world.ours.process(), linux: this.#world.linux.process() };
    try {
      this.#world.check();
      this.#compareTree(this.#observer, "/");
      const { layer } = this.#world;
      if (this.difference === undefined && layer !== undefined) this.#compareTree(layer, layer.top);
    } catch (error) {
      this.difference = { step: undefined, linux: "", ours: failure(error) };
    }
  }

  #compareTree({ ours, linux }: { ours: Process; linux: LinuxProcess }, top: string): void {
    const oursOf: Execute = (calls) => calls.map((call) => ours.syscall(call.number, ...call.args));
    const mine = treeOf(oursOf, this.#oursContext, top);
    const theirs = treeOf((calls) => linux.batch(calls), this.#linuxContext, top);
    if (mine.join("\n") === theirs.join("\n")) return;
    this.difference = { step: undefined, linux: only(theirs, mine), ours: only(mine, theirs) };
  }

  /** Ends both sides. What is wrong with our kernel then is a difference too. */
  end(): void {
    this.flush();
    try {
      this.#world.end();
    } catch (error) {
      this.difference ??= { step: undefined, linux: "", ours: failure(error) };
    }
  }
}

function wordsOf(bytes: Buffer | undefined): number[] {
  if (bytes === undefined) return [];
  return Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readInt32LE(index << 2));
}

/**
 * Whether it is not Linux, but the processor or the type of file system that says what comes of a call. Within one file sendfile(2)
 * copies from pages that it is writing; a pipe it gives the file's own pages, so that what reads them later sees what was written
 * meanwhile, and a memfd cannot be sealed. Places in a directory mean something to its file system alone. creat(2) of a FIFO waits
 * for a reader.
 */
function isUndefined(process: Process, { number, args }: Call): boolean {
  if (number === SYS_lseek)
    return isOfType(statOf(process, args[0]!), S_IFDIR) && (args[1] !== 0 || args[2] !== 0);
  if (number === SYS_creat) return isOfType(statAt(process, args[0]!), S_IFIFO);
  if (number !== SYS_sendfile) return false;
  const [to, from] = [statOf(process, args[0]!), statOf(process, args[1]!)];
  if (to === undefined || from === undefined) return false;
  return isOfType(to, S_IFIFO) || to.readBigUInt64LE(8) === from.readBigUInt64LE(8);
}

/** Whether what is read are events, whose numbers are each system's own. A descriptor may have become anything since it was made. */
function isInotify(process: Process, fd: Argument): boolean {
  return typeof fd === "number" && process.syscall(SYS_inotify_add_watch, fd, "", IN_ACCESS) === -ENOENT;
}

function statOf(process: Process, fd: Argument): Buffer | undefined {
  const stat = Buffer.alloc(144);
  return process.syscall(SYS_fstat, fd, stat) === 0 ? stat : undefined;
}

function statAt(process: Process, path: Argument): Buffer | undefined {
  const stat = Buffer.alloc(144);
  return process.syscall(SYS_stat, path, stat) === 0 ? stat : undefined;
}

function isOfType(stat: Buffer | undefined, type: number): boolean {
  return stat !== undefined && (stat.readUInt32LE(24) & S_IFMT) === type;
}

function only(lines: readonly string[], others: readonly string[]): string {
  const known = new Set(others);
  return lines
    .filter((line) => !known.has(line))
    .slice(0, 5)
    .join("\n");
}

/** The steps again, on fresh trees. */
export function replay(
  worlds: Worlds,
  preparation: Preparation,
  steps: readonly Step[],
  abilities: Abilities,
  trees: boolean,
): Difference | undefined {
  const run = new Run(worlds, preparation, abilities);
  for (const step of steps) run.perform(step);
  if (trees) run.compareTrees();
  run.end();
  return run.difference;
}
