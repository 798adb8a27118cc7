// Runs the command line in this process and keeps what it prints.

import { dispatch } from "../../../src/host/cmd/dispatch.ts";
import { scratchDirectory } from "../scratch.ts";

/** Sessions of `do` are the test file's own: others run in this directory too. */
process.env.XDG_STATE_HOME = scratchDirectory();

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function wvisor(...args: string[]): Promise<Outcome> {
  let out = "";
  let err = "";
  const code = await dispatch(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}
