// The commands, in the order in which help lists them.

import type { Command } from "./command.ts";
import { doCommand } from "./do.ts";
import { doctorCommand } from "./doctor.ts";
import { goferCommand } from "./gofer.ts";
import { runCommand } from "./run.ts";
import { specCommand } from "./spec.ts";

export const commands: readonly Command[] = [doCommand, runCommand, specCommand, goferCommand, doctorCommand];
