// The part of OCI's config.json that wVisor uses, checked strictly; the rest may be anything and is ignored.

import * as v from "valibot";
import { resourcesSchema } from "../cgroups/resources.ts";
import { MAX_ID } from "../config/units.ts";

const text = () =>
  v.pipe(
    v.string("must be a string"),
    v.check((value) => !value.includes("\0"), "must not contain a NUL character"),
  );
const filled = () => v.pipe(text(), v.minLength(1, "must not be empty"));
const absolute = () =>
  v.pipe(
    filled(),
    v.check((value) => value.startsWith("/"), "must be an absolute path"),
  );
const absoluteOrEmpty = () =>
  v.pipe(
    text(),
    v.check((value) => value === "" || value.startsWith("/"), "must be an absolute path"),
  );
const integer = (least: number, most: number) =>
  v.pipe(
    v.number("must be a number"),
    v.check((value) => Number.isInteger(value), "must be a whole number"),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
/** Linux's limit: __NEW_UTS_LEN. */
const systemName = () => v.pipe(text(), v.maxBytes(64, "must have at most 64 bytes"));
const truth = () => v.boolean("must be true or false");
const list = <T extends v.GenericSchema>(item: T) => v.array(item, "must be an array");
const object = <T extends v.ObjectEntries>(entries: T) => v.object(entries, "must be an object");

const variable = () => v.pipe(text(), v.regex(/^[^=]+=/, "must have the form NAME=value"));

const PERMISSION_BITS = 0o777;
/** Of RLIM_INFINITY JSON keeps 2^64. */
const UINT64 = 2 ** 64;
/** struct winsize has 16 bits for each. */
const WINDOW_SIZE_MAX = 0xffff;
/** In seconds; as milliseconds it still fits into 31 bits. */
const TIMEOUT_MAX = 2_000_000;

function processSchema() {
  return object({
    args: v.pipe(list(text()), v.minLength(1, "must not be empty")),
    env: v.optional(list(variable()), []),
    cwd: absolute(),
    terminal: v.optional(truth(), false),
    consoleSize: v.optional(
      object({ height: integer(0, WINDOW_SIZE_MAX), width: integer(0, WINDOW_SIZE_MAX) }),
    ),
    user: v.optional(
      object({
        uid: v.optional(integer(0, MAX_ID), 0),
        gid: v.optional(integer(0, MAX_ID), 0),
        additionalGids: v.optional(list(integer(0, MAX_ID)), []),
        umask: v.optional(integer(0, PERMISSION_BITS)),
      }),
      {},
    ),
    capabilities: v.optional(v.nullable(object({ effective: v.optional(list(text()), []) }))),
    rlimits: v.optional(
      v.nullable(list(object({ type: text(), soft: integer(0, UINT64), hard: integer(0, UINT64) }))),
    ),
    oomScoreAdj: v.optional(v.nullable(integer(-1000, 1000))),
  });
}

function hooksSchema() {
  const hooks = () =>
    v.nullish(
      list(
        object({
          path: absolute(),
          args: v.nullish(list(text()), []),
          env: v.nullish(list(variable()), []),
          /** In seconds. */
          timeout: v.nullish(integer(1, TIMEOUT_MAX)),
        }),
      ),
      [],
    );
  return object({
    prestart: hooks(),
    createRuntime: hooks(),
    createContainer: hooks(),
    startContainer: hooks(),
    poststart: hooks(),
    poststop: hooks(),
  });
}

/** Built when a bundle is read, not when the process starts. */
function runtimeSpecSchema() {
  return object({
    ociVersion: v.optional(
      v.pipe(
        text(),
        v.check((version) => version.startsWith("1."), "must be 1.x"),
      ),
    ),
    hostname: v.optional(systemName()),
    domainname: v.optional(systemName()),
    root: object({ path: filled(), readonly: v.optional(truth(), false) }),
    process: processSchema(),
    mounts: v.optional(
      list(
        object({
          destination: filled(),
          type: v.optional(text(), ""),
          source: v.optional(text(), ""),
          options: v.optional(list(text()), []),
        }),
      ),
      [],
    ),
    hooks: v.nullish(hooksSchema()),
    annotations: v.optional(v.record(v.string(), text(), "must be an object"), {}),
    linux: v.optional(
      v.nullable(
        object({
          maskedPaths: v.optional(list(filled()), []),
          readonlyPaths: v.optional(list(filled()), []),
          rootfsPropagation: v.optional(text(), ""),
          namespaces: v.optional(list(object({ type: text(), path: v.optional(absoluteOrEmpty(), "") })), []),
          cgroupsPath: v.optional(text(), ""),
          resources: v.optional(v.nullable(resourcesSchema())),
        }),
      ),
    ),
  });
}

export type SpecProcess = v.InferOutput<ReturnType<typeof processSchema>>;
export type RuntimeSpec = v.InferOutput<ReturnType<typeof runtimeSpecSchema>>;
export type SpecHooks = NonNullable<RuntimeSpec["hooks"]>;
export type SpecHook = SpecHooks["prestart"][number];
export type SpecMount = RuntimeSpec["mounts"][number];

/** A field of config.json that is wrong: "process.args: must not be empty". */
export class SpecError extends Error {
  constructor(path: string, problem: string) {
    super(path === "" ? problem : `${path}: ${problem}`);
    this.name = "SpecError";
  }
}

/** Throws SpecError for the first wrong field. */
export function parseRuntimeSpec(value: unknown): RuntimeSpec {
  return parseBy(runtimeSpecSchema(), value);
}

/** The process.json of `exec`. Throws SpecError for the first wrong field. */
export function parseProcess(value: unknown): SpecProcess {
  return parseBy(processSchema(), value);
}

function parseBy<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const missing = issue.kind === "schema" && issue.received === "undefined";
  throw new SpecError(fieldPath(issue.path ?? []), missing ? "is missing" : issue.message);
}

function fieldPath(items: readonly { readonly key: unknown }[]): string {
  let path = "";
  for (const { key } of items) {
    if (typeof key === "number") path += `[${key}]`;
    else path += path === "" ? String(key) : `.${String(key)}`;
  }
  return path;
}
