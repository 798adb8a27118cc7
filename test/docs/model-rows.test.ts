// docs/model-rows.md has every row of the model once, and is true: where it names a file, a test there cites the row in its title.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../support/cli.ts";
import { testTitles } from "../support/test-titles.ts";

const DOCUMENT = "docs/model-rows.md";
const text = readFileSync(path.join(ROOT, DOCUMENT), "utf8");
const cells = (line: string) => line.split(/(?<!\\)\|/).map((cell) => cell.trim());
const lines = text.split("\n").filter((line) => line.startsWith("| "));

/** "01-03, 50" as numbers of two digits. */
function numbersOf(ranges: string): string[] {
  return ranges.split(", ").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, index) => `${first! + index}`.padStart(2, "0"));
  });
}

const groups = lines
  .map(cells)
  .filter(([, name, ranges]) => /^[A-Z]+\d*$/.test(name!) && /^\d\d[-, \d]*$/.test(ranges!))
  .map(([, name, ranges]) => ({ name: name!, ids: numbersOf(ranges!).map((number) => `${name}-${number}`) }));
const rows = lines
  .map(cells)
  .filter(([, id]) => /^[A-Z]+\d*-\d\d$/.test(id!))
  .map(([, id, model, here]) => ({ id: id!, model: model!, here: here! }));
const known = new Set(groups.flatMap(({ ids }) => ids));

test("the document has every row of every group once, in order", () => {
  expect(groups.length).toBeGreaterThan(0);
  expect(rows.map(({ id }) => id)).toEqual(groups.flatMap(({ ids }) => ids));
});

describe("each row", () => {
  const titles = new Map<string, readonly string[]>();
  const titlesOf = (file: string) => {
    const found = titles.get(file) ?? testTitles(file);
    titles.set(file, found);
    return found;
  };

  test.each(rows)("$id", ({ id, model, here }) => {
    expect(model).toMatch(/^[^|]{5,}\.$/);
    if (here.startsWith("Not applicable: ")) {
      expect(here.length).toBeGreaterThan(30);
      return;
    }
    const files = [...here.matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file!);
    expect(files).not.toEqual([]);
    for (const file of files) expect(titlesOf(file).join("\n"), file).toMatch(new RegExp(`\\b${id}\\b`));
  });
});

test("no title cites a row that there is not", () => {
  const names = groups.map(({ name }) => name).join("|");
  const files = readdirSync(path.join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(test|as)\.ts$/.test(file))
    .map((file) => `test/${file}`);
  const cited = files.flatMap((file) =>
    testTitles(file).flatMap((title) => title.match(new RegExp(`\\b(?:${names})-\\d+\\b`, "g")) ?? []),
  );
  expect(cited.filter((id) => !known.has(id))).toEqual([]);
});
