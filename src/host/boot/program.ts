// Which program a sandbox runs: looked for inside it, told apart by its first bytes.

import { EACCES, EISDIR, ENODEV, ENOENT, ENOTDIR, ESTALE, ETIMEDOUT } from "../../../assembly/abi/errno.ts";
import { O_NONBLOCK } from "../../../assembly/abi/fcntl.ts";
import { S_IFDIR, S_IFMT, S_IFREG } from "../../../assembly/abi/stat.ts";
import { errnoName, WvisorError } from "../../common/errors.ts";
import type { RuntimeConfig, SandboxConfig } from "../config/sandbox-config.ts";
import type { SandboxMounts } from "./filesystems.ts";
import { check, type FileHandle, type Machine, type TaskHandle } from "./machine.ts";

/** With these execvp(3) tries the next directory. */
const SKIPPED = new Set([ENOENT, ENOTDIR, ESTALE, ENODEV, ETIMEDOUT].map((errno) => -errno));
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;
/** Linux: BINPRM_BUF_SIZE, what is looked at for a `#!` line, and how many interpreters may follow each other. */
const HEAD_BYTES = 256;
const INTERPRETERS_MAX = 5;
/** Larger ones are no programs but attempts to keep the loader busy; engines take no module above 1 GiB. */
const MODULE_BYTES_MAX = 512 << 20;

export interface Program {
  /** The module's bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its path inside the sandbox. */
  readonly path: string;
  readonly args: readonly string[];
}

/** Neither the sandbox nor the runtimes have it. `program` may be the interpreter that a script names. */
export class ProgramNotFoundError extends WvisorError {
  readonly program: string;

  constructor(program: string) {
    super("ERR_WVISOR_PROGRAM_NOT_FOUND", `${program}: not found`, EXIT_NOT_FOUND);
    this.program = program;
  }
}

/** The program is there and may not be executed. */
export class ProgramDeniedError extends WvisorError {
  constructor(path: string, why: string) {
    super("ERR_WVISOR_EXEC", `${path}: EACCES: ${why}`, EXIT_NOT_EXECUTABLE);
  }
}

/** The program is there, and is nothing that runs here. */
export class ProgramFormatError extends WvisorError {
  constructor(path: string, why: string) {
    super("ERR_WVISOR_EXEC", `${path}: ENOEXEC: ${why}`, EXIT_NOT_EXECUTABLE);
  }
}

/** Why a program did not start, in the words of runc: engines look for them. `wanted`: args[0]. */
export function execProblem(error: WvisorError, wanted: string): WvisorError {
  if (error instanceof ProgramNotFoundError) {
    const what = wanted.includes("/")
      ? `stat ${error.program}: no such file or directory`
      : "executable file not found in $PATH";
    return new WvisorError(error.code, `exec: "${wanted}": ${what}`, error.exitCode, { cause: error });
  }
  const why = error instanceof ProgramDeniedError ? "permission denied" : error.message;
  return new WvisorError(error.code, `exec: "${wanted}": ${why}`, error.exitCode, { cause: error });
}

/** Errors: WvisorError with exit code 126 or 127. */
export function findProgram(
  machine: Machine,
  task: TaskHandle,
  config: SandboxConfig,
  mounts: SandboxMounts,
): Program {
  const { args, env } = config.process;
  const search = new Search(machine, task, pathOf(env));
  for (const runtime of config.runtimes) {
    if (!runtime.program && !search.has(runtime.name)) mounts.mountRuntime(runtime, config.runtimes);
  }
  const wanted = args[0]!;
  let path = search.find(wanted);
  let rest = args;
  if (path === undefined) {
    const runtime = config.runtimes.find((candidate: RuntimeConfig) => candidate.program);
    if (runtime === undefined) throw new ProgramNotFoundError(wanted);
    path = mounts.mountRuntime(runtime, config.runtimes);
    if (runtime.rewritesArgument) rest = [path, ...args.slice(1)];
  }
  return follow(machine, task, search, path, rest);
}

/** Reads the program, through `#!` lines. */
function follow(
  machine: Machine,
  task: TaskHandle,
  search: Search,
  first: string,
  firstArgs: readonly string[],
): Program {
  let path = first;
  let args = firstArgs;
  for (let depth = 0; depth <= INTERPRETERS_MAX; depth++) {
    const file = openExecutable(machine, task, path);
    try {
      const head = machine.read(file, HEAD_BYTES);
      if (isWasm(head)) {
        machine.kernel.task_set_executable(task, file);
        return { bytes: readModule(machine, file, path), path, args };
      }
      const interpreter = interpreterOf(head);
      if (interpreter === undefined) throw notExecutable(path, head);
      // Linux asks this of every program. Compilers leave the bit off modules, and no execve(2) ever runs one.
      if (machine.kernel.file_may_execute(task, file) < 0) throw denied(path);
      const [program, ...options] = interpreter;
      args = [program!, ...options, path, ...args.slice(1)];
      path = program!;
      if (!search.exists(path) && path.endsWith("/env") && options[0] !== undefined) {
        // `#!/usr/bin/env NAME` asks for NAME on PATH; the sandbox needs no env(1) for that.
        const found = search.find(options[0]);
        if (found === undefined) throw new ProgramNotFoundError(options[0]);
        path = found;
        args = [options[0], ...args.slice(2)];
      }
    } finally {
      machine.kernel.file_close(file);
    }
  }
  throw new WvisorError("ERR_WVISOR_EXEC", `${first}: ELOOP: too many interpreters`, EXIT_NOT_EXECUTABLE);
}

function readModule(machine: Machine, file: FileHandle, path: string): Uint8Array<ArrayBuffer> {
  if (machine.kernel.file_size(file) > MODULE_BYTES_MAX) {
    throw new WvisorError(
      "ERR_WVISOR_EXEC",
      `${path}: larger than ${MODULE_BYTES_MAX >> 20} MiB`,
      EXIT_NOT_EXECUTABLE,
    );
  }
  return machine.read(file);
}

class Search {
  readonly #machine: Machine;
  readonly #task: TaskHandle;
  readonly #path: readonly string[];

  constructor(machine: Machine, task: TaskHandle, path: readonly string[]) {
    this.#machine = machine;
    this.#task = task;
    this.#path = path;
  }

  /**
   * execvp(3)'s search: a name with a slash is a path; else one that may not be executed is the answer only where no later one may.
   * A module needs no execute permission, as nowhere here.
   */
  find(name: string): string | undefined {
    if (name.includes("/")) return this.exists(name) ? name : undefined;
    let denied: string | undefined;
    for (const folder of this.#path) {
      const path = `${folder}/${name}`;
      const result = this.#try(path);
      if (SKIPPED.has(result)) continue;
      if (result !== -EACCES) return path;
      denied ??= path;
    }
    return denied;
  }

  /** What execve(2) would say first: 0 or -errno. */
  #try(path: string): number {
    const machine = this.#machine;
    const file = machine.open(this.#task, path, O_NONBLOCK);
    if (file < 0) return file;
    try {
      const mode = machine.kernel.file_mode(file);
      if (mode < 0) return mode;
      if ((mode & S_IFMT) !== S_IFREG) return -EACCES;
      if (machine.kernel.file_may_execute(this.#task, file) >= 0) return 0;
      return isWasm(machine.read(file as FileHandle, HEAD_BYTES)) ? 0 : -EACCES;
    } finally {
      machine.kernel.file_close(file);
    }
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  exists(path: string): boolean {
    const file = this.#machine.open(this.#task, path, O_NONBLOCK);
    if (file >= 0) this.#machine.kernel.file_close(file);
    return file >= 0 || (file !== -ENOENT && file !== -ENOTDIR);
  }
}

function pathOf(env: readonly string[]): string[] {
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice(5) ?? "/usr/local/bin:/usr/bin:/bin";
  return path.split(":").filter((folder) => folder !== "");
}

function openExecutable(machine: Machine, task: TaskHandle, path: string): FileHandle {
  // Nobody may make the loader wait for a FIFO's other end.
  const file = machine.open(task, path, O_NONBLOCK);
  if (file < 0) {
    if (file === -ENOENT || file === -ENOTDIR) throw new ProgramNotFoundError(path);
    if (file === -EACCES) throw new ProgramDeniedError(path, "it may not be read");
    throw new WvisorError("ERR_WVISOR_EXEC", `${path}: ${errnoName(-file)}`, EXIT_NOT_EXECUTABLE);
  }
  const mode = check(machine.kernel.file_mode(file), "reading attributes");
  if ((mode & S_IFMT) === S_IFDIR) {
    machine.kernel.file_close(file);
    throw new WvisorError(
      "ERR_WVISOR_EXEC",
      `${path}: ${errnoName(EISDIR)}: it is a directory`,
      EXIT_NOT_EXECUTABLE,
    );
  }
  return file as FileHandle;
}

function isWasm(head: Uint8Array): boolean {
  return head[0] === 0 && head[1] === 0x61 && head[2] === 0x73 && head[3] === 0x6d;
}

/** The words of a `#!` line: the interpreter and at most one argument, as Linux splits it (fs/binfmt_script.c). */
function interpreterOf(head: Uint8Array): string[] | undefined {
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const line = new TextDecoder().decode(head.subarray(2)).split("\n", 1)[0]!.trim();
  const match = /^(\S+)(?:[ \t]+(.*))?$/.exec(line);
  if (match === null) return undefined;
  return match[2] === undefined ? [match[1]!] : [match[1]!, match[2]];
}

function denied(path: string): WvisorError {
  return new ProgramDeniedError(path, "it has no execute permission for this user");
}

function notExecutable(path: string, head: Uint8Array): WvisorError {
  const elf = head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
  const why = elf
    ? "it is a Linux ELF program, which no platform here runs yet; use its WebAssembly (WASI) build"
    : "it is neither a WebAssembly module nor a script with a #! line";
  return new ProgramFormatError(path, why);
}
