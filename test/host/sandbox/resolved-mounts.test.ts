// The reader of the gofer's list of mounts: a gofer that the root's files have taken over must not choose what is mounted.

import { closeSync, openSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MOUNT_LIST_BYTES_MAX } from "../../../src/common/mount-list.ts";
import { parseResolvedMounts, readResolvedMounts } from "../../../src/host/sandbox/resolved-mounts.ts";
import { parseRuntimeSpec } from "../../../src/host/spec/runtime-spec.ts";
import { requireNative } from "../../support/gofer.ts";
import { socketPair } from "../../support/p9-client.ts";
import { failure } from "../scratch.ts";

const native = requireNative();
const BUNDLE = [
  { destination: "/proc", type: "proc", source: "proc" },
  { destination: "/link/m", type: "bind", source: "/data", options: ["rbind", "ro"] },
];
const MOUNTS = parseRuntimeSpec({
  process: { args: ["x"], cwd: "/" },
  root: { path: "r" },
  mounts: BUNDLE,
}).mounts;
const PROC = { destination: "/proc", type: "proc", source: "proc", options: [] };
const BOUND = { destination: "/real/m", type: "bind", source: "/data", options: ["rbind", "ro"] };
/** Long for a machine that does much else, and reached by one test only. */
const TIMEOUT_MS = 60_000;

const parse = (...list: unknown[]) => parseResolvedMounts(JSON.stringify(list), MOUNTS);

describe("a list", () => {
  test("says where the mounts are", () => {
    expect(parse(PROC, BOUND)).toEqual([
      { ...PROC, overlayfsStaleRead: false },
      { ...BOUND, overlayfsStaleRead: false },
    ]);
  });

  test("may say that files lie on an overlayfs, which is no option for the sandbox (G23-31, V21-15)", () => {
    const options = ["rbind", "ro", "overlayfs_stale_read"];
    expect(parse(PROC, { ...BOUND, options })[1]).toEqual({ ...BOUND, overlayfsStaleRead: true });
  });

  test("may have keys that nobody asked for", () => {
    expect(parse(PROC, { ...BOUND, more: 1 })).toHaveLength(2);
  });
});

describe("a hostile list", () => {
  const place = (destination: unknown) => parse(PROC, { ...BOUND, destination });

  test.each<[unknown[], string]>([
    [[], "0 mounts instead of 2"],
    [[PROC], "1 mounts instead of 2"],
    [[PROC, BOUND, BOUND], "3 mounts instead of 2"],
    [[BOUND, PROC], "mounts[0] has another type or source"],
    [[PROC, null], "mounts[1] is not an object"],
    [[PROC, "x"], "mounts[1] is not an object"],
    [[PROC, []], "mounts[1] has another type or source"],
    [[PROC, { ...BOUND, source: "/etc" }], "mounts[1] has another type or source"],
    [[PROC, { ...BOUND, type: "tmpfs" }], "mounts[1] has another type or source"],
    [[PROC, { ...BOUND, options: ["rbind"] }], "mounts[1] has other options"],
    [[PROC, { ...BOUND, options: ["rbind", "rw"] }], "mounts[1] has other options"],
    [[PROC, { ...BOUND, options: ["rbind", "ro", "rw"] }], "mounts[1] has more options"],
    [[PROC, { ...BOUND, options: "rbind" }], "mounts[1]: options are not a list"],
    [[{ ...PROC, destination: "/sys" }, BOUND], "mounts[0] has another destination"],
    [[{ ...PROC, options: ["overlayfs_stale_read"] }, BOUND], "mounts[0] has more options"],
  ])("%j is refused", (list, problem) => {
    expect(failure(() => parse(...list))).toBe(`the gofer's list of mounts: ${problem}`);
  });

  const unresolved = [
    "",
    "m",
    "/",
    "/..",
    "/a/../b",
    "/a//b",
    "/a/",
    "/./a",
    "/a\0b",
    "/\ud800",
    7,
    null,
    ["/a"],
  ];
  test.each([...unresolved, `/${"n".repeat(256)}`, "/n".repeat(2048)])(
    "the place %.20j is refused",
    (destination) => {
      const problem = "the gofer's list of mounts: mounts[1]: destination is not a resolved path";
      expect(failure(() => place(destination))).toBe(problem);
    },
  );

  test.each([
    ["", "the gofer ended without one"],
    ["{}", "not a list"],
    ["[", /^the gofer's list of mounts: not JSON: /],
    ["[".repeat(1_000_000), /^the gofer's list of mounts: not JSON: /],
    ['{"__proto__":[]}', "not a list"],
  ])("%.20s is refused", (text, problem) => {
    const message = failure(() => parseResolvedMounts(text, MOUNTS));
    if (typeof problem === "string") expect(message).toBe(`the gofer's list of mounts: ${problem}`);
    else expect(message).toMatch(problem);
  });
});

describe("a descriptor", () => {
  /** What is read from a stream of these bytes. */
  function read(parts: readonly Uint8Array[], closes = true, timeoutMs = TIMEOUT_MS) {
    const [ours, theirs] = socketPair(native);
    const memory = new Uint8Array(1 << 16);
    native.registerMemory(9, memory);
    for (const part of parts) {
      memory.set(part);
      expect(native.write(theirs, 9, 0, part.length)).toBe(part.length);
    }
    if (closes) native.close(theirs);
    try {
      return readResolvedMounts(native, ours, MOUNTS, timeoutMs);
    } finally {
      native.close(ours);
      if (!closes) native.close(theirs);
    }
  }

  const good = Buffer.from(JSON.stringify([PROC, BOUND]));

  test("is read to its end, in pieces", () => {
    expect(read([good.subarray(0, 10), good.subarray(10)])).toHaveLength(2);
  });

  test("whose other end stays open is not waited for any longer", () => {
    expect(failure(() => read([good], false, 50))).toBe(
      "the gofer's list of mounts: the gofer has not sent it within 50 ms",
    );
  });

  test("that holds no UTF-8, or is not open, is refused", () => {
    expect(failure(() => read([Buffer.from([0x5b, 0xff, 0x5d])]))).toBe(
      "the gofer's list of mounts: not UTF-8",
    );
    expect(failure(() => readResolvedMounts(native, 9999, MOUNTS, TIMEOUT_MS))).toBe(
      "the gofer's list of mounts: EBADF",
    );
  });

  test("that never ends is read up to a bound", () => {
    const endless = openSync("/dev/zero", "r");
    expect(failure(() => readResolvedMounts(native, endless, MOUNTS, TIMEOUT_MS))).toBe(
      `the gofer's list of mounts: longer than ${MOUNT_LIST_BYTES_MAX} bytes`,
    );
    closeSync(endless);
  });
});
