// realpath() as node:fs does it in JavaScript: link by link, ".." by the text alone, and with the errors of the calls it makes.

import path from "node:path";
import { S_IFLNK, S_IFMT } from "../../assembly/abi/stat.ts";
import type { Leaf } from "./leaf/leaf.ts";

export function realpathByLinks(leaf: Leaf, given: string): string {
  let rest = path.posix.resolve(leaf.cwd(), given);
  let done = "";
  /** Directories that were seen to be no links. */
  const plain = new Set<string>();
  while (rest !== "" && rest !== "/") {
    const end = rest.indexOf("/", 1);
    const name = end < 0 ? rest : rest.slice(0, end);
    rest = end < 0 ? "" : rest.slice(end);
    const base = done + name;
    if (plain.has(base) || (leaf.lstat(base).mode & S_IFMT) !== S_IFLNK) {
      plain.add(base);
      done = base;
      continue;
    }
    leaf.stat(base);
    const target = new TextDecoder().decode(leaf.readlink(base));
    rest = path.posix.join(path.posix.resolve(done || "/", target), rest);
    done = "";
  }
  return done === "" ? "/" : done;
}
