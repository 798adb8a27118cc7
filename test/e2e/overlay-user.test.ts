// An overlay whose upper layer is an ordinary user's directory: the host lets nobody else but root set the attributes that the kernel's
// overlay is told by, so they are kept as a user's, which Linux's overlay reads with userxattr.

import { chmodSync, chownSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { CLI, PYTHON, runCommand, scratchDirectory } from "../support/cli.ts";

const USER = 65534;
const isRoot = process.getuid?.() === 0;
const top = scratchDirectory();

const CODE = `
import os
def outcome(call):
  try:
    return call() or "done"
  except OSError as error:
    return os.strerror(error.errno)
with open("/o/file", "a") as file: file.write(" and more")
print(open("/o/file").read())
os.unlink("/o/gone")
print(outcome(lambda: os.rename("/o/dir", "/o/other")))
os.unlink("/o/dir/inner")
os.rmdir("/o/dir")
os.mkdir("/o/dir")
print(sorted(os.listdir("/o")), os.listdir("/o/dir"))
`;

/** As an ordinary user where the tests run as root, else as who runs them. */
function asUser(command: string, args: readonly string[]) {
  return isRoot
    ? runCommand("setpriv", [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", command, ...args], {
        cwd: top,
      })
    : runCommand(command, args, { cwd: top });
}

function makeBundle(): void {
  const owner = isRoot ? USER : process.getuid!();
  chmodSync(top, 0o755);
  for (const name of ["root", "low", "low/dir", "up", "work"]) mkdirSync(path.join(top, name));
  for (const name of ["low/file", "low/gone", "low/dir/inner"]) writeFileSync(path.join(top, name), "text");
  copyFileSync(PYTHON, path.join(top, "root/python.wasm"));
  for (const name of readdirSync(top, { recursive: true })) {
    chownSync(path.join(top, String(name)), owner, owner);
  }
  const layers = ["low", "up", "work"].map((name) => path.join(top, name));
  const config = {
    ociVersion: "1.0.2",
    root: { path: "root" },
    process: { args: ["/python.wasm", "-c", CODE], cwd: "/", user: { uid: owner, gid: owner } },
    mounts: [
      {
        destination: "/o",
        type: "overlay",
        options: [`lowerdir=${layers[0]}`, `upperdir=${layers[1]}`, `workdir=${layers[2]}`],
      },
    ],
  };
  writeFileSync(path.join(top, "config.json"), JSON.stringify(config));
}

test("a user changes, removes and makes again what a lower layer has, and Linux's overlay shows the same", (context) => {
  makeBundle();
  const { code, stdout, stderr } = asUser(process.execPath, [CLI, "run", "--bundle", top, "user"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe("text and more\nCross-device link\n['dir', 'file'] []\n");
  if (!isRoot) return context.skip("no right to mount an overlay here");
  const script = `mount -t overlay overlay -o "$1" /mnt && cd /mnt && find . | sort && cat file`;
  const options = `userxattr,lowerdir=${top}/low,upperdir=${top}/up,workdir=${top}/work`;
  const shown = runCommand("unshare", ["-m", "sh", "-c", script, "sh", options]);
  expect(shown).toMatchObject({ code: 0, stdout: ".\n./dir\n./file\ntext and more" });
});
