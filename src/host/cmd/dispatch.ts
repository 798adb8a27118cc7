// From the arguments of the process to a command and back to an exit code. All failures end here as one line.

import { WvisorError } from "../../common/errors.ts";
import { oneLine } from "../../common/one-line.ts";
import { VERSION } from "../../common/version.ts";
import type { SpawnedGofer } from "../sandbox/gofer-process.ts";
import type { Command } from "./command.ts";
import { allCommands, findCommand } from "./commands.ts";
import { EXIT_USAGE } from "./exit-code.ts";
import { type FlagTable, parseFlags } from "./flags.ts";
import { OCI_GLOBAL_FLAGS } from "./global-flags.ts";
import { logError } from "./log.ts";
import type { Output } from "./output.ts";

/** What every command understands, and `wvisor` itself before the command's name. */
const COMMON_FLAGS: FlagTable = {
  help: { type: "boolean", short: "h" },
  debug: { type: "boolean" },
};

const GLOBAL_FLAGS: FlagTable = {
  ...COMMON_FLAGS,
  ...OCI_GLOBAL_FLAGS,
  version: { type: "boolean", short: "v" },
};

async function overview(): Promise<string> {
  const commands = await allCommands();
  const width = Math.max(...commands.map((command) => command.name.length), "help".length);
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return `wvisor runs a WebAssembly program in a sandbox that sees only the files you name.

  wvisor do -- python3 fix.py       # on this directory, copy-on-write: nothing on disk changes

Commands:
${lines.join("\n")}
  ${"help".padEnd(width)}  Explain a command: wvisor help do

Flags of every command:
  -h, --help   Explain the command, with examples
  --debug      With an error, show where in wVisor it arose
  --version    Print the version (before any command)

Flags before any command about containers:
  --root DIR               Where their state is kept (default: /run/wvisor for root, else $XDG_RUNTIME_DIR/wvisor)
  --log FILE               Errors are appended there, too
  --log-format text|json   How
  --cgroup-manager NAME    cgroupfs (the default), systemd (linux.cgroupsPath is SLICE:PREFIX:NAME) or disabled
  --systemd-cgroup         The same as --cgroup-manager systemd
`;
}

function unknownCommand(name: string, output: Output): number {
  output.err(`wvisor: unknown command ${oneLine(name)} (see 'wvisor help')\n`);
  return EXIT_USAGE;
}

async function help(operands: readonly string[], output: Output): Promise<number> {
  const name = operands[0];
  if (name === undefined || name === "help") {
    output.out(await overview());
    return 0;
  }
  const command = await findCommand(name);
  if (command === undefined) return unknownCommand(name, output);
  output.out(command.usage);
  return 0;
}

/** Tells the user about `error` and returns what to exit with. */
function report(command: Command, error: unknown, debug: boolean, output: Output): number {
  const known = error instanceof WvisorError;
  const usage = known && error.code === "ERR_WVISOR_USAGE";
  const text = error instanceof Error ? error.message : String(error);
  const hint = usage ? ` (see 'wvisor ${command.name} --help')` : "";
  output.err(`wvisor ${command.name}: ${known ? "" : "internal error: "}${oneLine(text)}${hint}\n`);
  if (debug && error instanceof Error) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) output.err(`${at.stack}\n`);
  }
  if (usage) return command.exitCodes.usage;
  // 125 is what an error says that chose nothing; commands without docker's numbers have their own for it.
  if (known && error.exitCode !== 125) return error.exitCode;
  return command.exitCodes.refused;
}

/** Runs the command that `args` (without node and script) name, and returns the exit code. Never throws. */
export async function dispatch(
  args: readonly string[],
  output: Output,
  gofer?: SpawnedGofer,
): Promise<number> {
  const global = parseFlags(args, GLOBAL_FLAGS, true);
  if (global.problem !== undefined) {
    output.err(`wvisor: ${oneLine(global.problem)} (see 'wvisor help')\n`);
    return EXIT_USAGE;
  }
  if (global.flags.has("version")) {
    output.out(`wvisor version ${VERSION}\n`);
    return 0;
  }
  const [name, ...rest] = global.operands;
  if (global.flags.has("help")) return help(global.operands, output);
  if (name === undefined) {
    output.err(await overview());
    return EXIT_USAGE;
  }
  if (name === "help") return help(rest, output);
  const command = await findCommand(name);
  if (command === undefined) return unknownCommand(name, output);

  const parsed = parseFlags(rest, { ...command.flags, ...COMMON_FLAGS }, command.operandsEndFlags);
  if (parsed.flags.has("help")) {
    output.out(command.usage);
    return 0;
  }
  if (parsed.problem !== undefined) {
    output.err(`wvisor ${command.name}: ${oneLine(parsed.problem)} (see 'wvisor ${command.name} --help')\n`);
    return command.exitCodes.usage;
  }
  const warn = (text: string): void => output.err(`wvisor ${command.name}: warning: ${oneLine(text)}\n`);
  try {
    return await command.run({
      global: global.flags,
      flags: parsed.flags,
      operands: parsed.operands,
      output,
      warn,
      commands: allCommands,
      gofer,
    });
  } catch (error) {
    logError(global.flags, error);
    return report(command, error, global.flags.has("debug") || parsed.flags.has("debug"), output);
  }
}
