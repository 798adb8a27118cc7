// Exchanges the names of each pair of files over and over, as fast as the system can, until a file called `stop` appears;
// then prints how often. A process of its own, so that it runs at the same time as what it disturbs.
//
//   node swapper.mjs ADDON STOP-FILE '[["A", "B"], ...]'

import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;
const SLOT = 0;
const ROUNDS_BETWEEN_LOOKS = 100;

const [addon, stop, list] = process.argv.slice(2);
const native = createRequire(import.meta.url)(addon);
const memory = new Uint8Array(1 << 16);
native.registerMemory(SLOT, memory);
let end = 0;
const place = (name) => {
  const at = end;
  const bytes = Buffer.from(`${name}\0`);
  memory.set(bytes, at);
  end += bytes.length;
  return at;
};
const pairs = JSON.parse(list).map(([a, b]) => [place(a), place(b)]);

process.stdout.write("ready\n");
let rounds = 0;
while (!existsSync(stop)) {
  for (let i = 0; i < ROUNDS_BETWEEN_LOOKS; i++) {
    for (const [a, b] of pairs) {
      const status = native.renameat2(AT_FDCWD, SLOT, a, AT_FDCWD, b, RENAME_EXCHANGE);
      if (status !== 0) throw new Error(`renameat2: ${status}`);
    }
  }
  rounds += ROUNDS_BETWEEN_LOOKS;
}
process.stdout.write(`${rounds}\n`);
