// The conformance suite of `wvisor/fs`. Each case runs over Node's own node:fs first, and then over ours: see case.ts.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allCases, type Case } from "./all-cases.ts";
import { Run, type Subject } from "./case.ts";
import { Normalizer } from "./outcome.ts";
import { makeNodeSubject } from "./subjects/node.ts";
import { treeOf } from "./tree.ts";

/** Versions of Node differ in texts, in cp() and in what ends the process. This is the oldest that the package runs on. */
const MEASURE = 20;
const NODE_MAJOR = Number(process.versions.node.split(".")[0]);

/** Runs a case and describes what became of it, in plain data. */
async function outcomeOf(subject: Subject, { body, form }: Case): Promise<unknown> {
  const dir = subject.fs.mkdtempSync(`${subject.base}/case-`);
  subject.fs.chmodSync(dir, 0o755);
  const normalizer = new Normalizer(dir);
  const outcome: Record<string, unknown> = {};
  try {
    outcome.value = normalizer.value(await body(new Run(subject, form, dir)));
  } catch (error) {
    outcome.failed = normalizer.error(error);
  }
  outcome.tree = treeOf(subject.fs, dir);
  subject.fs.rmSync(dir, { recursive: true, force: true });
  return outcome;
}

/** A case that a subject is known to fail, with the reason. Such a test passes only while the case fails. */
export type KnownFailures = Readonly<Record<string, string>>;

export function nodeFsSuite(
  name: string,
  make: () => Subject | Promise<Subject>,
  known: KnownFailures = {},
): void {
  describe.skipIf(NODE_MAJOR !== MEASURE)(`${name} [the measure is Node ${MEASURE}]`, () => {
    let node: Subject;
    let ours: Subject;
    beforeAll(async () => {
      node = makeNodeSubject();
      ours = await make();
    });
    afterAll(async () => {
      await ours.dispose();
      await node.dispose();
    });
    for (const each of allCases()) {
      const title = `${each.topic}: ${each.title}`;
      const body = async (): Promise<void> => {
        const expected = await outcomeOf(node, each);
        expect(await outcomeOf(ours, each)).toEqual(expected);
      };
      if (known[title] !== undefined) test.fails(`${title} [${known[title]}]`, body);
      else test(title, body);
    }
  });
}
