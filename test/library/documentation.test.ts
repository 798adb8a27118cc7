// The examples of docs/library.md do what their comments say.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { scratchDirectory } from "../host/scratch.ts";

const root = new URL("../../", import.meta.url).pathname;
const scratch = scratchDirectory();

/** What the example prints, as its comments have it: `// 0 1 2`. */
const OUTPUTS: readonly RegExp[] = [/^0 done hi\n$/, /^0\n1\n2\n0 null null true\n$/, /^before after\n$/];

const examples = [
  ...readFileSync(join(root, "docs/library.md"), "utf8").matchAll(/```ts\n([\s\S]*?)```/g),
].map(([, code]) => code!);

test("every example is expected to print something", () => {
  expect(examples).toHaveLength(OUTPUTS.length);
});

test.each(examples.map((code, index) => [index, code] as const))(
  "example %i",
  async (index, code) => {
    const folder = join(scratch, String(index));
    mkdirSync(folder);
    const file = join(folder, "example.mjs");
    // Where a package would be installed.
    writeFileSync(file, code.replace('"wvisor"', JSON.stringify(join(root, "build/library.mjs"))));
    // In the project's folder: python is found in its node_modules.
    const run = promisify(execFile)(process.execPath, [file], { cwd: join(root, "docs") });
    expect((await run).stdout).toMatch(OUTPUTS[index]!);
  },
  120_000,
);
