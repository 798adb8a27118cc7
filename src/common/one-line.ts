/** Longer messages say nothing more. */
const LENGTH_MAX = 4096;

/** Cut to a bound, for it may quote what others chose. */
export function boundedText(text: string): string {
  return text.length <= LENGTH_MAX ? text : `${text.slice(0, LENGTH_MAX)}...`;
}

/** `text` as one line that a terminal shows as it is: messages quote file names and JSON that others wrote. Cut to a bound. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return boundedText(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    if (character === "\n") return " ";
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
