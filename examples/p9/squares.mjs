// A file system that nobody stores: the file N holds the square of N. Served on a unix socket, and read back by a client.
//
//   npm run build && node examples/p9/squares.mjs

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { P9Client, P9Server, serveObject } from "wvisor/p9";

const DIRECTORY = 0o040555;
const FILE = 0o100444;

const squares = {
  attributes: () => ({ ino: 0, mode: DIRECTORY, size: 0 }),
  entries: () => [1, 2, 3].map((n) => ({ name: `${n}`, ino: n, type: FILE & 0o170000 })),
  lookup(name) {
    const n = Number(name);
    if (!Number.isSafeInteger(n) || n < 1) throw Object.assign(new Error("not a number"), { code: "ENOENT" });
    const text = Buffer.from(`${BigInt(n) ** 2n}\n`);
    return {
      attributes: () => ({ ino: n, mode: FILE, size: text.length }),
      read: (into, offset) => text.copy(into, 0, Math.min(offset, text.length)),
    };
  },
};

const folder = mkdtempSync(path.join(tmpdir(), "squares-"));
const server = await P9Server.listen(`unix:${path.join(folder, "socket")}`, serveObject(squares));
const client = await P9Client.connect(server.address);
const root = await client.attach();

for (const name of ["7", "111111111"]) {
  const file = await (await root.walk(name)).open();
  process.stdout.write(`${name} squared is ${await file.read(0, 100)}`);
  await file.clunk();
}
try {
  await root.walk("seven");
} catch (error) {
  console.log(`seven: ${error.code}`);
}

client.close();
await server.close();
rmSync(folder, { recursive: true });
