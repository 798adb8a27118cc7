// The last step of `npm start`: an unmodified CPython in the sandbox, on a directory of this machine that it
// may change as it likes and that is the same afterwards.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const EXAMPLE = "examples/hello-sandbox";
const DATA = path.join(ROOT, EXAMPLE, "data");

/**
 * Everything about a tree but the times of access: names, types, modes, owners, times of change, contents.
 */
function hashTree(root) {
  const hash = createHash("sha256");
  const visit = (file, name) => {
    const { mode, uid, gid, size, mtimeNs, ctimeNs, ino, nlink } = lstatSync(file, { bigint: true });
    const isFolder = (mode & 0o170000n) === 0o040000n;
    const isLink = (mode & 0o170000n) === 0o120000n;
    const about = [name, mode, uid, gid, ino, nlink, mtimeNs, ctimeNs, isFolder ? 0n : size];
    hash.update(`${JSON.stringify(about.map(String))}\n`);
    if (isLink) hash.update(readlinkSync(file));
    else if (!isFolder) hash.update(readFileSync(file));
    else for (const entry of readdirSync(file).sort()) visit(path.join(file, entry), `${name}/${entry}`);
  };
  visit(root, "");
  return hash.digest("hex");
}

const before = hashTree(DATA);
const volumes = ["-v", `${EXAMPLE}/data:/data:O`, "-v", `${EXAMPLE}/main.py:/app/main.py:ro`];
const args = ["build/cli.js", "do", ...volumes, "--", "python3", "/app/main.py"];
console.log(`$ node ${args.join(" ")}`);
const { status, signal } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
if (status !== 0) {
  console.error(`the program ended with ${status ?? signal}`);
  process.exitCode = 1;
}
if (hashTree(DATA) === before) {
  console.log("host directory: byte-identical");
} else {
  console.error("host directory: CHANGED");
  process.exitCode = 1;
}
