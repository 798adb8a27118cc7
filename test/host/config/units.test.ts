import { expect, test } from "vitest";
import { parseDuration, parseId, parseMode, parseSize } from "../../../src/host/config/units.ts";

test("sizes count in powers of 1,024", () => {
  expect(parseSize("0")).toBe(0);
  expect(parseSize("65536")).toBe(65536);
  expect(parseSize("64k")).toBe(65536);
  expect(parseSize("256M")).toBe(256 << 20);
  expect(parseSize("1g")).toBe(2 ** 30);
  expect(parseSize("1.5k")).toBe(1536);
  expect(parseSize("64KiB")).toBe(65536);
  expect(parseSize("64mb")).toBe(64 << 20);
});

test("what is not a size is refused", () => {
  for (const text of ["", "k", "-1", "1x", "1 k", "0x10", "50%", "1e3", "9999999999999t"]) {
    expect(parseSize(text), text).toBeUndefined();
  }
});

test("durations have units; a plain number is seconds", () => {
  expect(parseDuration("500ms")).toBe(500);
  expect(parseDuration("10s")).toBe(10_000);
  expect(parseDuration("1m")).toBe(60_000);
  expect(parseDuration("1h")).toBe(3_600_000);
  expect(parseDuration("1m30s")).toBe(90_000);
  expect(parseDuration("2")).toBe(2000);
  expect(parseDuration("0.5")).toBe(500);
  expect(parseDuration("0")).toBe(0);
});

test("a duration above zero never becomes none", () => {
  expect(parseDuration("0.0001s")).toBe(1);
});

test("what is not a duration is refused", () => {
  for (const text of ["", "s", "-1s", "10 s", "10d", "1s30", "Infinity", "25d", "999999h"]) {
    expect(parseDuration(text), text).toBeUndefined();
  }
});

test("modes are octal, ids are decimal and exclude the one that means no change", () => {
  expect(parseMode("1777")).toBe(0o1777);
  expect(parseMode("0755")).toBe(0o755);
  expect(parseMode("8")).toBeUndefined();
  expect(parseMode("17777")).toBeUndefined();
  expect(parseId("4294967294")).toBe(4294967294);
  expect(parseId("4294967295")).toBeUndefined();
  expect(parseId("0x1")).toBeUndefined();
});
