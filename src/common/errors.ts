// The two error classes of the TypeScript side: a refusal with an errno, and everything else that a user is told.

import * as errnoValues from "../../assembly/abi/errno.ts";

const NAME_OF = new Map<number, string>(Object.entries(errnoValues).map(([name, value]) => [value, name]));

/** "ENOENT" for 2; "E999" for a number that Linux does not define here. */
export function errnoName(value: number): string {
  return NAME_OF.get(value) ?? `E${value}`;
}

/** An operation that Linux refused, or would have refused. */
export class ErrnoError extends Error {
  /** The positive Linux value; Node's `error.errno` is its negative. */
  readonly value: number;
  readonly code: string;
  readonly syscall: string;

  constructor(value: number, syscall: string, options?: ErrorOptions) {
    const code = errnoName(value);
    super(`${code}: ${syscall}`, options);
    this.name = "ErrnoError";
    this.value = value;
    this.code = code;
    this.syscall = syscall;
  }
}

/** A failure that is told to the user in one line. `code` is stable: ERR_WVISOR_*. */
export class WvisorError extends Error {
  readonly code: string;
  /** What the process exits with when nobody handles the error (docker's numbers for `do` and `run`). */
  readonly exitCode: number;
  /** Where Linux refused, or would have refused: its errno, negative as Node's, and the call. */
  readonly errno?: number;
  readonly syscall?: string;
  /** What it was about, where that is a file. */
  readonly path?: string;

  constructor(code: string, message: string, exitCode = 125, options: WvisorErrorOptions = {}) {
    super(message, options);
    this.name = "WvisorError";
    this.code = code;
    this.exitCode = exitCode;
    const refusal = refusalIn(options.cause);
    const { errno = refusal?.errno, syscall = refusal?.syscall, path = refusal?.path } = options;
    if (errno !== undefined) this.errno = errno;
    if (syscall !== undefined) this.syscall = syscall;
    if (path !== undefined) this.path = path;
  }
}

/** Without them, what the cause has counts. */
export interface WvisorErrorOptions extends ErrorOptions {
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly path?: string | undefined;
}

function refusalIn(cause: unknown): WvisorErrorOptions | undefined {
  if (cause instanceof ErrnoError) return { errno: -cause.value, syscall: cause.syscall };
  return cause instanceof WvisorError ? cause : undefined;
}
