// The cases of the suite as a list. scripts/compatibility.mjs counts them.

import assert from "node:assert/strict";
import { type Body, type Define, FORMS, type Form } from "./case.ts";
import { TOPICS } from "./cases/topics.ts";

export interface Case {
  readonly topic: string;
  readonly title: string;
  readonly form: Form;
  readonly body: Body;
}

/** All cases, in the order in which they are defined. */
export function allCases(): readonly Case[] {
  const cases: Case[] = [];
  for (const [topic, define] of Object.entries(TOPICS)) {
    const add = (title: string, body: Body, form: Form): void => {
      assert(!cases.some((other) => other.topic === topic && other.title === title), `two cases: ${title}`);
      cases.push({ topic, title, form, body });
    };
    const single = (sentence: string, body: Body): void => add(sentence, body, "sync");
    const forms: Define["forms"] = (sentence, body, wanted = FORMS) => {
      for (const form of wanted) add(`${sentence} (${form})`, body, form);
    };
    define(Object.assign(single, { forms }));
  }
  return cases;
}
