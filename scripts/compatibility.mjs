// The generated parts of docs/compatibility.md, from the sources: the system call table with what each function says of itself and of
// its flags (`@flags`), the calls that have a number but no function, the file systems with their options and what the
// conformance suite finds them without, and how many cases the suite for node:fs has.
//
//   node scripts/compatibility.mjs           writes the document
//   node scripts/compatibility.mjs --check   exits with 1 when it is not up to date

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFsCases } from "./node-fs-cases.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const document = path.join(root, "docs/compatibility.md");
const syscalls = path.join(root, "assembly/syscalls");
const BEGIN = "<!-- syscalls:begin, made by scripts/compatibility.mjs -->";
const END = "<!-- syscalls:end -->";

const FILESYSTEMS_BEGIN = "<!-- filesystems:begin, made by scripts/compatibility.mjs -->";
const FILESYSTEMS_END = "<!-- filesystems:end -->";

const NODE_FS_BEGIN = "<!-- node-fs:begin, made by scripts/compatibility.mjs -->";
const NODE_FS_END = "<!-- node-fs:end -->";

function read(file) {
  return readFileSync(file, "utf8");
}

/** Every function of a source file: what its documentation says of it and of its flags, its parameters, and its body. */
function functionsOf(source) {
  const found = new Map();
  const declaration = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^(?:export )?function (\w+)\(/gm;
  for (const match of source.matchAll(declaration)) {
    const end = source.indexOf("\n}\n", match.index);
    const text = (match[1] ?? "")
      .replace(/^\s*\* ?/gm, "")
      .replace(/\s+/g, " ")
      .trim();
    const [about, flags] = text.split(/ ?@flags /);
    const body = source.slice(match.index + match[0].length, end);
    found.set(match[2], { text: about, flags: flags?.split(" ") ?? [], body });
  }
  return found;
}

/**
 * What is said of a function, by itself or by the one that it delegates to with fixed arguments: whose flags are then the caller's
 * to give only if they are passed on.
 */
function documented(name, functions) {
  const { text, flags, body } = functions.get(name);
  if (text !== "" || flags.length > 0) return { text, flags };
  const callee = /^\s*return (\w+)\(/m.exec(body)?.[1];
  if (callee === undefined || !functions.has(callee)) return { text, flags };
  const other = documented(callee, functions);
  const [parameters] = body.split("): ");
  return { text: other.text, flags: parameters.includes("flags: u32") ? other.flags : [] };
}

/** The rows of table.ts in its order, under its comments. */
export function table() {
  const modules = new Map(
    readdirSync(syscalls)
      .filter((name) => name.endsWith(".ts"))
      .map((name) => [name.slice(0, -3), functionsOf(read(path.join(syscalls, name)))]),
  );
  const source = read(path.join(syscalls, "table.ts"));
  const imports = new Map(
    [...source.matchAll(/import \* as (\w+) from "\.\/([\w-]+)\.ts";/g)].map(([, local, file]) => [
      local,
      file,
    ]),
  );
  const groups = [];
  let calls = [];
  for (const line of source.split("\n")) {
    const group = /^ {4}\/\/ (.*?)\.?$/.exec(line)?.[1];
    if (group !== undefined) groups.push({ group, rows: [] });
    const call = /case nr\.SYS_(\w+):/.exec(line)?.[1];
    if (call !== undefined) calls.push(call);
    if (calls.length === 0 || !/^\s*return /.test(line)) continue;
    const [, file, name] = /return (\w+)\.(\w+)\(/.exec(line) ?? [];
    const functions = modules.get(imports.get(file));
    const known = functions?.has(name) === true;
    const { text, flags } = known ? documented(name, functions) : { text: "It never fails.", flags: [] };
    // A table that gives 0 itself leaves the caller none to give.
    groups.at(-1)?.rows.push({ calls, text, flags: line.endsWith(", 0);") ? [] : flags });
    calls = [];
  }
  return groups;
}

/** All numbers of abi/syscall.ts: name to number. */
export function numbers() {
  const source = read(path.join(root, "assembly/abi/syscall.ts"));
  return new Map(
    [...source.matchAll(/SYS_(\w+) = (\d+);/g)].map(([, name, number]) => [name, Number(number)]),
  );
}

function cell(text) {
  return text.replaceAll("|", "\\|");
}

function renderCalls() {
  const groups = table();
  const lines = [];
  for (const { group, rows } of groups) {
    lines.push(`### ${group}`, "", "| call | flags | notes |", "|---|---|---|");
    for (const { calls, text, flags } of rows) {
      const names = calls.map((name) => `\`${name}\``).join(", ");
      lines.push(`| ${names} | ${flags.map((flag) => `\`${flag}\``).join(" ")} | ${cell(text)} |`);
    }
    lines.push("");
  }
  const there = new Set(groups.flatMap(({ rows }) => rows.flatMap(({ calls }) => calls)));
  const missing = [...numbers().keys()].filter((name) => !there.has(name));
  lines.push(
    `${there.size} calls.${missing.length > 0 ? ` ENOSYS for now: ${missing.map((name) => `\`${name}\``).join(", ")}.` : ""}`,
  );
  return lines.join("\n");
}

/** The value of a literal in a TypeScript source, from behind `from` to the next `to`. */
function literal(source, from, to) {
  const start = source.indexOf(from);
  if (start < 0) throw new Error(`${from} is not there`);
  const end = source.indexOf(to, start);
  return new Function(`return ${source.slice(start + from.length, end + to.length - 2)}`)();
}

/** The options that each type takes in a bundle: name to "size=" or "ro". */
export function options() {
  const source = read(path.join(root, "src/host/config/mount-options.ts"));
  return new Map(literal(source, "const OWN = new Map<string, readonly string[]>(", "\n]);"));
}

/** The types that mount(2) takes, in the order in which they are registered, and the sandbox's own. */
export function types() {
  const source = read(path.join(root, "assembly/boot/filesystem-types.ts"));
  return [...source.matchAll(/new FilesystemType\("(\w+)"/g)].map(([, name]) => name);
}

/** What the conformance suite finds a file system without, and why; by the name of a constant. */
function lacks(file, constant) {
  const source = read(path.join(root, "test/support/sys", file));
  return literal(source, `const ${constant}: ReadonlyMap<Capability, string> = new Map(`, "\n]);");
}

function renderLacks(entries) {
  return entries.map(([what, reason]) => `${what}: ${reason}`).join("; ");
}

function renderFilesystems() {
  const own = options();
  const without = new Map([
    ["tmpfs", "Nothing: every case runs."],
    ["overlay", renderLacks(lacks("backends.ts", "OVERLAY_LACKS"))],
  ]);
  const rows = types().map((type) => {
    const words = (own.get(type) ?? []).map((option) => `\`${option}\``).join(" ");
    return `| \`${type}\` | ${words} | ${without.get(type) ?? "Nothing: its own cases pass."} |`;
  });
  const gofer = renderLacks(lacks("gofer.ts", "LACKS"));
  return [
    "| type | options | what conformance finds missing |",
    "|---|---|---|",
    ...rows,
    `| \`9p\`, a tree of the host: not by mount(2) | | ${gofer} |`,
  ].join("\n");
}

/** The text with what is between the two lines made anew. */
function replaced(text, begin, end, content) {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/compatibility.md: the line ${begin} is missing`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

function renderNodeFs(topics) {
  const rows = [...topics].map(([topic, count]) => `| ${topic} | ${count} |`);
  const total = [...topics.values()].reduce((sum, count) => sum + count, 0);
  return ["| topic | cases |", "|---|---|", ...rows, `| all | ${total} |`].join("\n");
}

async function updated(text) {
  const calls = replaced(text, BEGIN, END, renderCalls());
  const filesystems = replaced(calls, FILESYSTEMS_BEGIN, FILESYSTEMS_END, renderFilesystems());
  return replaced(filesystems, NODE_FS_BEGIN, NODE_FS_END, renderNodeFs(await nodeFsCases()));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const before = read(document);
  const after = await updated(before);
  if (process.argv.includes("--check")) {
    if (before !== after) {
      process.stderr.write(
        "docs/compatibility.md is older than the sources: run node scripts/compatibility.mjs\n",
      );
      process.exitCode = 1;
    }
  } else {
    writeFileSync(document, after);
  }
}
