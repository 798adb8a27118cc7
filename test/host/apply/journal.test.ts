// The journal's lines, and the order of operations.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { isChanged } from "../../../src/host/apply/conflicts.ts";
import { wholeLines } from "../../../src/host/apply/journal.ts";
import { type Operation, orderOperations } from "../../../src/host/apply/operation.ts";
import { isSame, type Seen } from "../../../src/host/apply/seen.ts";

const FILE: Seen = {
  mode: 0o100644,
  uid: 1,
  gid: 1,
  links: 1,
  ino: 5n,
  size: 3n,
  mtimeNs: 10n,
  ctimeNs: 20n,
};
const DIRECTORY: Seen = { ...FILE, mode: 0o040755, mtimeNs: 20n };

function lines(...records: unknown[]): Buffer {
  let digest = "";
  const text = records.map((record) => {
    const body = JSON.stringify(record);
    digest = createHash("sha256").update(digest).update(body, "latin1").digest("hex").slice(0, 16);
    return `${digest} ${body}\n`;
  });
  return Buffer.from(text.join(""), "latin1");
}

test("lines are read up to the first that is not whole, edited or out of place", () => {
  const text = lines({ a: 1 }, { b: "\u00ff" }, { c: 3 });
  expect(wholeLines(text).lines).toEqual([{ a: 1 }, { b: "\u00ff" }, { c: 3 }]);
  for (let cut = 0; cut < text.length; cut++) {
    const whole = text.subarray(0, cut).toString("latin1").split("\n").length - 1;
    expect(wholeLines(text.subarray(0, cut)).lines).toHaveLength(whole);
  }
  const [first, second, third] = text.toString("latin1").split("\n") as [string, string, string];
  const edited = Buffer.from([first, second.replace("b", "d"), third, ""].join("\n"), "latin1");
  expect(wholeLines(edited).lines).toEqual([{ a: 1 }]);
  const swapped = Buffer.from([second, first, ""].join("\n"), "latin1");
  expect(wholeLines(swapped).lines).toEqual([]);
});

test("operations come in an order in which each can be done", () => {
  const step = (kind: Operation["kind"], name: string, more: Partial<Operation> = {}): Operation => ({
    kind,
    path: Buffer.from(name),
    ...more,
  });
  const steps = [
    step("rmdir", "gone", { before: DIRECTORY }),
    step("remove", "gone/x", { before: FILE }),
    step("attributes", "new", { mode: 0o500 }),
    step("put", "new/sub/f"),
    step("put", "was-directory", { before: DIRECTORY }),
    step("remove", "was-directory/y", { before: FILE }),
    step("times", ""),
    step("mkdir", "new/sub"),
    step("mkdir", "new"),
    step("attributes", "opened", { mode: 0o700, before: DIRECTORY }),
    step("attributes", "closed", { mode: 0o500, before: DIRECTORY }),
  ];
  const order = orderOperations(steps).map(({ kind, path }) => `${kind} ${path}`);
  expect(order).toEqual([
    "mkdir new",
    "attributes opened",
    "mkdir new/sub",
    "put new/sub/f",
    "remove was-directory/y",
    "remove gone/x",
    "rmdir gone",
    "put was-directory",
    "attributes new",
    "attributes closed",
    "times ",
  ]);
});

test("names of one file are links to the first", () => {
  const put = (name: string, links: bigint): Operation => ({ kind: "put", path: Buffer.from(name), links });
  const ordered = orderOperations([put("b", 7n), put("a", 7n), put("c", 8n)]);
  expect(ordered.map(({ path, linkOf }) => [String(path), linkOf])).toEqual([
    ["a", undefined],
    ["b", 0],
    ["c", undefined],
  ]);
});

test("a file is the same only with all that can tell it from another", () => {
  expect(isSame(FILE, { ...FILE })).toBe(true);
  for (const change of [
    { ino: 6n },
    { mode: 0o100600 },
    { uid: 0 },
    { gid: 0 },
    { size: 4n },
    { mtimeNs: 11n },
  ])
    expect(isSame(FILE, { ...FILE, ...change }, true)).toBe(false);
  expect(isSame(FILE, { ...FILE, ctimeNs: 21n })).toBe(false);
  expect(isSame(FILE, { ...FILE, ctimeNs: 21n }, true)).toBe(true);
  // Another name of it came or went.
  expect(isSame(FILE, { ...FILE, ctimeNs: 21n, links: 2 })).toBe(true);
  // What is in a directory is a matter of its own.
  expect(isSame(DIRECTORY, { ...DIRECTORY, size: 9n, mtimeNs: 30n, ctimeNs: 30n })).toBe(true);
});

test("what was changed after the session saw it", () => {
  expect(isChanged(FILE, 20n)).toBe(false);
  expect(isChanged(FILE, 19n)).toBe(true);
  // Its entries changed, and nothing else of it; or its permissions did.
  expect(isChanged(DIRECTORY, 19n)).toBe(false);
  expect(isChanged({ ...DIRECTORY, ctimeNs: 25n }, 19n)).toBe(true);
});
