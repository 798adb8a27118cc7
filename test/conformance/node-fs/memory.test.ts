// The suite over createFs().

import { makeMemorySubject } from "./subjects/memory.ts";
import { nodeFsSuite } from "./suite.ts";

nodeFsSuite("createFs()", makeMemorySubject);
