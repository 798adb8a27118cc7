// A call, and the program's end, as a line of strace(1).

import type { CallRecord, EndRecord } from "./record.ts";
import { escapeText, valueText } from "./value.ts";

/** What never returns when all is well. */
const NEVER_RETURNS = "proc_exit";

function resultText({ name, dur, errno, reason }: CallRecord): string {
  if (dur === undefined) return name === NEVER_RETURNS ? ") = ?" : " <unfinished ...>";
  if (errno === undefined) return ") = 0";
  return `) = ${errno}${reason === undefined ? "" : ` (${reason.text})`}`;
}

/** Without a line end. Printable ASCII only. */
export function callLine(call: CallRecord): string {
  const args = Object.values(call.args).map(valueText).join(", ");
  return `[pid ${call.pid}] ${call.name}(${args}${resultText(call)}`;
}

/** Without a line end. */
export function endLine({ pid, code, message }: EndRecord): string {
  const how = message === undefined ? `exited with ${code}` : escapeText(message);
  return `[pid ${pid}] +++ ${how} +++`;
}
