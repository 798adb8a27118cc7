// The smallest program: one line on standard output.

import { print } from "./lib/wasi.ts";

export function _start(): void {
  print("hello from wasm\n");
}
