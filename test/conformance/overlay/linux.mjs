// Linux's side: runs in a mount namespace of its own, reads programs from standard input, writes their outcomes.

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";

process.umask(0);
const { options: extra, programs } = JSON.parse(fs.readFileSync(0, "utf8"));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "wvisor-overlay-"));
try {
  process.stdout.write(JSON.stringify(programs.map(runProgram)));
} finally {
  fs.rmdirSync(scratch);
}

function runProgram(steps) {
  execFileSync("mount", ["-t", "tmpfs", "wvisor-test", scratch]);
  const trees = ["merged", "upper", "lower", "base"].map((name) => path.join(scratch, name));
  for (const directory of [...trees, path.join(scratch, "work")]) fs.mkdirSync(directory, 0o755);
  const options =
    `lowerdir=${trees[2]}:${trees[3]},upperdir=${trees[1]},workdir=${scratch}/work,` +
    `${extra},metacopy=off,xino=off`;
  const calls = {
    mkdir: (at) => fs.mkdirSync(at, 0o755),
    write: (at, _tree, { other }) => fs.writeFileSync(at, other, { mode: 0o644 }),
    append: (at, _tree, { other }) => fs.appendFileSync(at, other, { mode: 0o644 }),
    truncate: (at, _tree, { number }) => fs.truncateSync(at, number),
    chmod: (at, _tree, { number }) => fs.chmodSync(at, number),
    unlink: (at) => fs.unlinkSync(at),
    rmdir: (at) => fs.rmdirSync(at),
    rename: (at, tree, { other }) => fs.renameSync(at, tree + other),
    link: (at, tree, { other }) => fs.linkSync(at, tree + other),
    symlink: (at, _tree, { other }) => fs.symlinkSync(other, at),
    whiteout: (at) => makeNode(at, ["c", "0", "0"], 0),
    fifo: (at) => makeNode(at, ["p"], 0o644),
    mount: () => void execFileSync("mount", ["-t", "overlay", "wvisor-test", "-o", options, trees[0]]),
    remount: () => {
      execFileSync("umount", [trees[0]]);
      calls.mount();
    },
    dump: (_at, tree) => dump(tree, "", new Map()),
  };
  const outcomes = steps.map((step) => {
    try {
      return calls[step.call](trees[step.tree] + step.path, trees[step.tree], step) ?? 0;
    } catch (error) {
      if (typeof error.errno !== "number") throw error;
      return error.errno;
    }
  });
  execFileSync("umount", [trees[0]]);
  execFileSync("umount", [scratch]);
  return outcomes;
}

/** mknod(2) has no door in Node: the errors that it would give come from calls that look at the same things first. */
function makeNode(at, type, mode) {
  fs.mkdirSync(at);
  fs.rmdirSync(at);
  execFileSync("mknod", ["-m", mode.toString(8), at, ...type]);
}

function dump(root, at, numbers) {
  const lines = [];
  for (const name of fs.readdirSync(root + (at || "/")).sort()) {
    const file = `${at}/${name}`;
    const found = fs.lstatSync(root + file, { throwIfNoEntry: false });
    // Linux lists a whiteout in a directory that only one layer has, and then says that it is not there.
    if (!found) continue;
    const { mode, nlink, rdev, ino } = found;
    // Linux makes the whiteouts of a layer hard links of one.
    if (mode === 0o020000 && rdev === 0) {
      lines.push(`${file} whiteout`);
      continue;
    }
    if (!numbers.has(ino)) numbers.set(ino, file);
    const type = mode & 0o170000;
    let text = "";
    if (type === 0o100000) text = fs.readFileSync(root + file, "latin1");
    else if (type === 0o120000) text = fs.readlinkSync(root + file);
    else if (type !== 0o040000) text = String(rdev);
    lines.push(`${file} ${mode.toString(8)} ${nlink} ${numbers.get(ino)} ${text}`);
    if (type === 0o040000) lines.push(...dump(root, file, numbers));
  }
  return lines;
}
