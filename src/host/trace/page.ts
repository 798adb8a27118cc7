// The page that shows a trace: one file with its script, its style and the records in it. It asks nothing of any network, which its
// content security policy says to the browser, too.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { builtFile } from "../../common/build-folder.ts";
import type { PageData } from "../../trace/page-data.ts";
import type { TraceRecord } from "../../trace/record.ts";
import { escapeText } from "../../trace/value.ts";
import { openTrace } from "./trace-file.ts";

/** What browsers still show well. */
const CALLS_MAX = 100_000;
const DATA_MAX = 64 << 20;

/** The records of a file as far as a page takes them. Errors: WvisorError. */
function pageData(file: string): PageData {
  const { begin, rest } = openTrace(file);
  const records: TraceRecord[] = [];
  let calls = 0;
  let bytes = 0;
  let omitted = 0;
  for (const record of rest) {
    if (record.type === "call") calls++;
    if (record.type !== "end" && (calls > CALLS_MAX || bytes > DATA_MAX)) {
      if (record.type === "call") omitted++;
      continue;
    }
    bytes += JSON.stringify(record).length;
    records.push(record);
  }
  return { begin, records, omitted };
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A whole HTML document. Errors: WvisorError for what is wrong with the file. */
export function tracePage(file: string): string {
  const data = pageData(file);
  const script = readFileSync(builtFile("trace-page.js"), "utf8");
  const style = readFileSync(builtFile("trace-page.css"), "utf8");
  const policy = `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; base-uri 'none'; form-action 'none'`;
  const title = `Trace of ${data.begin.argv.map((argument) => escapeText(argument)).join(" ")}`;
  // In a script element nothing but "<" can end it.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<script type="application/json" id="trace">${json}</script>
<script>${script}</script>
</body>
</html>
`;
}
