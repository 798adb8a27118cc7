// The grammar of calls: what the fuzzer can do, and how often.

import type { Rule } from "./generator.ts";
import { ACL_RULES } from "./grammar/acl.ts";
import { ATTRIBUTE_RULES } from "./grammar/attributes.ts";
import { DATA_RULES } from "./grammar/data.ts";
import { NAME_RULES } from "./grammar/names.ts";
import { OPEN_RULES } from "./grammar/open.ts";
import { PROCESS_RULES } from "./grammar/process.ts";
import { WATCH_RULES } from "./grammar/watch.ts";

export const RULES: readonly Rule[] = [
  ...OPEN_RULES,
  ...NAME_RULES,
  ...DATA_RULES,
  ...ATTRIBUTE_RULES,
  ...ACL_RULES,
  ...PROCESS_RULES,
  ...WATCH_RULES,
];
