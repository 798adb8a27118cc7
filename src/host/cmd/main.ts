#!/usr/bin/env node
// The entry of build/cli.js.

import { dispatch } from "./dispatch.ts";
import { processOutput } from "./output.ts";

process.exitCode = await dispatch(process.argv.slice(2), processOutput);
