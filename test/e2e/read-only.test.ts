// A read-only bind refuses every change with EROFS, and the host's files stay as they are.
//
// Here the kernel refuses. That the gofer refuses too, for a kernel whose check is bypassed, is in test/gofer/mounts.test.ts,
// message by message ("a read-only mount").

import { linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { put, python, scratchDirectory } from "../support/cli.ts";

const top = scratchDirectory();
const fixed = path.join(top, "fixed");
put(fixed, "file", "content");
put(fixed, "dir/inner", "inner");
mkdirSync(path.join(fixed, "empty"));
symlinkSync("file", path.join(fixed, "link"));
linkSync(path.join(fixed, "file"), path.join(fixed, "hard"));
// Access times are left out: reading may set them.
put(top, "alone", "one file");

function snapshot(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .concat(".")
    .sort()
    .map((name) => {
      const file = path.join(directory, name);
      const { mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs } = lstatSync(file, { bigint: true });
      const content = lstatSync(file).isFile() ? readFileSync(file, "utf8") : "";
      return [name, mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs, content].join(" ");
    });
}

/** Each attempt is one line of Python, given as text so that the report can name it. */
const CHANGES: Readonly<Record<string, string>> = {
  "os.open('/ro/file', os.O_WRONLY)": "EROFS",
  "os.open('/ro/file', os.O_RDWR)": "EROFS",
  "os.open('/ro/file', os.O_RDONLY | os.O_TRUNC)": "EROFS",
  "os.open('/ro/link', os.O_WRONLY | os.O_APPEND)": "EROFS",
  "os.open('/ro/hard', os.O_WRONLY)": "EROFS",
  "os.open('/ro/new', os.O_WRONLY | os.O_CREAT)": "EROFS",
  "os.open('/ro/new', os.O_RDONLY | os.O_CREAT | os.O_EXCL)": "EROFS",
  "os.open('/ro/dir/new', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)": "EROFS",
  "os.truncate('/ro/file', 1)": "EROFS",
  "os.mkdir('/ro/new')": "EROFS",
  "os.mkdir('/ro/dir/new')": "EROFS",
  "os.unlink('/ro/file')": "EROFS",
  "os.unlink('/ro/link')": "EROFS",
  "os.rmdir('/ro/empty')": "EROFS",
  "os.rmdir('/ro/dir')": "EROFS",
  "os.rename('/ro/file', '/ro/new')": "EROFS",
  "os.rename('/ro/file', '/ro/dir/inner')": "EROFS",
  "os.rename('/ro/empty', '/ro/dir/empty')": "EROFS",
  // As in Linux, a rename from one mount to another is EXDEV before anybody asks whether it may write.
  "os.rename('/rw/file', '/ro/new')": "EXDEV",
  "os.rename('/ro/file', '/rw/new')": "EXDEV",
  "os.link('/rw/file', '/ro/new')": "EROFS",
  "os.link('/ro/file', '/rw/new')": "EXDEV",
  "os.link('/ro/file', '/ro/new')": "EROFS",
  "os.symlink('file', '/ro/new')": "EROFS",
  "os.utime('/ro/file', ns=(1, 2))": "EROFS",
  "os.utime('/ro/file')": "EROFS",
  "os.utime('/ro/dir')": "EROFS",
  "os.utime('/ro/link', ns=(1, 2), follow_symlinks=False)": "EROFS",
  "os.utime('/ro', ns=(1, 2))": "EROFS",
  "os.unlink('/ro/missing')": "EROFS",
  // What is there already is said first.
  "os.mkdir('/ro/dir')": "EEXIST",
  "os.symlink('file', '/ro/link')": "EEXIST",
};

const ATTEMPTS = `
import errno, json, os, sys
open("/rw/file", "w").close()
def outcome(attempt):
    try:
        eval(attempt)
        return "done"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
print(json.dumps({attempt: outcome(attempt) for attempt in json.loads(sys.argv[1])}))
with open("/ro/file") as file:
    assert file.read() == "content"
    # A descriptor that is open for reading changes nothing either.
    for attempt in (lambda: os.ftruncate(file.fileno(), 1), lambda: os.write(file.fileno(), b"x")):
        try:
            attempt()
            print("a descriptor for reading has changed the file")
        except OSError:
            pass
`;

const BINDS: readonly (readonly [string, readonly string[]])[] = [
  ["a read-only bind", ["-v", `${fixed}:/ro:ro`]],
  ["a shared read-only bind", ["-v", `${fixed}:/ro:ro,shared`]],
  ["a read-only bind that was asked for an overlay too", ["-v", `${fixed}:/ro:O,ro`]],
];

describe.each(BINDS)("%s", (_name, flags) => {
  test("refuses every change, and the host has none", () => {
    const before = snapshot(fixed);
    const changes = JSON.stringify(Object.keys(CHANGES));
    const { stdout, stderr, code } = python([...flags, "--tmpfs", "/rw"], ATTEMPTS, changes);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [outcomes, ...rest] = stdout.trim().split("\n");
    expect(JSON.parse(outcomes!)).toEqual(CHANGES);
    expect(rest).toEqual([]);
    expect(snapshot(fixed)).toEqual(before);
  });

  test("refuses to change a mode", (context) => {
    context.skip(
      "preview1 has no call that changes a mode; the gofer's answer is in test/gofer/mounts.test.ts",
    );
  });
});

test("a read-only bind of one file can be read and nothing else", () => {
  const code = `
import errno, os
print(open("/app/alone").read())
for attempt in (lambda: open("/app/alone", "w"), lambda: os.utime("/app/alone"), lambda: os.unlink("/app/alone")):
    try:
        attempt()
        print("done")
    except OSError as error:
        print(errno.errorcode[error.errno])
`;
  const { stdout, stderr } = python(["-v", `${top}/alone:/app/alone:ro`], code);
  expect(stderr).toBe("");
  expect(stdout.trim().split("\n")).toEqual(["one file", "EROFS", "EROFS", "EBUSY"]);
  expect(readFileSync(path.join(top, "alone"), "utf8")).toBe("one file");
});

test("a read-only root directory keeps what is mounted below it writable", () => {
  const before = snapshot(fixed);
  const code = `
import errno, os
open("/tmp/file", "w").close()
try:
    open("/new", "w")
except OSError as error:
    print(errno.errorcode[error.errno], sorted(os.listdir("/tmp")))
`;
  for (const flags of [
    ["--rootfs", `${fixed}:ro`],
    ["--rootfs", fixed, "--read-only"],
  ]) {
    const { stdout, stderr } = python(flags, code);
    expect({ stdout, stderr }).toEqual({ stdout: "EROFS ['file']\n", stderr: "" });
    expect(snapshot(fixed)).toEqual(before);
  }
});
