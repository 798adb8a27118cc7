// A host call that does not return keeps its asker waiting, and nobody else. A frozen file system is the host that is that slow:
// changes wait until it thaws, however long that takes, and reading goes on.

import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { O_RDWR } from "../../assembly/abi/fcntl.ts";
import { P9Client } from "../../src/p9/index.ts";
import { scratchDirectory } from "../support/cli.ts";
import { ListeningGofer } from "../support/listening-gofer.ts";

const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { encoding: "utf8", timeout: 60_000 });

/** A file system of its own at `mountPoint`, or why there is none. */
function mountImage(image: string, mountPoint: string): string | undefined {
  const script = 'truncate -s 16M "$1" && mke2fs -q -t ext4 "$1" && mount -o loop "$1" "$2"';
  const { status, stderr } = run("sh", "-c", script, "sh", image, mountPoint);
  return status === 0 ? undefined : stderr.trim();
}

test("files that wait to be allocated keep no other client waiting", {
  timeout: 120_000,
}, async (context) => {
  if (process.getuid?.() !== 0) return context.skip("no right to mount here");
  const top = scratchDirectory();
  const served = path.join(top, "served");
  mkdirSync(served);
  const refused = mountImage(path.join(top, "image"), served);
  if (refused !== undefined) return context.skip(`no file system of its own here: ${refused}`);
  let gofer: ListeningGofer | undefined;
  try {
    for (const name of ["a", "b", "c", "d"]) writeFileSync(path.join(served, name), name);
    gofer = await ListeningGofer.start(["--root", served, "--listen", `unix:${path.join(top, "socket")}`]);
    const connect = () => P9Client.connect(gofer!.address);
    const other = await connect();
    const root = await other.attach();
    const before = gofer.descriptors();
    const clients = await Promise.all(["a", "b", "c", "d"].map(connect));
    const files = await Promise.all(
      clients.map(async (client, index) => (await (await client.attach()).walk("abcd"[index]!)).open(O_RDWR)),
    );
    expect(run("fsfreeze", "--freeze", served)).toMatchObject({ status: 0 });

    const answers: string[] = [];
    const asked = files.map(async (file, index) => {
      await file.allocate(0, 0n, 65536n).then(
        () => answers.push(`${index} allocated`),
        () => answers.push(`${index} gone`),
      );
    });
    // What a connection asks for afterwards is answered afterwards.
    const sizes = files.slice(0, 3).map(async (file, index) => {
      answers.push(`${index} has ${(await file.getattr()).size}`);
    });
    for (let round = 0; round < 200; round++) {
      const file = await (await root.walk("abcd"[round % 4]!)).open();
      expect((await file.read(0, 10)).toString()).toBe("abcd"[round % 4]);
      await file.clunk();
    }
    clients[3]!.close();
    await asked[3];
    expect((await root.getattr()).nlink).toBeGreaterThan(0n);
    expect(answers).toEqual(["3 gone"]);

    expect(run("fsfreeze", "--unfreeze", served)).toMatchObject({ status: 0 });
    await Promise.all([...asked, ...sizes]);
    for (const index of [0, 1, 2]) {
      const own = answers.filter((answer) => answer.startsWith(`${index} `));
      expect(own).toEqual([`${index} allocated`, `${index} has 65536`]);
    }
    for (const client of clients) client.close();
    await expect.poll(() => gofer!.descriptors(), { timeout: 20_000 }).toBe(before);
    await expect.poll(() => statSync(path.join(served, "d")).size).toBe(65536);
    other.close();
  } finally {
    run("fsfreeze", "--unfreeze", served);
    gofer?.command.kill("SIGTERM");
    await gofer?.end;
    run("umount", served);
  }
});
