// Which changes to apply, asked one by one on a terminal, with git add -p's keys.

import { readSync } from "node:fs";
import { S_IFDIR } from "../../../assembly/abi/stat.ts";
import type { HostFacts } from "../config/host-facts.ts";
import { type Change, type Layers, typeOf } from "../session/change.ts";
import { formatPatch } from "../session/patch.ts";
import { patchFilesOf } from "../session/patch-file.ts";
import { describeChange, LETTERS } from "./changes-summary.ts";
import type { Output } from "./output.ts";
import { shownPatch } from "./shown-patch.ts";
import { colorsOf, STDERR, STDIN } from "./terminal.ts";

const ANSWER_MAX = 64;
const HELP = `y  apply this change
n  leave it in the session
d  show it
a  apply it and all that follow
q  leave it and all that follow
`;

/** Those that were answered with yes. Directories come and go with what is in them; an empty one is asked about. */
export function chooseChanges(
  layers: Layers,
  changes: readonly Change[],
  host: HostFacts,
  output: Output,
): Change[] {
  const chosen: Change[] = [];
  const asked = changes.filter((change) => !isImplied(change, changes));
  const chosenDirectories = changes.filter(
    (change) => isImplied(change, changes) && change.kind === "deleted",
  );
  for (const [index, change] of asked.entries()) {
    const answer = ask(layers, change, `${index + 1}/${asked.length}`, host, output);
    if (answer === "y") chosen.push(change);
    if (answer === "a") chosen.push(...asked.slice(index));
    if (answer === "a" || answer === "q") break;
  }
  return chosen.length === 0 ? [] : [...chosen, ...chosenDirectories];
}

/** A directory that is made or removed for what is in it. */
function isImplied({ kind, path, before, after }: Change, changes: readonly Change[]): boolean {
  const state = kind === "deleted" ? before : after;
  if (!["added", "deleted"].includes(kind) || typeOf(state!.attributes) !== S_IFDIR) return false;
  const prefix = Buffer.concat([path, Buffer.from("/")]);
  return changes.some((other) => other.path.subarray(0, prefix.length).equals(prefix));
}

function ask(
  layers: Layers,
  change: Change,
  number: string,
  host: HostFacts,
  output: Output,
): "y" | "n" | "a" | "q" {
  for (;;) {
    output.err(`(${number}) ${LETTERS[change.kind]}  ${describeChange(change)} [y,n,d,a,q,?] `);
    const answer = readLine();
    if (answer === undefined) return "q";
    if (answer === "y" || answer === "n" || answer === "a" || answer === "q") return answer;
    if (answer === "d") show(layers, change, host, output);
    else output.err(HELP);
  }
}

function show(layers: Layers, change: Change, { env }: HostFacts, output: Output): void {
  for (const file of patchFilesOf(layers, change))
    output.err(shownPatch(formatPatch(file), colorsOf(STDERR, env)));
}

/** Undefined at the end of the input. A terminal gives one line at a time. */
function readLine(): string | undefined {
  const line = Buffer.alloc(ANSWER_MAX);
  const length = readSync(STDIN, line);
  return length === 0 ? undefined : line.toString("latin1", 0, length).trim().toLowerCase();
}
