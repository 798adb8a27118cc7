// The licences of what others wrote and the package has in it.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const MODULES = fileURLToPath(new URL("../node_modules/", import.meta.url));
const RULE = `${"-".repeat(80)}\n`;

const HEAD = `What others wrote and this package has in it, with the licences that it came under.

The programs build/wvisor and build/native/wv-* are linked with the GNU C Library (LGPL-2.1-or-later); they can be linked anew with
another one from the sources in src/native of the project.
`;

/** Of the packages that esbuild took something of (`inputs` of its metafiles), and of the kernel's compiler, whose library is in it. */
export function licenses(inputs) {
  const taken = inputs.map((file) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
  const names = new Set(["assemblyscript", ...taken.filter((name) => name !== undefined)]);
  return HEAD + [...names].sort().map(licenseOf).join("");
}

function licenseOf(name) {
  const folder = path.join(MODULES, name);
  const { version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e(\.|$)/i.test(each));
  const text = file === undefined ? "" : `\n${readFileSync(path.join(folder, file), "utf8").trimEnd()}\n`;
  return `\n${RULE}${name} ${version}: ${license}\n${text}`;
}
