// Trace files of somebody else's: what is read of them, and what the page makes of it.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tracePage } from "../../../src/host/trace/page.ts";
import { traceRecords } from "../../../src/host/trace/trace-file.ts";
import { scratchDirectory } from "../scratch.ts";

const scratch = scratchDirectory();
const BEGIN = {
  type: "begin",
  version: 1,
  generator: "x",
  time: "now",
  pid: 1,
  program: "p",
  argv: ["</script><script>alert(1)</script>", { latin1: "\xff" }],
  cwd: "/",
  uid: 0,
  gid: 0,
  mounts: [],
  fds: [],
};
const CALL = { type: "call", pid: 1, t: 0, name: "fd_read", args: { fd: { fd: 3, path: "/x" } }, dur: 1 };

function file(...lines: readonly unknown[]): string {
  const name = path.join(scratch, "t.jsonl");
  writeFileSync(
    name,
    lines.map((line) => (typeof line === "string" ? line : `${JSON.stringify(line)}\n`)).join(""),
  );
  return name;
}

function read(...lines: readonly unknown[]): number {
  return [...traceRecords(file(...lines))].length;
}

test("records come as they are; unknown types and members, and a last line that was cut, are passed over", () => {
  expect(read(BEGIN, { ...CALL, more: 1 }, { type: "later" }, '{"type":"call","pi')).toBe(2);
});

test("what is no record is named with its line", () => {
  const wrong: [unknown, RegExp][] = [
    ["{", /line 2: it is no JSON/],
    ["[]\n", /line 2: the record is no object/],
    [BEGIN, /line 2: it begins again/],
    [{ ...CALL, name: "\x1b[31m" }, /the call's name is not what it may be/],
    [{ ...CALL, errno: "E\n" }, /errno is not what it may be/],
    [{ ...CALL, t: "0" }, /t is no whole number/],
    [{ ...CALL, t: 1e300 }, /t is no whole number/],
    [{ ...CALL, args: { fd: { flags: ["\x07"] } } }, /args is not what it may be/],
    [{ ...CALL, args: { "a\n": 1 } }, /args is not what it may be/],
    [{ ...CALL, args: { fd: { int: "\x1b" } } }, /args is not what it may be/],
    [{ ...CALL, args: { fd: { text: { latin1: "\u0100" } } } }, /args is not what it may be/],
    [{ ...CALL, args: { fd: JSON.parse(`${'{"list":['.repeat(9)}1${"]}".repeat(9)}`) } }, /nested too deep/],
    [{ ...CALL, reason: { rule: "x", text: "\x1b[2J" } }, /the reason's text/],
    [{ type: "end", pid: 1, t: 0, code: 0, message: "\x07" }, /message/],
  ];
  for (const [record, message] of wrong) {
    const line = typeof record === "string" ? `${record.trimEnd()}\n` : record;
    expect(() => read(BEGIN, line), JSON.stringify(record)).toThrow(message);
  }
  expect(() => read()).toThrow(/it is empty/);
  expect(() => read(CALL)).toThrow(/it does not begin/);
  expect(() => read(BEGIN, `"${"x".repeat(2 << 20)}"\n`)).toThrow(/line 2: it is longer than/);
});

test("the page has no markup but its own, and allows no script but its own", () => {
  const page = tracePage(
    file(BEGIN, { ...CALL, args: { path: { text: "<img src=x onerror=alert(1)><!--" } } }),
  );
  expect(page.match(/<script/g)).toHaveLength(2);
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  expect(page).not.toContain("<img");
  expect(page).not.toContain("<!--");
  expect(page).toMatch(
    /content="default-src &#39;none&#39;; script-src &#39;sha256-[\w+/=]+&#39;; style-src &#39;sha256-/,
  );
  expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  const data = /<script type="application\/json" id="trace">(.*)<\/script>/.exec(page)![1]!;
  expect(JSON.parse(data)).toMatchObject({ begin: { argv: BEGIN.argv }, omitted: 0 });
});
