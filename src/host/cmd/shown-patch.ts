// A patch on a terminal: with git's colours, and without what a file's bytes could make the terminal do.

import type { Colors } from "./terminal.ts";

export function shownPatch(patch: Buffer, colors: Colors): string {
  const text = new TextDecoder().decode(patch);
  return text
    .split("\n")
    .map((line) => colored(line.replace(/(?!\t)\p{Cc}/gu, caret), colors))
    .join("\n");
}

/** "^[" for an escape character, as cat -v has it; C1 controls as their code. */
function caret(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `<${code.toString(16)}>`;
}

function colored(line: string, colors: Colors): string {
  const color = colorOf(line, colors);
  return color === "" ? line : `${color}${line}${colors.plain}`;
}

function colorOf(line: string, colors: Colors): string {
  if (
    /^(?:diff --git |index |--- |\+\+\+ |(?:new|deleted) file |(?:old|new) mode |rename |similarity )/.test(
      line,
    )
  ) {
    return colors.heading;
  }
  if (line.startsWith("@@")) return colors.changed;
  if (line.startsWith("+")) return colors.added;
  return line.startsWith("-") ? colors.deleted : "";
}
