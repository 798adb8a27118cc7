import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { parseSignal, terminates } from "../../src/common/signals.ts";

describe("a signal's name", () => {
  test("is Linux's, with or without SIG", () => {
    for (const [name, number] of Object.entries(constants.signals)) {
      expect({ name, number: parseSignal(name) }).toEqual({ name, number });
      expect(parseSignal(name.slice(3).toLowerCase())).toBe(number);
    }
  });

  test.each([
    ["9", 9],
    ["64", 64],
    ["RTMIN", 34],
    ["SIGRTMIN+3", 37],
    ["RTMAX-1", 63],
  ])("%s is %i", (text, number) => {
    expect(parseSignal(text)).toBe(number);
  });

  test.each(["", "0", "65", "-9", "9.0", "KILLED", "SIG", "RTMIN-1", "RTMAX+1", "1e1"])(
    "%j is none",
    (text) => {
      expect(parseSignal(text)).toBeUndefined();
    },
  );
});

test("what the default action of a signal is (signal(7))", () => {
  const others = [17, 18, 19, 20, 21, 22, 23, 28];
  for (let number = 1; number <= 64; number++) expect(terminates(number)).toBe(!others.includes(number));
});
