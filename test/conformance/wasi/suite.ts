// Runs the conformance programs of test/guests/wasi over one host and registers one vitest test for each of
// their checks.
//
// The names come from the sources, so that a check which a program never reached is a failing test and not a
// missing one. A program runs once for all of its checks, when the first of them starts.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { buildGuests } from "../../support/guests.ts";

export interface GuestResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a guest to its end. Its stdout is a pipe, and its stdin at the end of file. */
export type RunGuest = (
  guest: Uint8Array,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  mode: string,
) => Promise<GuestResult> | GuestResult;

export interface SuiteOptions {
  /** Told to `run` and part of the tests' names: "tmpfs", "bind". */
  mode: string;
  run: RunGuest;
  /** An empty directory below a preopen, as the guest names it; a new one for each topic. */
  scratch: (topic: string) => string;
  /**
   * The root of a read-only mount that holds READ_ONLY_TREE and READ_ONLY_LINKS; without one that topic is
   * left out.
   */
  readOnly?: string;
  /**
   * Checks that this host is known to fail, with the reason. Such a test passes only while the check fails, so
   * that a check which always says "ok" is found, and a host that has become better is noticed.
   */
  known?: ReadonlyMap<string, KnownFailure>;
}

export interface KnownFailure {
  reason: string;
  /** The check never returns, or it ruins those after it: it is not run. */
  skip?: boolean;
}

const TOPICS = [
  "paths",
  "symlinks",
  "open",
  "fds",
  "readdir",
  "metadata",
  "link-rename-unlink",
  "read-only",
  "poll-clocks",
  "misc",
] as const;

type Topic = (typeof TOPICS)[number];

/** What the topic `misc` looks for. */
const MISC_ARGS = ["two words", "", "naïve 🙂", 'quote"s', "line\nbreak"];
const MISC_ENV = { PLAIN: "value", EMPTY: "", QUOTES: "a\"b'c", LINES: "one\ntwo", EQUALS: "a=b" };

/**
 * The files that the topic `read-only` looks for, to be put below the mount's root: contents, null for a
 * directory.
 */
export const READ_ONLY_TREE: Readonly<Record<string, string | null>> = {
  file: "data\n",
  dir: null,
  "dir/inner": "inner\n",
  empty: null,
};
/** And its symbolic links, with their texts. */
export const READ_ONLY_LINKS: Readonly<Record<string, string>> = { link: "file" };

function checkNames(topic: Topic): string[] {
  const source = fileURLToPath(new URL(`../../guests/wasi/${topic}.ts`, import.meta.url));
  return [...readFileSync(source, "utf8").matchAll(/\btest\(\s*"([^"]+)"/g)].map((match) => match[1]!);
}

function argumentsOf(topic: Topic, options: SuiteOptions): string[] {
  const args = [topic, options.scratch(topic)];
  if (topic === "read-only") args.push(options.readOnly!);
  if (topic === "misc") args.push(...MISC_ARGS);
  for (const name of checkNames(topic)) {
    if (options.known?.get(name)?.skip) args.push(`--skip=${name}`);
  }
  return args;
}

/** "ok", or what the program said about the check. */
function verdicts(result: GuestResult): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of result.stdout.split("\n")) {
    if (line.startsWith("ok ")) found.set(line.slice("ok ".length), "ok");
    const failure = /^FAIL (.*?): (.*)$/.exec(line);
    if (failure) found.set(failure[1]!, failure[2]!);
  }
  return found;
}

function describeTopic(topic: Topic, options: SuiteOptions): void {
  describe(topic, () => {
    let result: GuestResult;
    let found: Map<string, string>;

    beforeAll(async () => {
      const guest = (await buildGuests([`wasi/${topic}`])).get(`wasi/${topic}`)!;
      const env = topic === "misc" ? MISC_ENV : {};
      result = await options.run(guest, argumentsOf(topic, options), env, options.mode);
      found = verdicts(result);
    }, 60_000);

    for (const name of checkNames(topic)) {
      const known = options.known?.get(name);
      if (known?.skip) {
        test.skip(`${name} (${known.reason})`, () => {});
      } else {
        const title = known ? `fails, as ${known.reason}: ${name}` : name;
        test(title, () => {
          const verdict = found.get(name) ?? `not reached: exit code ${result.exitCode}, ${result.stderr}`;
          if (known) expect(verdict).not.toBe("ok");
          else expect(verdict).toBe("ok");
        });
      }
    }

    test("the program ends with exit code 0 and says nothing else", () => {
      expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: "" });
      const skipped = checkNames(topic).filter((name) => options.known?.get(name)?.skip);
      expect(found.size).toBe(checkNames(topic).length - skipped.length);
    });
  });
}

export function wasiSuite(options: SuiteOptions): void {
  describe(`WASI preview1 over ${options.mode}`, () => {
    for (const topic of TOPICS) {
      if (topic !== "read-only" || options.readOnly !== undefined) describeTopic(topic, options);
    }
  });
}
