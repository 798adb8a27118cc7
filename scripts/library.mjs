// The ES modules of the package's library. Each names what the CommonJS bundle of that name exports and has no code of its own: a
// program that imports the library here and requires it there has it once, with one native helper and one of each class.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LIBRARY } from "./bundles.mjs";

const BUILD = fileURLToPath(new URL("../build/", import.meta.url));

export function writeModules() {
  for (const [name, source] of Object.entries(LIBRARY)) {
    const names = Object.keys(createRequire(import.meta.url)(path.join(BUILD, `${name}.js`)));
    writeChanged(
      `${name}.mjs`,
      `import library from "./${name}.js";\nexport const { ${names.sort().join(", ")} } = library;\n`,
    );
    // What a module sees of a CommonJS file's declarations are its names.
    writeChanged(`${name}.d.mts`, `export * from "./types/${source}";\n`);
  }
}

/** Somebody may read it meanwhile, and what it says seldom changes. */
function writeChanged(name, text) {
  const file = path.join(BUILD, name);
  if (readIfThere(file) !== text) writeFileSync(file, text);
}

function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
