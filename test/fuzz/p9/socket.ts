// Hostile byte streams against a gofer process that listens: frames in pieces, frames that are none, clients that go in the
// middle, and one client that behaves and must be served all the time.

import { connect, type Socket } from "node:net";
import { P9Client, type RemoteFile } from "../../../src/p9/index.ts";
import { encode } from "../../../src/p9/messages.ts";
import { ListeningGofer } from "../../support/listening-gofer.ts";
import { Stopwatch } from "../../support/stopwatch.ts";
import { Random } from "../random.ts";
import { damage, hostileRequest, request } from "./frames.ts";
import type { Progress } from "./progress.ts";
import { type Report, residentBytes } from "./server.ts";

/** Files of the gofer are no larger: a disk has other users. */
const FILE_BYTES = 1 << 24;
const BURST = 32;
/** After so many frames a new connection is made, if none was needed before. */
const LIFE = 2000;
const PATIENCE_MS = 20_000;

export interface SocketReport extends Report {
  /** How much more memory the gofer has than after the first tenth. */
  readonly grownBytes: number;
  readonly connections: number;
}

/** Serves `root` by the built command, with files of a bounded size. */
export function startGofer(root: string): Promise<ListeningGofer> {
  return ListeningGofer.start(["--listen", "tcp:127.0.0.1:0", "--root", root], {
    launcher: ["prlimit", `--fsize=${FILE_BYTES}`, "env", "--ignore-signal=XFSZ"],
  });
}

class Attacker {
  sent = 0;
  isGone = false;
  private readonly socket: Socket;
  private readonly begun: Buffer;

  constructor(address: string) {
    const [, host, port] = /^tcp:(.+):(\d+)$/.exec(address)!;
    this.socket = connect(Number(port), host);
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isGone = true;
    });
    // What comes back is not looked at here, but taken, most of the time.
    this.socket.resume();
    this.begun = Buffer.concat([
      encode("Tversion", 0xffff, { msize: 8192, version: "9P2000.L.wvisor.1" }),
      encode("Tattach", 0, { fid: 0, afid: 0xffffffff, uname: "", aname: "", uid: 0 }),
    ]);
    this.socket.write(this.begun);
  }

  async burst(random: Random): Promise<void> {
    const frames = Array.from({ length: BURST }, () => hostileRequest(random)).filter(
      ({ length }) => length <= 4096,
    );
    if (random.chance(0.02)) frames.push(damage(random, request(random, 1), false));
    this.sent += BURST;
    let bytes = Buffer.concat(frames);
    if (random.chance(0.1)) bytes = bytes.subarray(0, random.below(bytes.length));
    if (random.chance(0.1)) this.socket.pause();
    else this.socket.resume();
    for (let at = 0; at < bytes.length && !this.isGone; ) {
      const part = random.chance(0.3) ? 1 + random.below(40) : bytes.length;
      this.socket.write(bytes.subarray(at, at + part));
      at += part;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Sends about `frames` frames to the gofer. */
export async function attackSocket(
  gofer: ListeningGofer,
  frames: number,
  seed: number,
  progress?: Progress,
): Promise<SocketReport> {
  const random = new Random(seed);
  const { address, pid } = gofer;
  const stopwatch = new Stopwatch(pid);
  const witness = await P9Client.connect(address);
  const root = await witness.attach();
  let attackers = [0, 1, 2].map(() => new Attacker(address));
  let [sent, connections, slowestMs, grownFrom] = [0, attackers.length, 0, 0];
  while (sent < frames) {
    for (const [index, attacker] of attackers.entries()) {
      await attacker.burst(random);
      sent += BURST;
      if (!attacker.isGone && attacker.sent < LIFE) continue;
      attacker.end();
      attackers[index] = new Attacker(address);
      connections++;
    }
    progress?.(sent);
    slowestMs = Math.max(slowestMs, await ask(root, stopwatch));
    if (grownFrom === 0 && sent > frames / 10) grownFrom = residentBytes(pid);
  }
  for (const attacker of attackers) attacker.end();
  attackers = [];
  const grownBytes = residentBytes(pid) - grownFrom;
  witness.close();
  return { frames: sent, refused: 0, slowestMs, grownBytes, connections };
}

/** How long a request of the client that behaves takes. */
async function ask(root: RemoteFile, stopwatch: Stopwatch): Promise<number> {
  stopwatch.lap();
  await root.getattr(0x7ff);
  const took = stopwatch.lap();
  if (took > PATIENCE_MS) throw new Error(`the gofer has not answered for ${took} ms`);
  return took;
}
