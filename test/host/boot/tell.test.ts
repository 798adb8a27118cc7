// What the sandbox says on a container's stream reaches who reads there, and waits for nobody.

import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tellOn } from "../../../src/host/boot/tell.ts";
import { requireNative } from "../../support/gofer.ts";
import { scratchDirectory } from "../scratch.ts";

const native = requireNative();
const scratch = scratchDirectory();

describe("a line of the sandbox's", () => {
  test("is one line of at most 4,096 bytes", () => {
    const file = join(scratch, "file");
    const fd = openSync(file, "w");
    tellOn(native, fd, "first\nsecond");
    tellOn(native, fd, "x".repeat(10_000));
    closeSync(fd);
    const lines = readFileSync(file, "utf8").split("\n");
    expect(lines[0]).toBe("wvisor: first second");
    expect(lines[1]).toHaveLength(4095);
    expect(lines).toHaveLength(3);
  });

  test("is lost where there is no room for it, and nobody waits", () => {
    const fifo = join(scratch, "fifo");
    execFileSync("mkfifo", [fifo]);
    const reader = openSync(fifo, "r+");
    const writer = openSync(fifo, "w");
    const room = Buffer.alloc(65536);
    writeSync(writer, room, 0, room.length - 1);
    tellOn(native, writer, "there is no room");
    expect(readSync(reader, room)).toBe(room.length - 1);
    tellOn(native, writer, "there is now");
    expect(room.toString("utf8", 0, readSync(reader, room))).toBe("wvisor: there is now\n");
    for (const fd of [reader, writer]) closeSync(fd);
  });

  test("to nobody is nothing", () => {
    expect(() => tellOn(native, -1, "hello")).not.toThrow();
  });
});
