// Runs the exports of a compiled kernel test module: see kernel-tests.mjs.

const GUEST_PAGES = 1;

function stringAt(memory, pointer) {
  if (!pointer) return "(null)";
  const buffer = memory.buffer;
  const bytes = new Uint32Array(buffer)[(pointer - 4) >>> 2];
  return String.fromCharCode(...new Uint16Array(buffer, pointer, bytes >>> 1).slice());
}

/** Guest memory as assembly/mm/guest.ts wants it, over one page of 64 KiB. */
function guestFunctions(memory) {
  const guest = new WebAssembly.Memory({ initial: GUEST_PAGES, maximum: GUEST_PAGES });
  const view = new DataView(guest.buffer);
  const bytes = new Uint8Array(guest.buffer);
  return {
    "guest.ld8": (at) => view.getUint8(at >>> 0),
    "guest.ld32": (at) => view.getUint32(at >>> 0, true),
    "guest.ld64": (at) => view.getBigUint64(at >>> 0, true),
    "guest.st8": (at, value) => view.setUint8(at >>> 0, value),
    "guest.st32": (at, value) => view.setUint32(at >>> 0, value, true),
    "guest.st64": (at, value) => view.setBigUint64(at >>> 0, value, true),
    "guest.st64x8": (at, ...values) => {
      for (const [i, value] of values.entries()) view.setBigUint64((at >>> 0) + i * 8, value, true);
    },
    "guest.copyin": (kernel, at, length) => {
      new Uint8Array(memory.buffer).set(bytes.subarray(at >>> 0, (at >>> 0) + length), kernel);
    },
    "guest.copyout": (at, kernel, length) => {
      bytes.set(new Uint8Array(memory.buffer).subarray(kernel, kernel + length), at >>> 0);
    },
    "guest.size": () => GUEST_PAGES,
  };
}

/** Fresh memory and instance; host calls that a unit test may make have simple answers, the others fail the test. */
function instantiate(module) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 32768, shared: true });
  let clock = 1_700_000_000_000_000_000n;
  const imports = {
    env: {
      memory,
      abort(message, file, line, column) {
        throw new Error(`${stringAt(memory, message)} (${stringAt(memory, file)}:${line}:${column})`);
      },
    },
  };
  const answers = {
    ...guestFunctions(memory),
    // Each reading is a microsecond later than the last, so that a test can tell which came first.
    "host.clockTime": (_clock, out) => {
      clock += 1000n;
      new DataView(memory.buffer).setBigInt64(out, clock, true);
      return 0;
    },
    "host.random": (out, length) => {
      new Uint8Array(memory.buffer, out, length).fill(0x5a);
      return 0;
    },
    "stack.probe": () => {},
  };
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== "function" || (from === "env" && name === "abort")) continue;
    imports[from] ??= {};
    imports[from][name] =
      answers[`${from}.${name}`] ??
      (() => {
        throw new Error(`unexpected host call: ${from}.${name}`);
      });
  }
  return new WebAssembly.Instance(module, imports).exports;
}

/** Registers the tests of one file: the exports that begin with its name. */
export function registerKernelTests(test, file, modules) {
  for (const [target, base64] of modules) {
    const module = new WebAssembly.Module(Buffer.from(base64, "base64"));
    for (const { name, kind } of WebAssembly.Module.exports(module)) {
      if (kind !== "function" || !name.startsWith(`${file}__`)) continue;
      const words = name.slice(file.length + 2).replace(/([A-Z]|\d+)/g, (part) => ` ${part.toLowerCase()}`);
      test(`${words} [${target}]`, () => {
        instantiate(module)[name]();
      });
    }
  }
}
