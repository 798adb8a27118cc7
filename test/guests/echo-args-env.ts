// Prints its arguments and its environment, one line each: "arg I BYTES: TEXT" and "env BYTES: TEXT", in the
// host's order. The number of bytes tells a newline inside a value from the line's end.

import { args, environ, print } from "./lib/wasi.ts";

export function _start(): void {
  const given = args();
  for (let i = 0; i < given.length; i++) {
    print(`arg ${i} ${String.UTF8.byteLength(given[i])}: ${given[i]}\n`);
  }
  const variables = environ();
  for (let i = 0; i < variables.length; i++) {
    print(`env ${String.UTF8.byteLength(variables[i])}: ${variables[i]}\n`);
  }
}
