// The page of a trace, in the browser: its entry. What is in the trace was chosen by the program that was traced; it only ever
// becomes text nodes.

import type { PageData } from "../trace/page-data.ts";
import { CallList } from "./call-list.ts";
import { descriptorsView } from "./descriptors.ts";
import { element, section } from "./elements.ts";
import { headView } from "./head.ts";
import { readModel } from "./model.ts";
import { mountsView } from "./mounts.ts";
import { timelineView } from "./timeline.ts";

const data = JSON.parse(document.getElementById("trace")!.textContent) as PageData;
const model = readModel(data);
const calls = new CallList(model);
const show = (index: number): void => calls.show(index);

document.body.append(
  headView(model),
  element("main", {}, [
    section("Mounts", "What the program saw, and where it was mounted.", mountsView(data.begin.mounts)),
    section(
      "Descriptors over time",
      "Each bar is a descriptor from its opening to its closing.",
      descriptorsView(model),
    ),
    section(
      "Timeline",
      "Each stroke is a call; those that failed are red. Choose one to see it below.",
      timelineView(model, show),
    ),
    section("Calls", "", calls.view),
  ]),
);
calls.layOut();
