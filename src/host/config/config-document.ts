// A SandboxConfig as a JSON document: from the process that made it to the one that boots it, or to a sandbox that runs and gets
// another container. What comes is checked, whoever sent it: what the kernel is told must be what it takes.

import { closeSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { RLIM_NLIMITS } from "../../../assembly/abi/resource.ts";
import { WvisorError } from "../../common/errors.ts";
import type { SandboxConfig } from "./sandbox-config.ts";
import { cleanPath, depthOf } from "./sandbox-path.ts";
import { MAX_ID } from "./units.ts";

const HEXADECIMAL = 16;
const PERMISSION_BITS = 0o7777;
const MNT_FLAGS = 0xff;
/** What a u32 of the kernel's takes. */
const WORD_MAX = 0xffffffff;

const text = () =>
  v.pipe(
    v.string(),
    v.check((value) => !value.includes("\0"), "has a NUL character"),
  );
const number = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));
const size = () => number(Number.MAX_SAFE_INTEGER);
const clean = () =>
  v.pipe(
    text(),
    v.check((value) => cleanPath(value) === value, "is not an absolute and clean path"),
  );
const below = () =>
  v.pipe(
    clean(),
    v.check((value) => depthOf(value) > 0, "is the root"),
  );
/** Of the host: only the gofer's side opens it. */
const absolute = () =>
  v.pipe(
    text(),
    v.check((value) => value.startsWith("/"), "is not an absolute path"),
  );

const cache = () => v.picklist(["exclusive", "shared"]);

const sourceSchema = v.variant("type", [
  v.strictObject({
    type: v.literal("bind"),
    source: absolute(),
    readonly: v.boolean(),
    overlay: v.boolean(),
    overlayBytes: v.exactOptional(size()),
    cache: cache(),
  }),
  v.strictObject({
    type: v.literal("tmpfs"),
    readonly: v.boolean(),
    mode: number(PERMISSION_BITS),
    uid: number(MAX_ID),
    gid: number(MAX_ID),
    sizeBytes: size(),
    inodes: v.exactOptional(size()),
  }),
  v.strictObject({
    type: v.literal("overlay"),
    lowers: v.pipe(v.array(absolute()), v.minLength(1)),
    upper: v.optional(absolute()),
    options: v.exactOptional(text()),
    readonly: v.boolean(),
    cache: cache(),
  }),
  v.strictObject({
    type: v.literal("kernel"),
    name: v.picklist(["proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2"]),
    options: text(),
    readonly: v.boolean(),
  }),
]);

export function rlimitsSchema() {
  const limit = () => v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(Number.MAX_SAFE_INTEGER));
  const one = v.strictObject({ resource: number(RLIM_NLIMITS - 1), soft: limit(), hard: limit() });
  return v.pipe(v.array(one), v.maxLength(RLIM_NLIMITS));
}

const configSchema = v.strictObject({
  id: text(),
  hostname: text(),
  domainname: v.exactOptional(text()),
  root: sourceSchema,
  mounts: v.array(
    v.strictObject({
      destination: below(),
      source: sourceSchema,
      device: v.exactOptional(text()),
      flags: v.exactOptional(number(MNT_FLAGS)),
      shared: v.exactOptional(v.strictObject({ name: text(), source: text() })),
    }),
  ),
  maskedPaths: v.exactOptional(v.array(below())),
  readonlyPaths: v.exactOptional(v.array(below())),
  process: v.strictObject({
    args: v.pipe(v.array(text()), v.minLength(1)),
    env: v.array(text()),
    cwd: clean(),
    uid: number(MAX_ID),
    gid: number(MAX_ID),
    groups: v.array(number(MAX_ID)),
    umask: number(0o777),
    rlimits: v.exactOptional(rlimitsSchema()),
    capabilities: v.pipe(
      v.string(),
      v.regex(/^[0-9a-f]{1,16}$/),
      v.transform((digits) => BigInt(`0x${digits}`)),
    ),
  }),
  makesCwd: v.exactOptional(v.boolean()),
  joins: v.exactOptional(v.strictObject({ pid: v.optional(text()), uts: v.optional(text()) })),
  pauses: v.exactOptional(v.boolean()),
  runtimes: v.array(
    v.strictObject({
      name: text(),
      file: absolute(),
      program: v.boolean(),
      rewritesArgument: v.boolean(),
    }),
  ),
  limits: v.strictObject({
    memoryBytes: size(),
    processes: v.exactOptional(size()),
    timeoutMs: number(WORD_MAX),
  }),
}) satisfies v.GenericSchema<unknown, SandboxConfig>;

/** A JSON value. */
export function encodeConfig(config: SandboxConfig): object {
  const { process } = config;
  const capabilities = process.capabilities.toString(HEXADECIMAL);
  return { ...config, process: { ...process, capabilities } };
}

/** Errors: WvisorError that names the field. */
export function parseConfig(value: unknown): SandboxConfig {
  const result = v.safeParse(configSchema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new WvisorError("ERR_WVISOR_CONFIG", `configuration: ${v.getDotPath(issue) ?? ""}: ${issue.message}`);
}

/** Errors: WvisorError, SyntaxError. */
export function readConfig(fd: number): SandboxConfig {
  const text = readFileSync(fd, "utf8");
  closeSync(fd);
  return parseConfig(JSON.parse(text));
}
