// createFs(): trees, users, limits, and file systems that know nothing of each other.

import { expect, test } from "vitest";
import { createFs } from "../../src/fs/index.ts";

test("a tree of texts, bytes and directories", () => {
  const fs = createFs({ "/a/b.txt": "text", "/c": Buffer.from([1, 2]), "/empty": null, d: { e: "nested" } });
  expect(fs.readFileSync("/a/b.txt", "utf8")).toBe("text");
  expect(fs.readFileSync("/c")).toEqual(Buffer.from([1, 2]));
  expect(fs.readdirSync("/")).toEqual(["a", "c", "d", "empty"]);
  expect(fs.toJSON()).toEqual({
    "/a/b.txt": "text",
    "/c": "\u0001\u0002",
    "/d/e": "nested",
    "/empty": null,
  });
});

test("two file systems share nothing", () => {
  const one = createFs({ "/f": "one" });
  const two = createFs({ "/f": "two" });
  one.writeFileSync("/f", "changed");
  expect(two.readFileSync("/f", "utf8")).toBe("two");
});
