// The commands, in the order in which help lists them. Each is read when it is asked for: some stand on parts of Node that take
// milliseconds to load.

import type { Command } from "./command.ts";

type Load = () => Promise<Command>;

const loads: ReadonlyMap<string, Load> = new Map<string, Load>([
  ["do", async () => (await import("./do.ts")).doCommand],
  ["diff", async () => (await import("./diff.ts")).diffCommand],
  ["apply", async () => (await import("./apply.ts")).applyCommand],
  ["undo", async () => (await import("./undo.ts")).undoCommand],
  ["discard", async () => (await import("./discard.ts")).discardCommand],
  ["export", async () => (await import("./export.ts")).exportCommand],
  ["import", async () => (await import("./import.ts")).importCommand],
  ["sessions", async () => (await import("./sessions.ts")).sessionsCommand],
  ["run", async () => (await import("./run.ts")).runCommand],
  ["spec", async () => (await import("./spec.ts")).specCommand],
  ["create", async () => (await import("./create.ts")).createCommand],
  ["start", async () => (await import("./start.ts")).startCommand],
  ["state", async () => (await import("./state.ts")).stateCommand],
  ["exec", async () => (await import("./exec.ts")).execCommand],
  ["ps", async () => (await import("./ps.ts")).psCommand],
  ["kill", async () => (await import("./kill.ts")).killCommand],
  ["update", async () => (await import("./update.ts")).updateCommand],
  ["events", async () => (await import("./events.ts")).eventsCommand],
  ["pause", async () => (await import("./pause.ts")).pauseCommand],
  ["resume", async () => (await import("./resume.ts")).resumeCommand],
  ["wait", async () => (await import("./wait.ts")).waitCommand],
  ["delete", async () => (await import("./delete.ts")).deleteCommand],
  ["list", async () => (await import("./list.ts")).listCommand],
  ["features", async () => (await import("./features.ts")).featuresCommand],
  ["gofer", async () => (await import("./gofer.ts")).goferCommand],
  ["trace", async () => (await import("./trace.ts")).traceCommand],
  ["doctor", async () => (await import("./doctor.ts")).doctorCommand],
  ["install-runtime", async () => (await import("./install-runtime.ts")).installRuntimeCommand],
  ["completion", async () => (await import("./completion.ts")).completionCommand],
  ["hooks", async () => (await import("./hooks.ts")).hooksCommand],
  ["boot", async () => (await import("./boot.ts")).bootCommand],
]);

export async function findCommand(name: string): Promise<Command | undefined> {
  return loads.get(name)?.();
}

export function allCommands(): Promise<Command[]> {
  return Promise.all([...loads.values()].map((load) => load()));
}
