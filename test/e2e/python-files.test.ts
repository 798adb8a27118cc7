// CPython's own tools for files, shutil, tempfile, zipfile, pathlib, sqlite3, select, where they meet what is easily got wrong. The answers
// are those of CPython on Linux, but for the journal: SQLite for WASI has no shared memory, so that WAL stays "delete".

import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { python, scratchDirectory } from "../support/cli.ts";
import { scaled } from "../support/scale.ts";

const NAMES = scaled(5000, 500);

const shared = path.join(scratchDirectory(), "shared");

const PLACES = [
  { place: "a tmpfs", flags: ["--tmpfs", "/data:size=1g"] },
  { place: "a writable bind", flags: ["-v", `${shared}:/data`] },
  { place: "a shared bind", flags: ["-v", `${shared}:/data:shared`] },
  { place: "a bind with an overlay", flags: ["-v", `${shared}:/data:O`] },
];

/** Prints what the code put into `told`. */
function run(flags: readonly string[], code: string): unknown {
  rmSync(shared, { recursive: true, force: true });
  mkdirSync(shared);
  const program = `
import errno, json, os
def error(call, *args, **names):
    try:
        call(*args, **names)
        return "ok"
    except OSError as e:
        return errno.errorcode[e.errno]
os.chdir("/data")
told = {}
${code}
print(json.dumps(told))
`;
  const { stdout, stderr, code: exit } = python(flags, program);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe.each(PLACES)("CPython on $place", ({ flags }) => {
  test("scans a large directory once while it removes and renames what it finds", () => {
    const code = `
os.mkdir("big")
def fill(letter):
    for n in range(${NAMES}):
        open(f"big/{letter}{n}", "w").close()
fill("a")
with os.scandir("big") as entries:
    told["removed"] = 0
    for entry in entries:
        os.unlink(entry.path)
        told["removed"] += 1
told["left"] = os.listdir("big")
fill("b")
seen = []
with os.scandir("big") as entries:
    for entry in entries:
        if entry.name.startswith("b"):
            seen.append(entry.name)
            os.rename(entry.path, f"big/moved-{entry.name}")
told["seen"] = [len(seen), len(set(seen)), len(os.listdir("big"))]
`;
    expect(run(flags, code)).toEqual({ removed: NAMES, left: [], seen: [NAMES, NAMES, NAMES] });
  });

  test("replaces, links and refuses as on Linux", () => {
    const code = `
for name in ("a", "b"):
    with open(name, "w") as file:
        file.write(name)
os.mkdir("empty")
os.makedirs("full/x")
told["replace"] = [error(os.replace, *names) for names in (("a", "b"), ("b", "empty"), ("empty", "b"),
    ("empty", "full"), ("none", "b"), ("full", "full/x/y"), ("b", "b/"), ("full/", "moved/"))]
told["content"] = open("b").read()
told["link"] = [error(os.link, "b", "c"), error(os.rename, "b", "c"), sorted(os.listdir("."))]
told["removal"] = [error(os.rmdir, "moved"), error(os.unlink, "moved"), error(os.unlink, "b/"), error(os.rmdir, "moved/.")]
fd = os.open("moved", os.O_RDONLY)
told["at"] = [error(os.mkdir, "d", dir_fd=fd), error(os.rename, "d", "e", src_dir_fd=fd, dst_dir_fd=fd), sorted(os.listdir("moved"))]
`;
    expect(run(flags, code)).toEqual({
      replace: ["ok", "EISDIR", "ENOTDIR", "ENOTEMPTY", "ENOENT", "EINVAL", "ENOTDIR", "ok"],
      content: "a",
      link: ["ok", "ok", ["b", "c", "empty", "moved"]],
      removal: ["ENOTEMPTY", "EISDIR", "ENOTDIR", "EINVAL"],
      at: ["ok", "ok", ["e", "x"]],
    });
  });

  test("keeps temporary files, archives and databases", () => {
    const code = `
import pathlib, shutil, sqlite3, tempfile, zipfile
with tempfile.TemporaryDirectory(dir=".") as folder:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"hello")
        file.seek(0)
        told["unnamed"] = [file.read().decode(), os.fstat(file.fileno()).st_nlink, os.listdir(folder)]
with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for n in range(30):
        archive.writestr(f"in/{n}", "data" * n)
with zipfile.ZipFile("a.zip", "a") as archive:
    archive.writestr("more", "m")
with zipfile.ZipFile("a.zip") as archive:
    archive.extractall("out")
    told["zip"] = [archive.testzip(), len(archive.namelist()), len(pathlib.Path("out/in/7").read_text())]
os.symlink("in", "out/link")
told["tree"] = [len(list(pathlib.Path("out").rglob("1*"))), str(pathlib.Path("out/link/7").resolve())]
shutil.make_archive("packed", "gztar", "out")
shutil.unpack_archive("packed.tar.gz", "again", filter="fully_trusted")
told["packed"] = [os.readlink("again/link"), sorted(os.listdir("again"))]
told["journal"] = {}
for mode in ("delete", "truncate", "persist", "wal"):
    db = sqlite3.connect("db")
    told["journal"][mode] = db.execute(f"pragma journal_mode={mode}").fetchone()[0]
    db.execute("create table if not exists t(n)")
    db.executemany("insert into t values (?)", [(n,) for n in range(300)])
    db.commit()
    db.close()
db = sqlite3.connect("db")
told["rows"] = [db.execute("select count(*) from t").fetchone()[0], db.execute("pragma integrity_check").fetchone()[0]]
db.close()
`;
    expect(run(flags, code)).toEqual({
      unnamed: ["hello", 0, []],
      zip: [null, 31, 28],
      tree: [11, "/data/out/in/7"],
      packed: ["in", ["in", "link", "more"]],
      journal: { delete: "delete", truncate: "truncate", persist: "persist", wal: "delete" },
      rows: [1200, "ok"],
    });
  });
});

test("select, poll and sleep wait as long as they are told, and a file is always ready", () => {
  const code = `
import select, time
def took(call, *args):
    start = time.monotonic()
    call(*args)
    return time.monotonic() - start
told["slept"] = [took(time.sleep, 0.05), took(select.select, [], [], [], 0.05)]
with open("file", "w+") as file:
    told["file"] = [len(ready) for ready in select.select([file], [file], [], 20)]
    poll = select.poll()
    poll.register(file, select.POLLIN | select.POLLOUT)
    told["poll"] = [events == select.POLLIN | select.POLLOUT for _, events in poll.poll(20000)]
told["closed"] = error(select.select, [1000], [], [], 0)
`;
  const { slept, ...rest } = run(["--tmpfs", "/data"], code) as { slept: number[] };
  for (const seconds of slept) expect(seconds).toBeGreaterThanOrEqual(0.05);
  expect(rest).toEqual({ file: [1, 1, 0], poll: [true], closed: "EBADF" });
});
