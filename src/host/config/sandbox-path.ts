// Paths inside the sandbox, as text. What they lead to is the kernel's business.

import { posix } from "node:path";

/** PATH_MAX with its NUL, NAME_MAX. */
const PATH_MAX = 4096;
const NAME_MAX = 255;

/** `path` without ".", "..", double and trailing slashes; ".." at the root stays there. undefined when it cannot be a path. */
export function cleanPath(path: string): string | undefined {
  if (!path.startsWith("/") || path.includes("\0")) return undefined;
  const normal = posix.normalize(path);
  const clean = normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
  if (Buffer.byteLength(clean) >= PATH_MAX) return undefined;
  return clean.split("/").every((name) => Buffer.byteLength(name) <= NAME_MAX) ? clean : undefined;
}

/** How many directories lie between the root and `clean`, plus one; 0 for the root. */
export function depthOf(clean: string): number {
  return clean === "/" ? 0 : clean.split("/").length - 1;
}
