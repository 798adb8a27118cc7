// Builds everything into build/: the native helper, the kernel, and the bundles. Quick when nothing has changed.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildKernel } from "./build-kernel.mjs";
import { buildNative } from "./build-native.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * The loader makes a decoder for UTF-16 as soon as it is read, which loads tables of Unicode for 2.6 ms. Only the text of a
 * failed assertion needs it: it is made then.
 */
const lateDecoder = {
  name: "late decoder",
  setup(build) {
    build.onLoad({ filter: /@assemblyscript[/\\]loader[/\\]index\.js$/ }, ({ path: file }) => {
      const eager = 'const utf16 = new TextDecoder("utf-16le", { fatal: true });';
      const late = `const utf16 = { decode: (bytes) => ${eager.slice("const utf16 = ".length, -1)}.decode(bytes) };`;
      const source = readFileSync(file, "utf8");
      if (!source.includes(eager)) throw new Error(`${file}: its decoder is no longer made at once`);
      return { contents: source.replace(eager, late) };
    });
  },
};

/**
 * The bundles are CommonJS: Node starts them 6 ms faster than the same code as modules. build/package.json says so, and
 * import.meta names file and folder as it would.
 */
export const BUNDLE = {
  bundle: true,
  platform: "node",
  target: "node20.11",
  format: "cjs",
  minifySyntax: true,
  minifyWhitespace: true,
  define: { "import.meta.filename": "__filename", "import.meta.dirname": "__dirname" },
  plugins: [lateDecoder],
  logLevel: "warning",
};

export async function build() {
  mkdirSync(path.join(root, "build"), { recursive: true });
  const manifest = path.join(root, "build/package.json");
  // Whoever runs a bundle meanwhile reads it: it is written once.
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "type": "commonjs" }\n');
  await buildNative();
  await buildKernel();
  const esbuild = await import("esbuild");
  await esbuild.build({
    ...BUNDLE,
    legalComments: "linked",
    absWorkingDir: root,
    entryPoints: {
      cli: "src/host/cmd/main.ts",
      program: "src/host/cmd/program.ts",
      gofer: "src/gofer/main.ts",
      "guest-worker": "src/host/guest/worker-main.ts",
      p9: "src/p9/index.ts",
    },
    outdir: "build",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
