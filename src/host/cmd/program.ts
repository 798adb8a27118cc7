// What the entry loads when the gofer is on its way: all commands.

export { dispatch } from "./dispatch.ts";
export { processOutput } from "./output.ts";
