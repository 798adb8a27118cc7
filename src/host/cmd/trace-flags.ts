// The flags of `do` and `run` about tracing the program's calls. What traces is loaded when one of them is given.

import { requireNative } from "../../native/index.ts";
import { EXIT_TIMEOUT } from "../boot/loader.ts";
import { PREVIEW1_FUNCTIONS } from "../guest/runner.ts";
import type { TraceSink } from "../trace/sinks.ts";
import type { Tracer } from "../trace/tracer.ts";
import { UsageError } from "./command.ts";
import type { Flags, FlagTable } from "./flags.ts";

export const TRACE_FLAGS: FlagTable = {
  strace: { type: "optional" },
  "strace-summary": { type: "boolean", short: "c" },
  "strace-calls": { type: "string" },
  trace: { type: "string" },
};

/** Which of the helper's last words are whose. */
const LINES = 0;
const RECORDS = 1;
const TABLE = 2;

export function wantsTrace(flags: Flags): boolean {
  return Object.keys(TRACE_FLAGS).some((name) => flags.has(name));
}

/**
 * What the flags ask for, or undefined; files are made at once, before this process can open none any more. `timeoutMs`: the
 * program's, or 0. Errors: UsageError, WvisorError.
 */
export async function makeTracer(flags: Flags, timeoutMs: number): Promise<Tracer | undefined> {
  if (!wantsTrace(flags)) return undefined;
  const tells = callFilter(flags.text("strace-calls"));
  if (flags.has("trace") && flags.text("trace") === "")
    throw new UsageError("--trace needs the name of a file");
  if (!flags.has("strace") && !flags.has("strace-summary") && !flags.has("trace")) {
    throw new UsageError("--strace-calls says which calls --strace, -c and --trace show: give one of them");
  }
  const { TraceOutput } = await import("../trace/output.ts");
  const { LineSink, RecordSink, SummarySink } = await import("../trace/sinks.ts");
  const native = requireNative();
  const { Tracer } = await import("../trace/tracer.ts");
  const output = (name: string | undefined, index: number) =>
    name ? TraceOutput.file(native, name, index) : TraceOutput.stderr(native, index);
  const sinks: TraceSink[] = [];
  const lines = flags.text("strace");
  if (lines !== undefined) sinks.push(new LineSink(output(lines, LINES)));
  if (flags.has("trace")) sinks.push(new RecordSink(output(flags.text("trace"), RECORDS)));
  // With lines, the table stands below them.
  if (flags.has("strace-summary")) sinks.push(new SummarySink(output(undefined, TABLE)));
  const deadline =
    timeoutMs === 0 ? undefined : { code: EXIT_TIMEOUT, message: `stopped after ${timeoutMs} ms` };
  return new Tracer({ sinks, tells, deadline });
}

/** LIST: names with commas between them, "*" at the end of one for any end; "!" in front of all: every call but those. */
function callFilter(list: string | undefined): (name: string) => boolean {
  if (list === undefined) return () => true;
  const without = list.startsWith("!");
  const patterns = list.slice(without ? 1 : 0).split(",");
  const chosen = new Set<string>();
  for (const pattern of patterns) {
    const found = [...PREVIEW1_FUNCTIONS].filter((name) =>
      pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    );
    if (pattern === "" || found.length === 0) {
      throw new UsageError(`--strace-calls ${list}: there is no call "${pattern}"`);
    }
    for (const name of found) chosen.add(name);
  }
  return (name) => chosen.has(name) !== without;
}
