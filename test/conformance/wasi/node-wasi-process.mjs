// Runs one guest under node:wasi, in a process that the test can end: some calls of node:wasi never return.
//
//   node node-wasi-process.mjs '{"file", "args", "env", "preopens"}'

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const { file, args, env, preopens } = JSON.parse(process.argv[2]);
const wasi = new WASI({ version: "preview1", args, env, preopens });
const module = await WebAssembly.compile(readFileSync(file));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
