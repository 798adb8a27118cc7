// Methods by name, and what becomes of a call: a reply in any case.

import type { PassedFiles } from "./passed-files.ts";
import type { Reply, Request } from "./protocol.ts";

/** Longer texts say nothing more. */
const ERROR_MAX = 4096;

export interface Outcome {
  readonly result: unknown;
  /** Descriptors that go with the reply, and are closed then. */
  readonly files?: readonly number[];
}

/**
 * What a method does. It checks `arg`, which may be anything, and takes the descriptors that it wants to keep. What it throws is the
 * call's error.
 */
export type Method = (arg: unknown, files: PassedFiles) => Outcome | Promise<Outcome>;

export type Respond = (reply: Reply, files: readonly number[]) => void;

export class Dispatcher {
  private readonly methods: ReadonlyMap<string, Method>;

  /** Methods by "Type.Method". */
  constructor(methods: Readonly<Record<string, Method>>) {
    this.methods = new Map(Object.entries(methods));
  }

  /** Makes the call and responds, at once or when the method's promise is settled. Ownership: takes `files`. */
  dispatch({ method, arg }: Request, files: PassedFiles, respond: Respond): void {
    const fail = (error: unknown): void => {
      files.close();
      respond(failure(error), []);
    };
    const succeed = ({ result, files: sent = [] }: Outcome): void => {
      files.close();
      respond({ success: true, err: "", result }, sent);
    };
    try {
      const found = this.methods.get(method);
      if (found === undefined) throw new Error(`unknown method ${JSON.stringify(method)}`);
      const outcome = found(arg, files);
      if (outcome instanceof Promise) outcome.then(succeed).catch(fail);
      else succeed(outcome);
    } catch (error) {
      fail(error);
    }
  }
}

export function failure(error: unknown): Reply {
  const text = error instanceof Error ? error.message : String(error);
  return { success: false, err: text.slice(0, ERROR_MAX), result: null };
}
