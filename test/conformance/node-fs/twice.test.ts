// The suite over node:fs itself, twice: what differs between two runs of a case belongs to no outcome.

import { makeNodeSubject } from "./subjects/node.ts";
import { nodeFsSuite } from "./suite.ts";

nodeFsSuite("node:fs twice", makeNodeSubject);
