// Sandboxes in this process: files, mounts, snapshots, and what they leave behind.

import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox, type Mount, type Sandbox, type SandboxOptions } from "../../src/library/index.ts";
import { put, scratchDirectory } from "../host/scratch.ts";
import { childrenOf } from "../support/processes.ts";
import { guests } from "./guests.ts";

const scratch = scratchDirectory();
let guest: (name: string) => URL;
beforeAll(async () => {
  guest = await guests();
});

const open: Sandbox[] = [];
afterAll(() => Promise.all(open.map((box) => box.close())));

async function sandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const box = await createSandbox(options);
  open.push(box);
  return box;
}

function hostTree(name: string): string {
  put(scratch, `${name}/greeting`, "hello\n");
  return join(scratch, name);
}

describe("programs", () => {
  test("get arguments, the sandbox's environment and their own, and nothing of this process's", async () => {
    const box = await sandbox({ env: { A: "1", B: "2" }, cwd: "/work" });
    const { stdout } = await box.exec(guest("echo-args-env"), ["x", ""], { env: { B: "3", C: undefined } });
    expect(
      stdout
        .split("\n")
        .map((line) => line.replace(/^(arg \d+|env) \d+: /, ""))
        .sort(),
    ).toEqual(
      [
        "",
        "",
        "A=1",
        "B=3",
        "HOME=/",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "PWD=/work",
        "echo-args-env.wasm",
        "x",
      ].sort(),
    );
  });

  test("are files of the sandbox, modules of the host's, or bytes", async () => {
    const box = await sandbox();
    const bytes = readFileSync(guest("hello"));
    box.fs.writeFileSync("/hello.wasm", bytes);
    for (const command of ["/hello.wasm", guest("hello"), bytes]) {
      expect(await box.exec(command)).toMatchObject({ exitCode: 0, stdout: "hello from wasm\n" });
    }
    await expect(box.exec("no-such-program")).rejects.toMatchObject({
      name: "WvisorError",
      code: "ERR_WVISOR_PROGRAM_NOT_FOUND",
      errno: -2,
      syscall: "spawn",
      path: "no-such-program",
    });
    await expect(box.exec(new Uint8Array(8))).rejects.toMatchObject({ code: "ERR_WVISOR_BAD_MODULE" });
  });

  test("find a runtime by the name that the sandbox has for it", async () => {
    const box = await sandbox({ runtimes: { greet: guest("hello") } });
    expect(await box.exec("greet")).toMatchObject({ exitCode: 0, stdout: "hello from wasm\n" });
    box.fs.writeFileSync("/script", "#!/usr/bin/env greet\n", { mode: 0o755 });
    expect(await box.exec("/script")).toMatchObject({ exitCode: 0, stdout: "hello from wasm\n" });
  });

  test("run as the user that is asked for", async () => {
    const box = await sandbox({ user: "1000:1000" });
    await box.exec(guest("write"), ["/mine", "x"]);
    expect(box.fs.statSync("/mine")).toMatchObject({ uid: 1000, gid: 1000 });
    box.fs.chmodSync("/mine", 0o600);
    const other = await box.exec(guest("cat"), ["/mine"], { uid: 2000, gid: 2000 });
    expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("ACCES") });
  });
});

describe("mounts", () => {
  test("a bind shows the host's files, and what two programs and the owner change is one tree", async () => {
    const tree = hostTree("bind");
    const box = await sandbox({ mounts: [{ type: "bind", src: tree, dst: "/data" }] });
    expect((await box.exec(guest("cat"), ["/data/greeting"])).stdout).toBe("hello\n");
    await Promise.all([
      box.exec(guest("write"), ["/data/one", "1"]),
      box.exec(guest("write"), ["/data/two", "2"]),
    ]);
    box.fs.writeFileSync("/data/three", "3\n");
    writeFileSync(join(tree, "four"), "4\n");
    const names = ["four", "greeting", "one", "three", "two"];
    expect(box.fs.readdirSync("/data")).toEqual(names);
    expect(readdirSync(tree).sort()).toEqual(names);
    expect((await box.exec(guest("cat"), ["/data/one", "/data/three", "/data/four"])).stdout).toBe(
      "1\n3\n4\n",
    );
    expect(box.capabilities).toEqual({ gofer: "native", confinement: "openat2", platform: "wasm" });
  });

  test("an overlay keeps the host's files as they are, and a read-only bind refuses", async () => {
    const tree = hostTree("kept");
    const box = await sandbox({
      mounts: [
        { type: "bind", src: tree, dst: "/over", overlay: true },
        { type: "bind", src: tree, dst: "/ro", ro: true },
      ],
    });
    expect(await box.exec(guest("write"), ["/over/greeting", "changed"])).toMatchObject({ exitCode: 0 });
    expect(box.fs.readFileSync("/over/greeting", "utf8")).toBe("changed\n");
    const refused = await box.exec(guest("write"), ["/ro/greeting", "changed"]);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("ROFS") });
    expect(readFileSync(join(tree, "greeting"), "utf8")).toBe("hello\n");
  });

  test("a directory of the host can be the root", async () => {
    const tree = hostTree("root");
    const box = await sandbox({ root: { type: "bind", src: tree, overlay: true } });
    expect((await box.exec(guest("cat"), ["/greeting"])).stdout).toBe("hello\n");
    await box.exec(guest("write"), ["/new", "x"]);
    expect(existsSync(join(tree, "new"))).toBe(false);
  });

  test("come and go while the sandbox runs", async () => {
    const tree = hostTree("later");
    const box = await sandbox();
    const mount: Mount = { type: "bind", src: tree, dst: "/later" };
    await box.mount(mount);
    expect(box.mounts().map(({ type, dst }) => [type, dst])).toEqual([
      ["tmpfs", "/tmp"],
      ["bind", "/later"],
    ]);
    expect((await box.exec(guest("cat"), ["/later/greeting"])).stdout).toBe("hello\n");
    const { gofers } = await box.stats();
    expect(gofers).toHaveLength(1);
    const fd = box.fs.openSync("/later/greeting", "r");
    await expect(box.umount("/later")).rejects.toMatchObject({
      code: "ERR_WVISOR_MOUNT",
      errno: -16,
      path: "/later",
    });
    box.fs.closeSync(fd);
    await box.umount("/later");
    expect(box.fs.readdirSync("/later")).toEqual([]);
    await expect(box.umount("/later")).rejects.toMatchObject({ errno: -22 });
    await expect(box.mount({ ...mount, src: join(scratch, "none") })).rejects.toMatchObject({
      code: "ERR_WVISOR_MOUNT_SOURCE",
    });
    await box.mount({ type: "tmpfs", dst: "/small", size: 4096, mode: 0o700 });
    expect(box.fs.statSync("/small").mode & 0o7777).toBe(0o700);
    expect(() => box.fs.writeFileSync("/small/x", "x".repeat(5000))).toThrow(/ENOSPC/);
  });
});

describe("snapshots", () => {
  test("bring back files, mounts and the owner's descriptors, also of files of the host under an overlay", async () => {
    const tree = hostTree("copied");
    const box = await sandbox({ mounts: [{ type: "bind", src: tree, dst: "/data", overlay: true }] });
    await box.exec(guest("write"), ["/data/greeting", "first"]);
    box.fs.writeFileSync("/kept", "kept");
    const fd = box.fs.openSync("/kept", "r");
    box.fs.readSync(fd, Buffer.alloc(2));
    const snapshot = await box.snapshot();
    await box.exec(guest("write"), ["/data/greeting", "second"]);
    await box.mount({ type: "tmpfs", dst: "/more" });
    box.fs.unlinkSync("/kept");
    box.fs.closeSync(fd);
    await box.restore(snapshot);
    expect(box.mounts().map(({ dst }) => dst)).toEqual(["/data", "/tmp"]);
    expect((await box.exec(guest("cat"), ["/data/greeting", "/kept"])).stdout).toBe("first\nkept");
    const rest = Buffer.alloc(2);
    expect(box.fs.readSync(fd, rest)).toBe(2);
    expect(rest.toString()).toBe("pt");
    expect(readFileSync(join(tree, "greeting"), "utf8")).toBe("hello\n");
  });

  test("a fork has the same files and goes its own way", async () => {
    const tree = hostTree("forked");
    const box = await sandbox({ mounts: [{ type: "bind", src: tree, dst: "/data", overlay: true }] });
    await box.exec(guest("write"), ["/data/greeting", "before"]);
    const fork = await box.fork();
    open.push(fork);
    expect(fork.id).not.toBe(box.id);
    await fork.exec(guest("write"), ["/data/greeting", "in the fork"]);
    await box.close();
    expect((await fork.exec(guest("cat"), ["/data/greeting"])).stdout).toBe("in the fork\n");
    put(tree, "later", "later\n");
    expect((await fork.exec(guest("cat"), ["/data/later"])).stdout).toBe("later\n");
  });

  test("are refused while a program runs, and restored in their own sandbox only", async () => {
    const box = await sandbox();
    const snapshot = await box.snapshot();
    const spinning = box.spawn(guest("spin"));
    for await (const _line of spinning.lines()) break;
    for (const call of [box.snapshot(), box.restore(snapshot), box.fork()]) {
      await expect(call).rejects.toMatchObject({ code: "ERR_WVISOR_BUSY", errno: -16 });
    }
    await spinning[Symbol.asyncDispose]();
    await box.restore(snapshot);
    const other = await sandbox();
    await expect(other.restore(snapshot)).rejects.toMatchObject({ code: "ERR_WVISOR_SNAPSHOT" });
  });
});

describe("ends", () => {
  const descriptors = (): string[] =>
    readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, "N")];
      } catch {
        return [];
      }
    });
  const threads = (): number => readdirSync("/proc/self/task").length;

  test("nothing is left of several sandboxes with programs and gofers", async () => {
    const round = async (): Promise<void> => {
      const tree = hostTree("leaks");
      const boxes = await Promise.all(
        Array.from({ length: 5 }, (_, index) =>
          createSandbox(index % 2 === 0 ? { mounts: [{ type: "bind", src: tree, dst: "/data" }] } : {}),
        ),
      );
      const results = await Promise.all(
        boxes.map((box, index) => box.exec(guest("exit-code"), [String(index)])),
      );
      expect(results.map(({ exitCode }) => exitCode)).toEqual(boxes.map((_box, index) => index));
      const spinning = boxes[0]!.spawn(guest("spin"));
      await Promise.all(boxes.map((box) => box.close()));
      expect(await spinning.exited).toMatchObject({ signal: "SIGKILL" });
    };
    await round();
    const before = {
      descriptors: descriptors().sort(),
      threads: threads(),
      children: childrenOf(process.pid).length,
    };
    await round();
    expect({
      descriptors: descriptors().sort(),
      threads: threads(),
      children: childrenOf(process.pid).length,
    }).toEqual(before);
  });

  test("a sandbox that is closed says so", async () => {
    const box = await createSandbox();
    await box.close();
    await box.close();
    expect(() => box.spawn("x")).toThrow(expect.objectContaining({ code: "ERR_WVISOR_CLOSED" }));
    expect(() => box.fs.readdirSync("/")).toThrow(expect.objectContaining({ code: "ERR_WVISOR_CLOSED" }));
    await expect(box.snapshot()).rejects.toMatchObject({ code: "ERR_WVISOR_CLOSED" });
  });

  test("a sandbox that cannot be made leaves nothing", async () => {
    const before = childrenOf(process.pid).length;
    mkdirSync(join(scratch, "bad"), { recursive: true });
    writeFileSync(join(scratch, "bad/file"), "");
    const mounts: Mount[] = [
      { type: "bind", src: join(scratch, "bad"), dst: "/data", ro: true },
      { type: "tmpfs", dst: "/data/file/below" },
    ];
    await expect(createSandbox({ mounts })).rejects.toMatchObject({ code: "ERR_WVISOR_MOUNT" });
    expect(childrenOf(process.pid)).toHaveLength(before);
  });
});
