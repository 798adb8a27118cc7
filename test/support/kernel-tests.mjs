// A vitest plugin: every exported function of a test/kernel/**/*.as.ts file is a test.
//
// The file is compiled with the kernel's own targets, runtime and memory, once with assertions and once as released, and each
// test runs in a fresh memory. `assert()` works in both: tests are compiled without --noAssert, the kernel's own invariants
// are the debug target's.

import path from "node:path";
import { compileKernel, root } from "../../scripts/asc-kernel.mjs";

const TARGETS = ["debug", "release"];

export function kernelTests() {
  return {
    name: "wvisor:kernel-tests",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(".as.ts")) return undefined;
      const entry = path.relative(root, id);
      const modules = [];
      for (const target of TARGETS) {
        const files = await compileKernel(entry, { target: `test-${target}` });
        modules.push([target, Buffer.from(files.get("kernel.wasm")).toString("base64")]);
      }
      return `import { test } from "vitest";
import { registerKernelTests } from ${JSON.stringify(path.join(root, "test/support/kernel-tests-runtime.mjs"))};
registerKernelTests(test, ${JSON.stringify(modules)});
`;
    },
  };
}
