// Ids of containers: what an engine may choose.

const ID = /^[A-Za-z0-9._+-]{1,1024}$/;
const SHOWN_MAX = 64;

/** What is wrong with it, or undefined. */
export function containerIdProblem(id: string): string | undefined {
  if (ID.test(id) && id !== "." && id !== "..") return undefined;
  const shown = id.length > SHOWN_MAX ? `${id.slice(0, SHOWN_MAX)}...` : id;
  return `invalid container id ${JSON.stringify(shown)}: must be 1 to 1024 letters, digits or "._+-"`;
}
