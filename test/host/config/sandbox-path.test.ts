import { expect, test } from "vitest";
import { cleanPath, depthOf } from "../../../src/host/config/sandbox-path.ts";

test("a path is cleaned as Linux would walk it, and never leaves the root", () => {
  expect(cleanPath("/")).toBe("/");
  expect(cleanPath("//a///b/")).toBe("/a/b");
  expect(cleanPath("/a/./b/../c")).toBe("/a/c");
  expect(cleanPath("/../../etc")).toBe("/etc");
});

test("what cannot be an absolute path is refused", () => {
  expect(cleanPath("")).toBeUndefined();
  expect(cleanPath("a/b")).toBeUndefined();
  expect(cleanPath("/a\0b")).toBeUndefined();
  expect(cleanPath(`/${"n".repeat(256)}`)).toBeUndefined();
  expect(cleanPath("/abc".repeat(1024))).toBeUndefined();
});

test("lengths are counted in bytes", () => {
  expect(cleanPath(`/${"é".repeat(127)}`)).toBeDefined();
  expect(cleanPath(`/${"é".repeat(128)}`)).toBeUndefined();
});

test("the root has depth zero", () => {
  expect(depthOf("/")).toBe(0);
  expect(depthOf("/a")).toBe(1);
  expect(depthOf("/a/b")).toBe(2);
});
