// CPython, unmodified, at work on files: in memory, on a host directory, and on one that must stay as it is.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { put, python, scratchDirectory } from "../support/cli.ts";
import { scaled } from "../support/scale.ts";

const FILES = scaled(10_000, 1_000);
const MEGABYTES = scaled(100, 10);

const top = scratchDirectory();
const shared = path.join(top, "shared");

/** Where /data comes from, and whether the host sees what happens to it. */
const PLACES = [
  { place: "a tmpfs", flags: ["--tmpfs", "/data:size=2g"], onHost: false },
  { place: "a writable bind", flags: ["-v", `${shared}:/data`], onHost: true },
  { place: "a shared bind", flags: ["-v", `${shared}:/data:shared`], onHost: true },
  { place: "a bind with an overlay", flags: ["-v", `${shared}:/data:O`], onHost: false },
];

/** What the program prints as JSON on its last line. */
function run(flags: readonly string[], code: string, ...args: string[]): unknown {
  rmSync(shared, { recursive: true, force: true });
  mkdirSync(shared);
  const { stdout, stderr, code: exit } = python(flags, `import json, os\n${code}`, ...args);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** The names in the shared directory as the host sees it. */
function hostNames(): string[] {
  return readdirSync(shared).sort();
}

describe.each(PLACES)("CPython on $place", ({ flags, onHost }) => {
  test("makes a tree, walks it, copies it, and removes it", () => {
    const code = `
import shutil
for folder in ("a/b/c", "a/d", "e"):
    os.makedirs(f"/data/tree/{folder}")
    with open(f"/data/tree/{folder}/file", "w") as file:
        file.write(folder)
os.symlink("file", "/data/tree/e/link")
def walk(top):
    return sorted([folder[len(top):], sorted(folders), sorted(files)] for folder, folders, files in os.walk(top))
shutil.copytree("/data/tree", "/data/copy", symlinks=True)
before = walk("/data/tree")
same = before == walk("/data/copy")
contents = [open(f"/data/copy/{folder}/file").read() for folder in ("a/b/c", "a/d", "e")]
link = os.readlink("/data/copy/e/link")
shutil.rmtree("/data/tree")
print(json.dumps({"walk": before, "same": same, "contents": contents, "link": link, "left": os.listdir("/data")}))
`;
    expect(run(flags, code)).toEqual({
      walk: [
        ["", ["a", "e"], []],
        ["/a", ["b", "d"], []],
        ["/a/b", ["c"], []],
        ["/a/b/c", [], ["file"]],
        ["/a/d", [], ["file"]],
        ["/e", [], ["file", "link"]],
      ],
      same: true,
      contents: ["a/b/c", "a/d", "e"],
      link: "file",
      left: ["copy"],
    });
    expect(hostNames()).toEqual(onHost ? ["copy"] : []);
    if (onHost) expect(readFileSync(path.join(shared, "copy/a/b/c/file"), "utf8")).toBe("a/b/c");
  });

  test("keeps a SQLite database, and its changes through a rollback", () => {
    const code = `
import sqlite3
db = sqlite3.connect("/data/test.db")
db.execute("create table numbers (n integer primary key, square integer)")
db.executemany("insert into numbers values (?, ?)", [(n, n * n) for n in range(2000)])
db.commit()
db.execute("delete from numbers")
db.rollback()
db.close()
db = sqlite3.connect("/data/test.db")
total = db.execute("select sum(square), count(*) from numbers").fetchone()
check = db.execute("pragma integrity_check").fetchone()[0]
db.execute("vacuum")
db.close()
print(json.dumps({"total": total, "check": check, "names": os.listdir("/data")}))
`;
    expect(run(flags, code)).toEqual({ total: [2664667000, 2000], check: "ok", names: ["test.db"] });
    expect(hostNames()).toEqual(onHost ? ["test.db"] : []);
    if (onHost) {
      expect(readFileSync(path.join(shared, "test.db")).toString("latin1", 0, 15)).toBe("SQLite format 3");
    }
  });

  test("sets times to the nanosecond", () => {
    const code = `
open("/data/file", "w").close()
os.utime("/data/file", ns=(1_234_567_890_123_456_789, 987_654_321_012_345_678))
stat = os.stat("/data/file")
print(json.dumps([str(stat.st_atime_ns), str(stat.st_mtime_ns)]))
`;
    expect(run(flags, code)).toEqual(["1234567890123456789", "987654321012345678"]);
    if (onHost) {
      const stats = statSync(path.join(shared, "file"), { bigint: true });
      expect([stats.atimeNs, stats.mtimeNs]).toEqual([1234567890123456789n, 987654321012345678n]);
    }
  });

  test(`makes ${FILES} files and lists them`, () => {
    const code = `
import sys
count = int(sys.argv[1])
names = [f"file-{n}" for n in range(count)]
for name in names:
    with open(f"/data/{name}", "w") as file:
        file.write(name)
listed = os.listdir("/data")
sizes = sum(entry.stat().st_size for entry in os.scandir("/data"))
print(json.dumps({"all": sorted(listed) == sorted(names), "count": len(listed), "sizes": sizes}))
`;
    const sizes = Array.from({ length: FILES }, (_, n) => `file-${n}`.length).reduce(
      (sum, size) => sum + size,
    );
    expect(run(flags, code, String(FILES))).toEqual({ all: true, count: FILES, sizes });
    expect(hostNames()).toHaveLength(onHost ? FILES : 0);
  });

  test(`writes ${MEGABYTES} MB and reads the same`, () => {
    const code = `
import hashlib, sys
written = hashlib.sha256()
with open("/data/big", "wb") as file:
    for block in range(int(sys.argv[1])):
        data = hashlib.shake_128(block.to_bytes(4, "little")).digest(1000) * 1000
        written.update(data)
        file.write(data)
with open("/data/big", "rb") as file:
    read = hashlib.file_digest(file, "sha256")
print(json.dumps([written.hexdigest(), read.hexdigest(), os.stat("/data/big").st_size]))
`;
    const [written, read, size] = run(flags, code, String(MEGABYTES)) as [string, string, number];
    expect({ read, size }).toEqual({ read: written, size: MEGABYTES * 1_000_000 });
    if (onHost) {
      const onDisk = createHash("sha256")
        .update(readFileSync(path.join(shared, "big")))
        .digest("hex");
      expect(onDisk).toBe(written);
    } else {
      expect(hostNames()).toEqual([]);
    }
  });
});

test("CPython on a bind with an overlay changes, renames and removes what the host has, and the host keeps it", () => {
  rmSync(shared, { recursive: true, force: true });
  const old = {
    "changed.txt": "host",
    "removed.txt": "host",
    "renamed.txt": "host",
    "sub/inner.txt": "host",
  };
  for (const [name, content] of Object.entries(old)) put(shared, name, content);
  const code = `
import json, os, shutil
with open("/data/changed.txt", "a") as file:
    file.write(" and guest")
os.unlink("/data/removed.txt")
os.rename("/data/renamed.txt", "/data/sub/new-name.txt")
os.rename("/data/sub/inner.txt", "/data/inner.txt")
os.utime("/data/inner.txt", ns=(1, 2))
tree = sorted(os.path.join(folder, name) for folder, _, names in os.walk("/data") for name in names)
content = open("/data/changed.txt").read()
shutil.rmtree("/data/sub")
print(json.dumps({"tree": tree, "content": content, "left": sorted(os.listdir("/data"))}))
`;
  const { stdout, stderr } = python(["-v", `${shared}:/data:O`], code);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    tree: ["/data/changed.txt", "/data/inner.txt", "/data/sub/new-name.txt"],
    content: "host and guest",
    left: ["changed.txt", "inner.txt"],
  });
  expect(readdirSync(shared, { recursive: true }).sort()).toEqual(["sub", ...Object.keys(old)].sort());
  for (const [name, content] of Object.entries(old)) {
    expect(readFileSync(path.join(shared, name), "utf8")).toBe(content);
  }
});

test("time.sleep(0.2) takes 0.2 s", () => {
  const code = `
import json, time
def sleep():
    start = time.monotonic()
    time.sleep(0.2)
    return time.monotonic() - start
print(json.dumps([sleep() for _ in range(3)]))
`;
  const took = JSON.parse(python(["--tmpfs", "/data"], code).stdout) as number[];
  expect(Math.min(...took)).toBeGreaterThanOrEqual(0.2);
  // A busy machine may wake a sleeper late, but not each time.
  expect(Math.min(...took)).toBeLessThan(0.3);
});
