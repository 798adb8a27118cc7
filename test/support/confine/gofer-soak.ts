// Starts a gofer as the Node that runs this would, and keeps it busy.
//
//   node gofer-soak.cjs JSON        JSON is a GoferPlan; prints how many rounds there were, and exits as the gofer does

import { writeSync } from "node:fs";
import { O_CREAT, O_RDWR } from "../../../assembly/abi/fcntl.ts";
import type { Confinement } from "../../../src/common/confinement.ts";
import { startGofer } from "../../../src/host/sandbox/gofer-process.ts";
import { loadNative } from "../../../src/native/index.ts";
import { P9Client } from "../p9-client.ts";

export interface GoferPlan {
  readonly program: string;
  readonly source: string;
  readonly confinement: Confinement;
  readonly jitless: boolean;
  readonly soakMs: number;
}

const STDOUT = 1;
const BYTES = 4096;
const { program, source, soakMs, ...confine } = JSON.parse(process.argv[2]!) as GoferPlan;
const native = loadNative();
if (native === undefined) throw new Error("the native helper is not built");

/** Makes a file, writes, reads and describes it, lists its directory. */
function exercise(client: P9Client): void {
  const file = client.fid();
  client.walk(0, file);
  client.create(file, "soaked", O_RDWR | O_CREAT, 0o600);
  client.write(file, 0, Buffer.alloc(BYTES, 1));
  if (client.read(file, 0, 2 * BYTES).length !== BYTES) throw new Error("the file is not what was written");
  client.getattr(file);
  client.clunk(file);
  const folder = client.fid();
  client.walk(0, folder);
  client.open(folder, 0);
  if (client.list(folder).length === 0) throw new Error("the directory is empty");
  client.clunk(folder);
}

const gofer = startGofer(native, [{ source, readonly: false, donate: false }], { program, ...confine });
const client = new P9Client(native, gofer.sockets[0]!);
let rounds = 0;
try {
  client.version("9P2000.L");
  client.attach(0);
  for (const until = Date.now() + soakMs; Date.now() < until; rounds++) exercise(client);
} catch (error) {
  writeSync(STDOUT, `${(error as Error).message} after `);
}
client.close();
writeSync(STDOUT, `${rounds} rounds\n`);
process.exitCode = native.waitpid(gofer.pid, 1);
