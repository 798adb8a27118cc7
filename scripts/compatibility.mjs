// The generated parts of docs/compatibility.md, from the kernel's sources: the system call table with what each function says of
// itself and the flags it knows, and the calls that have a number but no function.
//
//   node scripts/compatibility.mjs           writes the document
//   node scripts/compatibility.mjs --check   exits with 1 when it is not up to date

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const document = path.join(root, "docs/compatibility.md");
const syscalls = path.join(root, "assembly/syscalls");
const BEGIN = "<!-- syscalls:begin, made by scripts/compatibility.mjs -->";
const END = "<!-- syscalls:end -->";

/** Constants that are flags or commands a caller gives. */
const FLAG =
  /\b(?:O|AT|RESOLVE|RENAME|SEEK|FALLOC_FL|RWF|XATTR|STATX|F|LOCK|MFD|EFD|IN|MS|MNT|UMOUNT|CLONE|POSIX_FADV|SYNC_FILE_RANGE|CLOSE_RANGE|MOUNT_ATTR)_[A-Z0-9_]+\b/g;
/** What looks like one and is none: masks, and values that no caller writes. */
const NO_FLAG = /^(?:O_ACCMODE|AT_FDCWD|STATX_ATTR_.*|SEEK_MAX|XATTR_(?:NAME|SIZE|LIST)_MAX|IN_ALL_EVENTS)$/;

function read(file) {
  return readFileSync(file, "utf8");
}

/** Every function of a source file: its documentation and its body. */
function functionsOf(source) {
  const found = new Map();
  const declaration = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^(?:export )?function (\w+)\(/gm;
  for (const match of source.matchAll(declaration)) {
    const end = source.indexOf("\n}\n", match.index);
    const text = (match[1] ?? "")
      .replace(/^\s*\* ?/gm, "")
      .replace(/\s+/g, " ")
      .trim();
    found.set(match[2], { text, body: source.slice(match.index + match[0].length, end) });
  }
  return found;
}

/** The flags that a function names, itself or through functions of its own file. */
function flagsOf(name, functions, seen = new Set()) {
  if (seen.has(name)) return new Set();
  seen.add(name);
  const { body } = functions.get(name);
  const flags = new Set([...body.matchAll(FLAG)].map(([flag]) => flag).filter((flag) => !NO_FLAG.test(flag)));
  for (const [, callee] of body.matchAll(/\b(\w+)\(/g)) {
    if (functions.has(callee)) for (const flag of flagsOf(callee, functions, seen)) flags.add(flag);
  }
  return flags;
}

/** Whether the caller gives flags or a command: what a wrapper passes on by itself is no matter of the caller's. */
function takesFlags(name, functions) {
  const parameters = functions
    .get(name)
    .body.split(/^\s*\): /m)[0]
    .split("): ")[0];
  return /\b(?:\w*[fF]lags|mask|how|whence|command|operation|advice|mode)\b/.test(parameters);
}

/** The function that one line delegates to, for the documentation of a call that is another with fixed arguments. */
function documented(name, functions) {
  const { text, body } = functions.get(name);
  if (text !== "") return text;
  const callee = /^\s*return (\w+)\(/m.exec(body)?.[1];
  return callee !== undefined && functions.has(callee) ? documented(callee, functions) : "";
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
    const flags = known && takesFlags(name, functions) ? [...flagsOf(name, functions)].sort() : [];
    groups.at(-1)?.rows.push({ calls, text: known ? documented(name, functions) : "", flags });
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

function render() {
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

function updated(text) {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`docs/compatibility.md: the line ${BEGIN} is missing`);
  return `${text.slice(0, from + BEGIN.length)}\n\n${render()}\n\n${text.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const before = read(document);
  const after = updated(before);
  if (process.argv.includes("--check")) {
    if (before !== after) {
      process.stderr.write(
        "docs/compatibility.md is older than the system call table: run node scripts/compatibility.mjs\n",
      );
      process.exitCode = 1;
    }
  } else {
    writeFileSync(document, after);
  }
}
