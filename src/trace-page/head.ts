// What ran, as whom, and how it ended.

import { escapeText } from "../trace/value.ts";
import { duration, element } from "./elements.ts";
import type { Model } from "./model.ts";

export function headView({ begin, calls, end, length, omitted }: Model): HTMLElement {
  const failed = calls.filter(({ errno }) => errno !== undefined).length;
  const refused = calls.filter(({ reason }) => reason !== undefined).length;
  const facts: [string, string][] = [
    ["program", escapeText(begin.program)],
    ["directory", escapeText(begin.cwd)],
    ["user", `${begin.uid}:${begin.gid}`],
    ["began", begin.time],
    ["took", duration(length)],
    ["calls", `${calls.length}${omitted === 0 ? "" : `, and ${omitted} that this page leaves out`}`],
    ["failed", `${failed}, of which ${refused} refused`],
    [
      "end",
      end === undefined ? "not in the trace: it was killed" : (end.message ?? `exited with ${end.code}`),
    ],
  ];
  return element("header", {}, [
    element("h1", {}, [begin.argv.map((argument) => escapeText(argument)).join(" ")]),
    element(
      "dl",
      {},
      facts.map(([name, value]) =>
        element("div", {}, [element("dt", {}, [name]), element("dd", {}, [value])]),
      ),
    ),
  ]);
}
