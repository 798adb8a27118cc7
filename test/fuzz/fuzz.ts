// A run of the fuzzer: episodes on fresh trees, each from a seed of its own.

import { ELOOP, ENOSYS, EXDEV } from "../../assembly/abi/errno.ts";
import { SYS_getdents64, SYS_llistxattr } from "../../assembly/abi/syscall.ts";
import { Generator, type Rule } from "./generator.ts";
import { RULES } from "./grammar.ts";
import type { Preparation } from "./layers.ts";
import { printTest } from "./print.ts";
import { Random } from "./random.ts";
import { type Abilities, type Difference, Run, replay, TICK } from "./run.ts";
import { drop, shrink } from "./shrink.ts";
import type { Step } from "./step.ts";
import { type FsType, IDENTITIES, makeWorlds, type Worlds } from "./worlds.ts";

const EPISODE = 1000;
/** Calls between comparisons of the trees, and between ticks. */
const TREES_EVERY = 500;
const TICKS_EVERY = 400;
const FDS_MAX = 40;
const SHRINK_STEPS = 1500;

/** Which calls our table has, asked with arguments that do nothing. */
export function supportedCalls(worlds: Worlds): (number: number) => boolean {
  const known = new Map<number, boolean>();
  const { ours, linux } = worlds.make(worlds.prepare(0));
  const process = ours.process();
  for (const { number } of RULES) {
    if (!known.has(number)) known.set(number, process.syscall(number, -1, -1, -1, -1, -1, -1) !== -ENOSYS);
  }
  known.set(SYS_llistxattr, process.syscall(SYS_llistxattr, null, null, 0) !== -ENOSYS);
  ours.end();
  linux.end();
  return (number) => known.get(number) ?? false;
}

export interface FuzzOptions {
  readonly type: FsType;
  readonly seed: number;
  /** Whether to go on, by the calls made so far. */
  readonly more: (calls: number) => boolean;
  /** Kinds that are left out besides those that our table does not have. */
  readonly without?: readonly string[];
  /** How many differences to look for before it ends. */
  readonly failuresMax?: number;
  /** How often to try to make a difference's test simpler. */
  readonly shrinkSteps?: number;
  /** The episode to begin with. */
  readonly first?: number;
  readonly progress?: (text: string) => void;
}

export interface FuzzReport {
  readonly calls: number;
  /** How often each kind was called. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Kinds that our table does not have. */
  readonly leftOut: readonly string[];
  /** What the tree does not have, each with the reason. */
  readonly lacks: readonly string[];
  readonly callsPerSecond: number;
  /** Tests that show differences, no two of them in the same kind of call. */
  readonly failures: readonly string[];
}

/** Makes calls until there are `count`, or a difference. */
function episode(
  run: Run,
  { files }: Preparation,
  rules: readonly Rule[],
  lacks: Worlds["lacks"],
  random: Random,
  count: number,
  kinds: Map<string, number>,
): void {
  const g = new Generator(random, IDENTITIES.length, lacks, (step) => run.perform(step));
  for (const [path, type] of files) g.model.add(path, type);
  g.model.hasFifo = [...files.values()].includes("s");
  const weights = rules.map((rule) => [rule.weight, rule] as const);
  let burst = 0;
  let lastTick = 0;
  let lastTrees = 0;
  while (run.steps.length < count && run.difference === undefined && !run.hasEnded) {
    if (burst-- <= 0) {
      // Root does half of it: most of what users try is refused.
      g.process = random.weighted([
        [2, 0],
        [1, 1],
        [1, 2],
      ]);
      burst = 1 + random.below(60);
    }
    const rule =
      g.fds.length > FDS_MAX ? rules.find(({ name }) => name === "close")! : random.weighted(weights);
    g.kind = rule.name;
    rule.run(g);
    kinds.set(rule.name, (kinds.get(rule.name) ?? 0) + 1);
    if (run.steps.length - lastTick >= TICKS_EVERY) {
      lastTick = run.steps.length;
      g.kind = TICK;
      g.call(-1, []);
    }
    if (run.steps.length - lastTrees >= TREES_EVERY) {
      lastTrees = run.steps.length;
      run.compareTrees();
    }
  }
  run.compareTrees();
  run.end();
}

/** How often something is tried again that may have been of the moment. */
const TRIES = 5;

/**
 * Linux counts the links of a walk that it gives up and begins anew (fs/namei.c: total_link_count outlives -ECHILD), so that a rename
 * elsewhere on the machine can make ELOOP of forty. What comes of it is another tree.
 */
function isOfTheMoment({ linux, ours }: Difference): boolean {
  return linux === `${-ELOOP}` && ours !== linux;
}

/** The same, always: beneath a directory, ".." at its root begins the walk anew (follow_dotdot_rcu()), which is then EXDEV. */
function isCountedTwice({ linux, ours }: Difference): boolean {
  return linux === `${-ELOOP}` && ours === `${-EXDEV}`;
}

function explain(
  worlds: Worlds,
  preparation: Preparation,
  run: Run,
  abilities: Abilities,
  title: string,
  tries: number,
): string {
  const first = run.difference!;
  const trees = first.step === undefined;
  let attempts = tries;
  const attempt = (before: Preparation, steps: readonly Step[]): Difference | undefined =>
    attempts-- > 0 ? replay(worlds, before, steps, abilities, trees) : undefined;
  const steps = shrink(run.steps, first, (tried) => attempt(preparation, tried));
  attempts = tries;
  const calls = drop(preparation.calls, first, (tried) => attempt({ ...preparation, calls: tried }, steps));
  const smallest = { ...preparation, calls };
  const difference = replay(worlds, smallest, steps, abilities, trees) ?? first;
  return printTest(smallest, steps, difference, title);
}

export function fuzz({
  type,
  seed,
  more,
  without = [],
  failuresMax = 1,
  shrinkSteps = SHRINK_STEPS,
  first = 0,
  progress,
}: FuzzOptions): FuzzReport {
  const worlds = makeWorlds(type);
  const started = performance.now();
  const kinds = new Map<string, number>();
  let calls = 0;
  const failures = new Map<string, string>();
  const supported = supportedCalls(worlds);
  const rules = RULES.filter(({ name, number }) => supported(number) && !without.includes(name));
  const leftOut = RULES.filter(({ number }) => !supported(number)).map(({ name }) => name);
  const abilities = { xattrs: supported(SYS_llistxattr), trees: supported(SYS_getdents64) };
  for (let index = first; failures.size < failuresMax && more(calls); index++) {
    const preparation = worlds.prepare(seed * 100_003 + index);
    const run = new Run(worlds, preparation, abilities);
    episode(run, preparation, rules, worlds.lacks, new Random(seed * 100_003 + index), EPISODE, kinds);
    calls += run.steps.length;
    const found = run.difference;
    if (found !== undefined && isCountedTwice(found)) continue;
    if (
      found !== undefined &&
      isOfTheMoment(found) &&
      Array.from({ length: TRIES }).some(() => !replay(worlds, preparation, run.steps, abilities, false))
    )
      continue;
    const kind = found && (found.step?.kind ?? "tree");
    if (kind !== undefined && !failures.has(kind)) {
      failures.set(
        kind,
        explain(worlds, preparation, run, abilities, `${type}, seed ${seed}, episode ${index}`, shrinkSteps),
      );
    }
    if (index % 20 === 19) progress?.(`${calls} calls`);
  }
  worlds.close();
  const callsPerSecond = Math.round(calls / ((performance.now() - started) / 1000));
  const lacks = [...worlds.lacks].map(([what, why]) => `${what}: ${why}`);
  return { calls, kinds, leftOut, lacks, callsPerSecond, failures: [...failures.values()] };
}
