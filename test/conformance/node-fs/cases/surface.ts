// What the module has, and its odd corners: constants, exists, promisified functions, blobs.

import { promisify } from "node:util";
import type { Define } from "../case.ts";

/** Names of another version of Node, or of Node's own implementation, that a copy of the interface does not have. */
const OWN_TO_NODE = /^_|^F_OK$|^R_OK$|^W_OK$|^X_OK$/;

/** Names that Node has, with their types: a later Node has more. */
function has(object: object, expected: object): string[] {
  return Object.keys(expected)
    .filter((name) => !OWN_TO_NODE.test(name))
    .map((name) => `${name}: ${typeof Reflect.get(object, name)}`)
    .sort();
}

export function surfaceCases(define: Define): void {
  moduleCases(define);
  existsCases(define);
  promisifyCases(define);
  blobCases(define);
}

function moduleCases(define: Define): void {
  define("every name of node:fs", async (run) => has(run.fs, (await import("node:fs")).default));
  define("every name of node:fs/promises", async (run) =>
    has(run.fs.promises, (await import("node:fs/promises")).default),
  );
  define("constants", (run) => [{ ...run.fs.constants }, run.fs.constants === run.fs.promises.constants]);
  define("F_OK and the like", (run) => [
    run.fs.constants.F_OK,
    run.fs.constants.R_OK,
    run.fs.constants.W_OK,
    run.fs.constants.X_OK,
  ]);
  define("how many parameters functions have", async (run) => {
    const node = (await import("node:fs")).default;
    return Object.keys(node)
      .filter((name) => name.endsWith("Sync"))
      .map((name) => `${name} ${(Reflect.get(run.fs, name) as { name: string } | undefined)?.name}`);
  });
  define("the module can be extended and its functions replaced", (run) => {
    const copy = Object.create(run.fs) as Record<string, unknown>;
    copy.own = 1;
    copy.readFileSync = () => "mine";
    return [copy.own, (copy.readFileSync as () => string)(), typeof copy.statSync];
  });
  define("functions work without their object", (run) => {
    const { writeFileSync, readFileSync, promises } = run.fs;
    writeFileSync(run.at("f"), "x");
    const { readFile } = promises;
    return readFile(run.at("f"), "utf8").then((text) => [text, readFileSync(run.at("f"), "utf8")]);
  });
  define("the order of callbacks is the order of calls", async (run) => {
    const order: string[] = [];
    await Promise.all(
      ["a", "b", "c", "d"].map(
        (name) =>
          new Promise<void>((resolve) => run.fs.stat(run.at(name), () => resolve(void order.push(name)))),
      ),
    );
    return order.sort();
  });
  define("a callback runs after nextTick and microtasks", async (run) => {
    const order: string[] = [];
    const called = new Promise<void>((resolve) =>
      run.fs.stat(run.dir, () => resolve(void order.push("callback"))),
    );
    process.nextTick(() => order.push("tick"));
    queueMicrotask(() => order.push("microtask"));
    order.push("code");
    await called;
    return order
      .filter((name) => name !== "tick" && name !== "microtask")
      .concat(String(order.at(-1) === "callback"));
  });
}

function existsCases(define: Define): void {
  define("exists gives its callback one argument", async (run) => {
    const ask = (path: unknown): Promise<unknown> =>
      new Promise((resolve) => run.fs.exists(path as never, (...args: unknown[]) => resolve(args)));
    return [
      await ask(run.dir),
      await ask(run.at("missing")),
      await ask(undefined),
      await ask(1),
      await ask("a\0b"),
    ];
  });
  define("existsSync takes everything", (run) =>
    [
      run.dir,
      run.at("x"),
      undefined,
      null,
      1,
      {},
      "",
      "a\0b",
      new URL("http://x/"),
      Buffer.from(run.dir),
      new URL(`file://${run.dir}`),
    ].map((path) => run.fs.existsSync(path as never)),
  );
}

function promisifyCases(define: Define): void {
  define("exists, promisified", async (run) => {
    const exists = promisify(run.fs.exists);
    return [await exists(run.dir), await exists(run.at("missing"))];
  });
  define("read, write, readv, writev, promisified", async (run) => {
    const fd = run.fs.openSync(run.at("f"), "w+");
    const outcomes = [
      await promisify(run.fs.write)(fd, Buffer.from("abcdef"), 0, 6, 0),
      await promisify(run.fs.read)(fd, Buffer.alloc(3), 0, 3, 1),
      await promisify(run.fs.writev)(fd, [Buffer.from("xy")], 0),
      await promisify(run.fs.readv)(fd, [Buffer.alloc(2)], 0),
      await promisify(run.fs.write)(fd, "string"),
    ];
    run.fs.closeSync(fd);
    return outcomes;
  });
  define("stat and readFile, promisified", async (run) => [
    await promisify(run.fs.stat)(run.dir),
    await promisify(run.fs.readFile)(run.at("missing")).catch((error: unknown) => error),
  ]);
}

function blobCases(define: Define): void {
  define("openAsBlob", async (run) => {
    run.fs.writeFileSync(run.at("f"), "0123456789");
    const blob = await run.fs.openAsBlob(run.at("f"), { type: "text/plain" });
    return [blob.size, blob.type, await blob.text(), await blob.slice(2, 5).text(), blob.constructor.name];
  });
  define("openAsBlob of what cannot be", async (run) => {
    const outcomes = [];
    for (const [path, options] of [[run.at("missing")], [1], [run.dir, 1], [run.dir, { type: 1 }]] as const) {
      outcomes.push(
        await Promise.resolve()
          .then(() => run.fs.openAsBlob(path as never, options as never))
          .catch((error: unknown) => error),
      );
    }
    return outcomes;
  });
}
