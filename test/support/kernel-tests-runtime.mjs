// Runs the exports of a compiled kernel test module: see kernel-tests.mjs.

function stringAt(memory, pointer) {
  if (!pointer) return "(null)";
  const buffer = memory.buffer;
  const bytes = new Uint32Array(buffer)[(pointer - 4) >>> 2];
  return String.fromCharCode(...new Uint16Array(buffer, pointer, bytes >>> 1).slice());
}

/** Fresh memory and instance; host calls that a unit test may make have simple answers, the others fail the test. */
function instantiate(module) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 32768, shared: true });
  let seed = 1;
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
    "host.clockTime": (_clock, out) => {
      clock += 1000n;
      new DataView(memory.buffer).setBigInt64(out, clock, true);
      return 0;
    },
    // Not random, but different each time, which is what the kernel's callers need of it here.
    "host.random": (out, length) => {
      const bytes = new Uint8Array(memory.buffer, out, length);
      for (let i = 0; i < length; i++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        bytes[i] = seed >>> 24;
      }
      return 0;
    },
    "host.log": (text, length) => console.log(Buffer.from(memory.buffer, text, length).toString()),
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

export function registerKernelTests(test, modules) {
  for (const [target, base64] of modules) {
    const module = new WebAssembly.Module(Buffer.from(base64, "base64"));
    for (const { name, kind } of WebAssembly.Module.exports(module)) {
      if (kind !== "function") continue;
      const sentence = name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
      test(`${sentence} [${target}]`, () => {
        instantiate(module)[name]();
      });
    }
  }
}
