// What a wvisor process exits with. A guest's own code passes through unchanged, so these are kept apart from it as docker
// and timeout(1) do.

/** `do` and `run`: wVisor itself failed, or refused its arguments. */
export const EXIT_WVISOR_ERROR = 125;
/** Other commands: the arguments are fine, but what they ask for is refused. */
export const EXIT_REFUSED = 1;
/** Other commands: the arguments cannot be understood. */
export const EXIT_USAGE = 2;
