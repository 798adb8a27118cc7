// URPC: calls as JSON values over a unix stream socket, with descriptors beside them. gVisor's wire format, so that its clients and
// tools understand us.
//
//   request   {"method":"Type.Method","arg":...}
//   reply     {"success":true,"err":"","result":...}       "result" is null where the call failed
//
// Values follow each other without prefix or separator. Descriptors (SCM_RIGHTS) come with a value's bytes, usually with the first.
// A connection has one call at a time.

import { WvisorError } from "../common/errors.ts";

/** What one message may carry in either direction: gVisor's number. */
export const DESCRIPTORS_MAX = 128;

/** How much of a message is looked at before it is refused. */
export interface Limits {
  readonly bytes: number;
  /** How deep objects and arrays may be nested. */
  readonly depth: number;
  readonly descriptors: number;
}

export interface Request {
  readonly method: string;
  readonly arg: unknown;
}

export interface Reply {
  readonly success: boolean;
  readonly err: string;
  readonly result: unknown;
}

/** What ends a connection: what was received is no message, or is more than is allowed. */
export class ProtocolError extends WvisorError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_WVISOR_URPC", message, undefined, options);
    this.name = "ProtocolError";
  }
}

/** Throws ProtocolError. */
export function parseRequest(value: unknown): Request {
  const { method, arg = null, ...others } = value as Record<string, unknown>;
  if (typeof method !== "string") throw new ProtocolError("request: method is not a string");
  refuseOthers("request", others);
  return { method, arg };
}

/** Throws ProtocolError. */
export function parseReply(value: unknown): Reply {
  const { success, err, result = null, ...others } = value as Record<string, unknown>;
  if (typeof success !== "boolean") throw new ProtocolError("reply: success is not a boolean");
  if (typeof err !== "string") throw new ProtocolError("reply: err is not a string");
  refuseOthers("reply", others);
  return { success, err, result };
}

function refuseOthers(what: string, others: object): void {
  const key = Object.keys(others)[0];
  if (key !== undefined) throw new ProtocolError(`${what}: unknown key ${JSON.stringify(key)}`);
}
