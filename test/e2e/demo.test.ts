// The demo of `npm start`, and the escape that it tries: refused here, successful under node:wasi.

import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { put, python, pythonUnderNodeWasi, ROOT, runCommand, scratchDirectory } from "../support/cli.ts";

test("the demo lists, writes, deletes and sleeps, gets nowhere else, and leaves the host as it was", () => {
  const { stdout, stderr, code } = runCommand(process.execPath, [path.join(ROOT, "scripts/demo.mjs")]);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  expect(stdout).toMatchInlineSnapshot(`
    "$ node build/cli.js do -v examples/hello-sandbox/data:/data:O -v examples/hello-sandbox/main.py:/app/main.py:ro -- python3 /app/main.py
    files below /data:
      old-price-list.txt  106 bytes
      readme.md  107 bytes
      stock.csv  148 bytes
      notes/supplier.txt  100 bytes
      orders/2025-03.json  172 bytes
      orders/2025-04.json  267 bytes
    wrote reports/reorder.txt:
      ball valve 3/4: 7 left, minimum 25
      copper pipe 15 mm: 44 left, minimum 60
      copper pipe 22 mm: 8 left, minimum 40
    deleted old-price-list.txt: gone
    slept 50 ms: as long as that
    looking for the host's /etc/passwd:
      /etc/passwd: No such file or directory
      /data/../etc/passwd: No such file or directory
      /data/../../../../etc/passwd: Operation not permitted
      made the link /data/e to ../../etc
      /data/e/passwd: Operation not permitted
    files below /data:
      e  link to ../../etc
      readme.md  107 bytes
      stock.csv  148 bytes
      notes/supplier.txt  100 bytes
      orders/2025-03.json  172 bytes
      orders/2025-04.json  267 bytes
      reports/reorder.txt  112 bytes
    host directory: byte-identical
    "
  `);
});

describe("a script that plants links to a secret beside its directory", () => {
  const SECRET = "for the host only";
  const top = scratchDirectory();
  const shared = path.join(top, "shared");
  const secret = put(top, "secret-dir/secret", SECRET);

  // node:wasi refuses a link whose text leads out of the directory. "here" leads to the directory itself, so that
  // "here/../x" is harmless as a text and leads out all the same.
  const ESCAPE = `
import os, sys
secret = sys.argv[1]
def attempt(name, path):
    try:
        with open(path) as file:
            print(name + ":", "READ", file.read())
    except OSError as error:
        print(name + ":", error.strerror)
def plant(target, link):
    try:
        os.symlink(target, link)
    except OSError as error:
        print("planting", link, "failed:", error.strerror)
os.mkdir("/data/deep")
plant(".", "/data/here")
plant("../secret-dir", "/data/e")
plant("../../secret-dir", "/data/deep/e")
plant("../secret-dir/secret", "/data/file")
plant("here/../secret-dir", "/data/disguised")
plant(os.path.dirname(secret), "/data/absolute")
attempt("relative link", "/data/e/secret")
attempt("relative link, deeper", "/data/deep/e/secret")
attempt("link to the file", "/data/file")
attempt("disguised link", "/data/disguised/secret")
attempt("absolute link", "/data/absolute/secret")
attempt("dots", "/data/../secret-dir/secret")
attempt("dots after a link", "/data/here/../secret-dir/secret")
attempt("more dots", "/data/" + "../" * 20 + secret[1:])
attempt("its own path", secret)
`;

  function freshShared(): void {
    rmSync(shared, { recursive: true, force: true });
    mkdirSync(shared);
  }

  test.each(["rw", "O"])("reads nothing of it in wVisor, on a bind with option %s", (option) => {
    freshShared();
    const { stdout, stderr, code } = python(["-v", `${shared}:/data:${option}`], ESCAPE, secret);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).not.toContain(SECRET);
    const outcomes = stdout.trim().split("\n");
    // A WASI program plants no link to an absolute path, wherever that is.
    expect(outcomes).toHaveLength(10);
    expect(outcomes[0]).toMatch(/^planting \/data\/absolute failed: Operation not permitted$/);
    for (const outcome of outcomes) {
      expect(outcome).toMatch(/: (No such file or directory|Operation not permitted)$/);
    }
    // The other links are made all the same: they lead nowhere, they are not forbidden.
    const planted = ["deep", "disguised", "e", "file", "here"];
    expect(readdirSync(shared).sort()).toEqual(option === "O" ? [] : planted);
    expect(readFileSync(secret, "utf8")).toBe(SECRET);
  });

  test("reads it under node:wasi, which gives it the same directory", () => {
    freshShared();
    const { stdout } = pythonUnderNodeWasi({ "/data": shared }, ESCAPE, secret);
    expect(stdout).toContain(`disguised link: READ ${SECRET}`);
  });
});
