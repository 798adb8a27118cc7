// The flags of OCI's command line: engines pass them all, and none may be refused.

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { scratchDirectory } from "../scratch.ts";
import { wvisor } from "./harness.ts";

const root = path.join(scratchDirectory(), "root");

describe("flags before the command", () => {
  test.each([
    ["--systemd-cgroup"],
    ["--systemd-cgroup=true"],
    ["--rootless"],
    ["--rootless=auto"],
    ["--cgroup-manager", "disabled"],
    ["--criu", "/usr/sbin/criu"],
    ["--debug"],
  ])("%s %s", async (...flags) => {
    const { code, out } = await wvisor("--root", root, ...flags, "list", "-q");
    expect({ code, out }).toEqual({ code: 0, out: "" });
  });

  test("--log gets one record for each error (B18-20)", async () => {
    const log = path.join(path.dirname(root), "log");
    const global = ["--root", root, "--log", log];
    expect((await wvisor(...global, "--log-format", "json", "state", "none")).code).toBe(1);
    expect((await wvisor(...global, "--log-format=text", "state", "none")).code).toBe(1);
    const [first, second] = readFileSync(log, "utf8").trimEnd().split("\n");
    expect(JSON.parse(first!)).toMatchObject({ level: "error", msg: "container none does not exist" });
    expect(second).toMatch(/^time="\S+" level=error msg="container none does not exist"$/);
  });
});

describe("flags of a command", () => {
  test.each([
    ["delete", "--force", "none"],
    ["delete", "-f", "none"],
    ["delete", "--force=true", "none"],
    ["list", "--format", "json"],
    ["list", "-f=table"],
  ])("%s %s %s", async (...args) => {
    expect((await wvisor("--root", root, ...args)).code).toBe(0);
  });

  test.each([
    [
      "create",
      "--no-pivot",
      "--no-new-keyring",
      "--preserve-fds",
      "2",
      "--keep",
      "--no-subreaper",
      "--pidfd-socket=x",
    ],
    [
      "exec",
      "--no-new-privs",
      "--preserve-fds=1",
      "--ignore-paused",
      "--cgroup=x",
      "--apparmor=y",
      "--process-label=z",
    ],
    ["kill", "--all"],
  ])("%s %s ... are understood: it is the id that is missing", async (...args) => {
    const { code, err } = await wvisor("--root", root, ...args);
    expect(code).not.toBe(0);
    expect(err).toContain("which container? expected an ID");
  });

  test.each(["create", "start", "state", "exec", "ps", "kill", "wait", "delete", "list", "boot"])(
    "%s --help explains it (B18-01)",
    async (command) => {
      const { code, out } = await wvisor(command, "--help");
      expect(code).toBe(0);
      expect(out).toContain(`Usage: wvisor ${command}`);
    },
  );
});
