import { expect, test } from "vitest";
import { type FlagTable, parseFlags } from "../../../src/host/cmd/flags.ts";

const TABLE: FlagTable = {
  env: { type: "string", short: "e", multiple: true },
  workdir: { type: "string", short: "w" },
  "read-only": { type: "boolean" },
};

const parse = (...args: string[]) => parseFlags(args, TABLE, true);

test("flags end at the first operand, whose own flags stay with it", () => {
  const { flags, operands, problem } = parse("-e", "A=1", "python3", "-e", "B=2", "--read-only");
  expect(problem).toBeUndefined();
  expect(flags.texts("env")).toEqual(["A=1"]);
  expect(flags.has("read-only")).toBe(false);
  expect(operands).toEqual(["python3", "-e", "B=2", "--read-only"]);
});

test("a -- before the operands is dropped, one after them is theirs", () => {
  expect(parse("--", "-x", "--", "y").operands).toEqual(["-x", "--", "y"]);
  expect(parse("a", "--", "b").operands).toEqual(["a", "--", "b"]);
});

test("operands and flags mix where the command says so", () => {
  const { flags, operands } = parseFlags(["id", "-w", "/x", "--", "-y"], TABLE, false);
  expect(operands).toEqual(["id", "-y"]);
  expect(flags.text("workdir")).toBe("/x");
});

test("a value may follow, be joined, or come after an equals sign", () => {
  for (const args of [["-w", "/x"], ["-w/x"], ["-w=/x"], ["--workdir", "/x"], ["--workdir=/x"]]) {
    expect(parse(...args).flags.text("workdir"), args.join(" ")).toBe("/x");
  }
});

test("a value may start with a dash", () => {
  expect(parse("-e", "-X=1").flags.texts("env")).toEqual(["-X=1"]);
});

test("of a flag that counts once the last one counts", () => {
  expect(parse("-w", "/a", "-w", "/b").flags.text("workdir")).toBe("/b");
});

test("what cannot be understood is named", () => {
  expect(parse("--foo").problem).toBe("unknown flag --foo");
  expect(parse("--foo=1").problem).toBe("unknown flag --foo");
  expect(parse("-z").problem).toBe("unknown flag -z");
  expect(parse("--constructor").problem).toBe("unknown flag --constructor");
  expect(parse("--workdir").problem).toBe("flag --workdir needs a value");
  expect(parse("-w").problem).toBe("flag -w needs a value");
  expect(parse("--read-only=yes").problem).toBe("flag --read-only takes no value");
});

test("a long name may come behind one dash, as in Go; a value and an operand that look so stay", () => {
  expect(parse("-workdir", "/x", "-env=A=1", "-read-only", "p", "-workdir").flags.text("workdir")).toBe("/x");
  expect(parse("-workdir", "/x", "-env=A=1").flags.texts("env")).toEqual(["A=1"]);
  expect(parse("-read-only", "p", "-workdir").operands).toEqual(["p", "-workdir"]);
  expect(parse("--env", "-workdir", "-w", "/x").flags.texts("env")).toEqual(["-workdir"]);
  expect(parse("--", "-workdir").operands).toEqual(["-workdir"]);
});

test("a switch is on or what is said; an optional value only comes behind an equals sign", () => {
  const table: FlagTable = { force: { type: "switch", short: "f" }, rootless: { type: "optional" } };
  const of = (...args: string[]) => parseFlags(args, table, false);
  expect(of("-f").flags.isOn("force", false)).toBe(true);
  expect(of("--force=false").flags.isOn("force", true)).toBe(false);
  expect(of().flags.isOn("force", true)).toBe(true);
  expect(of("--force=maybe").problem).toBe("flag --force: expected true or false");
  expect(of("--rootless", "x")).toMatchObject({ operands: ["x"], problem: undefined });
  expect(of("--rootless=auto").flags.text("rootless")).toBe("auto");
});
