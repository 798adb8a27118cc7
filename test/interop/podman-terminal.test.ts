// Terminals by podman: Debian's, unchanged, with a store of its own.

import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLI, runCommand, scratchDirectory } from "../support/cli.ts";
import { buildGuests, guestFile } from "../support/guests.ts";
import { needsRoot } from "../support/oci/runtime.ts";
import { buildTerminal, settingsOf, TestTerminal } from "../support/oci/terminal.ts";
import { childrenOf, commandLine } from "../support/processes.ts";
import { install } from "./debian.ts";

const missing = needsRoot ?? install("podman", "podman") ?? install("conmon", "conmon");
const GUESTS = ["terminal", "exit-code"] as const;
const top = scratchDirectory();
const runtime = path.join(top, "wvisor");
const image = "wvisor-terminal";
const SHOWN = /terminal true true true\r\n/;

function withStore(args: readonly string[]): string[] {
  const store = ["--root", path.join(top, "store"), "--runroot", path.join(top, "run")];
  const engine = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--runtime", runtime];
  return [...store, ...engine, ...args];
}

const podman = (...args: string[]) => runCommand("podman", withStore(args));
/** podman in a terminal of the user's. */
const inTerminal = (...args: string[]) => TestTerminal.run("podman", ...withStore(args));
const RUN = ["run", "--rm", "--network", "none"];

function sentryOf(container: string): number {
  const pid = Number(podman("inspect", "--format", "{{.State.Pid}}", container).stdout);
  return childrenOf(pid).find((child) => commandLine(child).includes(" boot "))!;
}

describe.skipIf(missing !== undefined)(missing === undefined ? "podman" : `left out: ${missing}`, () => {
  beforeAll(async () => {
    buildTerminal();
    await buildGuests(GUESTS);
    // An engine calls its runtime without PATH.
    writeFileSync(runtime, `#!/bin/sh\nexec ${process.execPath} --no-warnings ${CLI} "$@"\n`);
    chmodSync(runtime, 0o755);
    const files = path.join(top, "files");
    mkdirSync(files);
    for (const name of GUESTS) copyFileSync(guestFile(name), path.join(files, `${name}.wasm`));
    const archive = path.join(top, "image.tar");
    expect(runCommand("tar", ["-C", files, "-cf", archive, "."]).code).toBe(0);
    expect(podman("import", archive, image).code).toBe(0);
  });

  afterAll(() => {
    podman("rm", "--all", "--force", "--time", "0");
  });

  test("run -t: its output, with a terminal's newlines, and its exit code", async () => {
    expect(podman(...RUN, "-t", image, "/exit-code.wasm", "7").code).toBe(7);
    // Nobody types anything: podman's standard input is at its end.
    expect(podman("run", "-d", "-t", "--name", "t1", "--network", "none", image, "/terminal.wasm").code).toBe(
      0,
    );
    const logged = () => podman("logs", "t1").stdout;
    await expect.poll(logged, { timeout: 20_000 }).toBe("terminal true true true\r\n");
    expect(podman("exec", "-t", "t1", "/exit-code.wasm", "9").code).toBe(9);
    expect(podman("kill", "--signal", "INT", "t1").code).toBe(0);
    expect(podman("wait", "t1").stdout).toBe("130\n");
  });

  test("run -it: keys, the window's size, the end", async () => {
    const terminal = inTerminal(...RUN, "-it", "--name", "t2", image, "/terminal.wasm");
    await terminal.shows(SHOWN);
    terminal.type("hello\r");
    await terminal.shows(/hello\r\nline "hello"\r\n$/);
    const sentry = sentryOf("t2");
    await expect.poll(() => settingsOf(sentry), { timeout: 20_000 }).toMatchObject({ rows: 24, columns: 80 });
    terminal.resize(40, 132);
    await expect
      .poll(() => settingsOf(sentry), { timeout: 20_000 })
      .toMatchObject({ rows: 40, columns: 132 });
    terminal.type("quit\r");
    expect(await terminal.exitCode()).toBe(3);
  });

  test("run -it: ^C is 130", async () => {
    const terminal = inTerminal(...RUN, "-it", image, "/terminal.wasm");
    await terminal.shows(SHOWN);
    terminal.type("\x03");
    expect(await terminal.exitCode()).toBe(130);
  });

  test("exec -it, attach", async () => {
    expect(podman("run", "-dit", "--name", "t3", "--network", "none", image, "/terminal.wasm").code).toBe(0);
    const added = inTerminal("exec", "-it", "t3", "/terminal.wasm");
    await added.shows(SHOWN);
    added.type("of the second\r");
    await added.shows(/line "of the second"\r\n$/);
    added.type("\x03");
    expect(await added.exitCode()).toBe(130);
    const attached = inTerminal("attach", "t3");
    // podman shows nothing of what was written before.
    attached.type("of the first\r");
    await attached.shows(/line "of the first"\r\n/);
    attached.type("quit\r");
    await attached.exitCode();
    expect(podman("wait", "t3").stdout).toBe("3\n");
    expect(podman("logs", "t3").stdout).toContain('line "of the first"\r\n');
    expect(podman("rm", "t3").code).toBe(0);
  });
});
