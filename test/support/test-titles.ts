// The titles of the tests in a file, without running it.

import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { ROOT } from "./cli.ts";

/** First arguments of all calls that have a function, too: of test(), describe(), test.each(...)(), and of what a file made of these. */
export function testTitles(file: string): string[] {
  const text = readFileSync(path.join(ROOT, file), "utf8");
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) titles.push(...titleOf(node));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return titles;
}

function titleOf({ arguments: args }: ts.CallExpression): string[] {
  const [title, ...others] = args;
  if (title === undefined || !others.some(isFunction)) return [];
  if (ts.isStringLiteralLike(title)) return [title.text];
  if (!ts.isTemplateExpression(title)) return [];
  return [[title.head.text, ...title.templateSpans.map(({ literal }) => literal.text)].join("…")];
}

function isFunction(node: ts.Node): boolean {
  return ts.isArrowFunction(node) || ts.isFunctionExpression(node);
}
