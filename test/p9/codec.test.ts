// The table of messages against the frames that the server's codec is tested with too.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { P9_HEADER } from "../../assembly/abi/p9.ts";
import { FrameError } from "../../src/p9/fields.ts";
import { decode, encode, MESSAGES, type MessageName, messageName } from "../../src/p9/messages.ts";

interface Frame {
  readonly name: string;
  readonly type: number;
  readonly tag: number;
  readonly hex: string;
  readonly fields: readonly (readonly [string, string, number | string])[];
}

const frames: readonly Frame[] = JSON.parse(
  readFileSync(new URL("../fixtures/p9/frames.json", import.meta.url), "utf8"),
);

/** Lengths, which are no fields of their own in the table. */
const COUNTS = /^(nwname|nwqid|nwattr|nname|nanswer)$/;
const COUNTED = new Set(["Rread", "Twrite", "Rreaddir", "Tclunks"]);

/** Cuts that leave another message of the same type: the old Tfsync, and walks with fewer fids. */
const SHORTER: Readonly<Record<string, readonly number[]>> = {
  Tfsync: [4],
  Twalkfids: [4],
  Tmultigetattr: [4, 8],
};

/** The values of a message one after another, as the fixture writes them. */
function flatten(value: unknown): (number | string)[] {
  if (typeof value === "bigint") return [String(BigInt.asUintN(64, value))];
  if (typeof value === "number" || typeof value === "string") return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString("hex")];
  return Object.values(value as object).flatMap(flatten);
}

function expected({ name, fields }: Frame): (number | string)[] {
  return fields
    .filter(([field]) => !COUNTS.test(field) && !(field === "count" && COUNTED.has(name)))
    .map(([field, kind, value]) => {
      if (kind === "u64" || kind === "i64") return String(BigInt.asUintN(64, BigInt(value)));
      // Names are bytes; versions and users are text.
      const isBytes = /name$/.test(field) && !/^(uname|aname)$/.test(field);
      return (kind === "name" || kind === "string") && (isBytes || field === "target")
        ? Buffer.from(value as string).toString("hex")
        : value;
    });
}

const cases = frames.map((frame) => [frame.name, frame] as const);

describe("golden frames", () => {
  test("there is one for every message of the table", () => {
    const types = new Set(frames.map(({ type }) => type));
    expect(Object.values(MESSAGES).filter(({ type }) => !types.has(type))).toEqual([]);
  });

  test.each(cases)("%s is decoded, and encoded again", (_name, frame) => {
    const which = messageName(frame.type)!;
    const bytes = Buffer.from(frame.hex, "hex");
    const fields = decode(which, bytes);
    expect(flatten(fields)).toEqual(expected(frame));
    expect(encode(which, frame.tag, fields as never).toString("hex")).toBe(frame.hex);
  });

  test.each(cases)("no part of %s is a message, nor is it with a byte too many", (name, frame) => {
    const which = messageName(frame.type)!;
    const bytes = Buffer.from(frame.hex, "hex");
    for (let length = P9_HEADER; length < bytes.length; length++) {
      if (SHORTER[name]?.includes(bytes.length - length) === true) continue;
      expect(() => decode(which, bytes.subarray(0, length)), `${name} cut to ${length}`).toThrow(FrameError);
    }
    expect(() => decode(which, Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(FrameError);
  });
});

test("a value that its field cannot hold is refused", () => {
  expect(() => encode("Tclunk", 1, { fid: 2 ** 32 })).toThrow(RangeError);
  expect(() => encode("Tclunk", 1, { fid: -1 })).toThrow(RangeError);
  expect(() => encode("Tread", 1, { fid: 1, offset: -1n, count: 1 })).toThrow(RangeError);
  const name = Buffer.alloc(65536);
  expect(() => encode("Tmkdir", 1, { dfid: 1, name, mode: 0, gid: 0 })).toThrow(RangeError);
});

test("names of messages and their numbers belong together", () => {
  for (const [name, { type }] of Object.entries(MESSAGES)) {
    expect(messageName(type)).toBe(name as MessageName);
    expect(name.startsWith(type % 2 === 0 ? "T" : "R"), name).toBe(true);
  }
  expect(messageName(6)).toBeUndefined();
});
