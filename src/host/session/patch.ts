// Changes as a patch that `git apply` takes (git's documentation: diff-generate-patch).

import { blobName, formatBinaryPatch } from "./git-binary.ts";
import { formatHunks } from "./line-diff.ts";
import type { PatchFile, PatchSide } from "./patch-file.ts";
import { quotedPath } from "./shown-path.ts";

const NO_BLOB = "0".repeat(40);
const NOTHING = Buffer.alloc(0);

export function formatPatch(file: PatchFile): Buffer {
  const { before, after, isBinary, edits } = file;
  const hasContent = !(before?.content ?? NOTHING).equals(after?.content ?? NOTHING);
  const [oldPath, newPath] = [(before ?? after)!.path, (after ?? before)!.path];
  const lines = [
    `diff --git ${quotedPath(oldPath, "a/")} ${quotedPath(newPath, "b/")}`,
    ...modeLines(before, after),
    ...renameLines(file),
    ...(hasContent || before === undefined || after === undefined ? [indexLine(before, after)] : []),
  ];
  let text = `${lines.join("\n")}\n`;
  if (hasContent && isBinary)
    text += formatBinaryPatch(before?.content ?? NOTHING, after?.content ?? NOTHING);
  else if (hasContent) {
    text += `--- ${nameLine(before, "a/")}\n+++ ${nameLine(after, "b/")}\n${formatHunks(edits)}`;
  }
  return Buffer.from(text, "latin1");
}

function modeLines(before: PatchSide | undefined, after: PatchSide | undefined): string[] {
  if (before === undefined) return [`new file mode ${after!.mode}`];
  if (after === undefined) return [`deleted file mode ${before.mode}`];
  return before.mode === after.mode ? [] : [`old mode ${before.mode}`, `new mode ${after.mode}`];
}

function renameLines({ before, after, isBinary, edits }: PatchFile): string[] {
  if (before === undefined || after === undefined || before.path.equals(after.path)) return [];
  const kept = edits.filter(({ kind }) => kind === " ").length;
  const isSame = before.content.equals(after.content);
  const similarity = isSame ? 100 : isBinary ? 0 : Math.floor((99 * kept) / Math.max(edits.length, 1));
  return [
    `similarity index ${similarity}%`,
    `rename from ${quotedPath(before.path)}`,
    `rename to ${quotedPath(after.path)}`,
  ];
}

function indexLine(before: PatchSide | undefined, after: PatchSide | undefined): string {
  const name = (side: PatchSide | undefined): string =>
    side === undefined ? NO_BLOB : blobName(side.content);
  const mode = before !== undefined && before.mode === after?.mode ? ` ${before.mode}` : "";
  return `index ${name(before)}..${name(after)}${mode}`;
}

/** A name with a space in it ends at a tab: other tools take what follows for a date. */
function nameLine(side: PatchSide | undefined, prefix: string): string {
  if (side === undefined) return "/dev/null";
  const name = quotedPath(side.path, prefix);
  return name.includes(" ") && !name.startsWith('"') ? `${name}\t` : name;
}
