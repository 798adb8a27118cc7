// Runs one guest under node:wasi, with a host directory as /bench.
//
//   node node-wasi-process.mjs GUEST DIRECTORY [ARGUMENT...]

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [file, directory, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: [file, ...args], preopens: { "/bench": directory } });
const module = await WebAssembly.compile(readFileSync(file));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
