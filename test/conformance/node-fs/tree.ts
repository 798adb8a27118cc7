// The tree that a case leaves, as lines of text, one for each name.

import type { Stats } from "node:fs";
import type { NodeFs } from "./case.ts";

const SHOWN = 64;

function typeOf(stats: Stats): string {
  if (stats.isDirectory()) return "d";
  if (stats.isSymbolicLink()) return "l";
  if (stats.isFIFO()) return "p";
  return stats.isFile() ? "-" : "?";
}

function contentOf(fs: NodeFs, path: Buffer, stats: Stats): string {
  if (stats.isSymbolicLink())
    return ` -> ${fs.readlinkSync(path, { encoding: "buffer" }).toString("latin1")}`;
  if (!stats.isFile()) return "";
  const content = fs.readFileSync(path).toString("latin1");
  const shown = content.length > SHOWN ? `${content.slice(0, SHOWN)}...` : content;
  return ` links=${stats.nlink} size=${stats.size} ${JSON.stringify(shown)}`;
}

/** The names below `directory`, sorted, with type, mode, owner, and what is in a file or a link. */
export function treeOf(fs: NodeFs, directory: string): string[] {
  const lines: string[] = [];
  const walk = (parent: Buffer, shown: string): void => {
    const names = fs.readdirSync(parent, { encoding: "buffer" });
    for (const name of names.sort(Buffer.compare)) {
      const path = Buffer.concat([parent, Buffer.from("/"), name]);
      const title = `${shown}/${name.toString("latin1")}`;
      const stats = fs.lstatSync(path);
      const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
      const content = contentOf(fs, path, stats).replaceAll(directory, "DIR");
      lines.push(`${typeOf(stats)}${mode} ${stats.uid}:${stats.gid} ${title}${content}`);
      if (stats.isDirectory()) walk(path, title);
    }
  };
  walk(Buffer.from(directory), "");
  return lines;
}
