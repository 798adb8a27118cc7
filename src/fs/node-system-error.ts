// Errors that Node's own JavaScript makes of an errno, in rm() and cp(): its class SystemError.

import { codedError } from "./argument-error.ts";

export interface SystemErrorInfo {
  /** The name of the errno. */
  readonly code: string;
  readonly message: string;
  readonly path: string;
  readonly syscall: string;
  /** Positive, as Linux has it. */
  readonly errno: number;
}

/** `code`: ERR_FS_*; `prefix`: what is said before the details. */
export function nodeSystemError(code: string, prefix: string, info: SystemErrorInfo): Error {
  const { errno, syscall, path } = info;
  const text = `${prefix}: ${syscall} returned ${info.code} (${info.message}) ${path}`;
  const error = codedError(Error, code, text);
  Object.defineProperty(error, "name", { value: "SystemError", writable: true, configurable: true });
  return Object.assign(error, { info, errno, syscall, path });
}
