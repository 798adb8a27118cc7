// The face over a kernel that others use, too: its memory is shared, and programs see the same files.

import { afterAll, expect, test } from "vitest";
import { makeFace } from "../../src/fs/face.ts";
import { Calls } from "../support/sys/calls.ts";
import { KernelProcess } from "../support/sys/kernel.ts";
import { kernelModules, makeMachine } from "../support/wvisor.ts";

const machine = makeMachine({ modules: kernelModules("peek", true) });
const namespace = machine.namespace(machine.tmpfs("mode=755"), false);
const ROOT = { uid: 0, gid: 0 };
const own = new KernelProcess(machine, namespace, ROOT);
const program = new KernelProcess(machine, namespace, ROOT);
const fs = makeFace({ kernel: own.kernel, memory: machine.memory });
const calls = new Calls(program);

afterAll(() => {
  own.end();
  program.end();
});

test("what the face writes a program reads, and the other way round", () => {
  fs.mkdirSync("/d/e", { recursive: true });
  fs.writeFileSync("/d/e/f", "from the face");
  const fd = calls.open("/d/e/f");
  expect(calls.read(fd, 100).toString()).toBe("from the face");
  calls.close(fd);
  const made = calls.open("/d/e/g", 0o102);
  calls.write(made, "from a program");
  expect(fs.readFileSync("/d/e/g", "utf8")).toBe("from a program");
  expect(fs.readdirSync("/d/e")).toEqual(["f", "g"]);
  expect(calls.stat("/d/e/g")).toMatchObject({ ino: fs.statSync("/d/e/g").ino });
});

test("files larger than the kernel's memory was", () => {
  const large = Buffer.alloc(24 << 20, "0123456789abcdef");
  fs.writeFileSync("/large", large);
  expect(fs.readFileSync("/large").equals(large)).toBe(true);
  fs.unlinkSync("/large");
});
