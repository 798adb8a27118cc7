// config.json from a descriptor that somebody opened earlier: whatever became of the file since, this is the one (G23-04).

import { DocumentError, parseDocument, readText } from "./json-document.ts";
import { parseRuntimeSpec, type RuntimeSpec, SpecError } from "./runtime-spec.ts";

/** Reads from the start, wherever the descriptor stands. Throws SpecError. */
export function readSpecFd(fd: number): RuntimeSpec {
  const text = orProblem(() => readText(fd), `descriptor ${fd}: `);
  return parseRuntimeSpec(orProblem(() => parseDocument(text), ""));
}

function orProblem<T>(read: () => T, prefix: string): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DocumentError) throw new SpecError("", `${prefix}${error.message}`);
    throw error;
  }
}
