// Frames for the fuzzer: messages of the table with likely and unlikely values, damaged ones, and noise.

import * as p9 from "../../../assembly/abi/p9.ts";
import type { Shape } from "../../../src/p9/fields.ts";
import {
  decode,
  encode,
  type FieldsOf,
  MESSAGES,
  type MessageName,
  messageName,
} from "../../../src/p9/messages.ts";
import type { Random } from "../random.ts";

/** Fids that are asked about, the attached root (0) among them, so that most of them are something. */
const FIDS = 12;
/** Those that are made: most of them new. */
const NEW_FIDS = 40;
const NAMES = ["a", "b", "c", "d", "link", "fifo", "file", "sub", "x".repeat(255)];
const BAD_NAMES = ["", ".", "..", "a/b", "/", "../decoy", "a\0b", "x".repeat(256), "\xff\xfe", "/etc/passwd"];
const XATTRS = [
  "user.a",
  "user.b",
  "security.capability",
  "system.posix_acl_access",
  "trusted.overlay.opaque",
  "",
];
const SMALL = [0, 1, 2, 3, 7, 8, 16, 64, 255, 256, 512];
const LARGE = [0x7f, 0x80, 0xfff, 0x1000, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const HUGE = [2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const VERSIONS = ["9P2000.L.wvisor.1", "9P2000.L.wvisor.1", "9P2000.L"];
const OTHER_VERSIONS = ["9P2000.L.x", "9P2000", "", "9P2000.L.wvisor.2"];
/** What a field's name says about its values. */
const NUMBERS: Readonly<Record<string, readonly number[]>> = {
  flags: [0, 1, 2, 3, 0o100, 0o101, 0o102, 0o1000, 0o1002, 0o2001, 0o200000, 0x200, 0x400],
  mode: [0, 0o644, 0o755, 0o7777, 0o100644, 0o040755, 0o010644, 0o020644, 0o060644, 0o120777, 0o140644],
  valid: [0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x90, 0x120, 0x1ff, 0x200],
  count: [0, 1, 23, 24, 100, 4096, 8181, 8192, 65536],
  whence: [0, 1, 2, 3, 4, 5],
  skip: [0, 1, 2, 16],
  datasync: [0, 1],
  msize: [6, 4095, 4096, 8192, 8192, 8192, 65536, 131072, 0xffffffff],
};

const ALL = Object.keys(MESSAGES) as MessageName[];
const REQUESTS = ALL.filter((name) => name.startsWith("T"));
const REPLIES = ALL.filter((name) => name.startsWith("R"));

const NO_ATTRIBUTES = {
  ...decode("Rgetattr", Buffer.concat([Buffer.from([160, 0, 0, 0, 25, 0, 0]), Buffer.alloc(153)])).attributes,
};

/** Which messages build a state worth attacking, more often than the others. */
const COMMON: readonly MessageName[] = [
  "Tattach",
  "Tattach",
  "Twalkfids",
  "Tcreateattr",
  "Twalk",
  "Tlopen",
  "Tlcreate",
  "Tmkdir",
  "Twalkattr",
  "Tclunk",
  "Tread",
  "Twrite",
];

function number(random: Random, field: string): number {
  const known = NUMBERS[field];
  if (known !== undefined && !random.chance(0.1)) return random.pick(known);
  return random.chance(0.8) ? random.pick(SMALL) : random.pick(LARGE);
}

function fid(random: Random, field: string): number {
  if (field === "afid" && !random.chance(0.05)) return p9.P9_NOFID;
  if (random.chance(0.02)) return random.pick(LARGE);
  return random.below(field.startsWith("new") || field.startsWith("open") ? NEW_FIDS : FIDS);
}

function name(random: Random): Uint8Array {
  if (random.chance(0.1)) return Buffer.from(random.pick(BAD_NAMES), "latin1");
  return Buffer.from(random.pick(NAMES));
}

function value(random: Random, field: string, kind: string): unknown {
  if (/fids?$/.test(field)) {
    if (kind === "u32") return fid(random, field);
    return Array.from({ length: random.below(4) }, () => fid(random, field));
  }
  switch (kind) {
    case "u8":
      return random.chance(0.9) ? random.below(4) : 255;
    case "u16":
      return number(random, field) & 0xffff;
    case "u32":
    case "u32?":
      return number(random, field);
    case "u64":
      return random.chance(0.8) ? BigInt(number(random, field)) : random.pick(HUGE);
    case "i64":
      return random.chance(0.9) ? BigInt(number(random, field)) : -BigInt(random.pick(SMALL));
    case "name":
      return name(random);
    case "name*": {
      const length = random.chance(0.05) ? random.pick([16, 17, 40]) : random.below(4);
      return Array.from({ length }, () => (random.chance(0.1) ? Buffer.from("..") : name(random)));
    }
    case "data":
      return Buffer.alloc(random.pick([0, 1, 10, 100, 4000]), random.below(256));
    case "qid":
      return {
        type: random.pick([0, 2, 8, 0x80]),
        version: number(random, ""),
        path: BigInt(random.pick(SMALL)),
      };
    case "qid*":
      return Array.from({ length: random.below(5) }, () => value(random, field, "qid"));
    case "attributes":
      return {
        ...NO_ATTRIBUTES,
        qid: value(random, field, "qid"),
        mode: number(random, "mode"),
        size: BigInt(number(random, "")),
      };
    case "attributes*":
      return Array.from({ length: random.below(5) }, () => value(random, field, "attributes"));
    case "found*":
      return Array.from({ length: random.below(5) }, () =>
        random.chance(0.3)
          ? { status: number(random, "") }
          : { status: 0, attributes: value(random, field, "attributes") },
      );
    case "entries":
      return Array.from({ length: random.below(5) }, () => ({
        qid: value(random, field, "qid"),
        offset: random.chance(0.9) ? BigInt(number(random, "")) : random.pick(HUGE),
        type: random.below(16),
        name: name(random),
      }));
    default:
      return undefined;
  }
}

/** The strings of the table are of several kinds: versions, users, attributes, targets. */
function text(random: Random, which: MessageName, field: string): string | Uint8Array {
  if (field === "version") return random.chance(0.9) ? random.pick(VERSIONS) : random.pick(OTHER_VERSIONS);
  if (field === "target")
    return Buffer.from(random.pick(["file", "..", "/etc/passwd", "../decoy/secret", ""]));
  if (which.includes("xattr")) return Buffer.from(random.pick(XATTRS));
  return random.chance(0.9) ? random.pick(["", "/"]) : random.pick(["root", "/etc", "x".repeat(300)]);
}

/** Fields for a message of the table. */
function fieldsOf(random: Random, which: MessageName): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [field, kind] of Object.entries(MESSAGES[which].fields as Shape)) {
    fields[field] = kind.name === "string" ? text(random, which, field) : value(random, field, kind.name);
  }
  return fields;
}

/** A request of the table. Tversion is rare: it forgets everything. */
export function request(random: Random, tag: number): Buffer {
  const which = random.chance(0.4) ? random.pick(COMMON) : random.pick(REQUESTS);
  if (which === "Tversion" && !random.chance(0.02)) return request(random, tag);
  return encode(which, tag, fieldsOf(random, which) as FieldsOf<typeof which>);
}

/** Some bytes of a frame are others, or it is longer or shorter; with `sized`, its size field is true again. */
export function damage(random: Random, whole: Buffer, sized: boolean): Buffer {
  let frame = Buffer.from(whole);
  if (random.chance(0.3))
    frame = frame.subarray(0, p9.P9_HEADER + random.below(frame.length - p9.P9_HEADER + 1));
  if (random.chance(0.2)) frame = Buffer.concat([frame, Buffer.alloc(random.pick(SMALL), random.below(256))]);
  for (let changes = random.below(4); changes > 0 && frame.length > 5; changes--) {
    frame[4 + random.below(frame.length - 4)] = random.pick([
      0,
      1,
      0x2e,
      0x2f,
      0x7f,
      0x80,
      0xff,
      random.below(256),
    ]);
  }
  if (sized) frame.writeUInt32LE(frame.length, 0);
  return frame;
}

/** Bytes without any sense, but with a true size. */
export function noise(random: Random): Buffer {
  const frame = Buffer.from(Array.from({ length: p9.P9_HEADER + random.below(60) }, () => random.below(256)));
  frame.writeUInt32LE(frame.length, 0);
  return frame;
}

/** What a hostile client sends, one frame. */
export function hostileRequest(random: Random): Buffer {
  const kind = random.below(100);
  if (kind < 75) return request(random, random.below(0x10000));
  if (kind < 95) return damage(random, request(random, random.below(0x10000)), true);
  return noise(random);
}

/** What a hostile server answers to a request of this type and tag: one frame, or bytes that are none. */
export function hostileReply(random: Random, type: number, tag: number): Buffer {
  const kind = random.below(100);
  const which = kind < 90 ? (messageName(type + 1) ?? "Rlerror") : random.pick(REPLIES);
  if (kind < 10)
    return encode("Rlerror", tag, { ecode: random.pick([0, 1, 2, 13, 22, 95, 512, 4095, 4096, 0xffffffff]) });
  const answered = random.chance(0.97) ? tag : random.below(0x10000);
  const frame = encode(which, answered, fieldsOf(random, which) as FieldsOf<typeof which>);
  if (kind < 75) return frame;
  return kind < 97 ? damage(random, frame, random.chance(0.8)) : noise(random);
}
