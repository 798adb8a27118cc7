// The mounts of a traced task, from its mountinfo (Linux: show_mountinfo()).

import type { MountRecord } from "../../trace/record.ts";
import type { Text } from "../../trace/value.ts";
import { textOf } from "./guest-memory.ts";

/** Blanks, tabs, line ends and backslashes come as three octal digits (Linux: seq_path()). */
function unescaped(word: string): Text {
  const bytes = word.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return textOf(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
}

/** `ID PARENT DEVICE ROOT PATH OPTIONS [TAG...] - TYPE SOURCE FSOPTIONS` on each line. */
export function parseMountinfo(bytes: Uint8Array): MountRecord[] {
  const lines = Array.from(bytes, (byte) => String.fromCharCode(byte))
    .join("")
    .split("\n");
  return lines.flatMap((line) => {
    const words = line.split(" ");
    const dash = words.indexOf("-");
    const [id, parent, , , path, options] = words;
    const [type, source, fsOptions] = words.slice(dash + 1);
    // The kernel's text has a bound, and the last line may be cut.
    if (dash < 0 || fsOptions === undefined) return [];
    return [
      {
        id: Number(id),
        parent: Number(parent),
        path: unescaped(path!),
        type: type!,
        source: unescaped(source!),
        options: options!,
        fsOptions,
      },
    ];
  });
}
