// wvisor/p9: one exercise over every kind of tree, transport and version.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { AT_REMOVEDIR, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from "../../assembly/abi/fcntl.ts";
import { P9_LOCK_TYPE_WRLCK } from "../../assembly/abi/p9.ts";
import { S_IFDIR, S_IFREG } from "../../assembly/abi/stat.ts";
import {
  makeMemoryTree,
  makePair,
  P9Client,
  P9Server,
  type ServedFile,
  serveDirectory,
  serveObject,
  serveStream,
  type TreeProvider,
} from "../../src/p9/index.ts";
import { exercise, names, read, refusal, write } from "../support/p9-exercise.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function scratch(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "wvisor-p9-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  return folder;
}

const trees: Record<string, () => TreeProvider> = {
  "a directory of the host": () => serveDirectory(scratch()),
  "a tree in memory": () => serveObject(makeMemoryTree()),
};

type Connect = (provider: TreeProvider, extension: boolean) => Promise<P9Client>;

async function listen(address: string, provider: TreeProvider, extension: boolean): Promise<P9Client> {
  const server = await P9Server.listen(address, provider);
  cleanups.push(() => server.close());
  return P9Client.connect(server.address, { extension });
}

const transports: Record<string, Connect> = {
  "a pair": (provider, extension) => {
    const [ours, theirs] = makePair();
    serveStream(theirs, provider);
    return P9Client.connect(ours, { extension });
  },
  "a unix socket": (provider, extension) =>
    listen(`unix:${path.join(scratch(), "socket")}`, provider, extension),
  TCP: (provider, extension) => listen("tcp:127.0.0.1:0", provider, extension),
};

async function open(provider: TreeProvider, connect: Connect = transports["a pair"]!, extension = true) {
  const client = await connect(provider, extension);
  cleanups.push(() => client.close());
  return { client, root: await client.attach() };
}

describe.each(Object.entries(trees))("%s", (_name, makeTree) => {
  const cases = Object.entries(transports).flatMap(([name, connect]) =>
    [true, false].map(
      (extension) => [name, extension ? "the extension" : "plain 9P2000.L", connect, extension] as const,
    ),
  );

  test.each(cases)("over %s, with %s", async (_transport, _version, connect, extension) => {
    const { client, root } = await open(makeTree(), connect, extension);
    expect(client.extended).toBe(extension);
    await exercise(root, { extended: extension });
  });

  test("names are bytes", async () => {
    const { root } = await open(makeTree());
    const name = Buffer.from([0xff, 0xfe, 0x80, 0x01]);
    await root.mkdir(name, 0o755);
    expect((await root.walk(name)).qid.type).toBe(0x80);
    await root.open(O_RDONLY);
    expect((await root.readdir(0n)).some((entry) => name.equals(entry.name))).toBe(true);
  });

  test("a directory is read on behind a cookie, also when entries go meanwhile", async () => {
    const { root } = await open(makeTree());
    for (let i = 0; i < 100; i++) await root.mkdir(`directory-${i}`, 0o755);
    const open1 = await (await root.walk()).open(O_RDONLY);
    const all: string[] = [];
    let offset = 0n;
    for (;;) {
      const { entries } = await (root as never as { call: P9Client["connection"]["call"] }).call("readdir", {
        fid: open1.fid,
        offset,
        count: 500,
      });
      if (entries.length === 0) break;
      for (const entry of entries) {
        const name = Buffer.from(entry.name).toString();
        all.push(name);
        if (name.startsWith("directory")) await root.unlink(name, AT_REMOVEDIR);
      }
      offset = entries.at(-1)!.offset;
    }
    expect(all).toHaveLength(102);
    expect(new Set(all).size).toBe(102);
  });

  test("two connections see one tree, and each other's locks", async () => {
    const provider = makeTree();
    const a = await open(provider);
    const b = await open(provider);
    await write(a.root, "file", "shared");
    expect(await read(b.root, "file")).toBe("shared");
    const fileA = await (await a.root.walk("file")).open(O_RDWR);
    const fileB = await (await b.root.walk("file")).open(O_RDWR);
    const lock = { type: P9_LOCK_TYPE_WRLCK, start: 0n, length: 0n, processId: 1, clientId: "same" };
    expect(await fileA.lock(lock)).toBe(true);
    expect(await fileB.lock(lock)).toBe(false);
    a.client.close();
    await expect.poll(() => fileB.lock(lock)).toBe(true);
  });
});

test("a read-only tree refuses every change", async () => {
  const folder = scratch();
  for (const provider of [
    serveDirectory(folder, { readonly: true }),
    serveObject(makeMemoryTree(), { readonly: true }),
  ]) {
    const { root } = await open(provider);
    expect(await refusal(root.mkdir("x", 0o755))).toBe("EROFS");
    expect(await refusal(root.symlink("x", "y"))).toBe("EROFS");
    expect(await refusal(root.setattr({ mode: 0o700 }))).toBe("EROFS");
    expect(await refusal((await root.walk()).create("x", O_WRONLY, 0o644))).toBe("EROFS");
    expect(await refusal(root.unlink("x"))).toBe("EROFS");
    expect(await names(root)).toEqual([".", ".."]);
  }
});

test("a tree in memory has bounds, and gives back what was removed", async () => {
  const { root } = await open(serveObject(makeMemoryTree({ bytes: 1 << 20, files: 4 })));
  const file = await (await root.walk()).create("file", O_RDWR, 0o644);
  expect(await refusal(file.write(1 << 20, Buffer.from("x")))).toBe("EFBIG");
  await file.setattr({ size: 1n << 20n });
  const other = await (await root.walk()).create("other", O_RDWR, 0o644);
  expect(await refusal(other.write(0, Buffer.from("x")))).toBe("ENOSPC");
  await root.unlink("file");
  expect(await refusal(other.write(0, Buffer.from("x")))).toBe("ENOSPC");
  await file.clunk();
  expect(await other.write(0, Buffer.from("x"))).toBe(1);
  await root.mkdir("a", 0o755);
  await root.mkdir("b", 0o755);
  expect(await refusal(root.mkdir("c", 0o755))).toBe("ENOSPC");
  await root.unlink("a", AT_REMOVEDIR);
  await root.mkdir("c", 0o755);
});

describe("objects of one's own", () => {
  const numbers: ServedFile = {
    attributes: () => ({ ino: 1, mode: S_IFDIR | 0o555, size: 0 }),
    lookup: (name) => {
      const value = Number(name.toString());
      if (!Number.isInteger(value)) throw Object.assign(new Error("no number"), { code: "ENOENT" });
      const text = Buffer.from(`${value * value}\n`);
      return {
        attributes: () => ({ ino: value + 10, mode: S_IFREG | 0o444, size: text.length }),
        read: (into, offset) => text.copy(into, 0, Math.min(offset, text.length)),
      };
    },
    entries: () => [{ name: "7", ino: 17, type: S_IFREG }],
  };

  test("need only what they can do", async () => {
    const { root } = await open(serveObject(numbers));
    expect(await read(root, "12")).toBe("144\n");
    expect(await refusal(root.walk("twelve"))).toBe("ENOENT");
    expect(await names(root)).toEqual([".", "..", "7"]);
    const seven = await root.walk("7");
    expect(await refusal(seven.setattr({ mode: 0 }))).toBe("EOPNOTSUPP");
    expect(await refusal(root.mkdir("x", 0))).toBe("EOPNOTSUPP");
    expect(await refusal(seven.mkdir("x", 0))).toBe("ENOTDIR");
    expect(await seven.listxattr()).toEqual([]);
    expect(await refusal((await seven.walk()).open(O_WRONLY | O_TRUNC))).toBe("EOPNOTSUPP");
    const open1 = await (await seven.walk()).open(O_RDWR);
    expect(await refusal(open1.write(0, Buffer.from("x")))).toBe("EOPNOTSUPP");
  });

  const impossible: [string, Partial<ServedFile>][] = [
    [
      "throws what is no error",
      {
        attributes: () => {
          throw "a string";
        },
      },
    ],
    [
      "throws an error without an errno",
      {
        attributes: () => {
          throw new TypeError("oops");
        },
      },
    ],
    ["has no size", { attributes: () => ({ ino: 1, mode: S_IFREG, size: Number.NaN }) }],
    ["has a mode of 33 bits", { attributes: () => ({ ino: 1, mode: 2 ** 33, size: 0 }) }],
    ["reads more than there is room for", { read: () => 1 << 30 }],
    ["has entries without names", { entries: () => [{ name: "", ino: 1, type: S_IFREG }] }],
  ];

  test.each(impossible)("one that %s is EIO, and whoever serves it is told", async (_name, fault) => {
    const errors: unknown[] = [];
    const fine: ServedFile = {
      attributes: () => ({ ino: 2, mode: ("entries" in fault ? S_IFDIR : S_IFREG) | 0o644, size: 1 }),
      read: () => 0,
      entries: () => [],
    };
    const file = { ...fine, ...fault };
    const root: ServedFile = { ...numbers, lookup: () => file };
    const { root: remote } = await open(serveObject(root, { onError: (error) => errors.push(error) }));
    const attempt = async (): Promise<unknown> => {
      const found = await (await remote.walk("x")).open(O_RDONLY);
      return "entries" in fault ? found.readdir(0n) : found.read(0, 10);
    };
    expect(await refusal(attempt())).toBe("EIO");
    expect(errors).toHaveLength(1);
  });

  test("are told who refers to them", async () => {
    let references = 0;
    const root: ServedFile = { ...numbers, acquire: () => references++, release: () => references-- };
    const { client, root: remote } = await open(serveObject(root));
    const again = await remote.walk();
    expect(references).toBe(1);
    await again.clunk();
    client.close();
    await expect.poll(() => references).toBe(0);
  });
});

describe("addresses", () => {
  test.each([
    "",
    "unix:",
    "tcp:",
    "tcp:host",
    "tcp:host:",
    "tcp:host:65536",
    "tcp::1:5",
    "udp:a:1",
    `unix:${"x".repeat(108)}`,
  ])("%j is none", async (address) => {
    await expect(P9Client.connect(address)).rejects.toMatchObject({ code: "ERR_WVISOR_P9_ADDRESS" });
  });

  test("a socket that nobody listens on is an error of Node's", async () => {
    await expect(P9Client.connect(`unix:${scratch()}/none`)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
