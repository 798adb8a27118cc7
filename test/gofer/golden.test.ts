// The gofer's codec against the frames that the kernel's client is tested with too. A change of test/fixtures/p9 is a
// change of the protocol.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as p9 from "../../assembly/abi/p9.ts";
import { Arena } from "../../src/gofer/arena.ts";
import { Decoder } from "../../src/p9/server/decoder.ts";
import { Encoder } from "../../src/p9/server/encoder.ts";
import { EXTENDED_HANDLERS } from "../../src/p9/server/handlers/table.ts";
import { NAME_A, REPLY } from "../../src/p9/server/memory.ts";

/** A field's name, how it is written, and its value: 64-bit ones in decimal, data in hex. */
type Field = readonly [string, string, number | string];

interface Frame {
  readonly name: string;
  readonly type: number;
  readonly tag: number;
  readonly hex: string;
  readonly fields: readonly Field[];
}

const frames: readonly Frame[] = JSON.parse(
  readFileSync(new URL("../fixtures/p9/frames.json", import.meta.url), "utf8"),
);
const requests = frames.filter(({ type }) => type % 2 === 0);
const replies = frames.filter(({ type }) => type % 2 === 1);

const arena = new Arena(1);
const input = arena.input(0);

function text(from: number, length: number): string {
  return Buffer.from(arena.bytes.subarray(from, from + length)).toString();
}

function decode(decoder: Decoder, [, kind, value]: Field): number | string {
  switch (kind) {
    case "u8":
      return decoder.u8();
    case "u16":
      return decoder.u16();
    case "u32":
      return decoder.u32();
    case "u64":
      // Above 2^53 a double is the nearest one, which the expectation is put through as well.
      return decoder.u64() === Number(value) ? value : "another number";
    case "i64":
      return String(decoder.i64());
    case "name":
      return text(NAME_A, decoder.name(NAME_A));
    case "string":
      return decoder.text();
    default: {
      const length = (value as string).length / 2;
      const start = decoder.span(length);
      return Buffer.from(arena.bytes.subarray(start, start + length)).toString("hex");
    }
  }
}

function encode(encoder: Encoder, [, kind, value]: Field): void {
  if (kind === "u8") encoder.u8(value as number);
  else if (kind === "u16") encoder.u16(value as number);
  else if (kind === "u32") encoder.u32(value as number);
  else if (kind === "u64") encoder.u64(Number(BigInt(value) & 0xffff_ffffn), Number(BigInt(value) >> 32n));
  else {
    const bytes = Buffer.from(value as string, kind === "data" ? "hex" : "utf8");
    arena.bytes.set(bytes, NAME_A);
    if (kind === "string") encoder.u16(bytes.length);
    encoder.copy(NAME_A, bytes.length);
  }
}

/** A decoder at the first field of a frame. */
function open(hex: string): Decoder {
  const bytes = Buffer.from(hex, "hex");
  arena.bytes.set(bytes, input);
  const decoder = new Decoder(arena);
  decoder.reset(input + p9.P9_HEADER, input + bytes.length);
  return decoder;
}

describe("golden frames", () => {
  test("there is one for every message that is answered", () => {
    const answered = EXTENDED_HANDLERS.flatMap((handler, type) => (handler === undefined ? [] : [type]));
    expect([...new Set(requests.map(({ type }) => type))].sort((a, b) => a - b)).toEqual(answered);
  });

  test.each(requests.map((frame) => [frame.name, frame] as const))("%s is decoded", (_name, frame) => {
    const decoder = open(frame.hex);
    expect(frame.fields.map((field) => decode(decoder, field))).toEqual(
      frame.fields.map((field) => field[2]),
    );
    expect(decoder.complete()).toBe(true);
  });

  test.each(requests.map((frame) => [frame.name, frame] as const))(
    "no part of %s is complete",
    (_name, frame) => {
      for (let cut = 2; cut <= frame.hex.length - p9.P9_HEADER * 2; cut += 2) {
        const decoder = open(frame.hex.slice(0, -cut));
        for (const field of frame.fields) decode(decoder, field);
        expect(decoder.complete()).toBe(false);
      }
    },
  );

  test.each(replies.map((frame) => [frame.name, frame] as const))("%s is encoded", (_name, frame) => {
    const encoder = new Encoder(arena);
    encoder.position = REPLY;
    for (const field of frame.fields) encode(encoder, field);
    const body = Buffer.from(arena.bytes.subarray(REPLY, encoder.position)).toString("hex");
    expect(body).toBe(frame.hex.slice(p9.P9_HEADER * 2));
  });

  test("sizes of fixed replies are those of the protocol", () => {
    const size = (name: string) => frames.find((frame) => frame.name === name)!.hex.length / 2;
    expect([size("Rgetattr"), size("Rstatfs")]).toEqual([160, 67]);
    expect(size("Rgetattr") - p9.P9_HEADER).toBe(p9.P9_ATTR_SIZE);
  });
});
