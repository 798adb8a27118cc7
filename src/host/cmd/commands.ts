// The commands, in the order in which help lists them. Each is read when it is asked for: some stand on parts of Node that take
// milliseconds to load.

import type { Command } from "./command.ts";

type Load = () => Promise<Command>;

const loads: ReadonlyMap<string, Load> = new Map<string, Load>([
  ["do", async () => (await import("./do.ts")).doCommand],
  ["run", async () => (await import("./run.ts")).runCommand],
  ["spec", async () => (await import("./spec.ts")).specCommand],
  ["gofer", async () => (await import("./gofer.ts")).goferCommand],
  ["doctor", async () => (await import("./doctor.ts")).doctorCommand],
]);

export async function findCommand(name: string): Promise<Command | undefined> {
  return loads.get(name)?.();
}

export function allCommands(): Promise<Command[]> {
  return Promise.all([...loads.values()].map((load) => load()));
}
