// From the flags of `wvisor do` to the configuration of its sandbox.

import { resolve } from "node:path";
import {
  DEFAULT_HOME,
  DEFAULT_HOSTNAME,
  DEFAULT_PATH,
  DEFAULT_TMPFS,
  ROOT_CAPABILITIES,
  randomId,
} from "../config/defaults.ts";
import type { HostFacts } from "../config/host-facts.ts";
import { checkSources, parentsFirst, wantsTmp } from "../config/mounts.ts";
import { findRuntimes, isRuntimeName } from "../config/runtimes.ts";
import type { BindSource, MountConfig, MountSource, SandboxConfig } from "../config/sandbox-config.ts";
import { cleanPath } from "../config/sandbox-path.ts";
import { parseTmpfsOptions } from "../config/tmpfs-options.ts";
import { UsageError } from "./command.ts";
import type { Flags } from "./flags.ts";
import { limitsFrom } from "./limit-flags.ts";

/** Errors: UsageError for what the flags say, WvisorError for what they name on the host. */
export function doConfig(flags: Flags, operands: readonly string[], host: HostFacts): SandboxConfig {
  const program = operands[0];
  if (program === undefined) throw new UsageError("which program? wvisor do [flags] -- PROGRAM [ARGS]");
  if (program === "") throw new UsageError("the program's name is empty");

  const root = rootSource(flags, host);
  const given: MountConfig[] = [];
  for (const text of flags.texts("volume")) given.push(parseVolume(text, host.cwd));
  for (const text of flags.texts("tmpfs")) given.push(parseTmpfs(text));
  const showsNothing = !flags.has("volume") && !flags.has("rootfs");
  if (showsNothing) given.push(currentDirectory(host.cwd));
  else refuseSession(flags);
  refuseTwice(given);
  if (!given.some((mount) => mount.destination === "/tmp") && wantsTmp(root, [])) {
    given.push({ destination: "/tmp", source: DEFAULT_TMPFS });
  }
  const mounts = parentsFirst(given);
  checkSources([root, ...mounts.map((mount) => mount.source)]);

  const cwd = workingDirectory(flags.text("workdir"), showsNothing ? host.cwd : "/");
  return {
    id: randomId(),
    hostname: DEFAULT_HOSTNAME,
    root,
    mounts,
    process: {
      args: operands,
      env: environment(flags.texts("env"), cwd, host.env),
      cwd,
      uid: host.uid,
      gid: host.gid,
      groups: host.groups,
      umask: host.umask,
      capabilities: host.uid === 0 ? ROOT_CAPABILITIES : 0n,
    },
    runtimes: findRuntimes({
      program,
      named: namedRuntimes(flags.texts("runtime"), host.cwd),
      cwd: host.cwd,
      ownDirectory: host.ownDirectory,
    }),
    limits: { memoryBytes: 0, timeoutMs: 0, ...limitsFrom(flags) },
  };
}

function rootSource(flags: Flags, host: HostFacts): MountSource {
  const readonly = flags.has("read-only");
  const text = flags.text("rootfs");
  if (text === undefined) return { ...DEFAULT_TMPFS, mode: 0o755, readonly };
  // DIR[:OPTIONS], where only what looks like options is one: a directory's name may hold a colon.
  const colon = text.lastIndexOf(":");
  const options = colon < 0 ? undefined : parseBindOptions(text.slice(colon + 1));
  const directory = options === undefined ? text : text.slice(0, colon);
  if (directory === "") throw new UsageError(`--rootfs ${text}: the directory's name is empty`);
  const bind = bindSource(resolve(host.cwd, directory), options ?? []);
  return readonly ? { ...bind, readonly: true, overlay: false } : bind;
}

/** The current directory at its own path: the program may change all of it, and none of that reaches the disk. */
function currentDirectory(cwd: string): MountConfig {
  if (cwd === "/") {
    throw new UsageError(
      "the current directory is /, which would show the whole host: say what to show by -v or --rootfs",
    );
  }
  return { destination: cwd, source: bindSource(cwd, ["O"]) };
}

/** Sessions are for the current directory. */
function refuseSession(flags: Flags): void {
  const given = ["session", "changes"].find((name) => flags.has(name));
  if (given === undefined) return;
  throw new UsageError(
    `--${given}: only changes of the current directory are kept, and -v or --rootfs show others`,
  );
}

function parseVolume(text: string, cwd: string): MountConfig {
  const wrong = (reason: string): UsageError => new UsageError(`-v ${text}: ${reason}`);
  const parts = text.split(":");
  if (parts.length < 2 || parts.length > 3) throw wrong("expected SRC:DST[:ro|:rw|:O]");
  const [source, target, optionText] = parts as [string, string, string | undefined];
  if (source === "") throw wrong("the source is empty");
  const destination = mountPoint(target, wrong);
  const options = optionText === undefined ? [] : parseBindOptions(optionText);
  if (options === undefined) {
    throw wrong(`unknown option in "${optionText}" (known: ro, rw, O, exclusive, shared)`);
  }
  return { destination, source: bindSource(resolve(cwd, source), options) };
}

const BIND_OPTIONS = ["ro", "rw", "O", "exclusive", "shared"] as const;
type BindOption = (typeof BIND_OPTIONS)[number];

/** Comma-separated options of a bind, or undefined when one of them is unknown. */
function parseBindOptions(text: string): BindOption[] | undefined {
  const options: BindOption[] = [];
  for (const word of text.split(",")) {
    const option = BIND_OPTIONS.find((known) => known === word);
    if (option === undefined) return undefined;
    options.push(option);
  }
  return options;
}

/**
 * Of "ro" and "rw", and of "exclusive" and "shared", the last one wins. A read-only bind needs no overlay. The sandbox has its
 * binds to itself unless told otherwise: it lives as long as one command.
 */
function bindSource(source: string, options: readonly BindOption[]): BindSource {
  const last = <T extends BindOption>(...of: T[]) =>
    options.findLast((option): option is T => of.some((known) => known === option));
  const readonly = last("ro", "rw") === "ro";
  const overlay = options.includes("O") && !readonly;
  const cache = last("exclusive", "shared") ?? "exclusive";
  return { type: "bind", source, readonly, overlay, cache };
}

function parseTmpfs(text: string): MountConfig {
  const wrong = (reason: string): UsageError => new UsageError(`--tmpfs ${text}: ${reason}`);
  const colon = text.indexOf(":");
  const destination = mountPoint(colon < 0 ? text : text.slice(0, colon), wrong);
  const options = colon < 0 ? [] : text.slice(colon + 1).split(",");
  const { source, unknown, problem } = parseTmpfsOptions(options);
  if (problem !== undefined) throw wrong(problem);
  if (unknown.length > 0) {
    throw wrong(`unknown option "${unknown[0]}" (known: size, mode, uid, gid, ro, rw)`);
  }
  return { destination, source };
}

function mountPoint(target: string, wrong: (reason: string) => UsageError): string {
  const destination = cleanPath(target);
  if (destination === undefined) throw wrong(`the destination must be an absolute path, not "${target}"`);
  if (destination === "/") throw wrong("the root directory is set by --rootfs");
  return destination;
}

function refuseTwice(mounts: readonly MountConfig[]): void {
  const seen = new Set<string>();
  for (const { destination } of mounts) {
    if (seen.has(destination)) throw new UsageError(`two mounts at ${destination}`);
    seen.add(destination);
  }
}

function workingDirectory(text: string | undefined, initial: string): string {
  if (text === undefined) return initial;
  const clean = cleanPath(text);
  if (clean === undefined) throw new UsageError(`-w ${text}: must be an absolute path inside the sandbox`);
  return clean;
}

/** Nothing is inherited from the host but what `-e NAME` asks for; a NAME that the host has not is left out, as in docker. */
function environment(given: readonly string[], cwd: string, host: HostFacts["env"]): string[] {
  const values = new Map([
    ["PATH", DEFAULT_PATH],
    ["HOME", DEFAULT_HOME],
    ["PWD", cwd],
  ]);
  for (const text of given) {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === "") throw new UsageError(`-e ${text}: the variable has no name`);
    const value = equals < 0 ? host[name] : text.slice(equals + 1);
    if (value !== undefined) values.set(name, value);
  }
  return [...values].map(([name, value]) => `${name}=${value}`);
}

function namedRuntimes(given: readonly string[], cwd: string): Map<string, string> {
  const named = new Map<string, string>();
  for (const text of given) {
    const equals = text.indexOf("=");
    const name = text.slice(0, equals);
    const file = text.slice(equals + 1);
    if (equals < 0 || file === "" || !isRuntimeName(name)) {
      throw new UsageError(`--runtime ${text}: expected NAME=FILE.wasm`);
    }
    named.set(name, resolve(cwd, file));
  }
  return named;
}
