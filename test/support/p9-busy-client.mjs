// A client that uses a gofer as hard as it can until one of the two is killed: p9-busy-client.mjs ADDRESS NAME
//
// Prints "busy" when it has begun, and at the end the code of what ended it. Its files are called NAME.*.

import { P9Client } from "../../build/p9.js";

const [address, name] = process.argv.slice(2);
const [O_RDWR, O_CREAT, WRITE_LOCK, UNLOCK] = [2, 0o100, 1, 2];
const DATA = Buffer.alloc(100_000, name);
/** As many directories as were listed stay open: so there is something to be cleared away. */
const LEFT_OPEN = 100;
const LIFE_MS = 60_000;

async function work(root, number) {
  const [file, moved] = [`${name}.${number % 7}`, `${name}.moved`];
  const made = await (await root.walk()).create(file, O_RDWR | O_CREAT, 0o644);
  await made.write(0, DATA);
  const lock = { start: 0n, length: 0n, processId: process.pid, clientId: name };
  const locked = await (await root.walk("locked")).open(O_RDWR);
  if (await locked.lock({ ...lock, type: WRITE_LOCK })) await locked.lock({ ...lock, type: UNLOCK });
  await Promise.all(Array.from({ length: 20 }, (_, index) => made.read(index * 5000, 5000)));
  await root.rename(file, root, moved);
  await made.clunk();
  await locked.clunk();
  const listed = await (await root.walk()).open();
  for await (const entry of listed.entries()) if (entry.name.length === 0) break;
  if (number >= LEFT_OPEN) await listed.clunk();
  await root.unlink(moved);
}

try {
  const client = await P9Client.connect(address);
  const root = await client.attach();
  const end = performance.now() + LIFE_MS;
  for (let number = 0; performance.now() < end; number++) {
    if (number === 1) process.stdout.write("busy\n");
    await work(root, number);
  }
  console.log("this client was to be killed long ago");
} catch (error) {
  console.log(error.code ?? error.stack);
}
