// How many cases the conformance suite of wvisor/fs has, by topic: the suite itself is asked.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const SUITE = path.join(root, "test/conformance/node-fs/all-cases.ts");

/** Topic to number of cases. */
export async function nodeFsCases() {
  const { outputFiles } = await build({
    entryPoints: [SUITE],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
  });
  const code = Buffer.from(outputFiles[0].contents).toString("base64");
  const { allCases } = await import(`data:text/javascript;base64,${code}`);
  const topics = new Map();
  for (const { topic } of allCases()) topics.set(topic, (topics.get(topic) ?? 0) + 1);
  return topics;
}
