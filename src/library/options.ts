// What createSandbox() takes, and from there to the configuration of the sandbox.

import { RLIMIT_NOFILE } from "../../assembly/abi/resource.ts";
import type { ConfinementLevel } from "../common/confinement.ts";
import {
  DEFAULT_HOME,
  DEFAULT_HOSTNAME,
  DEFAULT_PATH,
  DEFAULT_TMPFS,
  DEFAULT_UMASK,
  ROOT_CAPABILITIES,
  randomId,
} from "../host/config/defaults.ts";
import { checkSources, parentsFirst, wantsTmp } from "../host/config/mounts.ts";
import type { ProcessConfig, SandboxConfig } from "../host/config/sandbox-config.ts";
import {
  checkArray,
  checkInteger,
  checkNames,
  checkObject,
  checkOneOf,
  checkString,
  wrongValue,
} from "./arguments.ts";
import { type Mount, mountConfig, type Root, rootSource } from "./mounts.ts";
import {
  checkDirectory,
  checkDuration,
  checkId,
  checkSize,
  type Duration,
  hostFile,
  type Size,
  type User,
} from "./values.ts";

/** Each stops only the program that meets it. */
export interface Limits {
  /** Linear memory of each program: it can grow no further, which its allocator reports as being out of memory. */
  readonly memory?: Size;
  /** Wall-clock time of each program. */
  readonly time?: Duration;
  /** File data in all file systems in memory together, overlays' changes included: ENOSPC. */
  readonly disk?: Size;
  /** Files in all file systems in memory together: ENOSPC. */
  readonly inodes?: number;
  /** Descriptors of each program: EMFILE. */
  readonly openFiles?: number;
  /** What each program may write to its standard streams. */
  readonly output?: Size;
  /** Programs at a time. */
  readonly processes?: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SandboxOptions {
  /** The root directory: an empty one in memory, or a directory of the host. */
  readonly root?: Root;
  readonly mounts?: readonly Mount[];
  /** Where programs start; made where it is missing. */
  readonly cwd?: string;
  /** What programs get besides PATH, HOME and PWD; nothing is inherited from this process. */
  readonly env?: Environment;
  /** Whose programs run: "uid", "uid:gid" or numbers; who runs this process when absent. */
  readonly user?: string | User;
  readonly hostname?: string;
  readonly limits?: Limits;
  /** WebAssembly files of the host as commands: `{ python: "/opt/python.wasm" }`. */
  readonly runtimes?: Readonly<Record<string, string | URL>>;
  /** How tightly the gofer must be held; as tightly as the system allows when absent. */
  readonly confinement?: ConfinementLevel;
}

/** Limits in bytes, milliseconds and numbers; 0: none. */
export interface CheckedLimits {
  readonly memoryBytes: number;
  readonly timeMs: number;
  readonly diskBytes: number;
  readonly inodes: number;
  readonly outputBytes: number;
  readonly processes: number;
}

/** A sandbox to be made. Can be posted to a thread. */
export interface SandboxPlan {
  readonly config: SandboxConfig;
  readonly limits: CheckedLimits;
  readonly confinement: ConfinementLevel | undefined;
  /** What programs get besides what all get. */
  readonly env: ReadonlyMap<string, string>;
  /** Command to file of the host. */
  readonly runtimes: ReadonlyMap<string, string>;
}

const OPTIONS = ["root", "mounts", "cwd", "env", "user", "hostname", "limits", "runtimes", "confinement"];
const LIMITS = ["memory", "time", "disk", "inodes", "openFiles", "output", "processes"];
const HOSTNAME_MAX = 64;
const OPEN_FILES_MAX = 1 << 20;
const PROCESSES_MAX = 1000;
const COUNT_MAX = 2 ** 32 - 1;

/** Errors: those of arguments.ts, and WvisorError for host directories that cannot be mounted. */
export function planSandbox(options: unknown): SandboxPlan {
  const given = checkObject("options", options) as SandboxOptions & Record<string, unknown>;
  checkNames("options", given, OPTIONS);
  const user = checkUser(given.user);
  const root = rootSource(given.root, user);
  const mounts = checkArray("options.mounts", given.mounts ?? []).map((mount, index) =>
    mountConfig(mount, `options.mounts[${index}]`),
  );
  refuseTwice(mounts.map(({ destination }) => destination));
  const destinations = mounts.map(({ destination }) => destination);
  if (wantsTmp(root, destinations)) mounts.push({ destination: "/tmp", source: DEFAULT_TMPFS });
  checkSources([root, ...mounts.map(({ source }) => source)]);
  const cwd = checkDirectory("options.cwd", given.cwd ?? "/");
  const env = checkEnvironment("options.env", given.env ?? {});
  const { openFiles, ...limits } = checkLimits(given.limits ?? {});
  const process: ProcessConfig = {
    args: [],
    env: environment(env, cwd),
    cwd,
    ...processUser(user),
    umask: DEFAULT_UMASK,
    rlimits: openFiles === 0 ? [] : [{ resource: RLIMIT_NOFILE, soft: openFiles, hard: openFiles }],
  };
  const config: SandboxConfig = {
    id: randomId(),
    hostname: checkHostname(given.hostname ?? DEFAULT_HOSTNAME),
    root,
    mounts: parentsFirst(mounts),
    process,
    makesCwd: true,
    runtimes: [],
    limits: { memoryBytes: limits.memoryBytes, timeoutMs: limits.timeMs },
  };
  const { confinement } = given;
  if (confinement !== undefined) {
    checkOneOf("options.confinement", confinement, ["native+ns", "native"]);
  }
  return { config, limits, confinement, env, runtimes: checkRuntimes(given.runtimes ?? {}) };
}

/** A user's part of a process. */
export function processUser({
  uid,
  gid = 0,
}: User): Pick<ProcessConfig, "uid" | "gid" | "groups" | "capabilities"> {
  return { uid, gid, groups: [], capabilities: uid === 0 ? ROOT_CAPABILITIES : 0n };
}

function checkUser(value: unknown): User {
  if (value === undefined) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (typeof value === "string") {
    const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(value);
    if (match === null) throw wrongValue("options.user", "must be 'uid' or 'uid:gid'", value);
    const [uid, gid] = [Number(match[1]), Number(match[2] ?? match[1])];
    return { uid: checkId("options.user", uid), gid: checkId("options.user", gid) };
  }
  const user = checkObject("options.user", value);
  checkNames("options.user", user, ["uid", "gid"]);
  const uid = checkId("options.user.uid", user.uid);
  return { uid, gid: user.gid === undefined ? uid : checkId("options.user.gid", user.gid) };
}

/** Undefined values are left out, as in child_process. */
export function checkEnvironment(name: string, value: unknown): Map<string, string> {
  const checked = new Map<string, string>();
  for (const [variable, content] of Object.entries(checkObject(name, value))) {
    if (content === undefined) continue;
    if (variable === "" || variable.includes("=") || variable.includes("\0")) {
      throw wrongValue(name, "must have names without '=' and null bytes", variable);
    }
    checked.set(variable, checkString(`${name}.${variable}`, content));
  }
  return checked;
}

/** "NAME=value" strings. */
export function environment(given: ReadonlyMap<string, string>, cwd: string): string[] {
  const values = new Map([["PATH", DEFAULT_PATH], ["HOME", DEFAULT_HOME], ["PWD", cwd], ...given]);
  return [...values].map(([name, value]) => `${name}=${value}`);
}

function checkHostname(value: unknown): string {
  const hostname = checkString("options.hostname", value);
  if (hostname !== "" && Buffer.byteLength(hostname) <= HOSTNAME_MAX) return hostname;
  throw wrongValue("options.hostname", `must have 1 to ${HOSTNAME_MAX} bytes`, value);
}

function checkLimits(value: unknown): CheckedLimits & { openFiles: number } {
  const given = checkObject("options.limits", value);
  checkNames("options.limits", given, LIMITS);
  const size = (name: string): number =>
    given[name] === undefined ? 0 : checkSize(`options.limits.${name}`, given[name]);
  const count = (name: string, most: number): number =>
    given[name] === undefined ? 0 : checkInteger(`options.limits.${name}`, given[name], 1, most);
  return {
    memoryBytes: size("memory"),
    timeMs: given.time === undefined ? 0 : checkDuration("options.limits.time", given.time),
    diskBytes: size("disk"),
    inodes: count("inodes", COUNT_MAX),
    openFiles: count("openFiles", OPEN_FILES_MAX),
    outputBytes: size("output"),
    processes: count("processes", PROCESSES_MAX) || PROCESSES_MAX,
  };
}

function checkRuntimes(value: unknown): Map<string, string> {
  const checked = new Map<string, string>();
  for (const [name, file] of Object.entries(checkObject("options.runtimes", value))) {
    const where = `options.runtimes.${name}`;
    if (name === "" || name.includes("/") || name === "." || name === "..") {
      throw wrongValue("options.runtimes", "must have names that files can have", name);
    }
    checked.set(name, hostFile(where, file));
  }
  return checked;
}

function refuseTwice(destinations: readonly string[]): void {
  const seen = new Set<string>();
  for (const destination of destinations) {
    if (seen.has(destination)) throw wrongValue("options.mounts", "has two mounts at one place", destination);
    seen.add(destination);
  }
}
