// Recurses until the stack ends.
//
//   overflow                          only that
//   overflow --list                   prints the names of the imports, and ends
//   overflow CALL [START [PAD]]       calls it at each depth from START on, so that the last calls find
//                                     almost no stack left: an import's name, or one of lib/host-calls.ts
//
// PAD frames of another size come first: they move all further frames, so that runs with different PADs end
// their stack at different places inside the call. Prints "ready" before it begins.

import { callImport, importCount, importNamed, nameOfImport } from "./lib/every-import.ts";
import { callHost, hostCallNamed } from "./lib/host-calls.ts";
import { args, exit, fail, print } from "./lib/wasi.ts";

const NEVER: i32 = i32.MAX_VALUE;

let chosen: i32 = 0;
let throughHost: bool = false;
let start: i32 = NEVER;
let sum: i32 = 0;

function deeper(level: i32): i32 {
  if (level >= start) sum += throughHost ? callHost(chosen) : callImport(chosen);
  if (level == NEVER) return 0;
  return deeper(level + 1) + level;
}

function pad(count: i32): i32 {
  return count == 0 ? deeper(0) : pad(count - 1) + 1;
}

export function _start(): void {
  const given = args();
  let padding = 0;
  if (given.length > 1) {
    if (given[1] == "--list") {
      for (let i = 0; i < importCount(); i++) print(`${nameOfImport(i)}\n`);
      exit(0);
    }
    chosen = importNamed(given[1]);
    if (chosen < 0) {
      chosen = hostCallNamed(given[1]);
      throughHost = true;
    }
    if (chosen < 0) fail(`there is no call named ${given[1]}`, 2);
    start = given.length > 2 ? I32.parseInt(given[2]) : 0;
    if (given.length > 3) padding = I32.parseInt(given[3]);
  }
  print("ready\n");
  pad(padding);
  print(`the stack did not end: ${sum}\n`);
}
