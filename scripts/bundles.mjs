// How the package's JavaScript is bundled. Two kinds: modules that node loads, and functions that src/start/bundle.ts runs.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

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
  charset: "ascii",
  minifySyntax: true,
  minifyWhitespace: true,
  define: { "import.meta.filename": "__filename", "import.meta.dirname": "__dirname" },
  plugins: [lateDecoder],
  logLevel: "warning",
};

/** What programs of others load, by the name of the package's subpath: as CommonJS, and as an ES module (library.mjs). */
export const LIBRARY = {
  library: "src/library/index.ts",
  p9: "src/p9/index.ts",
  fs: "src/fs/index.ts",
};

/** What node loads. */
export const MODULES = {
  cli: "src/host/cmd/main.ts",
  gofer: "src/gofer/entry.ts",
  "guest-worker": "src/host/guest/worker-main.ts",
  "preparation-worker": "src/host/boot/preparation-worker.ts",
  "readiness-worker": "src/host/control/readiness-worker.ts",
  "supervisor-worker": "src/library/supervisor/worker-main.ts",
};

/** What a page with a trace has in it; for browsers, not for Node. */
export const PAGE = {
  bundle: true,
  platform: "browser",
  target: ["chrome111", "firefox115", "safari16.4"],
  format: "iife",
  charset: "ascii",
  minify: true,
  entryPoints: { "trace-page": "src/trace-page/page.ts" },
  logLevel: "warning",
};
/** Beside its script. */
export const PAGE_STYLE = { "trace-page": "src/trace-page/style.css" };

/** What src/start/bundle.ts runs. */
export const FUNCTIONS = {
  program: "src/host/cmd/program.ts",
  "gofer-server": "src/gofer/main.ts",
};

/** Makes a bundle's text one of a function, below a line that no other text has. */
export function asFunction(text) {
  const body = `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
  return `// ${createHash("sha256").update(body).digest("hex")}\n${body}`;
}
