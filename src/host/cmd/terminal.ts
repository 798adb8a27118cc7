// Whether text for the user goes to a terminal, and whether that should have colours.

import { isatty } from "node:tty";

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

export interface Colors {
  readonly added: string;
  readonly deleted: string;
  readonly changed: string;
  readonly heading: string;
  readonly plain: string;
}

const NONE: Colors = { added: "", deleted: "", changed: "", heading: "", plain: "" };
/** git's: green, red, cyan, bold. */
const SOME: Colors = {
  added: "\x1b[32m",
  deleted: "\x1b[31m",
  changed: "\x1b[36m",
  heading: "\x1b[1m",
  plain: "\x1b[m",
};

export function isTerminal(fd: number): boolean {
  return isatty(fd);
}

/** https://no-color.org: NO_COLOR that is not empty takes them away; so does TERM=dumb. */
export function colorsOf(fd: number, env: Readonly<Record<string, string | undefined>>): Colors {
  const isPlain = !isTerminal(fd) || (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return isPlain ? NONE : SOME;
}
