// The cases of the suite as a list. scripts/compatibility.mjs counts them.

import assert from "node:assert/strict";
import { type Body, type Define, FORMS, type Form } from "./case.ts";
import { TOPICS } from "./cases/topics.ts";

export interface Case {
  readonly topic: string;
  readonly title: string;
  readonly form: Form;
  readonly body: Body;
  readonly node: number;
}

/** All cases, in the order in which they are defined. */
export function allCases(): readonly Case[] {
  const cases: Case[] = [];
  for (const [topic, define] of Object.entries(TOPICS)) {
    const add = (title: string, body: Body, form: Form, node: number): void => {
      assert(!cases.some((other) => other.topic === topic && other.title === title), `two cases: ${title}`);
      cases.push({ topic, title, form, body, node });
    };
    const single = (sentence: string, body: Body, needs = {} as { node?: number }): void =>
      add(sentence, body, "sync", needs.node ?? 0);
    const forms: Define["forms"] = (sentence, body, wanted = FORMS, needs = {}) => {
      for (const form of wanted) add(`${sentence} (${form})`, body, form, needs.node ?? 0);
    };
    define(Object.assign(single, { forms }));
  }
  return cases;
}
