// What a command of the CLI is. The table of them is commands.ts; dispatch.ts parses, runs and reports.

import { WvisorError } from "../../common/errors.ts";
import type { SpawnedGofer } from "../sandbox/gofer-process.ts";
import type { Flags, FlagTable } from "./flags.ts";
import type { Output } from "./output.ts";

export interface CommandInput {
  /** Those before the command's name. */
  readonly global: Flags;
  readonly flags: Flags;
  readonly operands: readonly string[];
  readonly output: Output;
  /** Writes `wvisor NAME: warning: TEXT` as one line to stderr. */
  warn(text: string): void;
  /** All that there are. */
  commands(): Promise<readonly Command[]>;
  /** Started by the entry, for a command that will need one. */
  readonly gofer: SpawnedGofer | undefined;
}

export interface Command {
  readonly name: string;
  /** Half a line for the list of commands. */
  readonly summary: string;
  /** Everything that --help prints; starts with the synopsis and shows examples. */
  readonly usage: string;
  readonly flags: FlagTable;
  /** Everything from the first operand on belongs to the program, flags included. */
  readonly operandsEndFlags: boolean;
  readonly exitCodes: {
    /** The arguments cannot be understood. */
    readonly usage: number;
    /** A failure that names no exit code of its own. */
    readonly refused: number;
  };
  /** Returns the exit code of the process. Throws WvisorError for what the user is told in one line. */
  run(input: CommandInput): Promise<number> | number;
}

/** The arguments of a command are wrong; it exits with its `exitCodes.usage`, whatever it says otherwise. */
export class UsageError extends WvisorError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_WVISOR_USAGE", message, undefined, options);
    this.name = "UsageError";
  }
}
