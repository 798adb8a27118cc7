// The names of a path's text, as a walk of several components sends them.

import { P9_MAXWELEM } from "../abi/p9.ts";
import { ByteWriter } from "../lib/byte-writer.ts";
import { isDots, putString } from "./messages.ts";

const SLASH: u8 = 0x2f;

/** Steps through the names of [at, end): `name` and `length` are the current one. */
@final
export class PathNames {
  name: usize = 0;
  length: u32 = 0;
  private at: usize = 0;
  private end: usize = 0;

  reset(at: usize, end: usize): void {
    this.at = at;
    this.end = end;
  }

  /** False at the end, and before a component that is no name: a dot, two, or too long a one. */
  next(): bool {
    while (this.at < this.end && load<u8>(this.at) == SLASH) this.at++;
    const name = this.at;
    while (this.at < this.end && load<u8>(this.at) != SLASH) this.at++;
    const length = <u32>(this.at - name);
    this.name = name;
    this.length = length;
    return length > 0 && length <= 255 && !isDots(name, length);
  }
}

/** How many names at the front of [at, end) one message can ask for. */
export function countNames(names: PathNames, at: usize, end: usize): u32 {
  let count: u32 = 0;
  names.reset(at, end);
  while (count < <u32>P9_MAXWELEM && names.next()) count++;
  return count;
}

/** Writes the first `count` names. */
export function putNames(writer: ByteWriter, names: PathNames, at: usize, end: usize, count: u32): void {
  names.reset(at, end);
  for (let i: u32 = 0; i < count; i++) {
    names.next();
    putString(writer, names.name, names.length);
  }
}
