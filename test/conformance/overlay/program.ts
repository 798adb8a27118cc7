// Random work on an overlay and its layers, as data that both sides carry out.

/** The overlay, its upper layer, its two lower ones. */
export type TreeNumber = 0 | 1 | 2 | 3;

export interface Step {
  readonly call:
    | "mkdir"
    | "write"
    | "append"
    | "truncate"
    | "chmod"
    | "unlink"
    | "rmdir"
    | "rename"
    | "link"
    | "symlink"
    | "whiteout"
    | "fifo"
    | "mount"
    | "remount"
    | "dump";
  readonly tree: TreeNumber;
  readonly path: string;
  /** The other path, or the text. */
  readonly other: string;
  readonly number: number;
}

/** What a step gave: a number, or for a dump the lines of the tree. */
export type Outcome = number | readonly string[];

/** mulberry32: the same numbers for the same seed everywhere. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const NAMES = ["a", "b", "c"];
const MODES = [0o644, 0o600, 0o755, 0o4755, 0o1777, 0o444];

const LAYER_CALLS: readonly Step["call"][] = [
  ...Array<Step["call"]>(8).fill("mkdir"),
  ...Array<Step["call"]>(8).fill("write"),
  "symlink",
  "link",
  "whiteout",
  "chmod",
];
const OVERLAY_CALLS: readonly Step["call"][] = [
  ...Array<Step["call"]>(6).fill("rename"),
  ...Array<Step["call"]>(5).fill("mkdir"),
  ...Array<Step["call"]>(5).fill("write"),
  ...Array<Step["call"]>(5).fill("unlink"),
  ...Array<Step["call"]>(5).fill("rmdir"),
  "append",
  "truncate",
  "chmod",
  "chmod",
  "link",
  "link",
  "symlink",
];

export function randomProgram(seed: number, length: number): Step[] {
  const below = randomNumbers(seed);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const path = (): string => {
    const depth = 1 + below(3);
    let text = "";
    for (let i = 0; i < depth; i++) text += `/${pick(NAMES)}`;
    return text;
  };
  const step = (call: Step["call"], tree: TreeNumber): Step => {
    const isPath = call === "rename" || call === "link";
    const other = isPath ? path() : call === "symlink" ? pick(NAMES) : `text ${below(1000)}`;
    return { call, tree, path: path(), other, number: call === "chmod" ? pick(MODES) : below(9) };
  };
  const mark = (call: Step["call"]): Step => ({ call, tree: 0, path: "", other: "", number: 0 });
  const steps: Step[] = [];
  for (let i = 0; i < 30; i++) steps.push(step(pick(LAYER_CALLS), i < 14 ? 3 : i < 28 ? 2 : 1));
  steps.push(mark("mount"), mark("dump"));
  for (let i = 1; i <= length; i++) {
    steps.push(step(pick(OVERLAY_CALLS), 0));
    if (i % 40 === 0) steps.push(mark("dump"), mark("remount"), mark("dump"));
  }
  for (const tree of [1, 2, 3] as const) steps.push({ ...mark("dump"), tree });
  return steps;
}
