// Flags of a command line, by node:util's parseArgs. Its strict mode is replaced by checks of our own over its tokens,
// because its messages are several sentences long and because it refuses values such as `-e -X=1`.

import { parseArgs } from "node:util";

export interface Flag {
  /** A switch is on, or what `=true` or `=false` says. An optional one has a value only behind "=". */
  readonly type: "string" | "boolean" | "switch" | "optional";
  readonly short?: string;
  /** May be given several times. Of any other flag the last one counts, as in docker. */
  readonly multiple?: boolean;
}

export type FlagTable = Readonly<Record<string, Flag>>;

/** The flags that were given. */
export class Flags {
  private readonly values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.values = values;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  /** The last value given, or undefined. */
  text(name: string): string | undefined {
    return this.values.get(name)?.at(-1);
  }

  /** Of a switch: what was said last, or `otherwise`. */
  isOn(name: string, otherwise: boolean): boolean {
    const text = this.text(name);
    return text === undefined ? otherwise : text !== "false";
  }

  /** All values, in the order given. */
  texts(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }
}

export interface ParsedArguments {
  readonly flags: Flags;
  readonly operands: readonly string[];
  /** What is wrong with the flags, for the user; then `flags` holds those before it. */
  readonly problem: string | undefined;
}

function asOption({ type, ...rest }: Flag) {
  return { ...rest, type: type === "string" ? ("string" as const) : ("boolean" as const) };
}

/**
 * Go's flag packages take a long name behind one dash, too, and engines use that. Names of one letter are short ones here as there.
 * What is the value of a flag, or comes behind `--` or the operand that ends flags, stays as it is.
 */
function withTwoDashes(args: readonly string[], table: FlagTable, operandsEndFlags: boolean): string[] {
  const changed = [...args];
  for (let at = 0; at < changed.length; at++) {
    const [, dashes, name, value] = /^(--?)([^=-][^=]*)(=.*)?$/s.exec(changed[at]!) ?? [];
    if (changed[at] === "--" || (name === undefined && operandsEndFlags)) break;
    const flag = name === undefined ? undefined : flagOf(name, table);
    if (flag === undefined) continue;
    if (dashes === "-" && name!.length > 1) changed[at] = `-${changed[at]}`;
    if (flag.type === "string" && value === undefined) at++;
  }
  return changed;
}

function flagOf(name: string, table: FlagTable): Flag | undefined {
  if (Object.hasOwn(table, name)) return table[name];
  return Object.values(table).find(({ short }) => short === name);
}

/** Parses `args` by `table`; with `operandsEndFlags`, everything from the first operand on is an operand. */
export function parseFlags(
  args: readonly string[],
  table: FlagTable,
  operandsEndFlags: boolean,
): ParsedArguments {
  const { tokens } = parseArgs({
    args: withTwoDashes(args, table, operandsEndFlags),
    options: Object.fromEntries(Object.entries(table).map(([name, flag]) => [name, asOption(flag)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  const flags = new Flags(values);
  for (const token of tokens) {
    if (token.kind !== "option") {
      if (operandsEndFlags) {
        const first = token.kind === "option-terminator" ? token.index + 1 : token.index;
        return { flags, operands: args.slice(first), problem: undefined };
      }
      if (token.kind === "positional") operands.push(token.value);
      continue;
    }
    const flag = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (flag === undefined) return { flags, operands, problem: `unknown flag ${token.rawName}` };
    let value = "";
    if (flag.type === "switch") {
      value = token.value ?? "true";
      if (value !== "true" && value !== "false")
        return { flags, operands, problem: `flag ${token.rawName}: expected true or false` };
    } else if (flag.type === "optional") {
      value = token.value ?? "";
    } else if (flag.type === "boolean") {
      if (token.value !== undefined)
        return { flags, operands, problem: `flag ${token.rawName} takes no value` };
    } else {
      if (token.value === undefined)
        return { flags, operands, problem: `flag ${token.rawName} needs a value` };
      value = token.value;
      // `-w=/data` means `-w /data`, as in Go's flag packages, which docker and runsc use.
      if (token.inlineValue && !token.rawName.startsWith("--") && value.startsWith("="))
        value = value.slice(1);
    }
    const given = values.get(token.name);
    if (given === undefined) values.set(token.name, [value]);
    else given.push(value);
  }
  return { flags, operands, problem: undefined };
}
