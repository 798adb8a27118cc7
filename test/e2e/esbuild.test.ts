// esbuild's WASI build bundles a TypeScript project in the sandbox; the same version of native esbuild gives the same bytes.

import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { type BuildOptions, build, version } from "esbuild";
import { describe, expect, test } from "vitest";
import { put, ROOT, scratchDirectory, wvisor } from "../support/cli.ts";

const PROJECT: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({ name: "shop", type: "module", sideEffects: false }),
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      jsx: "react-jsx",
      jsxImportSource: "tiny-jsx",
      strict: true,
      baseUrl: ".",
      paths: { "@model/*": ["src/model/*"] },
    },
  }),
  "node_modules/tiny-jsx/package.json": JSON.stringify({
    name: "tiny-jsx",
    exports: { "./jsx-runtime": "./jsx-runtime.js" },
  }),
  "node_modules/tiny-jsx/jsx-runtime.js": `
export const jsx = (type, props) => ({ type, props });
export const jsxs = jsx;
export const Fragment = Symbol("fragment");
`,
  "src/model/currency.ts": `
export enum Currency { Euro = "EUR", Yen = "JPY" }
export const enum Digits { Euro = 2, Yen = 0 }
export namespace Format {
  export const digits = (currency: Currency): Digits => (currency === Currency.Euro ? Digits.Euro : Digits.Yen);
}
`,
  "src/model/item.ts": `
import { Currency, Format } from "@model/currency";
import type { Priced } from "./types.ts";

export abstract class Item implements Priced {
  #sold = 0;
  static count = 0;
  constructor(readonly name: string, protected cents: number, public currency: Currency = Currency.Euro) {
    Item.count++;
  }
  get price(): string {
    return (this.cents / 10 ** Format.digits(this.currency)).toFixed(Format.digits(this.currency));
  }
  sell<T extends number>(howMany: T = 1 as T): void {
    this.#sold += howMany;
  }
}
export class Pipe extends Item {
  override get price(): string {
    return \`\${super.price} per metre\`;
  }
}
export const unused = "shaken off";
`,
  "src/model/types.ts": "export interface Priced { readonly price: string }\n",
  "src/data/stock.json":
    '{ "pipes": [{ "name": "15 mm – copper", "cents": 1250 }, { "name": "22 mm", "cents": 1999 }] }\n',
  "src/data/terms.txt": "Prices without tax.\nNo returns of cut pipe.\n",
  "src/view/list.tsx": `
import type { Item } from "@model/item";
export const List = ({ items }: { items: readonly Item[] }) => (
  <ul class="stock">
    {items.map((item) => (
      <li>{item.name}: <b>{item.price}</b></li>
    ))}
  </ul>
);
`,
  "src/main.tsx": `
import terms from "./data/terms.txt";
import { pipes } from "./data/stock.json";
import * as model from "@model/item";
import { List } from "./view/list.tsx";

const items = pipes.map(({ name, cents }) => new model.Pipe(name, cents));
export const page = <><List items={items} /><p>{terms}</p></>;
export async function late() {
  return (await import("./late.ts")).default satisfies string;
}
`,
  "src/late.ts": 'export default "late" as string;\n',
};

const top = scratchDirectory();
const project = path.join(top, "project");
for (const [name, content] of Object.entries(PROJECT)) put(project, name, content);

interface Build {
  readonly flags: readonly string[];
  readonly options: BuildOptions;
}

const BUILDS: Readonly<Record<string, Build>> = {
  "one readable module": {
    flags: ["--format=esm"],
    options: { format: "esm" },
  },
  "a minified script for old browsers": {
    flags: ["--format=iife", "--global-name=shop", "--minify", "--target=es2017"],
    options: { format: "iife", globalName: "shop", minify: true, target: "es2017" },
  },
  "a CommonJS module with a map": {
    flags: ["--format=cjs", "--platform=node", "--sourcemap"],
    options: { format: "cjs", platform: "node", sourcemap: true },
  },
  "a module in parts": {
    flags: ["--format=esm", "--splitting"],
    options: { format: "esm", splitting: true },
  },
};

/** Every file below a directory. */
function filesOf(directory: string): Record<string, string> {
  const names = readdirSync(directory).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(directory, name), "utf8")]));
}

test("both are the same version", () => {
  const wasi = JSON.parse(
    readFileSync(path.join(ROOT, "node_modules/@esbuild/wasi-preview1/package.json"), "utf8"),
  );
  expect(wasi.version).toBe(version);
});

describe.each(Object.entries(BUILDS))("esbuild makes %s", (name, { flags, options }) => {
  test("of the project on a read-only bind, the same as native esbuild does", async () => {
    const native = path.join(project, "native");
    rmSync(native, { recursive: true, force: true });
    await build({
      ...options,
      absWorkingDir: project,
      entryPoints: ["src/main.tsx"],
      bundle: true,
      outdir: "native",
      logLevel: "silent",
    });
    const expected = filesOf(native);
    rmSync(native, { recursive: true });

    const out = path.join(top, `out-${name.replaceAll(" ", "-")}`);
    mkdirSync(out);
    const mounts = ["-v", `${project}:/project:ro`, "-v", `${out}:/project/native`];
    const program = [
      "esbuild",
      "src/main.tsx",
      "--bundle",
      "--outdir=native",
      "--log-level=warning",
      ...flags,
    ];
    const { stdout, stderr, code } = wvisor(["do", ...mounts, "-w", "/project", "--", ...program]);
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout: "" });
    expect(filesOf(out)).toEqual(expected);
  });
});

test("esbuild names a mistake in a file, and ends with its own exit code", () => {
  const broken = path.join(top, "broken");
  put(broken, "main.ts", 'import "./missing.ts";\n');
  const { stdout, stderr, code } = wvisor([
    "do",
    "-v",
    `${broken}:/src:ro`,
    "-w",
    "/src",
    "--",
    "esbuild",
    "main.ts",
    "--bundle",
  ]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain('Could not resolve "./missing.ts"');
});
