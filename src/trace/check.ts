// Whether what somebody wrote into a trace file is a record: everything that is printed or shown later is checked here, by kind.

import { type CallRecord, type MountRecord, type Reason, TRACE_VERSION, type TraceRecord } from "./record.ts";
import type { Text, Value } from "./value.ts";

/** What is wrong with a record. */
export class RecordError extends Error {}

/** Arguments are structures in arrays at most. */
const DEPTH_MAX = 6;
const NAME = /^[A-Za-z0-9_]{1,64}$/;
const INT = /^-?[0-9]{1,20}$/;
const ASCII = /^[\x20-\x7e]{0,65536}$/;
/** Characters that no byte is. */
const NOT_LATIN1 = /[^\p{ASCII}\u0080-\u00ff]/u;

type Json = Readonly<Record<string, unknown>>;

function fail(what: string): never {
  throw new RecordError(what);
}

function object(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(`${what} is no object`);
  return value as Json;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) fail(`${what} is no array`);
  return value;
}

function integer(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value)) fail(`${what} is no whole number`);
  return value as number;
}

function matching(value: unknown, pattern: RegExp, what: string): string {
  if (typeof value !== "string" || !pattern.test(value)) fail(`${what} is not what it may be`);
  return value;
}

const name = (value: unknown, what: string): string => matching(value, NAME, what);
const ascii = (value: unknown, what: string): string => matching(value, ASCII, what);

function text(value: unknown, what: string): Text {
  if (typeof value === "string") return value;
  const { latin1 } = object(value, what);
  if (typeof latin1 !== "string" || NOT_LATIN1.test(latin1)) fail(`${what} is not what it may be`);
  return { latin1 };
}

function entries<T>(value: unknown, what: string, check: (value: unknown, what: string) => T): [string, T][] {
  return Object.entries(object(value, what)).map(([key, member]) => [name(key, what), check(member, what)]);
}

function checkValue(value: unknown, what: string, depth = 0): Value {
  if (depth > DEPTH_MAX) fail(`${what} is nested too deep`);
  if (typeof value === "number") return integer(value, what);
  const given = object(value, what);
  const inner = (member: unknown): Value => checkValue(member, what, depth + 1);
  if ("int" in given) return { int: matching(given.int, INT, what) };
  if ("fd" in given) {
    const fd = integer(given.fd, what);
    return given.path === undefined ? { fd } : { fd, path: text(given.path, what) };
  }
  if ("text" in given) {
    const shown = text(given.text, what);
    return given.length === undefined
      ? { text: shown }
      : { text: shown, length: integer(given.length, what) };
  }
  if ("flags" in given) {
    const names = (member: unknown) => list(member, what).map((flag) => name(flag, what));
    const flags = names(given.flags);
    return given.without === undefined ? { flags } : { flags, without: names(given.without) };
  }
  if ("name" in given) return { name: name(given.name, what) };
  if ("address" in given) return { address: integer(given.address, what) };
  if ("fields" in given) return { fields: Object.fromEntries(entries(given.fields, what, inner)) };
  const items = list(given.list, what).map(inner);
  return given.more === true ? { list: items, more: true } : { list: items };
}

function checkReason(value: unknown): Reason {
  const given = object(value, "reason");
  return {
    rule: matching(given.rule, /^[a-z-]{1,64}$/, "rule"),
    text: ascii(given.text, "the reason's text"),
    ...(given.mount === undefined ? {} : { mount: text(given.mount, "mount") }),
    ...(given.path === undefined ? {} : { path: text(given.path, "path") }),
  };
}

function checkMount(value: unknown): MountRecord {
  const given = object(value, "mount");
  return {
    id: integer(given.id, "the mount's id"),
    parent: integer(given.parent, "the mount's parent"),
    path: text(given.path, "the mount's path"),
    type: ascii(given.type, "the mount's type"),
    source: text(given.source, "the mount's source"),
    options: ascii(given.options, "the mount's options"),
    fsOptions: ascii(given.fsOptions, "the mount's options"),
  };
}

function checkCall(given: Json, common: { pid: number; t: number }): CallRecord {
  return {
    type: "call",
    ...common,
    name: name(given.name, "the call's name"),
    args: Object.fromEntries(entries(given.args, "args", (member, what) => checkValue(member, what))),
    ...(given.dur === undefined ? {} : { dur: integer(given.dur, "dur") }),
    ...(given.errno === undefined ? {} : { errno: name(given.errno, "errno") }),
    ...(given.reason === undefined ? {} : { reason: checkReason(given.reason) }),
  };
}

/** The record that a line's JSON is; undefined for one of a type that is not known. Errors: RecordError. */
export function checkRecord(value: unknown): TraceRecord | undefined {
  const given = object(value, "the record");
  const pid = (): number => integer(given.pid, "pid");
  const common = () => ({ pid: pid(), t: integer(given.t, "t") });
  switch (given.type) {
    case "begin":
      if (given.version !== TRACE_VERSION) fail(`its version is not ${TRACE_VERSION}`);
      return {
        type: "begin",
        version: TRACE_VERSION,
        generator: ascii(given.generator, "generator"),
        time: ascii(given.time, "time"),
        pid: pid(),
        program: text(given.program, "program"),
        argv: list(given.argv, "argv").map((argument) => text(argument, "argv")),
        cwd: text(given.cwd, "cwd"),
        uid: integer(given.uid, "uid"),
        gid: integer(given.gid, "gid"),
        mounts: list(given.mounts, "mounts").map(checkMount),
        fds: list(given.fds, "fds").map((entry) => {
          const { fd, path } = object(entry, "fds");
          return { fd: integer(fd, "fd"), path: text(path, "path") };
        }),
      };
    case "call":
      return checkCall(given, common());
    case "open":
      return { type: "open", ...common(), fd: integer(given.fd, "fd"), path: text(given.path, "path") };
    case "close":
      return { type: "close", ...common(), fd: integer(given.fd, "fd") };
    case "end":
      return {
        type: "end",
        ...common(),
        code: integer(given.code, "code"),
        ...(given.message === undefined ? {} : { message: ascii(given.message, "message") }),
      };
    default:
      return undefined;
  }
}
