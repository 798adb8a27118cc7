// What became of a case, as plain data: two runs agree when these are equal. Left out is what must differ from one file system to
// the next (inode and device numbers, block counts, times that nobody set), and the scratch directory's path is written as DIR.

import { wasThrown } from "./case.ts";

const NUMBERS = ["mode", "nlink", "uid", "gid"] as const;
const DATES: readonly string[] = ["atime", "mtime", "ctime", "birthtime"];
const TYPES = [
  "isFile",
  "isDirectory",
  "isSymbolicLink",
  "isFIFO",
  "isSocket",
  "isBlockDevice",
  "isCharacterDevice",
] as const;

/** Values of one run. `dir` is its scratch directory. */
export class Normalizer {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  text(value: string): string {
    return value.replaceAll(this.#dir, "DIR");
  }

  error(error: unknown): unknown {
    if (!(error instanceof Error)) return { notAnError: this.value(error) };
    const fields = error as Error & Record<string, unknown>;
    const outcome: Record<string, unknown> = {
      error: error.name,
      message: this.text(error.message),
      passed: wasThrown(error) ? "thrown" : "handed on",
      keys: Object.keys(error).sort(),
    };
    for (const key of ["code", "errno", "syscall", "path", "dest"]) {
      if (key in fields) outcome[key] = this.value(fields[key]);
    }
    return outcome;
  }

  value(value: unknown): unknown {
    if (value === undefined) return "(undefined)";
    if (typeof value === "string") return this.text(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "symbol") return value.toString();
    if (typeof value === "function") return `(function ${value.name})`;
    if (typeof value !== "object" || value === null) return value;
    return this.#object(value);
  }

  #object(value: object): unknown {
    if (value instanceof Error) return this.error(value);
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (value instanceof Date) return { date: value.getTime() };
    const kind = value.constructor?.name ?? "null";
    if (ArrayBuffer.isView(value)) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return { [kind]: this.text(bytes.toString("latin1")) };
    }
    if (kind === "Stats" || kind === "BigIntStats") return this.#stats(value as Record<string, unknown>);
    if (kind === "Dirent") return this.#dirent(value as Record<string, unknown>);
    const fields = Object.entries(value).map(([key, field]) => [this.text(key), this.value(field)]);
    const plain = Object.fromEntries(fields) as Record<string, unknown>;
    return kind === "Object" || kind === "null" ? plain : { [kind]: plain };
  }

  #types(value: Record<string, unknown>): string[] {
    return TYPES.filter((name) => (value[name] as () => boolean)());
  }

  #stats(value: Record<string, unknown>): unknown {
    const types = this.#types(value);
    const outcome: Record<string, unknown> = {
      class: value.constructor.name,
      types,
      keys: Object.keys(value)
        .filter((key) => !DATES.includes(key))
        .map((key) => `${key}: ${typeof value[key]}`),
      // Own properties in Node 20, made when they are asked for since.
      dates: DATES.map((key) => value[key] instanceof Date),
    };
    for (const key of NUMBERS) outcome[key] = this.value(value[key]);
    // How many bytes a directory has, and how many links, is for each file system to say.
    if (types[0] === "isDirectory") delete outcome.nlink;
    else outcome.size = this.value(value.size);
    return outcome;
  }

  #dirent(value: Record<string, unknown>): unknown {
    return {
      class: "Dirent",
      name: this.value(value.name),
      types: this.#types(value),
      parentPath: this.value(value.parentPath),
      path: this.value(value.path),
    };
  }
}
