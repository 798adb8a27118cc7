// All of a directory as text, to be compared: types, permissions, owners, bytes, links, times, extended attributes of users.

import { execFileSync } from "node:child_process";

const SCRIPT = `
import hashlib, os, stat, sys
top, times = os.fsencode(sys.argv[1]), sys.argv[2] == "times"
links = {}
def show(path):
  st = os.lstat(path)
  name = os.path.relpath(path, top)
  line = [repr(name), oct(st.st_mode), str(st.st_uid), str(st.st_gid)]
  if times: line.append(str(st.st_mtime_ns))
  if stat.S_ISREG(st.st_mode):
    with open(path, "rb") as file: line += [str(st.st_size), hashlib.sha256(file.read()).hexdigest()]
    if st.st_nlink > 1: line.append("link of " + links.setdefault(st.st_ino, repr(name)))
  if stat.S_ISLNK(st.st_mode): line.append(repr(os.readlink(path)))
  else: line += sorted("%s=%r" % (x, os.getxattr(path, x, follow_symlinks=False)) for x in os.listxattr(path, follow_symlinks=False) if x.startswith("user."))
  print(" ".join(line))
  if stat.S_ISDIR(st.st_mode):
    for entry in sorted(os.listdir(path)): show(os.path.join(path, entry))
show(top)
`;

/** One line for each file, the directory's own first. Python reads the attributes, which node:fs does not know. */
export function treeDigest(directory: string, { times = true } = {}): string[] {
  const args = ["-c", SCRIPT, directory, times ? "times" : "no"];
  return execFileSync("python3", args, { encoding: "utf8", maxBuffer: 256 << 20 })
    .split("\n")
    .slice(0, -1);
}
