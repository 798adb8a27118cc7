// A difference as a test that can be pasted into test/conformance/syscalls/cases.

import * as nr from "../../assembly/abi/syscall.ts";
import type { Preparation } from "./layers.ts";
import { type Difference, TICK } from "./run.ts";
import type { FdOf, Step, StepArgument } from "./step.ts";
import { IDENTITIES } from "./worlds.ts";

const NAMES = new Map<number, string>(Object.entries(nr).map(([name, number]) => [number as number, name]));

function fdText({ fd, slot }: FdOf): string {
  return slot === undefined ? `r${fd}` : `out${fd}.readInt32LE(${slot * 4})`;
}

function bytesText(bytes: Uint8Array): string {
  const first = bytes[0];
  if (bytes.length > 0 && bytes.every((byte) => byte === first))
    return `Buffer.alloc(${bytes.length}, ${first})`;
  const period = [3, 10].find((n) => bytes.every((byte, index) => byte === bytes[index % n]));
  if (period !== undefined && bytes.length > period) {
    const text = Buffer.from(bytes.subarray(0, period)).toString("latin1");
    return `Buffer.alloc(${bytes.length}, ${JSON.stringify(text)})`;
  }
  return `Buffer.from("${Buffer.from(bytes).toString("hex")}", "hex")`;
}

/** Long runs of a letter are written as repetitions. */
function textOf(text: string): string {
  return JSON.stringify(text)
    .replace(
      /(.)\1{19,}/g,
      (run: string, char: string) => `" + ${JSON.stringify(char)}.repeat(${run.length}) + "`,
    )
    .replace(/"" \+ | \+ ""/g, "");
}

function numberText(value: number, position: number, name: string): string {
  if (value === -100) return "AT_FDCWD";
  const isFlags = /open|mkdir|chmod|mknod|umask|creat/.test(name) && position > 0 && value > 7;
  return isFlags ? `0o${value.toString(8)}` : `${value}`;
}

function argumentText(argument: StepArgument, step: Step, position: number): string {
  if (argument === null) return "null";
  if (typeof argument === "string") return textOf(argument);
  if (typeof argument === "number") return numberText(argument, position, step.kind);
  if (argument instanceof Uint8Array) return bytesText(argument);
  if (Array.isArray(argument)) return `[${argument.map((span: Uint8Array) => bytesText(span)).join(", ")}]`;
  if ("fd" in argument) return fdText(argument);
  if ("out" in argument) return `Buffer.alloc(${argument.out})`;
  return `[${(argument as { outs: readonly number[] }).outs.map((n) => `Buffer.alloc(${n})`).join(", ")}]`;
}

function callText(step: Step): string {
  const args = step.args.map((argument, index) => argumentText(argument, step, index));
  return `p${step.process}.syscall(nr.${NAMES.get(step.number)}, ${args.join(", ")})`;
}

function usesOf(steps: readonly Step[]): Set<number> {
  const used = new Set<number>();
  for (const { args } of steps) {
    for (const argument of args) {
      if (argument !== null && typeof argument === "object" && "fd" in argument) used.add(argument.fd);
    }
  }
  return used;
}

/** What was there before, as comments: layers are made by the test that they are pasted into. */
function layersText({ calls, options }: Preparation): string[] {
  if (options === "") return [];
  const lines = calls.map(({ number, args }) => {
    const texts = args.map((argument) =>
      argument instanceof Uint8Array ? bytesText(argument) : JSON.stringify(argument),
    );
    return `  // ${NAMES.get(number)} ${texts.join(", ")}`;
  });
  return [...lines, `  // overlay: ${options}`];
}

export function printTest(
  preparation: Preparation,
  steps: readonly Step[],
  difference: Difference,
  title: string,
): string {
  const used = usesOf(steps);
  const processes = [...new Set(steps.map(({ process }) => process))].sort();
  const lines = [
    `test(${JSON.stringify(title)}, () => {`,
    ...layersText(preparation),
    "  const target = make();",
    ...processes.map((index) => `  const p${index} = target.process(${JSON.stringify(IDENTITIES[index])});`),
  ];
  for (const step of steps) {
    if (step.kind === TICK) lines.push("  // Time passes here.");
    else lines.push(`  ${used.has(step.id) ? `const r${step.id} = ` : ""}${callText(step)};`);
  }
  const where = difference.step === undefined ? "the tree afterwards" : "the last call";
  lines.push(`  // Of ${where}:`);
  for (const [side, text] of [
    ["Linux", difference.linux],
    ["ours", difference.ours],
  ] as const) {
    lines.push(...text.split("\n").map((line) => `  //   ${side.padEnd(5)} ${line.slice(0, 600)}`));
  }
  lines.push("  target.end();", "});");
  return lines.join("\n");
}
