// Guests whose module itself is the attack: what they import, how they declare their memory, when they begin to run.

import { afterEach, describe, expect, test } from "vitest";
import { WvisorError } from "../../src/common/errors.ts";
import { compileGuest, PREVIEW1_FUNCTIONS } from "../../src/host/guest/runner.ts";
import { confineModule } from "../../src/host/kernel/guest-module.ts";
import { kernelModules, runInProcess } from "../support/wvisor.ts";

const I32 = 0x7f;
const TYPE = 1;
const IMPORT = 2;
const FUNCTION = 3;
const MEMORY = 5;
const GLOBAL = 6;
const EXPORT = 7;
const START = 8;
const CODE = 10;

type Bytes = readonly number[];

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

const text = (value: string): number[] => [...leb(Buffer.byteLength(value)), ...Buffer.from(value)];
const list = (items: readonly Bytes[]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, body: Bytes): number[] => [id, ...leb(body.length), ...body];
const custom = (name: string): number[] => section(0, [...text(name), 1, 2, 3]);
const module = (...sections: readonly Bytes[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);

/** Type 0: () -> (); type 1: (i32) -> (). */
const types = section(
  TYPE,
  list([
    [0x60, 0, 0],
    [0x60, 1, I32, 0],
  ]),
);
const importOf = (from: string, name: string, kind: Bytes): Bytes => [...text(from), ...text(name), ...kind];
const functionKind = (type: number): Bytes => [0, type];
const codes = (...bodies: readonly Bytes[]): number[] =>
  section(CODE, list(bodies.map((body) => [...leb(body.length + 2), 0, ...body, 0x0b])));
const startExport = (index: number): number[] => section(EXPORT, list([[...text("_start"), 0, index]]));

/** A module that imports one thing and does nothing. */
function importing(from: string, name: string, kind: Bytes): Uint8Array<ArrayBuffer> {
  return module(
    types,
    section(IMPORT, list([importOf(from, name, kind)])),
    section(FUNCTION, list([[0]])),
    startExport(kind[0] === 0 ? 1 : 0),
    codes([]),
  );
}

/** A module with the memory section `memory`, and sections that do not matter around it. */
function withMemory(memory: Bytes, ...before: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  return module(types, ...before, section(FUNCTION, list([[0]])), memory, startExport(0), codes([]));
}

function thrown(run: () => unknown): WvisorError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(WvisorError);
    return error as WvisorError;
  }
  throw new Error("nothing was thrown");
}

describe("imports", () => {
  const kernelOnly = WebAssembly.Module.exports(kernelModules().kernel).filter(
    ({ name }) => !PREVIEW1_FUNCTIONS.has(name),
  );

  test("the kernel exports more than the snapshot, so that the next test means something", () => {
    expect(kernelOnly.map(({ name }) => name)).toContain("task_kill");
  });

  test.each(kernelOnly)("of the kernel's $name is refused", ({ name }) => {
    const wasm = importing("wasi_snapshot_preview1", name, functionKind(0));
    expect(thrown(() => runInProcess(wasm)).code).toBe("ERR_WVISOR_IMPORT");
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", ""])(
    "of a name that every object has (%j) is refused",
    (name) => {
      const wasm = importing("wasi_snapshot_preview1", name, functionKind(0));
      expect(thrown(() => runInProcess(wasm)).code).toBe("ERR_WVISOR_IMPORT");
    },
  );

  test.each([
    ["a table", [1, 0x70, 0, 0]],
    ["a memory", [2, 0, 0]],
    ["a global", [3, I32, 0]],
  ])("of a function's name as %s is refused", (_what, kind) => {
    const wasm = importing("wasi_snapshot_preview1", "fd_close", kind);
    expect(thrown(() => runInProcess(wasm)).code).toBe("ERR_WVISOR_IMPORT");
  });

  test.each(["env", "host", "guest", "guest-memory", "wasi_unstable", "__proto__"])(
    "from module %s are refused",
    (from) => {
      const wasm = importing(from, "memory", [2, 0, 0]);
      expect(thrown(() => runInProcess(wasm)).code).toBe("ERR_WVISOR_IMPORT");
    },
  );

  test("from the memory's module bring nothing but the guest's own, empty memory", () => {
    expect(runInProcess(importing("wvisor", "memory", [2, 1, 0, 0]))).toMatchObject({ code: 0 });
    for (const kind of [functionKind(0), [3, I32, 0], [2, 0, 1], [2, 3, 0, 1]]) {
      const end = runInProcess(importing("wvisor", "memory", kind));
      expect(end.message, `${kind}`).toMatch(/failed/);
    }
    expect(runInProcess(importing("wvisor", "other", functionKind(0))).message).toMatch(/failed/);
  });
});

describe("the memory", () => {
  test.each([
    ["shared", [3, 1, 1]],
    ["of 64-bit addresses", [4, 1]],
    ["of 64-bit addresses, with a maximum", [5, 1, 1]],
    ["with a page size of its own", [8, 1, 0]],
    ["with a minimum above its maximum", [1, 2, 1]],
    ["of more than 4 GiB", [0, ...leb(65537)]],
    ["with a number that never ends", [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ["that is cut off", [1, 1]],
  ])("%s is refused", (_what, limits) => {
    const wasm = withMemory(section(MEMORY, [1, ...limits]));
    expect(thrown(() => confineModule(wasm)).code).toBe("ERR_WVISOR_BAD_MODULE");
  });

  test("of which there are two is refused", () => {
    const wasm = withMemory(section(MEMORY, [2, 0, 1, 0, 1]));
    expect(thrown(() => confineModule(wasm)).code).toBe("ERR_WVISOR_BAD_MODULE");
  });

  test("declared in numbers longer than they need be is taken or refused, never misread", () => {
    const wasm = withMemory(section(MEMORY, [0x81, 0, 0, 0x82, 0]));
    const { memory } = confineModule(wasm);
    expect(memory).toEqual({ minimum: 2, maximum: 65536 });
    expect(runInProcess(wasm)).toMatchObject({ code: 0 });
  });

  test("keeps its place behind custom sections and an import section", () => {
    const imports = section(IMPORT, list([importOf("wasi_snapshot_preview1", "proc_exit", functionKind(1))]));
    const wasm = module(
      custom("a"),
      types,
      custom("b"),
      imports,
      section(FUNCTION, list([[0]])),
      custom("c"),
      section(MEMORY, [1, 1, 3, 5]),
      section(GLOBAL, list([[I32, 1, 0x41, 0, 0x0b]])),
      startExport(1),
      // memory.size as the exit code.
      codes([0x3f, 0, 0x10, 0]),
      custom("d"),
    );
    expect(runInProcess(wasm)).toMatchObject({ code: 3 });
  });

  test("that the host has no room for ends the guest, not the sandbox", () => {
    const Real = WebAssembly.Memory;
    const wasm = withMemory(section(MEMORY, [1, 0, 77]));
    class Full extends Real {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        if (descriptor.initial === 77) throw new RangeError("could not allocate memory");
        super(descriptor);
      }
    }
    restore = () => {
      WebAssembly.Memory = Real;
    };
    WebAssembly.Memory = Full;
    expect(thrown(() => runInProcess(wasm)).code).toBe("ERR_WVISOR_MEMORY");
  });

  let restore = (): void => {};
  afterEach(() => restore());
});

describe("code that runs before _start", () => {
  test("calls the kernel as the guest that it is", () => {
    const imports = section(IMPORT, list([importOf("wasi_snapshot_preview1", "proc_exit", functionKind(1))]));
    const wasm = module(
      types,
      imports,
      section(FUNCTION, list([[0]])),
      startExport(1),
      section(START, [1]),
      codes([0x41, 42, 0x10, 0]),
    );
    expect(runInProcess(wasm)).toMatchObject({ code: 42, message: undefined });
  });
});

describe("random damage", () => {
  /** A linear congruential generator: the same damage each time. */
  function* numbers(seed: number): Generator<number> {
    for (let state = seed; ; ) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      yield state >>> 8;
    }
  }

  test("to any byte gives a module or an error of ours", () => {
    const whole = withMemory(
      section(MEMORY, [1, 1, 3, 5]),
      section(IMPORT, list([importOf("wasi_snapshot_preview1", "proc_exit", functionKind(1))])),
    );
    const random = numbers(7);
    const next = (below: number): number => random.next().value! % below;
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = whole.slice(0, next(4) === 0 ? 8 + next(whole.length - 8) : whole.length);
      for (let i = next(4); i >= 0; i--) bytes[8 + next(bytes.length - 8 || 1)] = next(256);
      try {
        compileGuest(confineModule(bytes), "damaged");
      } catch (error) {
        expect(error).toBeInstanceOf(WvisorError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
