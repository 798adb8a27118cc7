// config.json from a descriptor that somebody opened earlier: whatever became of the file since, this is the one (G23-04).

import { fstatSync, readSync } from "node:fs";
import { reasonOf } from "../config/host-file.ts";
import { MAX_CONFIG_BYTES } from "./bundle.ts";
import { parseRuntimeSpec, type RuntimeSpec, SpecError } from "./runtime-spec.ts";

/** Reads from the start, wherever the descriptor stands. Throws SpecError. */
export function readSpecFd(fd: number): RuntimeSpec {
  const text = readText(fd);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SpecError("", `not JSON: ${(error as SyntaxError).message}`);
  }
  return parseRuntimeSpec(value);
}

function readText(fd: number): string {
  try {
    const stats = fstatSync(fd);
    // Looked at first: reading a FIFO would wait for ever.
    if (!stats.isFile()) throw new SpecError("", `descriptor ${fd}: not a regular file`);
    if (stats.size > MAX_CONFIG_BYTES) {
      throw new SpecError("", `descriptor ${fd}: larger than ${MAX_CONFIG_BYTES} bytes`);
    }
    const bytes = Buffer.alloc(stats.size);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return bytes.toString("utf8", 0, length);
  } catch (error) {
    if (error instanceof SpecError) throw error;
    throw new SpecError("", `descriptor ${fd}: ${reasonOf(error)}`);
  }
}
